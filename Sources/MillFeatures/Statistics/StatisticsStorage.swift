// SPDX-License-Identifier: Apache-2.0

/// Where is kept what was counted of features' values; of each definition the newest counts.
public protocol StatisticsStorage: Sendable {
  /// Keeps what was counted, and forgets the oldest beyond a bound of the storage's own.
  func record(_ statistics: ViewStatistics) async throws

  /// What was counted of a view, the newest first.
  ///
  /// - Parameter hash: Of one definition; nil for all.
  func statistics(of view: String, hash: String?) async throws -> [ViewStatistics]
}

// SPDX-License-Identifier: Apache-2.0

/// What was counted of a view's values when they were brought online.
public struct StatisticsRecord: Hashable, Sendable {
  /// The view.
  public var view: String
  /// The hash of its definition.
  public var hash: String
  /// As of when the values stood, in UTC microseconds.
  public var asOf: Int64
  /// When they were counted, in UTC microseconds.
  public var recordedAt: Int64
  /// What was counted, as JSON text.
  public var statistics: String

  /// What was counted of a view.
  public init(view: String, hash: String, asOf: Int64, recordedAt: Int64, statistics: String) {
    self.view = view
    self.hash = hash
    self.asOf = asOf
    self.recordedAt = recordedAt
    self.statistics = statistics
  }
}

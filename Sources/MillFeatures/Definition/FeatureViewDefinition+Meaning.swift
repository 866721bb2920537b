// SPDX-License-Identifier: Apache-2.0

internal import MillTiles

extension FeatureViewDefinition {
  /// Whether one of its windows begins to the microsecond, which takes the rows themselves.
  package var hasExactWindows: Bool {
    windowed.contains { $0.windows.contains { $0.window.edge == .exact } }
  }

  /// What a feature is, in a line; empty for a name that is none.
  package func meaning(of name: String) -> String {
    if let latest = latest.first(where: { $0.name == name }) {
      return "the newest \(latest.column)"
    }
    for windowed in windowed {
      guard let feature = windowed.features.first(where: { $0.name == name }) else { continue }
      let rows = windowed.column.map { "of \($0)" } ?? "of rows"
      let filter = windowed.filter.map { " where \($0)" } ?? ""
      return "\(feature.aggregation) \(rows) over \(feature.window.reach)\(filter)"
    }
    return ""
  }
}

// SPDX-License-Identifier: Apache-2.0

internal import MillCore

/// A view that is answered for.
struct ServedView: Sendable {
  var reader: ViewReader
  var latest: ServedTable?
  var tiles: ServedTable?
  /// Whether on-demand features are computed of its values.
  var keepsValues: Bool

  func table(_ content: OnlineTable.Content) -> ServedTable? {
    switch content {
    case .latest: latest
    case .tiles: tiles
    }
  }

  /// Which table holds a feature, and which of its values it is.
  func cell(of feature: String) -> (OnlineTable.Content, Int)? {
    let view = reader.bound.view
    guard let place = view.featureNames.firstIndex(of: feature) else { return nil }
    let count = view.latest.count
    return place < count ? (.latest, place) : (.tiles, place - count)
  }
}

/// The definitions that a server answers by, held against their sources.
struct ServingCatalog: Sendable {
  var definitions = FeatureDefinitions()
  var views: [String: ServedView] = [:]
  var onDemand: [String: BoundOnDemand] = [:]
  /// Why a view is not answered for.
  var problems: [String: FeatureError] = [:]

  func view(_ name: String) throws(FeatureError) -> ServedView {
    if let view = views[name] { return view }
    throw problems[name] ?? .notServed(view: name)
  }

  /// All tables that are read.
  var tables: [ServedTable] {
    views.values.flatMap { [$0.latest, $0.tiles].compactMap { $0 } }
      .sorted { $0.number < $1.number }
  }
}

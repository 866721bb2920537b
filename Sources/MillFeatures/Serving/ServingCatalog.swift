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

  /// The view of a name as it is answered for; nil when it is not.
  func served(_ name: String, keepingValues: Bool) -> ServedView? {
    guard var view = views[name], view.isServed else { return nil }
    view.keepsValues = view.keepsValues || keepingValues
    return view
  }

  /// Puts earlier definitions in place of those that cannot be answered by yet.
  mutating func keep(_ earlier: FeatureDefinitions) {
    definitions.views = definitions.views.map { views[$0.name]?.reader.bound.view ?? $0 }
    definitions.onDemand = definitions.onDemand.map { onDemand[$0.name]?.definition ?? $0 }
    definitions.services = definitions.services.map { service in
      guard (try? definitions.resolve(service.features)) == nil,
        let old = earlier.services.first(where: { $0.name == service.name }),
        (try? definitions.resolve(old.features)) != nil
      else { return service }
      return old
    }
  }

  /// All tables that are read.
  var tables: [ServedTable] {
    views.values.flatMap { [$0.latest, $0.tiles].compactMap { $0 } }
      .sorted { $0.number < $1.number }
  }
}

// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// The features of one model, under one name.
public struct FeatureServiceDefinition: Hashable, Sendable {
  /// The name that training sets and requests use.
  public var name: String
  /// Features, or whole views, in the order of the model's columns.
  public var features: [FeatureReference]
  /// For people.
  public var notes: DefinitionNotes
  /// Where it is defined.
  public var place: SourcePlace

  /// A service of features.
  public init(
    name: String,
    features: [FeatureReference],
    notes: DefinitionNotes = DefinitionNotes(),
    place: SourcePlace = SourcePlace(path: "")
  ) {
    self.name = name
    self.features = features
    self.notes = notes
    self.place = place
  }
}

/// How a feature is asked for: `view.feature`, Feast's `view:feature`, or a whole view.
///
/// ```swift
/// FeatureReference("card_spend:amount_sum_1h")?.feature  // "amount_sum_1h"
/// ```
public struct FeatureReference: Hashable, Sendable, CustomStringConvertible {
  /// The view.
  public var view: String
  /// The feature inside of it; nil for all.
  public var feature: String?

  /// A feature of a view.
  public init(view: String, feature: String?) {
    self.view = view
    self.feature = feature
  }

  /// Reads a reference; nil when it is none.
  public init?(_ text: String) {
    let parts = text.split(maxSplits: 1, omittingEmptySubsequences: false) {
      $0 == "." || $0 == ":"
    }
    let names = parts.map(String.init)
    guard (1...2).contains(names.count), names.allSatisfy(DatasetName.isName) else { return nil }
    view = names[0]
    feature = names.count == 2 ? names[1] : nil
  }

  /// `view.feature`, or the view's name.
  public var description: String {
    feature.map { "\(view).\($0)" } ?? view
  }
}

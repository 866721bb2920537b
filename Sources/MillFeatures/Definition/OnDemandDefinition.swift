// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// Features that are computed from other features and from what the request says.
///
/// They are in no store and no tile: training computes them in SQL after the join, serving in Swift
/// after the look-up, from one expression that both take for the same (docs/semantics.md, 29).
///
/// ```yaml
/// card_habit:
///   inputs: {amount: double}
///   uses: {habit: card_spend.amount_mean_7d}
///   features:
///     amount_to_habit: amount / nullif(habit, 0)
/// ```
public struct OnDemandDefinition: Hashable, Sendable {
  /// A feature under a name in expressions.
  public struct Use: Hashable, Sendable {
    /// The name in expressions.
    public var name: String
    /// The feature of a view.
    public var feature: ResolvedFeature

    /// A feature under a name.
    public init(name: String, feature: ResolvedFeature) {
      self.name = name
      self.feature = feature
    }
  }

  /// A feature and the expression that computes it.
  public struct Computed: Hashable, Sendable {
    /// The feature's name.
    public var name: String
    /// An expression in the subset of SQL that is computed online as well.
    public var sql: String
    /// Where it is defined.
    public var place: SourcePlace

    /// A feature by its expression.
    public init(name: String, sql: String, place: SourcePlace = SourcePlace(path: "")) {
      self.name = name
      self.sql = sql
      self.place = place
    }
  }

  /// The name before the dot in `view.feature`.
  public var name: String
  /// What a request says, and labels have as columns: names and types.
  public var inputs: [Field]
  /// Features of views that expressions name.
  public var uses: [Use]
  /// The features.
  public var features: [Computed]
  /// For people.
  public var notes: DefinitionNotes
  /// Where it is defined.
  public var place: SourcePlace

  /// Features computed on demand.
  public init(
    name: String,
    inputs: [Field] = [],
    uses: [Use] = [],
    features: [Computed],
    notes: DefinitionNotes = DefinitionNotes(),
    place: SourcePlace = SourcePlace(path: "")
  ) {
    self.name = name
    self.inputs = inputs
    self.uses = uses
    self.features = features
    self.notes = notes
    self.place = place
  }
}

// SPDX-License-Identifier: Apache-2.0

public import MillCore
public import MillEngine
public import MillLake

/// What a feature store works with; whoever assembles it picks the adapters.
public struct FeatureEnvironment: Sendable {
  /// Where views read and training sets are kept.
  public var lake: Lake
  /// What joins and aggregates.
  public var engine: any Engine
  /// The clock, the randomness and the disk.
  public var world: World
  /// The hash of what makes a dataset, by which a change upstream is seen.
  ///
  /// It gives nil for a dataset that nobody defines, and is nil where nothing is known of datasets.
  public var definitionHash: (@Sendable (DatasetName) -> String?)?
  /// Whether a table was made by the definition that there is now; nil where nobody can tell.
  public var isPresent: (@Sendable (Snapshot, DatasetName) -> Bool)?
  /// Where versions of definitions are remembered; nil to remember none.
  public var registry: FeatureRegistry?
  /// Where is kept what was counted of values; nil to count nothing.
  public var statistics: (any StatisticsStorage)?

  /// An environment of these parts.
  public init(
    lake: Lake,
    engine: any Engine,
    world: World,
    definitionHash: (@Sendable (DatasetName) -> String?)? = nil,
    isPresent: (@Sendable (Snapshot, DatasetName) -> Bool)? = nil,
    registry: FeatureRegistry? = nil,
    statistics: (any StatisticsStorage)? = nil
  ) {
    self.registry = registry
    self.statistics = statistics
    self.isPresent = isPresent
    self.lake = lake
    self.engine = engine
    self.world = world
    self.definitionHash = definitionHash
  }
}

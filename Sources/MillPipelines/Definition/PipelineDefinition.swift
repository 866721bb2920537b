// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// Everything that a pipeline is made of.
public struct PipelineDefinition: Hashable, Sendable {
  /// The project's name.
  public var name: String
  /// Where raw data comes from.
  public var sources: [SourceDefinition]
  /// What is made of it.
  public var models: [ModelDefinition]

  /// A pipeline of these sources and models.
  public init(name: String, sources: [SourceDefinition], models: [ModelDefinition]) {
    self.name = name
    self.sources = sources
    self.models = models
  }

  /// The names of everything defined, in order.
  public var datasets: [DatasetName] {
    (sources.map(\.dataset) + models.map(\.dataset)).sorted()
  }
}

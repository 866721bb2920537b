// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// Everything that a pipeline is made of.
public struct PipelineDefinition: Hashable, Sendable {
  public var name: String
  public var sources: [SourceDefinition]
  public var models: [ModelDefinition]

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

// SPDX-License-Identifier: Apache-2.0

public import MillCore
public import MillLedger

/// A dataset or a file that data came from.
public struct LineageNode: Hashable, Sendable {
  /// What a node stands for.
  public enum Kind: String, Hashable, Sendable {
    case dataset, file
  }

  /// Layer and name, or `file:` and a path.
  public var name: String

  /// Whether the name is that of a dataset or of a file.
  public var kind: Kind { name.hasPrefix(LineageEdge.filePrefix) ? .file : .dataset }

  /// A node of this name.
  public init(name: String) {
    self.name = name
  }
}

/// Nodes and edges in a fixed order, to be printed or drawn.
public struct LineageGraph: Hashable, Sendable {
  /// By name.
  public var nodes: [LineageNode]
  /// By output and then by input.
  public var edges: [LineageEdge]

  /// A graph of these nodes and edges.
  public init(nodes: [LineageNode], edges: [LineageEdge]) {
    self.nodes = nodes
    self.edges = edges
  }

  /// The graph as JSON: `{"nodes": [{"name", "kind"}], "edges": [{"input", "output", …}]}`.
  public var json: JSONValue {
    [
      "nodes": .array(
        nodes.map { ["name": .string($0.name), "kind": .string($0.kind.rawValue)] }
      ),
      "edges": .array(
        edges.map { edge in
          [
            "input": .string(edge.input),
            "output": .string(edge.output),
            "run_id": .string(edge.runID),
            "input_version": edge.inputVersion.map { .int($0) } ?? .null,
            "output_version": edge.outputVersion.map { .int($0) } ?? .null,
            "recorded_at_microseconds": .int(edge.recordedAt),
          ]
        }
      ),
    ]
  }
}

// SPDX-License-Identifier: Apache-2.0

/// From the columns of tables through features to models: what is made of what.
public struct FeatureLineage: Hashable, Sendable {
  /// Something on the way.
  public struct Node: Hashable, Sendable {
    /// What it can be.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
      case table, column
      /// The SELECT of a view: which columns of its tables it uses is not told.
      case query
      case feature
      case onDemand = "on_demand"
      case service
      case trainingSet = "training_set"
    }

    /// What it is.
    public var kind: Kind
    /// `silver.payments.amount`, `card_spend.amount_sum_1h`, `fraud`; of a training set its id.
    public var name: String

    /// A node by name.
    public init(_ kind: Kind, _ name: String) {
      self.kind = kind
      self.name = name
    }
  }

  /// One step from what is used to what uses it.
  public struct Edge: Hashable, Sendable {
    /// What is used.
    public var input: Node
    /// What uses it.
    public var output: Node
    /// As what: `value`, `where`, `key`, `time`, `knowledge`, `id`; of a training set whether the view
    /// was another one then.
    public var role: String?

    /// A step.
    public init(_ input: Node, _ output: Node, _ role: String? = nil) {
      self.input = input
      self.output = output
      self.role = role
    }
  }

  /// Which way to go.
  public enum Direction: String, Hashable, Sendable, CaseIterable {
    /// To what something is made from.
    case upstream
    /// To what it goes into.
    case downstream
  }

  /// Every step once, in the order of the definitions.
  public private(set) var edges: [Edge] = []
  /// What training sets are called, by their ids.
  public private(set) var setNames: [String: String] = [:]
  private var known: Set<Edge> = []

  init() {}

  mutating func add(_ edge: Edge) {
    if known.insert(edge).inserted { edges.append(edge) }
  }

  mutating func name(_ set: TrainingSetManifest) { setNames[set.id] = set.name }

  /// All nodes, each once.
  public var nodes: [Node] {
    var seen: Set<Node> = []
    return edges.flatMap { [$0.input, $0.output] }.filter { seen.insert($0).inserted }
  }

  /// The next steps from a node.
  public func steps(from node: Node, _ direction: Direction) -> [(node: Node, role: String?)] {
    edges.compactMap { edge in
      switch direction {
      case .upstream: edge.output == node ? (edge.input, edge.role) : nil
      case .downstream: edge.input == node ? (edge.output, edge.role) : nil
      }
    }
  }

  /// All edges that a walk from some nodes goes along.
  public func edges(from nodes: [Node], _ direction: Direction) -> [Edge] {
    var reached = Set(nodes)
    var waiting = nodes
    var found: Set<Edge> = []
    while let node = waiting.popLast() {
      for edge in edges where (direction == .upstream ? edge.output : edge.input) == node {
        found.insert(edge)
        let next = direction == .upstream ? edge.input : edge.output
        if reached.insert(next).inserted { waiting.append(next) }
      }
    }
    return edges.filter { found.contains($0) }
  }

  /// The nodes that somebody means: a name as it stands, all features of a view, or a training set by
  /// its id, the first digits of it, or its name.
  public func nodes(named text: String) -> [Node] {
    let word = text.hasPrefix("training.") ? String(text.dropFirst(9)) : text
    let nodes = nodes
    let exact = nodes.filter { $0.name == text }
    if !exact.isEmpty { return exact }
    let features = nodes.filter { node in
      [.feature, .onDemand].contains(node.kind) && node.name.hasPrefix("\(text).")
    }
    if !features.isEmpty { return features }
    let sets = nodes.filter { $0.kind == .trainingSet }
    let named = sets.filter { setNames[$0.name] == word }
    if !named.isEmpty { return named }
    return word.utf8.count >= 4 ? sets.filter { $0.name.hasPrefix(word) } : []
  }
}

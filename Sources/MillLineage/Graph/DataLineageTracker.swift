// SPDX-License-Identifier: Apache-2.0

internal import MillCore
public import MillLedger

/// Which way to follow the lineage.
public enum LineageDirection: String, Hashable, Sendable, CaseIterable {
  /// Towards the sources: what is this made of?
  case upstream
  /// Towards the users: what is made of this?
  case downstream
}

/// A dataset or file that was reached, and how far away it is.
public struct LineageStep: Hashable, Sendable {
  /// Layer and name, or `file:` and a path.
  public var name: String
  /// The least number of edges from where the search began; at least one.
  public var distance: Int

  /// Something at a distance.
  public init(name: String, distance: Int) {
    self.name = name
    self.distance = distance
  }
}

/// Answers where data came from and where it went.
///
/// All answers come in one order, whatever order the edges came in: names compare by their bytes.
/// Circles do no harm. A snapshot: load it again to see later runs.
///
/// ```swift
/// let tracker = try await DataLineageTracker(ledger: ledger)
/// tracker.upstream(of: "gold.delays").map(\.name)  // ["silver.flights", "bronze.flights"]
/// ```
public struct DataLineageTracker: Sendable {
  private let edgesByPair: [Pair: LineageEdge]
  private let inputs: [ByteKey: [ByteKey]]
  private let outputs: [ByteKey: [ByteKey]]
  private let names: [ByteKey]

  /// The lineage of these edges; of several with the same input and output, the newest counts.
  ///
  /// - Complexity: O(n log n) in edges.
  public init(edges: [LineageEdge]) {
    var edgesByPair: [Pair: LineageEdge] = [:]
    for edge in edges {
      let pair = Pair(input: ByteKey(edge.input), output: ByteKey(edge.output))
      if let other = edgesByPair[pair], !edge.isNewer(than: other) { continue }
      edgesByPair[pair] = edge
    }
    var inputs: [ByteKey: [ByteKey]] = [:]
    var outputs: [ByteKey: [ByteKey]] = [:]
    for pair in edgesByPair.keys {
      inputs[pair.output, default: []].append(pair.input)
      outputs[pair.input, default: []].append(pair.output)
    }
    self.edgesByPair = edgesByPair
    self.inputs = inputs.mapValues { $0.sorted() }
    self.outputs = outputs.mapValues { $0.sorted() }
    names = Set(inputs.keys).union(outputs.keys).sorted()
  }

  /// The lineage that a ledger holds now.
  public init(ledger: Ledger, scope: LineageScope = .current) async throws(LedgerError) {
    self.init(edges: try await ledger.edges(scope))
  }

  /// Whether anything is known of this name.
  public func contains(_ name: String) -> Bool {
    let key = ByteKey(name)
    return inputs[key] != nil || outputs[key] != nil
  }

  /// What a dataset is made of, nearest first, then by name; `depth` nil means to the sources.
  public func upstream(of name: String, depth: Int? = nil) -> [LineageStep] {
    steps(from: name, .upstream, depth: depth)
  }

  /// What is made of a dataset or file, nearest first, then by name; `depth` nil means all of it.
  public func downstream(of name: String, depth: Int? = nil) -> [LineageStep] {
    steps(from: name, .downstream, depth: depth)
  }

  /// What is reached in one direction, nearest first, then by name.
  ///
  /// Where it began is left out.
  public func steps(
    from name: String,
    _ direction: LineageDirection,
    depth: Int? = nil
  ) -> [LineageStep] {
    reached(from: ByteKey(name), direction, depth: depth).map {
      LineageStep(name: $0.name.description, distance: $0.distance)
    }
  }

  /// All nodes by name, all edges by output and then input.
  public func graph() -> LineageGraph {
    graph(of: names)
  }

  /// The part around one name: itself, what is upstream and what is downstream of it.
  public func graph(around name: String, depth: Int? = nil) -> LineageGraph {
    guard contains(name) else { return LineageGraph(nodes: [], edges: []) }
    let key = ByteKey(name)
    let around = LineageDirection.allCases.flatMap { reached(from: key, $0, depth: depth) }
    return graph(of: Set(around.map(\.name)).union([key]).sorted())
  }

  /// The neighbours of a name in one direction, in order.
  func neighbours(of key: ByteKey, _ direction: LineageDirection) -> [ByteKey] {
    switch direction {
    case .upstream: inputs[key] ?? []
    case .downstream: outputs[key] ?? []
    }
  }

  private func reached(
    from origin: ByteKey,
    _ direction: LineageDirection,
    depth: Int?
  ) -> [(name: ByteKey, distance: Int)] {
    var seen: Set<ByteKey> = [origin]
    var found: [(name: ByteKey, distance: Int)] = []
    var frontier = [origin]
    var distance = 0
    while !frontier.isEmpty, depth.map({ distance < $0 }) ?? true {
      distance += 1
      var next: [ByteKey] = []
      for key in frontier {
        next += neighbours(of: key, direction).filter { seen.insert($0).inserted }
      }
      frontier = next.sorted()
      found += frontier.map { ($0, distance) }
    }
    return found
  }

  private func graph(of names: [ByteKey]) -> LineageGraph {
    let chosen = Set(names)
    var edges: [LineageEdge] = []
    for output in names {
      for input in inputs[output] ?? [] where chosen.contains(input) {
        if let edge = edgesByPair[Pair(input: input, output: output)] { edges.append(edge) }
      }
    }
    return LineageGraph(nodes: names.map { LineageNode(name: $0.description) }, edges: edges)
  }

  private struct Pair: Hashable {
    var input: ByteKey
    var output: ByteKey
  }
}

extension LineageEdge {
  fileprivate func isNewer(than other: Self) -> Bool {
    if recordedAt != other.recordedAt { return recordedAt > other.recordedAt }
    return ByteKey(runID) > ByteKey(other.runID)
  }
}

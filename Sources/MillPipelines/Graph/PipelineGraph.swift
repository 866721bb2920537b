// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// Which datasets are made from which; it has no circles.
public struct PipelineGraph: Sendable {
  /// The datasets in an order in which each comes after all that it reads.
  public let order: [DatasetName]
  /// What each dataset reads.
  public let inputs: [DatasetName: [DatasetName]]
  /// What reads each dataset.
  public let readers: [DatasetName: [DatasetName]]

  /// - Throws: `PipelineError.cycle` with the datasets of one circle.
  public init(inputs: [DatasetName: [DatasetName]]) throws(PipelineError) {
    self.inputs = inputs
    var readers: [DatasetName: [DatasetName]] = [:]
    for (reader, read) in inputs {
      for input in read { readers[input, default: []].append(reader) }
    }
    self.readers = readers.mapValues { $0.sorted() }
    var order: [DatasetName] = []
    var state: [DatasetName: Bool] = [:]  // false while its inputs are being visited
    for start in inputs.keys.sorted() where state[start] == nil {
      var path: [(name: DatasetName, rest: ArraySlice<DatasetName>)] = [
        (start, (inputs[start] ?? []).sorted()[...])
      ]
      state[start] = false
      while let top = path.last {
        if let next = top.rest.first {
          path[path.count - 1].rest = top.rest.dropFirst()
          switch state[next] {
          case .none:
            state[next] = false
            path.append((next, (inputs[next] ?? []).sorted()[...]))
          case .some(false):
            throw .cycle(path.map(\.name).drop { $0 != next }.map { $0 })
          case .some(true): break
          }
        } else {
          state[top.name] = true
          order.append(top.name)
          path.removeLast()
        }
      }
    }
    self.order = order
  }

  /// Everything that a dataset is made from, directly or not.
  public func ancestors(of dataset: DatasetName) -> Set<DatasetName> {
    reach(from: dataset, inputs)
  }

  /// Everything that is made from a dataset, directly or not.
  public func descendants(of dataset: DatasetName) -> Set<DatasetName> {
    reach(from: dataset, readers)
  }

  private func reach(
    from start: DatasetName,
    _ edges: [DatasetName: [DatasetName]]
  ) -> Set<DatasetName> {
    var found: Set<DatasetName> = []
    var waiting = edges[start] ?? []
    while let next = waiting.popLast() {
      guard found.insert(next).inserted else { continue }
      waiting.append(contentsOf: edges[next] ?? [])
    }
    return found
  }

  /// The datasets that selectors name; no selector means everything.
  ///
  /// `NAME` is itself, `+NAME` all that it is made from as well, `NAME+` all that is made from it.
  ///
  /// - Throws: `PipelineError.unknownSelector`, naming the nearest.
  public func selected(by selectors: [String]) throws(PipelineError) -> Set<DatasetName> {
    guard !selectors.isEmpty else { return Set(order) }
    var found: Set<DatasetName> = []
    for selector in selectors {
      var word = selector[...]
      let withAncestors = word.hasPrefix("+")
      if withAncestors { word = word.dropFirst() }
      let withDescendants = word.hasSuffix("+")
      if withDescendants { word = word.dropLast() }
      let matches = order.filter { $0.description == word || $0.name == word }
      guard !matches.isEmpty else {
        throw .unknownSelector(
          String(word),
          nearest: nearestName(
            to: String(word),
            among: order.map(\.description) + order.map(\.name)
          )
        )
      }
      for match in matches {
        found.insert(match)
        if withAncestors { found.formUnion(ancestors(of: match)) }
        if withDescendants { found.formUnion(descendants(of: match)) }
      }
    }
    return found
  }
}

// SPDX-License-Identifier: Apache-2.0

internal import MillCore

extension SimulatedDisk {
  /// What is left of a content: a beginning, and perhaps zeros for the rest.
  struct Remains: Hashable, Sendable {
    var kept: Int
    var size: Int

    static let nothing = Self(kept: 0, size: 0)

    static func whole(_ size: Int) -> Self { Self(kept: size, size: size) }

    /// What stands for all that may be left, from nothing to the whole.
    static func samples(of size: Int) -> [Self] {
      var samples = [nothing]
      for remains in [
        Self(kept: size / 2, size: size / 2), Self(kept: 0, size: size),
        Self(kept: size / 2, size: size), whole(size),
      ] where !samples.contains(remains) {
        samples.append(remains)
      }
      return samples
    }

    static func random(of size: Int, _ chance: SeededRandom) -> Self {
      switch chance.below(4) {
      case 0: return nothing
      case 1: return whole(size)
      default:
        let kept = chance.below(size + 1)
        return Self(kept: kept, size: chance.happens(percent: 50) ? kept : size)
      }
    }

    func cut(_ bytes: [UInt8]) -> [UInt8] {
      bytes.prefix(kept) + [UInt8](repeating: 0, count: size - kept)
    }
  }

  /// What is found after a power cut.
  struct Outcome: Hashable, Sendable {
    /// What the folders that can be reached hold.
    var names: Names
    /// What is left of the files that were never synced.
    var remains: [Node: Remains]
  }

  /// What may have become of a disk, by the rules of ``SimulatedDisk``.
  struct PowerCut: Sendable {
    private let nodes: [Node: Inode]
    /// The names that are on the disk in any case.
    private var sure: Names
    /// The changes of names that may have reached it or not, in order.
    private var open: [Change] = []
    /// For each of these the earlier ones without which it cannot be there.
    private var needs: [[Int]] = []
    private var unsynced: Set<Node> = []
    /// Where each folder made since the record began was made.
    private var homes: [Node: Node] = [:]
    private var movedFolders: Set<Node> = []
    /// For each folder whose making is open the number of that change.
    private var births: [Node: Int] = [:]

    init(_ state: State, afterOperations count: Int) {
      nodes = state.nodes
      sure = state.before
      for (_, effect) in state.record.prefix(count) {
        switch effect {
        case .names(let change): record(change)
        case .syncedFile(let node): unsynced.remove(node)
        case .syncedFolder(let node): settle(node)
        }
      }
      needs = Self.needs(of: open, nodes)
      for (number, change) in open.enumerated() {
        if let made = change.made { births[made] = number }
      }
    }
  }
}

// MARK: - What is open

extension SimulatedDisk.PowerCut {
  typealias Node = SimulatedDisk.Node
  typealias Names = SimulatedDisk.Names
  typealias Change = SimulatedDisk.Change
  typealias Outcome = SimulatedDisk.Outcome
  typealias Remains = SimulatedDisk.Remains

  private mutating func record(_ change: Change) {
    open.append(change)
    if let made = change.made {
      if nodes[made]?.bytes != nil {
        unsynced.insert(made)
      } else {
        homes[made] = change.slots.first?.slot.folder
      }
    }
    if let moved = change.moved, nodes[moved]?.bytes == nil { movedFolders.insert(moved) }
  }

  /// Makes sure of the changes of a folder and of those that they need.
  private mutating func settle(_ folder: Node) {
    let needs = Self.needs(of: open, nodes)
    var isSure = open.map { $0.slots.contains { $0.slot.folder == folder } }
    for number in open.indices.reversed() where isSure[number] {
      for needed in needs[number] { isSure[needed] = true }
    }
    // An open change never comes before a sure one of the same name, so the order is kept.
    for (number, change) in open.enumerated() where isSure[number] { change.apply(to: &sure) }
    open = open.enumerated().filter { !isSure[$0.offset] }.map(\.element)
  }

  /// For each change the last earlier ones of its names, and for a moved folder the last move.
  private static func needs(
    of changes: [Change],
    _ nodes: [Node: SimulatedDisk.Inode]
  ) -> [[Int]] {
    var last: [SimulatedDisk.Slot: Int] = [:]
    var lastMove: Int?
    return changes.enumerated().map { number, change in
      var needs = change.slots.compactMap { last.updateValue(number, forKey: $0.slot) }
      if let moved = change.moved, nodes[moved]?.bytes == nil {
        if let lastMove { needs.append(lastMove) }
        lastMove = number
      }
      return needs
    }
  }

  // MARK: Choosing

  /// All outcomes if there are at most `limit`, else so many; the poorest first, the richest last.
  func outcomes(limit: Int, seed: UInt64) -> [Outcome] {
    precondition(limit >= 2, "the poorest and the richest state are two")
    let none = names(keeping: open.map { _ in false })
    let all = names(keeping: open.map { _ in true })
    let poorest = outcome(none) { _ in .nothing }
    let richest = outcome(all) { .whole($0) }
    var chosen = Chosen([poorest, richest], limit: limit)
    // Whoever takes the presence of a name for that of its content is found out here.
    let ends = [poorest, richest, outcome(all) { _ in .nothing }]
    if !addEach(to: &chosen) {
      let found = chosen
      chosen = Chosen(ends, limit: limit)
      sample(SeededRandom(seed: seed), to: &chosen)
      // So many there are; the first found are as good as any where chance repeats itself.
      for outcome in found.outcomes { chosen.add(outcome) }
    }
    let others = chosen.outcomes.filter { $0 != poorest && $0 != richest }
    return [poorest] + others + (richest == poorest ? [] : [richest])
  }

  /// Different outcomes, up to a limit.
  private struct Chosen {
    private(set) var outcomes: [Outcome] = []
    private var known: Set<Outcome> = []
    let limit: Int

    init(_ first: [Outcome], limit: Int) {
      self.limit = limit
      for outcome in first { add(outcome) }
    }

    var isFull: Bool { outcomes.count == limit }

    /// Whether there was room for it, or it was there already.
    @discardableResult
    mutating func add(_ outcome: Outcome) -> Bool {
      if known.contains(outcome) { return true }
      guard !isFull else { return false }
      known.insert(outcome)
      outcomes.append(outcome)
      return true
    }
  }

  /// Goes through all subsets and contents; false when there are more than fit.
  private func addEach(to chosen: inout Chosen) -> Bool {
    var kept: [Bool] = []
    var tries = 0
    extend(&kept)
    repeat {
      // A name that is made and removed over and over looks the same in many subsets.
      tries += 1
      guard tries <= chosen.limit * 64 else { return false }
      let names = names(keeping: kept)
      let files = unsyncedFiles(in: names)
      let samples = files.map { Remains.samples(of: size($0)) }
      var picks = files.map { _ in 0 }
      repeat {
        let left = files.indices.map { (files[$0], samples[$0][picks[$0]]) }
        let outcome = Outcome(names: names, remains: Dictionary(uniqueKeysWithValues: left))
        guard chosen.add(outcome) else { return false }
      } while advance(&picks, samples.map(\.count))
    } while advance(&kept)
    return true
  }

  /// Adds outcomes by chance until there are enough, or chance repeats itself too often.
  private func sample(_ chance: SeededRandom, to chosen: inout Chosen) {
    var attempts = 0
    while !chosen.isFull, attempts / 8 < chosen.outcomes.count {
      attempts += 1
      // Even chances alone would hardly ever keep almost all or almost nothing of many changes.
      let percent = [15, 50, 85][chance.below(3)]
      var kept: [Bool] = []
      for number in open.indices {
        kept.append(mayKeep(number, kept) && chance.happens(percent: percent))
      }
      chosen.add(outcome(names(keeping: kept)) { .random(of: $0, chance) })
    }
  }

  // MARK: Counting through subsets

  /// Whether a change may be there, given which of the earlier ones are.
  private func mayKeep(_ number: Int, _ kept: [Bool]) -> Bool {
    needs[number].allSatisfy { kept[$0] }
  }

  /// Whether nothing will ever lead to a folder, given which changes up to now are there.
  private func isLost(_ folder: Node, _ kept: [Bool]) -> Bool {
    if let birth = births[folder], !kept[birth] { return true }
    guard let home = homes[folder], !movedFolders.contains(folder) else { return false }
    return isLost(home, kept)
  }

  /// Whether a change cannot be seen, so that leaving it out would only say the same twice.
  private func isUnseen(_ number: Int, _ kept: [Bool]) -> Bool {
    open[number].slots.allSatisfy { isLost($0.slot.folder, kept) }
  }

  /// Goes on with as little as possible, up to the last change.
  private func extend(_ kept: inout [Bool]) {
    for number in kept.count..<open.count {
      kept.append(isUnseen(number, kept) && mayKeep(number, kept))
    }
  }

  /// The next subset, as counting in binary does; false after the last.
  private func advance(_ kept: inout [Bool]) -> Bool {
    while let last = kept.popLast() {
      if !last, mayKeep(kept.count, kept), !isUnseen(kept.count, kept) {
        kept.append(true)
        extend(&kept)
        return true
      }
    }
    return false
  }

  private func advance(_ picks: inout [Int], _ counts: [Int]) -> Bool {
    for place in picks.indices.reversed() {
      picks[place] += 1
      if picks[place] < counts[place] { return true }
      picks[place] = 0
    }
    return false
  }

  // MARK: What a choice looks like

  private func outcome(_ names: Names, _ remains: (_ size: Int) -> Remains) -> Outcome {
    let files = unsyncedFiles(in: names)
    let left = files.map { ($0, remains(size($0))) }
    return Outcome(names: names, remains: Dictionary(uniqueKeysWithValues: left))
  }

  /// The names after some of the open changes, as far as the root leads to them.
  private func names(keeping kept: [Bool]) -> Names {
    var names = sure
    for (change, isKept) in zip(open, kept) where isKept { change.apply(to: &names) }
    var reached: Names = [:]
    var folders = [SimulatedDisk.State.root]
    while let folder = folders.popLast() {
      let entries = names[folder] ?? [:]
      reached[folder] = entries
      folders += entries.values.filter { nodes[$0]?.bytes == nil && reached[$0] == nil }
    }
    return reached
  }

  /// In the order in which they were made, so that the same seed gives the same.
  private func unsyncedFiles(in names: Names) -> [Node] {
    Set(names.values.flatMap(\.values)).intersection(unsynced).sorted()
  }

  private func size(_ file: Node) -> Int { nodes[file]?.bytes?.count ?? 0 }
}

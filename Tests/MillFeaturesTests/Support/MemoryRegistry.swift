// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillFeatures

/// Versions of definitions in memory, by the same rules as the ledger.
actor MemoryRegistry: RegistryStorage {
  private(set) var allVersions: [DefinitionVersion] = []
  private(set) var allEvents: [DefinitionEvent] = []

  func record(
    _ definitions: [DefinitionFacts],
    isComplete: Bool,
    at instant: Instant
  ) -> [Int] {
    let numbers = definitions.map { facts in
      let known = allVersions.filter { $0.facts.kind == facts.kind && $0.facts.name == facts.name }
      let number = known.first { $0.facts.hash == facts.hash }?.number ?? known.count + 1
      if number > known.count {
        allVersions.append(DefinitionVersion(facts: facts, number: number, recordedAt: instant))
      }
      let old = allEvents.last { $0.kind == facts.kind && $0.name == facts.name }
      let types = facts.types ?? (old?.version == number ? old?.types : nil)
      if old?.version != number || old?.notes != facts.notes || old?.types != types {
        allEvents.append(
          DefinitionEvent(
            kind: facts.kind,
            name: facts.name,
            version: number,
            notes: facts.notes,
            types: types,
            recordedAt: instant
          )
        )
      }
      return number
    }
    guard isComplete else { return numbers }
    for version in Set(allVersions.map { Name(kind: $0.facts.kind, name: $0.facts.name) })
    where !definitions.contains(where: { $0.kind == version.kind && $0.name == version.name }) {
      let old = allEvents.last { $0.kind == version.kind && $0.name == version.name }
      guard var old, old.version != nil else { continue }
      old.version = nil
      allEvents.append(old)
    }
    return numbers
  }

  private struct Name: Hashable {
    var kind: DefinitionKind
    var name: String
  }

  func versions(of name: String?) -> [DefinitionVersion] {
    allVersions.filter { name == nil || $0.facts.name == name }
  }

  func events(of name: String?) -> [DefinitionEvent] {
    allEvents.filter { name == nil || $0.name == name }
  }
}

/// What was counted, in memory.
actor MemoryStatistics: StatisticsStorage {
  private(set) var all: [ViewStatistics] = []

  func record(_ statistics: ViewStatistics) { all.append(statistics) }

  func statistics(of view: String, hash: String?) -> [ViewStatistics] {
    all.reversed().filter { $0.view == view && (hash == nil || $0.hash == hash) }
  }
}

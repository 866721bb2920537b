// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillFeatures
internal import MillLedger

/// Versions of features and what was counted of their values, kept in the project's ledger.
struct LedgerRegistry: RegistryStorage, StatisticsStorage {
  let ledger: Ledger

  func record(
    _ definitions: [DefinitionFacts],
    isComplete: Bool,
    at instant: Instant
  ) async throws -> [Int] {
    try await ledger.record(
      definitions: definitions.map(DefinitionRecord.init),
      isComplete: isComplete,
      at: instant.microseconds
    )
  }

  func versions(of name: String?) async throws -> [DefinitionVersion] {
    try await ledger.definitionVersions(of: name).map { record in
      let text = LedgerText(name: record.name)
      return DefinitionVersion(
        facts: DefinitionFacts(
          kind: DefinitionKind(record.kind),
          name: record.name,
          definition: try text.json(record.definition),
          hash: record.hash,
          dependencies: try text.dependencies(record.dependsOn)
        ),
        number: record.version,
        recordedAt: Instant(microseconds: record.recordedAt)
      )
    }
  }

  func events(of name: String?) async throws -> [DefinitionEvent] {
    try await ledger.definitionEvents(of: name).map { record in
      let text = LedgerText(name: record.name)
      return DefinitionEvent(
        kind: DefinitionKind(record.kind),
        name: record.name,
        version: record.version,
        notes: DefinitionNotes(json: try text.json(record.notes)),
        types: try record.types.map { try text.types($0) },
        recordedAt: Instant(microseconds: record.recordedAt)
      )
    }
  }
}

extension LedgerRegistry {
  func record(_ statistics: ViewStatistics) async throws {
    try await ledger.record(
      StatisticsRecord(
        view: statistics.view,
        hash: statistics.hash,
        asOf: statistics.asOf.microseconds,
        recordedAt: statistics.countedAt.microseconds,
        statistics: statistics.json.serialized()
      )
    )
  }

  func statistics(of view: String, hash: String?) async throws -> [ViewStatistics] {
    try await ledger.statistics(view: view, hash: hash).map { record throws(RegistryError) in
      let json = try LedgerText(name: view).json(record.statistics)
      guard let statistics = ViewStatistics(json: json) else {
        throw .damaged(view, problem: "statistics of it make no sense")
      }
      return statistics
    }
  }
}

/// Reads what the ledger holds as text; what cannot be read is named.
private struct LedgerText {
  let name: String

  func json(_ text: String) throws(RegistryError) -> JSONValue {
    do {
      return try JSONValue(parsing: text)
    } catch {
      throw .damaged(name, problem: error.description)
    }
  }

  func dependencies(_ text: String) throws(RegistryError) -> [DefinitionFacts.Dependency] {
    (try json(text).array ?? []).map { dependency in
      DefinitionFacts.Dependency(
        kind: dependency["kind"]?.text ?? "",
        name: dependency["name"]?.text ?? "",
        hash: dependency["hash"]?.text
      )
    }
  }

  func types(_ text: String) throws(RegistryError) -> [String: DataType] {
    var types: [String: DataType] = [:]
    for (feature, type) in try json(text).object ?? [:] {
      do {
        types[feature] = try DataType(json: type)
      } catch {
        throw .damaged(name, problem: "the type of \(feature): \(error)")
      }
    }
    return types
  }
}

extension DefinitionKind {
  fileprivate init(_ kind: DefinitionRecord.Kind) {
    self =
      switch kind {
      case .entity: .entity
      case .view: .view
      case .onDemand: .onDemand
      case .service: .service
      }
  }
}

extension DefinitionRecord {
  fileprivate init(_ facts: DefinitionFacts) {
    let kind: Kind =
      switch facts.kind {
      case .entity: .entity
      case .view: .view
      case .onDemand: .onDemand
      case .service: .service
      }
    self.init(
      kind: kind,
      name: facts.name,
      hash: facts.hash,
      definition: facts.definition.serialized(),
      dependsOn: JSONValue.array(
        facts.dependencies.map { dependency in
          [
            "kind": .string(dependency.kind), "name": .string(dependency.name),
            "hash": dependency.hash.map { .string($0) } ?? .null,
          ]
        }
      ).serialized(),
      notes: facts.notes.json.serialized(),
      types: facts.types.map { types in
        JSONValue.object(
          JSONObject(types.sorted { $0.key < $1.key }.map { ($0.key, $0.value.json) })
        ).serialized()
      }
    )
  }
}

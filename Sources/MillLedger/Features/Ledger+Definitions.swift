// SPDX-License-Identifier: Apache-2.0

internal import GRDB

extension Ledger {
  /// Writes down definitions of features as they stand, in one transaction.
  ///
  /// A hash that is known already is the version that it was; another one is the next version of its
  /// name. What is as it was is not written again, and takes no write lock.
  ///
  /// - Parameter isComplete: Whether these are all that there are: others are then gone.
  /// - Returns: The version of each definition, in their order.
  @discardableResult
  public func record(
    definitions: [DefinitionRecord],
    isComplete: Bool,
    at instant: Int64
  ) async throws(LedgerError) -> [Int] {
    let known = try await read { database in
      let books = try DefinitionBooks(database)
      let versions = definitions.compactMap { books.versionIfUnchanged($0) }
      let isSame =
        versions.count == definitions.count
        && (!isComplete || books.gone(from: definitions).isEmpty)
      return isSame ? versions : nil
    }
    if let known { return known }
    return try await write { database in
      // Read again: another process may have been first.
      let books = try DefinitionBooks(database)
      let versions = try definitions.map { try books.settle($0, at: instant, in: database) }
      guard isComplete else { return versions }
      for event in books.gone(from: definitions) {
        try DefinitionBooks.append(
          DefinitionEventRecord(
            kind: event.kind,
            name: event.name,
            sequence: event.sequence + 1,
            version: nil,
            notes: event.notes,
            types: nil,
            recordedAt: instant
          ),
          to: database
        )
      }
      return versions
    }
  }

  /// All versions of definitions, of one name or of all, the oldest first.
  public func definitionVersions(
    of name: String? = nil
  ) async throws(LedgerError) -> [DefinitionVersionRecord] {
    try await read { database in
      let rows = try Row.fetchAll(
        database,
        sql: """
          SELECT * FROM feature_definition WHERE ?1 IS NULL OR name = ?1
          ORDER BY kind, name, version
          """,
        arguments: [name]
      )
      return try rows.map { try DefinitionVersionRecord(RecordReader(row: $0)) }
    }
  }

  /// What was said of definitions and when, of one name or of all, the oldest first.
  public func definitionEvents(
    of name: String? = nil
  ) async throws(LedgerError) -> [DefinitionEventRecord] {
    try await read { database in
      let rows = try Row.fetchAll(
        database,
        sql: """
          SELECT * FROM feature_event WHERE ?1 IS NULL OR name = ?1
          ORDER BY kind, name, sequence
          """,
        arguments: [name]
      )
      return try rows.map { try DefinitionEventRecord(RecordReader(row: $0)) }
    }
  }
}

/// What the ledger says of definitions at one moment: their versions and their newest events.
private struct DefinitionBooks {
  private struct Name: Hashable {
    var kind: DefinitionRecord.Kind
    var name: String
  }

  /// By name and hash.
  private var versions: [Name: [String: Int]] = [:]
  private var newest: [Name: DefinitionEventRecord] = [:]

  init(_ database: Database) throws {
    for row in try Row.fetchAll(
      database,
      sql: "SELECT kind, name, version, hash FROM feature_definition"
    ) {
      let reader = RecordReader(row: row)
      let name = Name(kind: try reader.choice("kind"), name: try reader.text("name"))
      versions[name, default: [:]][try reader.text("hash")] = Int(try reader.integer("version"))
    }
    for row in try Row.fetchAll(
      database,
      sql: """
        SELECT * FROM feature_event AS e WHERE sequence = (
          SELECT max(sequence) FROM feature_event AS o WHERE o.kind = e.kind AND o.name = e.name)
        """
    ) {
      let event = try DefinitionEventRecord(RecordReader(row: row))
      newest[Name(kind: event.kind, name: event.name)] = event
    }
  }

  /// What the newest event would be; types that nobody knows now stay those of the same version.
  private func event(
    _ definition: DefinitionRecord,
    version: Int,
    at instant: Int64
  ) -> DefinitionEventRecord? {
    let old = newest[Name(kind: definition.kind, name: definition.name)]
    let types = definition.types ?? (old?.version == version ? old?.types : nil)
    if let old, old.version == version, old.notes == definition.notes, old.types == types {
      return nil
    }
    return DefinitionEventRecord(
      kind: definition.kind,
      name: definition.name,
      sequence: (old?.sequence ?? 0) + 1,
      version: version,
      notes: definition.notes,
      types: types,
      recordedAt: instant
    )
  }

  /// The version of a definition of which there is nothing new to say; nil otherwise.
  func versionIfUnchanged(_ definition: DefinitionRecord) -> Int? {
    let name = Name(kind: definition.kind, name: definition.name)
    guard let version = versions[name]?[definition.hash] else { return nil }
    return event(definition, version: version, at: 0) == nil ? version : nil
  }

  /// The newest events of what is defined no more.
  func gone(from definitions: [DefinitionRecord]) -> [DefinitionEventRecord] {
    let left = Set(definitions.map { Name(kind: $0.kind, name: $0.name) })
    return newest.filter { !left.contains($0.key) && $0.value.version != nil }.map(\.value)
  }

  /// Writes down what is new of a definition.
  func settle(
    _ definition: DefinitionRecord,
    at instant: Int64,
    in database: Database
  ) throws -> Int {
    let name = Name(kind: definition.kind, name: definition.name)
    let known = versions[name] ?? [:]
    let version: Int
    if let old = known[definition.hash] {
      version = old
    } else {
      version = known.count + 1
      try database.execute(
        sql: """
          INSERT INTO feature_definition
            (kind, name, version, hash, definition, depends_on, recorded_at)
          VALUES (?, ?, ?, ?, ?, ?, ?)
          """,
        arguments: [
          definition.kind.rawValue, definition.name, version, definition.hash,
          definition.definition, definition.dependsOn, instant,
        ]
      )
    }
    if let event = event(definition, version: version, at: instant) {
      try Self.append(event, to: database)
    }
    return version
  }

  static func append(_ event: DefinitionEventRecord, to database: Database) throws {
    try database.execute(
      sql: """
        INSERT INTO feature_event (kind, name, sequence, version, notes, types, recorded_at)
        VALUES (?, ?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        event.kind.rawValue, event.name, event.sequence, event.version, event.notes, event.types,
        event.recordedAt,
      ]
    )
  }
}

extension DefinitionVersionRecord {
  init(_ reader: RecordReader) throws {
    self.init(
      kind: try reader.choice("kind"),
      name: try reader.text("name"),
      version: Int(try reader.integer("version")),
      hash: try reader.text("hash"),
      definition: try reader.text("definition"),
      dependsOn: try reader.text("depends_on"),
      recordedAt: try reader.integer("recorded_at")
    )
  }
}

extension DefinitionEventRecord {
  init(_ reader: RecordReader) throws {
    self.init(
      kind: try reader.choice("kind"),
      name: try reader.text("name"),
      sequence: Int(try reader.integer("sequence")),
      version: try reader.optionalInteger("version").map { Int($0) },
      notes: try reader.text("notes"),
      types: try reader.optionalText("types"),
      recordedAt: try reader.integer("recorded_at")
    )
  }
}

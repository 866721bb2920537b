// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import MillCore
import MillRedis
import MillTesting

/// All that an online store holds, read past the store and its adapter: the bytes of each row and how
/// far each view was brought in.
///
/// The numbers of passes are left out, since a pass that was killed takes one.
struct StoredRows: Equatable {
  /// By the table and the bytes of the key: the version and the values.
  var rows: [[UInt8]: [UInt8]] = [:]
  /// By the table: versions, as of when, and what lay in the future.
  var states: [String: [UInt8]] = [:]

  /// What is otherwise in other rows, some of it.
  func differences(from other: StoredRows) -> [String] {
    let tables = Set(states.keys).union(other.states.keys).sorted()
    var found = tables.filter { states[$0] != other.states[$0] }.map { "the state of \($0)" }
    for key in Set(rows.keys).union(other.rows.keys) where rows[key] != other.rows[key] {
      guard found.count < 8 else { break }
      let pair = zip(rows[key] ?? [], other.rows[key] ?? [])
      let place = pair.enumerated().first { $0.element.0 != $0.element.1 }?.offset
      let lengths = "\(rows[key]?.count ?? -1) and \(other.rows[key]?.count ?? -1) bytes"
      let name = String(decoding: key, as: UTF8.self)
      found.append("\(name): \(lengths), from \(place ?? 0) on")
    }
    return found
  }

  /// What in these rows is neither of before nor of after a step.
  ///
  /// - Returns: Sentences, or none.
  func strangers(before: StoredRows, after: StoredRows) -> [String] {
    var found: [String] = []
    for (key, value) in rows where before.rows[key] != value && after.rows[key] != value {
      found.append("a row that never was: \(String(decoding: key, as: UTF8.self))")
    }
    for key in before.rows.keys where after.rows[key] != nil && rows[key] == nil {
      found.append("a row that was lost: \(String(decoding: key, as: UTF8.self))")
    }
    for (table, state) in states where before.states[table] != state && after.states[table] != state
    {
      found.append("a state that never was: \(table)")
    }
    for table in before.states.keys where after.states[table] != nil && states[table] == nil {
      found.append("a state that was lost: \(table)")
    }
    return found
  }
}

/// A place of an online store, whose contents can be read and put back to what they were.
protocol SoakedStore {
  /// All that can be put back.
  associatedtype Copy

  /// What is in it now, whoever is at work in it.
  func read() throws -> StoredRows
  func copy() throws -> Copy
  func restore(_ copy: Copy?) throws
  /// What is left of work that was not ended.
  func leftovers() throws -> [String]
}

/// The file of the embedded store.
struct SoakedFile: SoakedStore {
  let path: String

  func read() throws -> StoredRows {
    var configuration = Configuration()
    configuration.busyMode = .timeout(20)
    let queue = try DatabaseQueue(path: path, configuration: configuration)
    defer { try? queue.close() }
    return try queue.read { database in
      var stored = StoredRows()
      let sound = try String.fetchAll(database, sql: "PRAGMA integrity_check")
      guard sound == ["ok"] else { throw Unsound(problems: sound) }
      let tables = try String.fetchAll(
        database,
        sql: """
          SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'online$_%$_%' ESCAPE '$'
          """
      )
      for table in tables {
        let cursor = try Row.fetchCursor(
          database,
          sql: "SELECT key, t, k, id, payload FROM \"\(table)\""
        )
        while let row = try cursor.next() {
          let (t, k): (Int64, Int64) = (row[1], row[2])
          let (key, id, payload): (Data, Data, Data) = (row[0], row[3], row[4])
          stored.rows[Array("\(table) ".utf8) + Array(key)] =
            Array("\(t) \(k) ".utf8) + Array(id) + Array(payload)
        }
      }
      guard try database.tableExists("online_state") else { return stored }
      for row in try Row.fetchAll(
        database,
        sql: "SELECT name, tables || ' ' || as_of || ' ' || pending FROM online_state"
      ) {
        let (name, text): (String, String) = (row[0], row[1])
        stored.states[name] = Array(text.utf8)
      }
      return stored
    }
  }

  func copy() throws -> [UInt8] { try LocalFileSystem().read(path) }

  func restore(_ copy: [UInt8]?) throws {
    for end in ["", "-wal", "-shm"] where FileManager.default.fileExists(atPath: path + end) {
      try FileManager.default.removeItem(atPath: path + end)
    }
    if let copy { try LocalFileSystem().create(path, copy) }
  }

  func leftovers() throws -> [String] {
    // Whoever closes the file last takes its log in.
    ["-wal", "-shm"].filter { FileManager.default.fileExists(atPath: path + $0) }
  }

  struct Unsound: Error, CustomStringConvertible {
    var problems: [String]
    var description: String { "the file is damaged: \(problems.prefix(5))" }
  }
}

/// The keys of a server of our own.
struct SoakedServer: SoakedStore {
  let server: RedisServer

  /// The names of all keys, and what is told of their fields.
  private func hashes() throws -> [([UInt8], [(field: [UInt8], value: [UInt8])])] {
    try keys().map { key in
      guard case .array(let parts) = try server.ask([.word("HGETALL"), key]) else {
        throw Unexpected()
      }
      let words = parts.compactMap { part in
        if case .bytes(let bytes) = part { bytes } else { nil }
      }
      return (
        key,
        stride(from: 0, to: words.count - 1, by: 2).map { (words[$0], words[$0 + 1]) }
      )
    }
  }

  private func keys() throws -> [[UInt8]] {
    guard case .array(let keys) = try server.ask("KEYS *") else { throw Unexpected() }
    return keys.compactMap { if case .bytes(let bytes) = $0 { bytes } else { nil } }
  }

  func read() throws -> StoredRows {
    var stored = StoredRows()
    for (key, fields) in try hashes() {
      for (field, value) in fields {
        // The generation stands in the bytes 1 to 8 of both.
        let told = Array(value.prefix(1) + value.dropFirst(9))
        if field.first == UInt8(ascii: "r") {
          stored.rows[key + [0x20] + field] = told
        } else if field == .word("state") {
          stored.states[String(decoding: key, as: UTF8.self)] = told
        }
      }
    }
    return stored
  }

  func copy() throws -> [([UInt8], [UInt8])] {
    try keys().map { key in
      guard case .bytes(let bytes) = try server.ask([.word("DUMP"), key]) else {
        throw Unexpected()
      }
      return (key, bytes)
    }
  }

  func restore(_ copy: [([UInt8], [UInt8])]?) throws {
    try server.ask("FLUSHALL")
    for (key, bytes) in copy ?? [] {
      try server.ask([.word("RESTORE"), key, .word("0"), bytes])
    }
  }

  func leftovers() throws -> [String] {
    try hashes().flatMap { key, fields in
      let rows = fields.count { $0.field.first == UInt8(ascii: "r") }
      return fields.compactMap { field, value -> String? in
        switch String(decoding: field, as: UTF8.self) {
        case "open":
          // A killed addition stays among the open work until the next pass, of which 64 are kept.
          value.count % 20 == 0 && value.count <= 1280
            ? nil : "open work of \(value.count) bytes"
        case "count":
          value == .word(String(rows)) ? nil : "a count that is not \(rows)"
        default: nil
        }
      }
    }
  }

  struct Unexpected: Error {}
}

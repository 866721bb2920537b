// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillEngine
import MillLake
import MillTables
import MillTesting
import Synchronization
import Testing

/// Several writers at the same time: what comes out is what one after the other would have made.
@Suite("Changes at the same time", .serialized)
struct ConcurrentChangesTests {
  private enum Change: Sendable {
    case append([Int64])
    case upsert([Int64], value: Int64)
    case delete(divisor: Int64, below: Int64)
    case update(below: Int64)
    case compact
  }

  private struct Row: Hashable {
    var id: Int64
    var value: Int64
  }

  /// A change on a table that is a list of rows; an append may repeat an id, an upsert replaces all
  /// rows of one.
  private static func apply(_ change: Change, to rows: inout [Row]) {
    switch change {
    case .append(let ids): rows += ids.map { Row(id: $0, value: 0) }
    case .upsert(let ids, let value):
      rows.removeAll { ids.contains($0.id) }
      rows += ids.map { Row(id: $0, value: value) }
    case .delete(let divisor, let bound):
      rows.removeAll { $0.id < bound && $0.id.isMultiple(of: divisor) }
    case .update(let bound):
      rows = rows.map { $0.id < bound ? Row(id: $0.id, value: $0.value + 1) : $0 }
    case .compact: break
    }
  }

  /// The changes that landed, by the versions that they made.
  private final class Landed: Sendable {
    private let list = Mutex<[(TableVersion, Change)]>([])

    var all: [(TableVersion, Change)] { list.withLock { $0 } }

    func add(_ versions: [TableVersion], _ change: Change) {
      list.withLock { list in list += versions.map { ($0, change) } }
    }
  }

  private static func source(_ ids: [Int64], value: Int64) -> RowSource {
    .query(
      "SELECT id::BIGINT AS id, \(value)::BIGINT AS value FROM (VALUES "
        + ids.map { "(\($0))" }.joined(separator: ", ") + ") AS v(id)"
    )
  }

  private static func perform(
    _ change: Change,
    _ writer: TableWriter,
    _ options: WriteOptions
  ) async throws -> [TableVersion] {
    switch change {
    case .append(let ids):
      return try await [writer.append(source(ids, value: 0), options).version].compactMap { $0 }
    case .upsert(let ids, let value):
      return try await [
        writer.upsert(source(ids, value: value), keys: ["id"], options).version
      ].compactMap { $0 }
    case .delete(let divisor, let bound):
      return try await [
        writer.delete(where: "id < \(bound) AND id % \(divisor) = 0", options).version
      ].compactMap { $0 }
    case .update(let bound):
      return try await [
        writer.update(set: ["value": "value + 1"], where: "id < \(bound)", options).version
      ].compactMap { $0 }
    case .compact: return try await writer.compact().versions
    }
  }

  @Test("every version is the one before with one whole change", arguments: 0..<6)
  func serializable(seed: UInt64) async throws {
    let disk = try WriterOnDisk(seed: seed)
    try await disk.writer.create(
      Schema([Field("id", .long), Field("value", .long)]),
      settings: ["delta.checkpointInterval": "5"]
    )
    let landed = Landed()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<3 {
        group.addTask {
          let chance = SeededRandom(seed: seed &* 31 &+ UInt64(number))
          let own = try WriterOnDisk(
            in: disk.folder,
            engine: disk.engine,
            seed: seed &* 1000 &+ UInt64(number)
          )
          var options = WriteOptions(attempts: 100)
          if number == 1 { options.removal = .deletionVectors }
          for step in 0..<8 {
            let base = Int64(number * 1000 + step * 10)
            let change: Change =
              switch chance.below(8) {
              case 0, 1, 2: .append((0..<Int64(1 + chance.below(5))).map { base + $0 })
              case 3: .upsert([base, Int64(chance.below(30)), 1001, 2001], value: base)
              case 4: .delete(divisor: Int64(2 + chance.below(4)), below: Int64(chance.below(2500)))
              case 5: .update(below: Int64(chance.below(2500)))
              default: .compact
              }
            do {
              let versions = try await Self.perform(change, own.writer, options)
              landed.add(versions, change)
            } catch let error as LakeError where error.isRetryable {
              // Deletion vectors raise the protocol once; a change that met it may give up.
              continue
            }
          }
        }
      }
      try await group.waitForAll()
    }
    let newest = try await disk.table.snapshot().version
    let ordered = landed.all.sorted { $0.0 < $1.0 }
    #expect(ordered.map(\.0.number) == Array(1...newest.number), "seed \(seed)")
    var model: [Row] = []
    for (version, change) in ordered {
      Self.apply(change, to: &model)
      let rows = try await disk.rows("CAST(id AS BIGINT), CAST(value AS BIGINT)", at: version)
      let expected = model.sorted { ($0.id, $0.value) < ($1.id, $1.value) }
        .map { row -> [JSONValue] in [.string(String(row.id)), .string(String(row.value))] }
      #expect(rows == expected, "seed \(seed), version \(version): \(change)")
      if rows != expected { return }
    }
    _ = try await disk.requireReadableByOthers()
  }

  @Test("an append and a compaction at the same time both land, whoever is first")
  func compactionBesideAppends() async throws {
    let disk = try WriterOnDisk()
    try await disk.writer.create(Schema([Field("id", .long), Field("value", .long)]))
    for id in 0..<4 { try await disk.writer.append(Self.source([Int64(id)], value: 0)) }
    let overtaken = OvertakingStore(disk.table.store) {
      _ = try? await disk.writer.append(Self.source([100], value: 0))
    }
    let table = DeltaTable(name: "t", store: overtaken, world: disk.world)
    let report = try await TableWriter(table, engine: disk.engine, world: disk.world).compact()
    #expect(report.versions.count == 1)
    #expect(report.setsLost == 0)
    #expect(try await disk.rows().count == 5)
    #expect(try await disk.table.snapshot().files.count == 2)
  }

  @Test("an upsert that lost is made again from what the winner left")
  func upsertIsRecomputed() async throws {
    let disk = try WriterOnDisk()
    try await disk.writer.create(Schema([Field("id", .long), Field("value", .long)]))
    try await disk.writer.append(Self.source([1, 2, 3], value: 0))
    let overtaken = OvertakingStore(disk.table.store) {
      _ = try? await disk.writer.update(set: ["value": "value + 10"], where: "id = 2")
    }
    let table = DeltaTable(name: "t", store: overtaken, world: disk.world)
    let writer = TableWriter(table, engine: disk.engine, world: disk.world)
    let report = try await writer.upsert(Self.source([3, 4], value: 7), keys: ["id"])
    #expect(report.recomputed == 1)
    #expect(
      try await disk.rows() == [["1", "0"], ["2", "10"], ["3", "7"], ["4", "7"]]
    )
  }
}

/// A store that lets somebody else go first, once, just before a commit is put.
final class OvertakingStore: ObjectStore {
  private let base: any ObjectStore
  private let overtake: Mutex<(@Sendable () async -> Void)?>

  init(_ base: any ObjectStore, by overtake: @escaping @Sendable () async -> Void) {
    self.base = base
    self.overtake = Mutex(overtake)
  }

  var location: String { base.location }

  func putIfAbsent(_ key: String, _ bytes: [UInt8]) async throws(FileError) {
    if key.hasPrefix("_delta_log/") {
      let other = overtake.withLock { action in
        defer { action = nil }
        return action
      }
      await other?()
    }
    try await base.putIfAbsent(key, bytes)
  }

  func read(_ key: String) async throws(FileError) -> [UInt8] { try await base.read(key) }
  func makeDurable(_ keys: [String]) async throws(FileError) { try await base.makeDurable(keys) }
  func list(_ prefix: String) async throws(FileError) -> [StoredObject] {
    try await base.list(prefix)
  }
  func status(_ key: String) async throws(FileError) -> StoredObject? {
    try await base.status(key)
  }
  func publish(_ temporary: String, as key: String) async throws(FileError) {
    try await base.publish(temporary, as: key)
  }
  func replace(_ key: String, _ bytes: [UInt8]) async throws(FileError) {
    try await base.replace(key, bytes)
  }
  func delete(_ key: String) async throws(FileError) { try await base.delete(key) }
  func prepare(_ prefix: String) async throws(FileError) { try await base.prepare(prefix) }
}

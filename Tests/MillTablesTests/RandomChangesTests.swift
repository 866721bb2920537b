// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillEngine
import MillLake
import MillTables
import MillTesting
import Testing

/// Random histories of every kind of change, held against a list of rows at every version.
@Suite("Random changes against a model", .serialized)
struct RandomChangesTests {
  private struct Row: Hashable {
    var id: Int
    var name: String
    var cents: Int
    var day: String

    var cells: [JSONValue] {
      let fraction = cents % 100
      let amount = "\(cents / 100).\(fraction < 10 ? "0" : "")\(fraction)"
      return [.string(String(id)), .string(name), .string(amount), .string(day)]
    }

    var value: (Int, String, String, String) { (id, name, "\(cents)/100", day) }
  }

  private static let days = ["2024-01-01", "2024-01-02", "2024-02-01"]

  private static func row(_ chance: SeededRandom, id: Int) -> Row {
    Row(
      id: id,
      name: ["a", "b", "ö", "it's"][chance.below(4)],
      cents: chance.below(10_000),
      day: days[chance.below(days.count)]
    )
  }

  private static func source(_ rows: [Row]) -> RowSource {
    guard !rows.isEmpty else { return WriterOnDisk.payments([]) }
    return .query(
      "SELECT id::BIGINT AS id, name, (cents / 100)::DECIMAL(10,2) AS amount, day FROM (VALUES "
        + rows.map {
          "(\($0.id), '\($0.name.replacing("'", with: "''"))', \($0.cents), DATE '\($0.day)')"
        }.joined(separator: ", ") + ") AS v(id, name, cents, day)"
    )
  }

  @Test(
    "every version holds exactly the model's rows, for us and for others",
    arguments: 0..<10
  )
  func history(seed: UInt64) async throws {
    let chance = SeededRandom(seed: seed)
    let disk = try WriterOnDisk(seed: seed)
    let isPartitioned = seed.isMultiple(of: 2)
    var settings: [String: String] = ["delta.checkpointInterval": "4"]
    if seed % 5 == 1 { settings["delta.enableChangeDataFeed"] = "true" }
    if seed % 5 == 2 { settings["delta.columnMapping.mode"] = "name" }
    if seed % 5 == 3 { settings["delta.columnMapping.mode"] = "id" }
    try await disk.writer.create(
      WriterOnDisk.schema,
      partitionedBy: isPartitioned ? ["day"] : [],
      settings: settings
    )
    var model: [Row] = []
    var versions: [Int64: [Row]] = [0: []]
    var nextID = 0
    var done: [String] = []
    var options = WriteOptions()
    if seed % 3 == 0 { options.removal = .deletionVectors }
    for _ in 0..<16 {
      let step = chance.below(11)
      switch step {
      case 0, 1, 2:
        let rows = (0..<(1 + chance.below(20))).map { _ -> Row in
          nextID += 1
          return Self.row(chance, id: nextID)
        }
        let report = try await disk.writer.append(Self.source(rows), options)
        #expect(report.inserted == Int64(rows.count), "seed \(seed): \(done)")
        model += rows
        done.append("append \(rows.count)")
      case 3:
        let limit = chance.below(nextID + 1)
        let report = try await disk.writer.delete(where: "id <= \(limit) AND id % 3 = 0", options)
        let gone = model.filter { $0.id <= limit && $0.id.isMultiple(of: 3) }
        #expect(report.deleted == Int64(gone.count), "seed \(seed): \(done)")
        model.removeAll { $0.id <= limit && $0.id.isMultiple(of: 3) }
        done.append("delete id <= \(limit)")
      case 4:
        let day = Self.days[chance.below(Self.days.count)]
        let report = try await disk.writer.delete(where: "day = DATE '\(day)'", options)
        #expect(report.deleted == Int64(model.count { $0.day == day }), "seed \(seed): \(done)")
        model.removeAll { $0.day == day }
        done.append("delete \(day)")
      case 5:
        let limit = chance.below(nextID + 1)
        let report = try await disk.writer.update(
          set: ["name": "name || '!'", "amount": "amount + 1"],
          where: "id > \(limit) AND name <> 'b'",
          options
        )
        var count: Int64 = 0
        model = model.map { row in
          guard row.id > limit, row.name != "b" else { return row }
          count += 1
          var row = row
          row.name += "!"
          row.cents += 100
          return row
        }
        #expect(report.updated == count, "seed \(seed): \(done)")
        done.append("update id > \(limit)")
      case 6, 7:
        var rows: [Int: Row] = [:]
        for _ in 0..<(1 + chance.below(8)) {
          let id = 1 + chance.below(nextID + 5)
          nextID = max(nextID, id)
          rows[id] = Self.row(chance, id: id)
        }
        let known = Set(model.map(\.id))
        let report = try await disk.writer.upsert(
          Self.source(Array(rows.values)),
          keys: ["id"],
          options
        )
        #expect(
          report.updated == Int64(rows.keys.count { known.contains($0) }),
          "seed \(seed): \(done)"
        )
        model.removeAll { rows[$0.id] != nil }
        model += rows.values
        done.append("upsert \(rows.keys.sorted())")
      case 8:
        let day = Self.days[chance.below(Self.days.count)]
        let rows = (0..<chance.below(5)).map { _ -> Row in
          nextID += 1
          var row = Self.row(chance, id: nextID)
          row.day = day
          return row
        }
        try await disk.writer.overwrite(
          with: Self.source(rows),
          where: "day = DATE '\(day)'",
          options
        )
        model.removeAll { $0.day == day }
        model += rows
        done.append("overwrite \(day)")
      case 9:
        _ =
          chance.happens(percent: 50)
          ? try await disk.writer.compact(to: ByteCount(bytes: 1 << 20))
          : try await disk.writer.cluster(by: ["id", "name"])
        done.append("compact")
      default:
        let newest = try #require(try await disk.table.newestVersion())
        let version = Int64(chance.below(Int(newest.number) + 1))
        guard let rows = versions[version] else { continue }
        try await disk.table.restore(to: TableVersion(version))
        model = rows
        done.append("restore \(version)")
      }
      let newest = try #require(try await disk.table.newestVersion())
      for number in 0...newest.number where versions[number] == nil {
        versions[number] = model
      }
      let expected = model.sorted { ($0.id, $0.name) < ($1.id, $1.name) }.map(\.cells)
      let found = try await disk.rows("CAST(id AS BIGINT), 2")
      #expect(found == expected, "seed \(seed): \(done)")
      #expect(try await disk.table.snapshot().rows == Int64(model.count), "seed \(seed): \(done)")
      if found != expected { return }
    }
    for (number, rows) in versions.sorted(by: { $0.key < $1.key }) {
      let found = try await disk.rows("CAST(id AS BIGINT), 2", at: TableVersion(number))
      let expected = rows.sorted { ($0.id, $0.name) < ($1.id, $1.name) }.map(\.cells)
      #expect(found == expected, "seed \(seed), version \(number): \(done)")
    }
    // deltalake writes no checkpoints here, but reads ours.
    let theirs = try await disk.requireReadableByOthers()
    if let theirs { #expect(theirs["row_count"]?.integer == Int64(model.count), "seed \(seed)") }
  }
}

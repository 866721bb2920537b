// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillLake
import MillTesting

/// A table whose rows are known, with statistics as writers of all kinds leave them.
///
/// Every choice is one of the seed's, so that a table is made again by its number.
struct RandomTable {
  struct File {
    var add: AddFile
    /// The rows that are in the table, column by column.
    var rows: [[Cell]]
  }

  private(set) var columns: [RandomColumn] = []
  private(set) var files: [File] = []
  let metadata: TableMetadata
  let tableProtocol: TableProtocol
  let chance: SeededRandom

  /// A table of two to five columns.
  init(_ chance: SeededRandom, files count: Int = 8) {
    self.chance = chance
    let isMapped = chance.happens(percent: 30)
    var fields: [Field] = []
    var partitionColumns: [String] = []
    let names = ["n", "größe", "a\"b", "x y", "Day"]
    for (number, name) in names.prefix(2 + chance.below(4)).enumerated() {
      let type = Self.types[chance.below(Self.types.count)]
      let isPartition = chance.happens(percent: 30)
      let physical = isMapped ? "col-\(number)" : name
      let metadata: JSONValue =
        isMapped
        ? .object([
          "delta.columnMapping.id": .int(Int64(number)),
          "delta.columnMapping.physicalName": .string(physical),
        ]) : .object([:])
      if isPartition {
        partitionColumns.append(name)
      } else if chance.happens(percent: 20) {
        let members = [Field("m", type), Field(names[0], .long)]
        fields.append(Field(name, .structure(members), metadata: metadata))
        columns.append(
          RandomColumn(
            path: [name, "m"],
            physical: [physical, "m"],
            type: type,
            isPartition: false
          )
        )
        continue
      }
      fields.append(Field(name, type, metadata: metadata))
      columns.append(
        RandomColumn(path: [name], physical: [physical], type: type, isPartition: isPartition)
      )
    }
    metadata = TableMetadata(
      id: "t",
      schema: Schema(fields),
      partitionColumns: partitionColumns,
      configuration: isMapped ? ["delta.columnMapping.mode": "name"] : [:]
    )
    tableProtocol =
      isMapped ? TableProtocol(minReaderVersion: 2, minWriterVersion: 5) : .classic
    for number in 0..<count { files.append(file(number)) }
  }

  private static let types: [DataType] = [
    .long, .long, .integer, .double, .float, .decimal(precision: 10, scale: 2),
    .decimal(precision: 38, scale: 10), .string, .string, .date, .timestamp, .boolean,
  ]

  /// The table at a version, its files partly in a checkpoint, partly added since; some that were
  /// in the checkpoint are gone.
  func snapshot() throws -> Snapshot {
    let inBlock = chance.below(files.count + 1)
    var builder = FileBlock.Builder(
      partitionColumns: metadata.physicalPartitionColumns(tableProtocol)
    )
    var removals: [Action] = []
    for (number, file) in files.prefix(inBlock).enumerated() {
      if chance.happens(percent: 20) {
        var gone = file.add
        gone.path = "gone-\(number)"
        _ = builder.append(gone)
        removals.append(.remove(gone.removal(at: 1)))
      }
      _ = builder.append(file.add)
    }
    let start: [Action] = [.protocol(tableProtocol), .metadata(metadata)]
    var replay = try Replay(
      table: "t",
      checkpoint: TableVersion(4),
      [CheckpointPart(files: builder.finish(), actions: start)]
    )
    let added = files.dropFirst(inBlock).map { Action.add($0.add) }
    try replay.apply(removals + added, version: replay.next)
    return try replay.snapshot(location: "/t", committedAt: .earliest)
  }

  // MARK: Rows

  private func file(_ number: Int) -> File {
    // Files lie apart from each other in most columns, as those of a sorted table do.
    let centers = columns.map { _ in chance.below(20) }
    let constants = columns.indices.map { cell(columns[$0].type, centers[$0]) }
    let isMarked = chance.happens(percent: 20)
    var all: [[Cell]] = []
    var live: [[Cell]] = []
    for _ in 0..<(1 + chance.below(6)) {
      let row = columns.indices.map { index in
        columns[index].isPartition ? constants[index] : cell(columns[index].type, centers[index])
      }
      all.append(row)
      if !isMarked || chance.happens(percent: 60) { live.append(row) }
    }
    var add = AddFile(path: "file-\(number)", size: 1, modificationTime: 0)
    for (index, column) in columns.enumerated() where column.isPartition {
      let text = partitionText(constants[index], column.type)
      add.partitionValues[column.physical[0]] = .some(text)
    }
    if chance.happens(percent: 95) { add.stats = statistics(all) }
    if live.count < all.count {
      add.deletionVector = DeletionVectorReference(
        storageType: .inline,
        pathOrInlineDv: "0rJua",
        offset: nil,
        sizeInBytes: 4,
        cardinality: Int64(all.count - live.count)
      )
    }
    return File(add: add, rows: live)
  }

  func cell(_ type: DataType, _ center: Int) -> Cell {
    if chance.happens(percent: 12) { return .null }
    let near = Int128(center * 10 + chance.below(12) - 100)
    switch type {
    case .long:
      let rare: [Int128] = [
        Int128(Int64.min), Int128(Int64.max), 9_007_199_254_740_992, 9_007_199_254_740_993,
      ]
      let value = chance.happens(percent: 5) ? rare[chance.below(4)] : near
      return .exact(value * Cell.unit)
    case .integer: return .exact(near * Cell.unit)
    case .decimal(_, let scale):
      let digits = Int128(chance.below(100))
      if scale == 2 {
        let wide: Int128 = chance.happens(percent: 60) ? 1 : 900_000
        return .exact(near * wide * Cell.unit + digits * (Cell.unit / 100))
      }
      // Of so many digits that several have one double.
      let wide = chance.happens(percent: 60) ? Int128(123_456_789_012_345_678) : 1
      return .exact(near * wide * Cell.unit + digits)
    case .double:
      let rare = [
        .nan, .nan, .infinity, -.infinity, -0.0, 0.1, .leastNonzeroMagnitude,
        .greatestFiniteMagnitude,
      ]
      if chance.happens(percent: 15) { return .real(rare[chance.below(rare.count)]) }
      return .real(Double(near) + Double(chance.below(10)) / 10)
    case .float:
      let rare: [Float] = [.nan, .infinity, -.infinity, 0.1, -0.0]
      if chance.happens(percent: 10) { return .single(rare[chance.below(rare.count)]) }
      return .single(Float(near) + Float(chance.below(10)) / 10)
    case .date: return .ordinal(Int64(near) * (chance.happens(percent: 5) ? 1_000 : 1))
    case .timestamp: return .ordinal(Int64(near) * 400 + Int64(chance.below(1_000)))
    case .boolean: return .ordinal(Int64(near & 1))
    default: return .text(Array(text(center).utf8))
    }
  }

  private func text(_ center: Int) -> String {
    let stems = [
      "a", "b", "\u{E9}", "e\u{301}", "z", "\"q\\", "日本", "\u{10FFFF}", "😀", "~", "\u{1}",
    ]
    var text = stems[center % stems.count]
    if chance.happens(percent: 5) { return "" }
    if chance.happens(percent: 30) { text += "_0123456789_0123456789_0123456789" }
    for _ in 0..<chance.below(3) { text += stems[chance.below(stems.count)] }
    return text
  }

  private func partitionText(_ cell: Cell, _ type: DataType) -> String? {
    switch cell {
    case .null: chance.happens(percent: 50) ? nil : ""
    case .ordinal(let value) where type == .boolean: value == 1 ? "true" : "false"
    case .text(let bytes): String(decoding: bytes, as: UTF8.self)
    default: Self.logText(cell, type)
    }
  }

  /// A value as it stands in a log, without quotes.
  static func logText(_ cell: Cell, _ type: DataType) -> String {
    switch cell {
    case .null: ""
    case .exact(let value):
      switch type {
      case .decimal(_, let scale): PredicateOracle.text(value, scale: scale)
      default: PredicateOracle.text(value, scale: 0)
      }
    case .real(let value): logText(value, value.description)
    case .single(let value): logText(Double(value), value.description)
    case .ordinal(let value):
      type == .date
        ? CivilDate(daysSinceEpoch: Int32(value)).description
        : Instant(microseconds: value).description
    case .text(let bytes): String(decoding: bytes, as: UTF8.self)
    }
  }

  static func logText(_ value: Double, _ finite: String) -> String {
    if value.isNaN { return "NaN" }
    return value.isInfinite ? (value < 0 ? "-Infinity" : "Infinity") : finite
  }
}

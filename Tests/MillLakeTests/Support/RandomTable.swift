// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillLake
import MillTesting

/// A table whose rows are known, with statistics as writers of all kinds leave them.
///
/// Statistics are honest: no bound lies inside of the values, whoever wrote it, but for what peers
/// are known to do. They cut instants to milliseconds, put wide decimals through doubles, leave NaN
/// out, shorten text, and omit whatever they like.
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
  private let chance: SeededRandom

  /// - Parameter types: Of which a column may be.
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
          RandomColumn(path: [name, "m"], physical: [physical, "m"], type: type, isPartition: false)
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
    var builder = FileBlock.Builder(partitionColumns: metadata.physicalPartitionColumns)
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

  private func cell(_ type: DataType, _ center: Int) -> Cell {
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
      if scale == 2 { return .exact(near * Cell.unit + digits * (Cell.unit / 100)) }
      // Of so many digits that several have one double.
      let wide = chance.happens(percent: 60) ? Int128(100_000_000_000_000_000) : 1
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
    let stems = ["a", "b", "\u{E9}", "e\u{301}", "z", "\"q\\", "日本", "\u{10FFFF}", "😀", "~", "\u{1}"]
    var text = stems[center % stems.count]
    if chance.happens(percent: 30) { text += "_0123456789_0123456789_0123456789" }
    for _ in 0..<chance.below(3) { text += stems[chance.below(stems.count)] }
    return text
  }

  private func partitionText(_ cell: Cell, _ type: DataType) -> String? {
    switch cell {
    case .null: chance.happens(percent: 50) ? nil : ""
    case .ordinal(let value) where type == .boolean: value == 1 ? "true" : "false"
    case .text(let bytes): String(decoding: bytes, as: UTF8.self)
    default: Self.text(cell, type)
    }
  }

  /// A value as it stands in a log, without quotes.
  private static func text(_ cell: Cell, _ type: DataType) -> String {
    switch cell {
    case .null: ""
    case .exact(let value):
      switch type {
      case .decimal(_, let scale): PredicateOracle.text(value, scale: scale)
      default: PredicateOracle.text(value, scale: 0)
      }
    case .real(let value): text(value, value.description)
    case .single(let value): text(Double(value), value.description)
    case .ordinal(let value):
      type == .date
        ? CivilDate(daysSinceEpoch: Int32(value)).description
        : Instant(microseconds: value).description
    case .text(let bytes): String(decoding: bytes, as: UTF8.self)
    }
  }

  private static func text(_ value: Double, _ finite: String) -> String {
    if value.isNaN { return "NaN" }
    return value.isInfinite ? (value < 0 ? "-Infinity" : "Infinity") : finite
  }

  // MARK: Statistics

  private func statistics(_ rows: [[Cell]]) -> String {
    let isQuoting = chance.happens(percent: 10)
    var minimums = JSONObject()
    var maximums = JSONObject()
    var nulls = JSONObject()
    for (index, column) in columns.enumerated() where !column.isPartition {
      let cells = rows.map { $0[index] }
      if chance.happens(percent: 80) {
        set(column, .int(cells.count { $0.isNull }), in: &nulls)
      }
      guard chance.happens(percent: 88) else { continue }
      let (low, high) = bounds(cells.filter { !$0.isNull }, column.type)
      for (bound, isUpper) in [(low, false), (high, true)] {
        guard var bound else { continue }
        if isQuoting, case .number(let number) = bound { bound = .string(number.text) }
        if isUpper {
          set(column, bound, in: &maximums)
        } else {
          set(column, bound, in: &minimums)
        }
      }
    }
    var object = JSONObject()
    if chance.happens(percent: 92) { object["numRecords"] = .int(rows.count) }
    if !minimums.isEmpty { object["minValues"] = .object(minimums) }
    if !maximums.isEmpty { object["maxValues"] = .object(maximums) }
    if !nulls.isEmpty { object["nullCount"] = .object(nulls) }
    let text = JSONValue.object(object).serialized()
    return chance.happens(percent: 20) ? Self.inASCII(text) : text
  }

  private func set(_ column: RandomColumn, _ value: JSONValue, in object: inout JSONObject) {
    guard column.physical.count == 2 else {
      object[column.physical[0]] = value
      return
    }
    var members = object[column.physical[0]]?.object ?? JSONObject()
    members[column.physical[1]] = value
    object[column.physical[0]] = .object(members)
  }

  private func bounds(_ cells: [Cell], _ type: DataType) -> (JSONValue?, JSONValue?) {
    switch type {
    case .long, .integer, .decimal:
      let values = cells.compactMap { if case .exact(let value) = $0 { value } else { nil } }
      guard let low = values.min(), let high = values.max() else { return (nil, nil) }
      return (number(low, type), number(high, type))
    case .double, .float:
      let values = cells.compactMap { cell -> Double? in
        switch cell {
        case .real(let value): value
        case .single(let value): Double(value)
        default: nil
        }
      }
      return floating(values, isSingle: type == .float)
    case .date, .timestamp:
      let values = cells.compactMap { if case .ordinal(let value) = $0 { value } else { nil } }
      guard let low = values.min(), let high = values.max() else { return (nil, nil) }
      if type == .date {
        return (
          .string(Self.text(.ordinal(low), type)), .string(Self.text(.ordinal(high), type))
        )
      }
      let style = chance.below(4)
      return (Self.instant(low, style), Self.instant(high, style))
    case .string:
      let values = cells.compactMap { if case .text(let bytes) = $0 { bytes } else { nil } }
      guard let low = values.min(by: { $0.lexicographicallyPrecedes($1) }),
        let high = values.max(by: { $0.lexicographicallyPrecedes($1) })
      else { return (nil, nil) }
      let length = chance.happens(percent: 50) ? 32 : 2
      let isRaising = chance.happens(percent: 50)
      return (
        .string(Self.prefix(low, length)),
        Self.upper(high, length, isRaising: isRaising).map { .string($0) }
      )
    default: return (nil, nil)
    }
  }

  private func number(_ value: Int128, _ type: DataType) -> JSONValue? {
    let text = Self.text(.exact(value), type)
    if case .decimal(let precision, _) = type, chance.happens(percent: precision > 15 ? 70 : 30) {
      return Double(text).map { .real($0) }
    }
    return JSONNumber(text: text).map { .number($0) }
  }

  /// Spark writes NaN as the greatest; most others leave it out, and null for what JSON has not.
  private func floating(_ values: [Double], isSingle: Bool) -> (JSONValue?, JSONValue?) {
    let numbers = values.filter { !$0.isNaN }
    let isSpark = chance.happens(percent: 40)
    func json(_ value: Double?) -> JSONValue? {
      guard let value else { return nil }
      guard value.isFinite else { return isSpark ? .string(Self.text(value, "")) : .null }
      // Either the shortest text of 32 bits or that of the same number in 64.
      guard isSingle, isSpark else { return .real(value) }
      return JSONNumber(text: Float(value).description).map { .number($0) }
    }
    guard isSpark else { return (json(numbers.min()), json(numbers.max())) }
    let high = numbers.count < values.count ? Double.nan : numbers.max()
    return (json(numbers.min() ?? values.first), json(high))
  }

  /// An instant cut to milliseconds, with the zone written one way or another.
  private static func instant(_ microseconds: Int64, _ style: Int) -> JSONValue {
    let remainder = microseconds % 1_000
    let cut = microseconds - (remainder < 0 ? remainder + 1_000 : remainder)
    let isWest = style == 3
    let local = Instant(microseconds: cut - (isWest ? 8 * 3_600_000_000 : 0)).description
    var text = String(local.dropLast())
    text = text.contains(".") ? String(text.dropLast(3)) : text + ".000"
    return .string(text + ["Z", "+00:00", "+00", "-08:00"][style])
  }

  private static func prefix(_ bytes: [UInt8], _ length: Int) -> String {
    var text = ""
    let scalars = String(decoding: bytes, as: UTF8.self).unicodeScalars
    text.unicodeScalars.append(contentsOf: scalars.prefix(length))
    return text
  }

  /// A text that is not below another one: itself, or a shorter one that is raised, by the greatest
  /// of all characters behind it or by a greater last one. nil when there is none.
  private static func upper(_ bytes: [UInt8], _ length: Int, isRaising: Bool) -> String? {
    let whole = String(decoding: bytes, as: UTF8.self)
    guard whole.unicodeScalars.count > length else { return whole }
    var scalars = Array(whole.unicodeScalars.prefix(length))
    if !isRaising {
      var text = ""
      text.unicodeScalars.append(contentsOf: scalars)
      // Until it is greater, as Spark does it.
      for scalar in whole.unicodeScalars.dropFirst(length) {
        text.unicodeScalars.append("\u{10FFFF}")
        if scalar != "\u{10FFFF}" { return text }
      }
      return whole
    }
    while let last = scalars.popLast() {
      guard let next = Unicode.Scalar(last.value + 1) else { continue }
      var text = ""
      text.unicodeScalars.append(contentsOf: scalars + [next])
      return text
    }
    return nil
  }

  /// JSON as some writers spell it, with escapes for all that is not ASCII.
  private static func inASCII(_ text: String) -> String {
    text.utf16.map { unit in
      guard unit > 0x7E, let scalar = Optional(String(unit, radix: 16)) else {
        return String(decoding: [UInt8(unit)], as: UTF8.self)
      }
      return "\\u" + String(repeating: "0", count: 4 - scalar.utf8.count) + scalar
    }.joined()
  }

  // MARK: Predicates

  /// A condition on the table, nested at most so deep.
  func predicate(depth: Int) -> TablePredicate {
    if depth > 0, chance.happens(percent: 55) {
      let parts = (0..<chance.below(4)).map { _ in predicate(depth: depth - 1) }
      return switch chance.below(3) {
      case 0: .all(parts)
      case 1: .any(parts)
      default: .not(predicate(depth: depth - 1))
      }
    }
    let index = chance.below(columns.count)
    switch chance.below(20) {
    case 0: return .constant([true, false, nil][chance.below(3)])
    case 1: return chance.happens(percent: 50) ? .unknown : .compare(["nowhere"], .equal, 1)
    case 2...4: return .isNull(spelled(columns[index].path))
    case 5...7:
      let count = chance.below(4)
      return .oneOf(spelled(columns[index].path), (0..<count).map { _ in literal(index) })
    default:
      let all = TablePredicate.Comparison.allCases
      return .compare(spelled(columns[index].path), all[chance.below(all.count)], literal(index))
    }
  }

  private func spelled(_ path: [String]) -> [String] {
    chance.happens(percent: 20) ? path.map { $0 == "größe" ? $0 : $0.uppercased() } : path
  }

  /// A value near those of a column, in one of the forms that a condition may have.
  private func literal(_ index: Int) -> JSONValue {
    if chance.happens(percent: 3) { return .null }
    if chance.happens(percent: 3) {
      return ["text", 5, true, "2024-01-01", "NaN", 1.5][chance.below(6)]
    }
    let rows = files[chance.below(files.count)].rows
    let cell = rows.isEmpty ? .null : rows[chance.below(rows.count)][index]
    let type = columns[index].type
    switch cell.isNull ? self.cell(type, chance.below(20)) : cell {
    case .null: return 1
    case .exact(let value):
      let moves: [Int128] = [0, 0, Cell.unit, -Cell.unit, Cell.unit / 2, 1, -1]
      let text = PredicateOracle.text(value + moves[chance.below(moves.count)], scale: 10)
      var short = Substring(text)
      while short.hasSuffix("0") { short = short.dropLast() }
      if short.hasSuffix(".") { short = short.dropLast() }
      return number(chance.happens(percent: 80) ? String(short) : text)
    case .real(let value): return number(moved(value).description)
    case .single(let value):
      let double = moved(Double(value))
      return number(chance.happens(percent: 50) ? Float(double).description : double.description)
    case .ordinal(let value) where type == .boolean: return .bool(value == 1)
    case .ordinal(let value):
      let moves: [Int64] = type == .date ? [0, 0, 1, -1] : [0, 0, 1, -1, 999, -1_000, 1_500]
      let text = Self.text(.ordinal(value + moves[chance.below(moves.count)]), type)
      if type == .date || chance.happens(percent: 60) { return .string(text) }
      return .string(String(text.dropLast()) + ["", "+00:00"][chance.below(2)])
    case .text(let bytes):
      let text = String(decoding: bytes, as: UTF8.self)
      return .string([text, text, text + "a", String(text.dropLast())][chance.below(4)])
    }
  }

  private func moved(_ value: Double) -> Double {
    guard value.isFinite else { return Double(chance.below(100)) }
    let moved = [value, value, value + 1, value - 0.5, value.nextUp, value.nextDown]
    return moved[chance.below(moved.count)].isFinite ? moved[chance.below(2)] : value
  }

  /// A number as text, some with an exponent, which makes a double of it.
  private func number(_ text: String) -> JSONValue {
    let hasExponent = text.contains("e")
    let written = !hasExponent && chance.happens(percent: 15) ? text + "e0" : text
    return JSONNumber(text: written).map { .number($0) } ?? 1
  }
}

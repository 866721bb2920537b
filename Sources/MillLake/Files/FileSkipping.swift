// SPDX-License-Identifier: Apache-2.0

package import MillCore

/// A predicate made ready for judging many files of one table by what the log says of them.
///
/// A file is skipped only when no row of it can satisfy the predicate, whoever wrote its statistics:
/// instants are taken as cut to milliseconds, wide decimals as rounded through doubles, and the
/// upper bounds of floating-point columns say nothing, since writers leave NaN out of them and
/// engines order NaN above all numbers.
///
/// > Source: Delta transaction log protocol, "Per-file Statistics".
package struct FileSkipping: Sendable {
  /// What a condition can be for a row.
  enum Outcome { case isTrue, isFalse, isNull }

  indirect enum Node: Sendable {
    case unknown
    case constant(Bool?)
    case compare(Column, TablePredicate.Comparison, Scalar)
    case isNull(Column)
    case oneOf(Column, [Scalar])
    case all([Node])
    case any([Node])
    case not(Node)
  }

  /// Where what is known of a column stands.
  struct Column: Sendable {
    var type: DataType
    /// The physical name of a partition column.
    var partition: String?
    /// Where its bounds and its nulls stand: the keys on the way, as bytes between quotes.
    let minimum: [[UInt8]]
    let maximum: [[UInt8]]
    let nulls: [[UInt8]]

    init(type: DataType, partition: String?, keys: [[UInt8]]) {
      self.type = type
      self.partition = partition
      minimum = [Array("minValues".utf8)] + keys
      maximum = [Array("maxValues".utf8)] + keys
      nulls = [Array("nullCount".utf8)] + keys
    }
  }

  private let root: Node

  /// Prepares a predicate for a table; columns that the table lacks make it unknown.
  package init(
    _ predicate: TablePredicate,
    schema: Schema,
    partitionColumns: [String],
    mapping: ColumnMapping
  ) {
    let partition = Set(partitionColumns.map { ByteKey($0) })
    func column(_ path: [String]) -> Column? {
      guard let first = path.first, var field = schema.field(ignoringCase: first) else {
        return nil
      }
      var keys = [Self.keyBytes(field.physicalName(mapping))]
      if partition.contains(ByteKey(field.name)) {
        guard path.count == 1 else { return nil }
        return Column(type: field.type, partition: field.physicalName(mapping), keys: keys)
      }
      for name in path.dropFirst() {
        guard case .structure(let members) = field.type,
          let member = Schema(members).field(ignoringCase: name)
        else { return nil }
        field = member
        keys.append(Self.keyBytes(field.physicalName(mapping)))
      }
      return Column(type: field.type, partition: nil, keys: keys)
    }
    func node(_ predicate: TablePredicate) -> Node {
      switch predicate {
      case .unknown: return .unknown
      case .constant(let value): return .constant(value)
      case .compare(let path, let comparison, let literal):
        guard let column = column(path) else { return .unknown }
        if literal.isNull { return .constant(nil) }
        guard let scalar = Scalar(literal: literal, type: column.type) else { return .unknown }
        return .compare(column, comparison, scalar)
      case .isNull(let path): return column(path).map { .isNull($0) } ?? .unknown
      case .oneOf(let path, let literals):
        guard let column = column(path) else { return .unknown }
        let scalars = literals.map { Scalar(literal: $0, type: column.type) }
        guard !scalars.contains(where: { $0 == nil }) else { return .unknown }
        return .oneOf(column, scalars.compactMap { $0 })
      case .all(let parts): return .all(parts.map(node))
      case .any(let parts): return .any(parts.map(node))
      case .not(let part): return .not(node(part))
      }
    }
    root = node(predicate)
  }

  private static func keyBytes(_ name: String) -> [UInt8] {
    Array(JSONValue.string(name).serialized().utf8.dropFirst().dropLast())
  }

  /// Whether a row of the file may satisfy the predicate.
  package func mayMatch(_ file: AddFile) -> Bool { judge(file) { Self.can(.isTrue, root, $0) } }

  /// Whether every row of the file surely satisfies the predicate.
  package func surelyMatchesAll(_ file: AddFile) -> Bool {
    judge(file) { !Self.can(.isFalse, root, $0) && !Self.can(.isNull, root, $0) }
  }

  private func judge(_ file: AddFile, _ body: (borrowing Facts) -> Bool) -> Bool {
    var stats = file.stats ?? ""
    return stats.withUTF8 { bytes in
      body(Facts(stats: UnsafeRawBufferPointer(bytes)) { file.partitionValues[$0] ?? nil })
    }
  }

  /// The rows of a block that may match, hidden ones included.
  func rows(of block: FileBlock) -> [Int] {
    var found: [Int] = []
    var verdicts = PartitionVerdicts(self, block)
    block.stats.withBytes { bytes in
      for row in 0..<block.count {
        switch verdicts.verdict(row) {
        case false?: continue
        case true? where !verdicts.needsStatistics: found.append(row)
        default:
          let stats = UnsafeRawBufferPointer(rebasing: bytes[block.stats.range(row)])
          let facts = Facts(stats: stats) { name in
            block.partitions.first { $0.name == name }
              .flatMap { $0.values[Int($0.codes[row])] }
          }
          if Self.can(.isTrue, root, facts) { found.append(row) }
        }
      }
    }
    return found
  }

  /// Judges each distinct set of partition values once.
  private struct PartitionVerdicts {
    let needsStatistics: Bool
    private let skipping: FileSkipping
    private let block: FileBlock
    private var known: [[Int32]: Bool] = [:]
    private var lastCodes: [Int32] = []
    private var lastVerdict = true
    private let hasPartitions: Bool

    init(_ skipping: FileSkipping, _ block: FileBlock) {
      self.skipping = skipping
      self.block = block
      let columns = skipping.root.columns
      needsStatistics = columns.contains { $0.partition == nil }
      hasPartitions = columns.contains { $0.partition != nil } && !block.partitions.isEmpty
    }

    /// Whether the partition values alone leave the file in; nil when they say nothing.
    mutating func verdict(_ row: Int) -> Bool? {
      guard hasPartitions else { return nil }
      var isSame = lastCodes.count == block.partitions.count
      if isSame {
        for index in lastCodes.indices
        where block.partitions[index].codes[row] != lastCodes[index] {
          isSame = false
          break
        }
      }
      if isSame { return lastVerdict }
      lastCodes = block.partitions.map { $0.codes[row] }
      if let verdict = known[lastCodes] {
        lastVerdict = verdict
        return verdict
      }
      let facts = Facts(stats: UnsafeRawBufferPointer(start: nil, count: 0)) { [block] name in
        block.partitions.first { $0.name == name }.flatMap { $0.values[Int($0.codes[row])] }
      }
      lastVerdict = FileSkipping.can(.isTrue, skipping.root, facts)
      known[lastCodes] = lastVerdict
      return lastVerdict
    }
  }

  // MARK: Judgement

  /// What is known of one file.
  struct Facts: ~Copyable {
    let scan: StatisticsScan
    let partition: (String) -> String?

    init(stats: UnsafeRawBufferPointer, partition: @escaping (String) -> String?) {
      scan = StatisticsScan(stats)
      self.partition = partition
    }

    func bound(_ keys: [[UInt8]], _ type: DataType) -> Scalar? {
      guard let range = scan.value(at: keys) else { return nil }
      return Scalar(bound: UnsafeRawBufferPointer(rebasing: scan.bytes[range]), type: type)
    }

    func count(_ keys: [[UInt8]]) -> Int64? {
      guard let range = scan.value(at: keys) else { return nil }
      return integer(in: UnsafeRawBufferPointer(rebasing: scan.bytes[range]))
    }
  }

  private static let records = [Array("numRecords".utf8)]

  /// Whether the condition can have this outcome for a row of the file.
  private static func can(_ outcome: Outcome, _ node: Node, _ facts: borrowing Facts) -> Bool {
    switch node {
    case .unknown: return true
    case .constant(let value):
      return switch outcome {
      case .isTrue: value == true
      case .isFalse: value == false
      case .isNull: value == nil
      }
    case .compare(let column, let comparison, let scalar):
      return canCompare(outcome, column, comparison, scalar, facts)
    case .oneOf(let column, let scalars):
      switch outcome {
      case .isTrue:
        for scalar in scalars where canCompare(.isTrue, column, .equal, scalar, facts) {
          return true
        }
        return false
      case .isFalse: return true
      case .isNull: return mayHoldNull(column, facts)
      }
    case .isNull(let column):
      return switch outcome {
      case .isTrue: mayHoldNull(column, facts)
      case .isFalse: mayHoldValue(column, facts)
      case .isNull: false
      }
    case .all(let parts):
      if outcome == .isTrue {
        for part in parts where !can(.isTrue, part, facts) { return false }
        return true
      }
      for part in parts where can(outcome, part, facts) { return true }
      return false
    case .any(let parts):
      if outcome == .isFalse {
        for part in parts where !can(.isFalse, part, facts) { return false }
        return true
      }
      for part in parts where can(outcome, part, facts) { return true }
      return false
    case .not(let part):
      return switch outcome {
      case .isTrue: can(.isFalse, part, facts)
      case .isFalse: can(.isTrue, part, facts)
      case .isNull: can(.isNull, part, facts)
      }
    }
  }

  private static func mayHoldNull(_ column: Column, _ facts: borrowing Facts) -> Bool {
    if let name = column.partition { return (facts.partition(name) ?? "").isEmpty }
    return facts.count(column.nulls) != 0
  }

  private static func mayHoldValue(_ column: Column, _ facts: borrowing Facts) -> Bool {
    if let name = column.partition {
      guard let text = facts.partition(name) else { return false }
      return !text.isEmpty || column.type == .string
    }
    guard let nulls = facts.count(column.nulls), let rows = facts.count(records)
    else { return true }
    return nulls < rows
  }

  private static func canCompare(
    _ outcome: Outcome,
    _ column: Column,
    _ comparison: TablePredicate.Comparison,
    _ scalar: Scalar,
    _ facts: borrowing Facts
  ) -> Bool {
    if outcome == .isNull { return mayHoldNull(column, facts) }
    let wanted = outcome == .isTrue ? comparison : comparison.opposite
    if let name = column.partition {
      guard let text = facts.partition(name), !text.isEmpty || column.type == .string else {
        return false
      }
      guard let value = Scalar(partitionText: text, type: column.type),
        value.isComparable(with: scalar)
      else { return true }
      if column.type == .float {
        // Engines differ in whether the text or what 32 bits make of it is compared.
        let low = value.widened(.float, up: false)
        let high = value.widened(.float, up: true)
        return !(scalar < low || high < scalar) || wanted.holds(value, scalar)
      }
      // Two numbers that round to the same double may differ all the same.
      if value.isNear(scalar), !(value < scalar), !(scalar < value) { return true }
      return wanted.holds(value, scalar)
    }
    // Only a bound that is the value of a row itself can exclude `<>`; few are, so none is asked.
    if wanted == .notEqual { return true }
    if wanted != .greater, wanted != .greaterOrEqual,
      let minimum = facts.bound(column.minimum, column.type)?.widened(column.type, up: false),
      minimum.isComparable(with: scalar)
    {
      let isStrict = wanted == .less && !minimum.isNear(scalar)
      let isOut = isStrict ? !(minimum < scalar) : scalar < minimum
      if isOut { return false }
    }
    if wanted != .less, wanted != .lessOrEqual, !column.type.mayHoldNaN || wanted == .equal,
      let maximum = facts.bound(column.maximum, column.type)?.widened(column.type, up: true),
      maximum.isComparable(with: scalar)
    {
      let isStrict = wanted == .greater && !maximum.isNear(scalar)
      let isOut = isStrict ? !(scalar < maximum) : maximum < scalar
      if isOut { return false }
    }
    return true
  }
}

extension FileSkipping.Node {
  /// The columns that the condition is about.
  var columns: [FileSkipping.Column] {
    switch self {
    case .unknown, .constant: []
    case .compare(let column, _, _), .isNull(let column), .oneOf(let column, _): [column]
    case .all(let parts), .any(let parts): parts.flatMap(\.columns)
    case .not(let part): part.columns
    }
  }
}

extension DataType {
  fileprivate var mayHoldNaN: Bool { self == .double || self == .float }
}

extension TablePredicate.Comparison {
  /// The comparison that is true where this one is false.
  var opposite: Self {
    switch self {
    case .equal: .notEqual
    case .notEqual: .equal
    case .less: .greaterOrEqual
    case .lessOrEqual: .greater
    case .greater: .lessOrEqual
    case .greaterOrEqual: .less
    }
  }

  func holds(_ left: Scalar, _ right: Scalar) -> Bool {
    switch self {
    case .equal: !(left < right) && !(right < left)
    case .notEqual: left < right || right < left
    case .less: left < right
    case .lessOrEqual: !(right < left)
    case .greater: right < left
    case .greaterOrEqual: !(left < right)
    }
  }
}

extension Schema {
  /// The field of a name as SQL has it, where letter case does not matter.
  func field(ignoringCase name: String) -> Field? {
    if let exact = self[name: name] { return exact }
    let folded = name.lowercased()
    return fields.first { $0.name.lowercased() == folded }
  }
}

// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillLake
import MillTesting
import Testing

@Suite("Which files a condition needs")
struct FileSkippingTests {
  // MARK: Against brute force

  @Test(
    "no file with a row that a condition is true of is left out, and those without mostly are",
    arguments: 0..<16
  )
  func random(seed: UInt64) throws {
    let chance = SeededRandom(seed: seed)
    var (useless, skipped, certain, surely) = (0, 0, 0, 0)
    for number in 0..<15 {
      let table = RandomTable(chance)
      let snapshot = try table.snapshot()
      let oracles = OracleEngine.allCases.map {
        PredicateOracle(columns: table.columns, engine: $0, chance: chance)
      }
      for _ in 0..<20 {
        let predicate = table.predicate(depth: 4)
        let skipping = snapshot.skipping(predicate)
        let kept = snapshot.files(matching: predicate).map(\.path)
        #expect(Set(kept).count == kept.count, "seed \(seed), table \(number)")
        #expect(
          Set(kept).isSubset(of: table.files.map(\.add.path)),
          "seed \(seed), table \(number)"
        )
        for file in table.files {
          let truths = oracles.flatMap { oracle in
            file.rows.map { oracle.truth(predicate, of: $0) }
          }
          let mayMatch = skipping.mayMatch(file.add)
          let surelyMatches = skipping.surelyMatchesAll(file.add)
          var what: Comment {
            "seed \(seed), table \(number): \(predicate) on \(file.add); rows \(file.rows)"
          }
          #expect(mayMatch || !truths.contains(true), what)
          #expect(!surelyMatches || truths.allSatisfy { $0 == true }, what)
          #expect(kept.contains(file.add.path) == mayMatch, what)
          if !truths.contains(true) { useless += 1 }
          if !mayMatch { skipped += 1 }
          if truths.allSatisfy({ $0 == true }) { certain += 1 }
          if surelyMatches { surely += 1 }
        }
      }
    }
    #expect(skipped * 100 >= useless * 65, "seed \(seed): \(skipped) of \(useless)")
    #expect(surely * 100 >= certain * 45, "seed \(seed): \(surely) of \(certain)")
  }

  // MARK: Exactly those

  /// A file with bounds that are values, nulls counted, and the truth of its partition.
  private struct PlainFile {
    var low: Int
    var high: Int
    var nulls: Int
    var rows = 10
    var partition: Int?

    private static func day(_ number: Int) -> JSONValue {
      .string(CivilDate(daysSinceEpoch: Int32(number)).description)
    }

    /// Values of each column of ``plainSchema`` that stand for a number, in the same order.
    static func value(_ column: String, _ number: Int) -> JSONValue {
      switch column {
      case "day", "part_day": day(number)
      case "text", "part_text": .string("k" + String(2_000 + number))
      default: .int(number)
      }
    }

    func add(_ path: String) -> AddFile {
      var (minimums, maximums, counts) = (JSONObject(), JSONObject(), JSONObject())
      for column in ["n", "i", "day", "text"] {
        counts[column] = .int(nulls)
        guard nulls < rows else { continue }
        minimums[column] = Self.value(column, low)
        maximums[column] = Self.value(column, high)
      }
      let stats: JSONValue = [
        "numRecords": .int(rows), "minValues": .object(minimums), "maxValues": .object(maximums),
        "nullCount": .object(counts),
      ]
      var file = AddFile(path: path, size: 1, modificationTime: 0, stats: stats.serialized())
      for column in ["part_n", "part_day", "part_text"] {
        let value = partition.map { Self.value(column, $0) }
        file.partitionValues[column] = .some(value.map { $0.text ?? $0.serialized() })
      }
      return file
    }
  }

  private static let plainSchema = Schema([
    Field("n", .long), Field("i", .integer), Field("day", .date), Field("text", .string),
    Field("part_n", .long), Field("part_day", .date), Field("part_text", .string),
  ])
  private static let plainPartitions = ["part_n", "part_day", "part_text"]

  /// Whether the bounds let a comparison be true of some value, and of one only by being null.
  private func isExcluded(
    _ file: PlainFile,
    _ comparison: TablePredicate.Comparison,
    _ number: Int
  ) -> Bool {
    guard file.nulls < file.rows else { return false }
    return switch comparison {
    case .equal: number < file.low || number > file.high
    // The one value of a file may be a bound alone, and not the value of each row.
    case .notEqual: false
    case .less: file.low >= number
    case .lessOrEqual: file.low > number
    case .greater: file.high <= number
    case .greaterOrEqual: file.high < number
    }
  }

  private func isTrue(
    _ value: Int,
    _ comparison: TablePredicate.Comparison,
    _ number: Int
  ) -> Bool {
    switch comparison {
    case .equal: value == number
    case .notEqual: value != number
    case .less: value < number
    case .lessOrEqual: value <= number
    case .greater: value > number
    case .greaterOrEqual: value >= number
    }
  }

  @Test("of exact bounds and partitions just those files stay that may match", arguments: 0..<10)
  func exactly(seed: UInt64) throws {
    let chance = SeededRandom(seed: seed)
    let files = (0..<20).map { _ in
      let low = chance.below(30)
      var file = PlainFile(low: low, high: low + chance.below(5), nulls: chance.below(3))
      if chance.happens(percent: 10) { file.nulls = file.rows }
      file.partition = chance.happens(percent: 10) ? nil : chance.below(10)
      return file
    }
    var builder = FileBlock.Builder(partitionColumns: Self.plainPartitions)
    var all: [(path: String, file: PlainFile)] = []
    for (number, file) in files.enumerated() {
      let path = "file-\(number)"
      all.append((path, file))
      let isInside = builder.append(file.add(path))
      #expect(isInside)
    }
    let metadata = TableMetadata(
      id: "t",
      schema: Self.plainSchema,
      partitionColumns: Self.plainPartitions
    )
    let snapshot = try Replay(
      table: "t",
      checkpoint: .first,
      [
        CheckpointPart(
          files: builder.finish(),
          actions: [.protocol(.classic), .metadata(metadata)]
        )
      ]
    ).snapshot(location: "/t", committedAt: .earliest)
    func expect(_ predicate: TablePredicate, skips isSkipped: (PlainFile) -> Bool) {
      let kept = snapshot.files(matching: predicate).map(\.path)
      #expect(
        kept == all.filter { !isSkipped($0.file) }.map(\.path),
        "seed \(seed): \(predicate)"
      )
    }

    for comparison in TablePredicate.Comparison.allCases {
      let opposite: TablePredicate.Comparison =
        switch comparison {
        case .equal: .notEqual
        case .notEqual: .equal
        case .less: .greaterOrEqual
        case .lessOrEqual: .greater
        case .greater: .lessOrEqual
        case .greaterOrEqual: .less
        }
      for _ in 0..<4 {
        let number = chance.below(36) - 1
        for column in ["n", "i", "day", "text"] {
          let value = PlainFile.value(column, number)
          expect(.compare([column], comparison, value)) { isExcluded($0, comparison, number) }
          expect(.not(.compare([column], comparison, value))) { isExcluded($0, opposite, number) }
        }
        let part = chance.below(12) - 1
        for column in Self.plainPartitions {
          let value = PlainFile.value(column, part)
          expect(.compare([column], comparison, value)) { file in
            !(file.partition.map { isTrue($0, comparison, part) } ?? false)
          }
          expect(.not(.compare([column], comparison, value))) { file in
            !(file.partition.map { !isTrue($0, comparison, part) } ?? false)
          }
          // Both must let a file in when both are asked for, and one when either is; or their opposites.
          let both = [
            TablePredicate.compare(["n"], comparison, PlainFile.value("n", number)),
            .compare([column], .greater, value),
          ]
          expect(.all(both)) { file in
            isExcluded(file, comparison, number) || !(file.partition.map { $0 > part } ?? false)
          }
          expect(.any(both)) { file in
            isExcluded(file, comparison, number) && !(file.partition.map { $0 > part } ?? false)
          }
          expect(.not(.all(both))) { file in
            isExcluded(file, opposite, number) && !(file.partition.map { $0 <= part } ?? false)
          }
          expect(.not(.any(both))) { file in
            isExcluded(file, opposite, number) || !(file.partition.map { $0 <= part } ?? false)
          }
        }
      }
    }
    let numbers = (0..<3).map { _ in chance.below(36) }
    for column in ["n", "i", "day", "text"] {
      expect(.isNull([column])) { $0.nulls == 0 }
      expect(.not(.isNull([column]))) { $0.nulls == $0.rows }
      expect(.oneOf([column], numbers.map { PlainFile.value(column, $0) })) { file in
        numbers.allSatisfy { isExcluded(file, .equal, $0) }
      }
    }
    for column in Self.plainPartitions {
      expect(.isNull([column])) { $0.partition != nil }
      expect(.not(.isNull([column]))) { $0.partition == nil }
      expect(.oneOf([column], numbers.map { PlainFile.value(column, $0) })) { file in
        !numbers.contains { $0 == file.partition }
      }
    }
    expect(.constant(true)) { _ in false }
    expect(.constant(false)) { _ in true }
    expect(.constant(nil)) { _ in true }
    expect(.unknown) { _ in false }
    expect(.all([])) { _ in false }
    expect(.any([])) { _ in true }
    expect(.compare(["n"], .notEqual, nil)) { _ in true }
  }

  // MARK: Single cases

  private func mayMatch(
    _ predicate: TablePredicate,
    _ type: DataType,
    low: JSONValue,
    high: JSONValue
  ) -> Bool {
    let stats: JSONValue = ["minValues": ["x": low], "maxValues": ["x": high]]
    return FileSkipping(
      predicate,
      schema: Schema([Field("x", type)]),
      partitionColumns: [],
      mapping: .none
    ).mayMatch(AddFile(path: "f", size: 1, modificationTime: 0, stats: stats.serialized()))
  }

  private func mayMatch(_ predicate: TablePredicate, _ type: DataType, partition: String) -> Bool {
    FileSkipping(
      predicate,
      schema: Schema([Field("x", type)]),
      partitionColumns: ["x"],
      mapping: .none
    ).mayMatch(
      AddFile(path: "f", partitionValues: ["x": partition], size: 1, modificationTime: 0)
    )
  }

  @Test(
    "NaN is greater than every upper bound, and equal to no number",
    arguments: [DataType.double, .float]
  )
  func notANumber(type: DataType) {
    func holds(_ comparison: TablePredicate.Comparison, _ number: Int) -> Bool {
      mayMatch(.compare(["x"], comparison, .int(number)), type, low: 1, high: 5)
    }
    #expect(holds(.greater, 9))
    #expect(holds(.greaterOrEqual, 9))
    #expect(holds(.notEqual, 3))
    #expect(!holds(.equal, 9))
    #expect(!holds(.less, -1))
    #expect(!holds(.lessOrEqual, 0))
    #expect(mayMatch(.not(.compare(["x"], .lessOrEqual, 9)), type, low: 1, high: 5))
    #expect(!mayMatch(.not(.compare(["x"], .greaterOrEqual, -1)), type, low: 1, high: 5))
    for number in ["NaN", "Infinity", "-Infinity"] {
      #expect(
        mayMatch(.compare(["x"], .equal, 9), type, low: .string(number), high: .string(number))
      )
      #expect(mayMatch(.compare(["x"], .greater, 9), type, partition: number))
    }
  }

  @Test("an instant may lie up to a millisecond behind its bound and no further")
  func milliseconds() {
    func holds(_ comparison: TablePredicate.Comparison, _ text: String) -> Bool {
      mayMatch(
        .compare(["x"], comparison, .string(text)),
        .timestamp,
        low: "2024-01-01T00:00:00.123Z",
        high: "2024-01-01T00:00:00.456Z"
      )
    }
    #expect(holds(.greaterOrEqual, "2024-01-01T00:00:00.456999Z"))
    #expect(holds(.equal, "2024-01-01 00:00:00.456999"))
    #expect(!holds(.greaterOrEqual, "2024-01-01T00:00:00.457001Z"))
    #expect(!holds(.equal, "2024-01-01T00:00:00.457001Z"))
    #expect(!holds(.less, "2024-01-01T00:00:00.122Z"))
    #expect(!holds(.less, "2024-01-01T02:00:00.122+02:00"))
    #expect(holds(.less, "2024-01-01T00:00:00.123500Z"))
  }

  @Test(
    "an instant among the bounds is read in whichever way its zone is written",
    arguments: [
      "2024-01-01T08:00:00.000Z", "2024-01-01 08:00:00", "2024-01-01T08:00:00+00:00",
      "2024-01-01 08:00:00+00", "2024-01-01T00:00:00.000-08:00", "2024-01-01T09:30:00+01:30",
    ]
  )
  func zones(bound: String) {
    func holds(_ comparison: TablePredicate.Comparison, _ literal: JSONValue) -> Bool {
      mayMatch(
        .compare(["x"], comparison, literal),
        .timestamp,
        low: .string(bound),
        high: .string(bound)
      )
    }
    #expect(holds(.equal, "2024-01-01T08:00:00Z"))
    #expect(!holds(.less, "2024-01-01T07:59:59Z"))
    #expect(!holds(.greater, "2024-01-01T08:00:01Z"))
  }

  @Test("wide decimals that one double stands for are not told apart, nor is a double beside it")
  func wideDecimals() throws {
    let type = DataType.decimal(precision: 38, scale: 10)
    let value = try #require(JSONNumber(text: "1234567890123456789.0000000001"))
    let double = 1_234_567_890_123_456_768.0
    for comparison in TablePredicate.Comparison.allCases {
      let predicate = TablePredicate.compare(["x"], comparison, .number(value))
      for bound in [double.nextDown, double, double.nextUp] {
        #expect(mayMatch(predicate, type, low: .real(bound), high: .real(bound)))
      }
      #expect(mayMatch(predicate, type, partition: "1234567890123456789.0000000000"))
    }
    let far = TablePredicate.compare(["x"], .equal, 1_234_567_890_123_000_000)
    #expect(!mayMatch(far, type, low: .real(double), high: .real(double)))
  }

  @Test(
    "numbers that are equal only as doubles may be less and greater all the same",
    arguments: [
      (DataType.long, "9007199254740992", "9007199254740991.5", "9007199254740992.5"),
      (
        .decimal(precision: 10, scale: 2), "12345678.25", "12345678.2499999999",
        "12345678.2500000001"
      ),
    ]
  )
  func nearlyEqual(type: DataType, value: String, below: String, above: String) throws {
    func number(_ text: String) throws -> JSONValue {
      .number(try #require(JSONNumber(text: text)))
    }
    let bound = try number(value)
    for (comparison, literal) in [
      (TablePredicate.Comparison.less, above), (.lessOrEqual, above), (.greater, below),
      (.greaterOrEqual, below), (.notEqual, above), (.notEqual, below),
    ] {
      let predicate = TablePredicate.compare(["x"], comparison, try number(literal))
      #expect(mayMatch(predicate, type, low: bound, high: bound), "\(comparison) \(literal)")
      #expect(mayMatch(predicate, type, partition: value), "\(comparison) \(literal)")
    }
  }

  @Test("a partition of 32 bits is what its text is rounded to, however the engine compares")
  func singlePartition() {
    func holds(_ comparison: TablePredicate.Comparison, _ number: Double) -> Bool {
      mayMatch(.compare(["x"], comparison, .real(number)), .float, partition: "0.1")
    }
    // DuckDB rounds both of these to the partition's value.
    #expect(holds(.equal, 0.1))
    #expect(holds(.equal, 0.100000001))
    // To Spark the partition's value is this one of 64 bits.
    #expect(holds(.equal, Double(Float(0.1))))
    #expect(holds(.greater, 0.1))
    #expect(!holds(.equal, 0.2))
    #expect(!holds(.greater, 0.11))
  }

  @Test("an empty text as a partition is null or a text, for whoever reads the one or the other")
  func emptyPartition() {
    #expect(mayMatch(.isNull(["x"]), .string, partition: ""))
    #expect(mayMatch(.not(.isNull(["x"])), .string, partition: ""))
    #expect(mayMatch(.compare(["x"], .equal, ""), .string, partition: ""))
    #expect(!mayMatch(.compare(["x"], .equal, "a"), .string, partition: ""))
    #expect(mayMatch(.isNull(["x"]), .long, partition: ""))
    #expect(!mayMatch(.not(.isNull(["x"])), .long, partition: ""))
    #expect(!mayMatch(.compare(["x"], .equal, 5), .long, partition: ""))
  }

  @Test("names that only look alike are different columns")
  func lookAlikes() {
    let (composed, decomposed) = ("\u{E9}", "e\u{301}")
    let schema = Schema([Field(composed, .long), Field(decomposed, .long)])
    let stats: JSONValue = [
      "minValues": .object([composed: 5]), "maxValues": .object([composed: 9]),
    ]
    let file = AddFile(
      path: "f",
      partitionValues: [decomposed: "1"],
      size: 1,
      modificationTime: 0,
      stats: stats.serialized()
    )
    func mayMatch(_ name: String, _ number: Int) -> Bool {
      FileSkipping(
        .compare([name], .equal, .int(number)),
        schema: schema,
        partitionColumns: [decomposed],
        mapping: .none
      ).mayMatch(file)
    }
    #expect(mayMatch(composed, 7))
    #expect(!mayMatch(composed, 1))
    #expect(mayMatch(decomposed, 1))
    #expect(!mayMatch(decomposed, 7))
  }

  @Test("a name is found in whichever case, and one that is not there leaves every file in")
  func names() {
    let schema = Schema([Field("Id", .long), Field("s", .structure([Field("Inner", .long)]))])
    let stats = #"{"minValues":{"Id":5,"s":{"Inner":5}},"maxValues":{"Id":9,"s":{"Inner":9}}}"#
    func mayMatch(_ path: [String]) -> Bool {
      FileSkipping(
        .compare(path, .less, 1),
        schema: schema,
        partitionColumns: [],
        mapping: .none
      ).mayMatch(AddFile(path: "f", size: 1, modificationTime: 0, stats: stats))
    }
    for path in [["Id"], ["id"], ["ID"], ["s", "Inner"], ["S", "inner"]] {
      #expect(!mayMatch(path), "\(path)")
    }
    for path in [[], ["nowhere"], ["s"], ["s", "nowhere"], ["Id", "Inner"], ["Inner"]] {
      #expect(mayMatch(path), "\(path)")
    }
  }

  @Test(
    "a value of another kind than the column's leaves every file in",
    arguments: [
      (DataType.long, "5"), (.long, true), (.string, 5), (.date, 5), (.date, "2024-13-01"),
      (.date, "2024-01-01 00:00:00"), (.timestamp, "soon"), (.double, "NaN"), (.boolean, 1),
      (.timestamp, "2024-01-01T00:00:00.1234567Z"), (.binary, "00"), (.void, 5),
    ] as [(DataType, JSONValue)]
  )
  func mismatched(type: DataType, literal: JSONValue) {
    let bounds: JSONValue = type == .string ? "x" : type == .date ? "1999-01-01" : 1
    for comparison in TablePredicate.Comparison.allCases {
      #expect(mayMatch(.compare(["x"], comparison, literal), type, low: bounds, high: bounds))
      #expect(mayMatch(.not(.oneOf(["x"], [literal])), type, low: bounds, high: bounds))
      #expect(mayMatch(.oneOf(["x"], [literal]), type, low: bounds, high: bounds))
    }
  }
}

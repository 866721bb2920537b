// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillLake
import MillTesting
import Testing

@Suite("The files of a table against a model")
struct FileListTests {
  // MARK: The model

  /// A table's files by name on disk and vector, all texts by their bytes.
  private struct Model {
    private(set) var files: [ByteKey: AddFile] = [:]

    mutating func add(_ file: AddFile, named name: String) { files[Self.key(file, name)] = file }
    mutating func remove(_ file: AddFile, named name: String) {
      files[Self.key(file, name)] = nil
    }

    private static func key(_ file: AddFile, _ name: String) -> ByteKey {
      ByteKey("\(name)|\(vector(file))")
    }

    static func vector(_ file: AddFile) -> String {
      guard let vector = file.deletionVector else { return "" }
      return vector.storageType.rawValue + vector.pathOrInlineDv
        + (vector.offset.map { "@\($0)" } ?? "")
    }

    var sizeInBytes: Int64 { files.values.reduce(0) { $0 + $1.size } }

    /// Rows over all files, as the statistics of these tests say them.
    var rows: Int64? {
      files.values.reduce(Optional(0)) { sum, file in
        let digits = file.stats?.drop { !$0.isNumber }.prefix { $0.isNumber }
        guard let sum, let digits, let rows = Int64(digits) else { return nil }
        return sum + rows - (file.deletionVector?.cardinality ?? 0)
      }
    }

    /// One line for each file with everything that is known of it.
    var lines: Set<ByteKey> { Self.lines(files.values) }

    static func lines(_ files: some Sequence<AddFile>) -> Set<ByteKey> {
      Set(files.map { ByteKey(line($0)) })
    }

    /// All but `dataChange`, which a checkpoint does not keep.
    private static func line(_ file: AddFile) -> String {
      let values = file.partitionValues.map { "\($0.key)=\($0.value ?? "<null>")" }.sorted()
      let tags = file.tags.map { "\($0.key)=\($0.value)" }.sorted()
      let others = JSONValue.object(file.others).serialized(sortedKeys: true)
      let cardinality = file.deletionVector?.cardinality ?? 0
      return [
        file.path, vector(file), "\(cardinality)", "\(file.size)", "\(file.modificationTime)",
        file.stats ?? "<none>", values.joined(separator: ","), tags.joined(separator: ","), others,
      ].joined(separator: "|")
    }
  }

  private func check(
    _ snapshot: Snapshot,
    _ model: Model,
    _ what: Comment,
    at location: SourceLocation = #_sourceLocation
  ) {
    let files = Array(snapshot.files)
    #expect(snapshot.files.count == model.files.count, what, sourceLocation: location)
    #expect(snapshot.files.isEmpty == model.files.isEmpty, what, sourceLocation: location)
    #expect(files.count == model.files.count, what, sourceLocation: location)
    #expect(Set(files.map(\.key)).count == files.count, what, sourceLocation: location)
    #expect(
      snapshot.files.keys == Set(model.files.values.map(\.key)),
      what,
      sourceLocation: location
    )
    #expect(snapshot.files.sizeInBytes == model.sizeInBytes, what, sourceLocation: location)
    #expect(snapshot.rows == model.rows, what, sourceLocation: location)
    let (found, expected) = (Model.lines(files), model.lines)
    #expect(found.subtracting(expected).min() == nil, what, sourceLocation: location)
    #expect(expected.subtracting(found).min() == nil, what, sourceLocation: location)
  }

  // MARK: Random files

  private static let columns = ["day", "city"]
  private static let metadata = TableMetadata(
    id: "t",
    schema: Schema([Field("id", .long), Field("day", .date), Field("city", .string)]),
    partitionColumns: columns
  )
  private static let start: [Action] = [.protocol(.classic), .metadata(metadata)]
  private static let stems = ["part", "a b", "ü", "x+y", "p=1", "100%", "a#b?c", "日本", "e\u{301}"]
  private static let cities: [String?] = [
    "", nil, "Köln", "a b", "a%20b", "\"", "Zürich", "Zu\u{308}rich",
  ]

  /// The name on disk of the n-th file.
  private static func name(_ number: Int) -> String {
    let stem = stems[number % stems.count]
    return number.isMultiple(of: 3) ? "d=\(stem)/\(number)" : "\(stem)-\(number).parquet"
  }

  /// A name as one writer or another spells it in a log.
  private static func spelled(_ name: String, _ chance: SeededRandom) -> String {
    let style = chance.below(4)
    guard style > 0 else { return LogPath.encode(name) }
    // Some escape as little as they must, some by small letters, some much more than they need.
    var path = ""
    for scalar in name.unicodeScalars {
      let isPlain = scalar.isASCII && scalar != "%"
      let isKept = style == 1 ? isPlain : isPlain && scalar != " " && scalar != "#"
      if isKept, scalar == "/" || style < 3 || !chance.happens(percent: 30) {
        path.unicodeScalars.append(scalar)
        continue
      }
      for byte in String(scalar).utf8 {
        let digits = String(byte, radix: 16, uppercase: style != 2)
        path += "%" + (byte < 16 ? "0" : "") + digits
      }
    }
    return path
  }

  private static func vector(_ chance: SeededRandom) -> DeletionVectorReference {
    DeletionVectorReference(
      storageType: .relative,
      pathOrInlineDv: "ab^-aqEH.-t@S}K{vb[*k^",
      offset: chance.happens(percent: 80) ? chance.below(1_000) : nil,
      sizeInBytes: 40,
      cardinality: Int64(chance.below(50))
    )
  }

  private static func file(_ number: Int, _ chance: SeededRandom, rows: Bool) -> AddFile {
    let day: String? = chance.happens(percent: 10) ? nil : "2024-03-0\(1 + chance.below(9))"
    let city = cities[chance.below(cities.count)]
    var file = AddFile(
      path: spelled(name(number), chance),
      partitionValues: ["day": day, "city": city],
      size: Int64(chance.below(1_000_000)),
      modificationTime: Int64(chance.below(1_000_000))
    )
    if rows || chance.happens(percent: 99) {
      file.stats = #"{"numRecords":\#(50 + chance.below(100)),"nullCount":{"id":0}}"#
    }
    if chance.happens(percent: 10) { file.tags = ["k": "v\(number)"] }
    if chance.happens(percent: 5) { file.others = ["baseRowId": .int(Int64(number))] }
    if chance.happens(percent: 10) { file.deletionVector = vector(chance) }
    return file
  }

  private static func removal(_ file: AddFile, _ number: Int, _ chance: SeededRandom) -> Action {
    var removal = file.removal(at: 1)
    removal.path = spelled(name(number), chance)
    return .remove(removal)
  }

  /// A block whose files come by turns as actions and column by column.
  private static func block(_ files: [AddFile]) -> FileBlock {
    var builder = FileBlock.Builder(partitionColumns: columns)
    for (number, file) in files.enumerated() {
      let isInside =
        number.isMultiple(of: 2) || !file.others.isEmpty
        ? builder.append(file) : append(file, to: &builder)
      #expect(isInside)
    }
    let count = builder.count
    #expect(count == files.count)
    return builder.finish()
  }

  private static func append(_ file: AddFile, to builder: inout FileBlock.Builder) -> Bool {
    let stats = file.stats.map { Array($0.utf8) }
    let isInside = Array(file.path.utf8).withUnsafeBytes { path in
      guard let stats else {
        return builder.append(
          path: path,
          size: file.size,
          modified: file.modificationTime,
          stats: nil
        )
      }
      return stats.withUnsafeBytes {
        builder.append(path: path, size: file.size, modified: file.modificationTime, stats: $0)
      }
    }
    guard isInside else { return false }
    for (index, column) in columns.enumerated() {
      guard let value = file.partitionValues[column] ?? nil else {
        builder.appendPartition(index, nil)
        continue
      }
      Array(value.utf8).withUnsafeBytes { builder.appendPartition(index, $0) }
    }
    if file.tags.isEmpty {
      builder.appendTags(nil)
    } else {
      let tags = JSONValue.object(JSONObject(file.tags.map { ($0.key, .string($0.value)) }))
      Array(tags.serialized().utf8).withUnsafeBytes { builder.appendTags($0) }
    }
    builder.setRare(deletionVector: file.deletionVector)
    return true
  }

  // MARK: Tests

  @Test(
    "commits over a checkpoint leave what the model holds, after each of them",
    arguments: 0..<10
  )
  func commits(seed: UInt64) throws {
    let chance = SeededRandom(seed: seed)
    // A few tables have files of which nobody knows the rows.
    let knowsRows = seed.isMultiple(of: 2)
    var model = Model()
    var present: [Int: AddFile] = [:]
    var blocks: [FileBlock] = []
    var numbers = 0
    for _ in 0..<(1 + chance.below(3)) {
      var files: [AddFile] = []
      for _ in 0..<(100 + chance.below(150)) {
        let file = Self.file(numbers, chance, rows: knowsRows)
        model.add(file, named: Self.name(numbers))
        present[numbers] = file
        files.append(file)
        numbers += 1
      }
      blocks.append(Self.block(files))
    }
    var parts = [CheckpointPart(files: nil, actions: Self.start)]
    parts += blocks.map { CheckpointPart(files: $0, actions: []) }
    var replay = try Replay(table: "t", checkpoint: TableVersion(6), parts)
    check(
      try replay.snapshot(location: "/t", committedAt: .earliest),
      model,
      "seed \(seed), checkpoint"
    )

    for step in 0..<16 {
      var actions: [Action] = []
      var used: Set<Int> = []
      for _ in 0..<(1 + chance.below(12)) {
        // Old files, those just added, those that left, and some that never were.
        let number = chance.below(numbers + 3)
        guard used.insert(number).inserted else { continue }
        let name = Self.name(number)
        let old = present[number]
        if let old { actions.append(Self.removal(old, number, chance)) }
        var new = Self.file(number, chance, rows: knowsRows)
        if let old {
          model.remove(old, named: name)
          present[number] = nil
          guard chance.happens(percent: 50) else { continue }
          // The same file again, with or without other rows deleted from it.
          if chance.happens(percent: 50) { new.deletionVector = old.deletionVector }
        } else if chance.happens(percent: 20) {
          // A removal of what is not there says nothing.
          actions.append(Self.removal(new, number, chance))
          continue
        }
        model.add(new, named: name)
        present[number] = new
        actions.append(.add(new))
        numbers = max(numbers, number + 1)
      }
      for index in actions.indices.reversed() { actions.swapAt(index, chance.below(index + 1)) }
      try replay.apply(actions, version: replay.next)
      let snapshot = try replay.snapshot(location: "/t", committedAt: .earliest)
      check(snapshot, model, "seed \(seed), step \(step)")
      // Going on from the snapshot must be the same as going on from before it.
      if chance.happens(percent: 40) { replay = Replay(snapshot) }
    }
    let paths = try replay.snapshot(location: "/t", committedAt: .earliest).files.paths
    let expected = present.keys.map { LogPath.encode(Self.name($0)) }.sorted()
    #expect(paths == expected, "seed \(seed)")
  }

  @Test("a table from its first commit on leaves what the model holds", arguments: 0..<8)
  func fromTheStart(seed: UInt64) throws {
    let chance = SeededRandom(seed: seed)
    var model = Model()
    var replay = Replay(table: "t")
    var files: [(Int, AddFile)] = []
    for step in 0..<20 {
      var actions = step == 0 ? Self.start : []
      if step > 0, chance.happens(percent: 50), !files.isEmpty {
        let (number, file) = files.remove(at: chance.below(files.count))
        actions.append(Self.removal(file, number, chance))
        model.remove(file, named: Self.name(number))
      }
      let file = Self.file(step, chance, rows: true)
      files.append((step, file))
      model.add(file, named: Self.name(step))
      actions.append(.add(file))
      try replay.apply(actions, version: replay.next)
      check(
        try replay.snapshot(location: "/t", committedAt: .earliest),
        model,
        "seed \(seed), step \(step)"
      )
    }
  }

  @Test(
    "a remove meets the add of the same name, however the two spell it",
    arguments: [
      ("a%20b", "a b"), ("a b", "a%20b"), ("%61%20%62", "a b"), ("%C3%BC/x", "%c3%bc/x"),
      ("ü/x", "%C3%BC/x"), ("a%2Fb", "a/b"), ("a%2fb", "a%2Fb"), ("%2Ea", ".a"), (".a", "%2ea"),
      ("a%2520b", "a%2520b"), ("p%3D1/x", "p=1/x"), ("a+b", "a%2Bb"), ("a%3Ab", "a%3ab"),
    ]
  )
  func spellings(added: String, removed: String) throws {
    let file = AddFile(path: added, size: 1, modificationTime: 0, stats: #"{"numRecords":1}"#)
    let other = AddFile(path: "other", size: 2, modificationTime: 0, stats: #"{"numRecords":1}"#)
    var again = file
    again.path = removed
    again.size = 5
    let block = Self.block([file, other])
    var fromBlock = try Replay(
      table: "t",
      checkpoint: .first,
      [CheckpointPart(files: block, actions: Self.start)]
    )
    var fromCommit = Replay(table: "t")
    try fromCommit.apply(Self.start + [.add(file), .add(other)], version: .first)
    for var replay in [fromBlock, fromCommit] {
      let before = try replay.snapshot(location: "/t", committedAt: .earliest)
      #expect(before.files[path: removed] == before.files[path: added])
      #expect(before.files[path: removed]?.size == 1)
      try replay.apply([.remove(again.removal(at: 1))], version: replay.next)
      let after = try replay.snapshot(location: "/t", committedAt: .earliest)
      #expect(after.files.map(\.path) == ["other"])
      #expect(after.files[path: added] == nil)
    }
    // An add in another spelling takes the place of the first.
    try fromBlock.apply([.add(again)], version: fromBlock.next)
    try fromCommit.apply([.add(again)], version: fromCommit.next)
    for replay in [fromBlock, fromCommit] {
      let snapshot = try replay.snapshot(location: "/t", committedAt: .earliest)
      #expect(snapshot.files.count == 2)
      #expect(snapshot.files.sizeInBytes == 7)
    }
  }

  @Test(
    "a path outside of the table is no file of a block",
    arguments: ["../x", "/x", "", "a//b", "%"]
  )
  func outside(path: String) throws {
    var builder = FileBlock.Builder(partitionColumns: Self.columns)
    let isFirst = builder.append(AddFile(path: "a", size: 1, modificationTime: 0))
    let isInside = builder.append(AddFile(path: path, size: 1, modificationTime: 0))
    let isLast = builder.append(AddFile(path: "b", size: 1, modificationTime: 0))
    #expect([isFirst, isInside, isLast] == [true, false, true])
    let replay = try Replay(
      table: "t",
      checkpoint: .first,
      [CheckpointPart(files: builder.finish(), actions: Self.start)]
    )
    let snapshot = try replay.snapshot(location: "/t", committedAt: .earliest)
    #expect(snapshot.files.map(\.path) == ["a", "b"])
  }

  @Test("only the very vector of a file is taken away with it")
  func vectors() throws {
    let plain = AddFile(path: "a", size: 1, modificationTime: 0, stats: #"{"numRecords":10}"#)
    var files = [plain]
    for number in [1, 2] {
      var file = plain
      file.deletionVector = DeletionVectorReference(
        storageType: .relative,
        pathOrInlineDv: "ab^-aqEH.-t@S}K{vb[*k^",
        offset: number,
        sizeInBytes: 40,
        cardinality: Int64(number)
      )
      files.append(file)
    }
    for isCheckpoint in [true, false] {
      for (old, first) in files.enumerated() {
        for (new, second) in files.enumerated() where new != old {
          var replay =
            isCheckpoint
            ? try Replay(
              table: "t",
              checkpoint: .first,
              [CheckpointPart(files: Self.block([first]), actions: Self.start)]
            ) : Replay(table: "t")
          if !isCheckpoint { try replay.apply(Self.start + [.add(first)], version: .first) }
          var missed = replay
          try missed.apply([.remove(second.removal(at: 1))], version: missed.next)
          #expect(
            try missed.snapshot(location: "/t", committedAt: .earliest).rows == 10 - Int64(old)
          )
          try replay.apply([.add(second), .remove(first.removal(at: 1))], version: replay.next)
          let snapshot = try replay.snapshot(location: "/t", committedAt: .earliest)
          #expect(snapshot.files.keys == [second.key])
          #expect(snapshot.rows == 10 - Int64(new))
        }
      }
    }
  }

  @Test("partition values come out of a block byte for byte, look-alikes apart")
  func partitionBytes() throws {
    let values: [String?] = [
      "\u{E9}", "e\u{301}", "\u{E9}", nil, "", "e", "\u{212B}", "\u{C5}", "A\u{30A}", nil, "\u{0}",
    ]
    let files = values.enumerated().map { number, value in
      let partition: [String: String?] = ["day": nil, "city": value]
      return AddFile(
        path: "f\(number)",
        partitionValues: partition,
        size: 1,
        modificationTime: 0
      )
    }
    let replay = try Replay(
      table: "t",
      checkpoint: .first,
      [CheckpointPart(files: Self.block(files), actions: Self.start)]
    )
    let snapshot = try replay.snapshot(location: "/t", committedAt: .earliest)
    for (file, value) in zip(snapshot.files, values) {
      let found = file.partitionValues["city"] ?? nil
      #expect(found.map { Array($0.utf8) } == value.map { Array($0.utf8) }, "\(file.path)")
      #expect(file.partitionValues["day"] == .some(nil))
    }
  }

  @Test(
    "so many files of commits that they are put into columns stay what they were",
    arguments: [8_191, 8_192, 9_000]
  )
  func compacted(count: Int) throws {
    let chance = SeededRandom(seed: UInt64(count))
    var model = Model()
    var present: [Int: AddFile] = [:]
    var older: [AddFile] = []
    for number in 0..<300 {
      let file = Self.file(number, chance, rows: true)
      older.append(file)
      model.add(file, named: Self.name(number))
      present[number] = file
    }
    var replay = try Replay(
      table: "t",
      checkpoint: .first,
      [CheckpointPart(files: Self.block(older), actions: Self.start)]
    )
    var number = 300
    while number < 300 + count {
      let next = min(number + 3_000, 300 + count)
      var actions: [Action] = []
      for new in number..<next {
        let file = Self.file(new, chance, rows: true)
        actions.append(.add(file))
        model.add(file, named: Self.name(new))
        present[new] = file
      }
      number = next
      try replay.apply(actions, version: replay.next)
    }
    check(
      try replay.snapshot(location: "/t", committedAt: .earliest),
      model,
      "\(count) files"
    )

    // Of all ages some leave, some come back, and some lose other rows.
    for round in 0..<2 {
      var actions: [Action] = []
      for old in present.keys.sorted() where chance.happens(percent: 5) {
        guard let file = present[old] else { continue }
        actions.append(Self.removal(file, old, chance))
        model.remove(file, named: Self.name(old))
        present[old] = nil
        guard chance.happens(percent: 60) else { continue }
        let again = Self.file(old, chance, rows: true)
        actions.append(.add(again))
        model.add(again, named: Self.name(old))
        present[old] = again
      }
      try replay.apply(actions, version: replay.next)
      let snapshot = try replay.snapshot(location: "/t", committedAt: .earliest)
      if round == 0 { replay = Replay(snapshot) } else { check(snapshot, model, "\(count) files") }
    }
  }
}

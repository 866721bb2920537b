// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillTesting
import Testing

/// Sets of rows that between them take every form of a container, and their edges.
private let examples: [[UInt64]] = [
  [], [0], [65535], [65536], [0, 65535, 65536, 131_071, 131_072], [UInt64.max],
  [0, UInt64(UInt32.max), UInt64(UInt32.max) + 1, 1 << 40, UInt64(Int64.max)],
  Array(0..<4096), Array(0..<4097), (0..<4096).map { $0 * 2 }, (0..<4097).map { $0 * 2 },
  (0..<32768).map { $0 * 2 + 1 }, Array(0..<65536), Array(65530..<66_000),
  (0..<5).map { $0 << 16 | 7 }, (0..<3).flatMap { bucket in (0..<9).map { bucket << 32 | $0 } },
]

/// Rows of a seed: dense or sparse, near or far, alone or in runs.
private func rows(of seed: UInt64) -> [UInt64] {
  let random = SeededRandom(seed: seed)
  let span: UInt64 = [100, 70_000, 200_000, 1 << 34, 1 << 62][Int(seed % 5)]
  let lengthMax: UInt64 = [1, 3, 900][Int(seed / 5 % 3)]
  return (0..<(random.next() % 40)).flatMap { _ in
    let first = random.next() % span
    return first..<(first + 1 + random.next() % lengthMax)
  }
}

@Suite("Rows deleted from a file")
struct DeletionVectorTests {
  @Test("every set of rows comes back from its bytes", arguments: examples)
  func edges(positions: [UInt64]) throws {
    try expectRoundTrip(positions)
  }

  @Test("every random set of rows comes back from its bytes", arguments: 0..<45 as Range<UInt64>)
  func random(seed: UInt64) throws {
    try expectRoundTrip(rows(of: seed))
  }

  private func expectRoundTrip(_ positions: [UInt64]) throws {
    let vector = DeletionVector(positions: positions)
    let expected = Set(positions).sorted()
    #expect(vector.positions == expected)
    #expect(vector.count == expected.count)
    let cardinality = Int64(expected.count)
    #expect(try DeletionVector.decode(vector.encoded(), cardinality: cardinality) == vector)
    let file = vector.encodedFile()
    #expect(
      try DeletionVector.decodeFile(
        file.bytes,
        offset: file.offset,
        sizeInBytes: file.sizeInBytes,
        cardinality: cardinality
      ) == vector
    )
    let reference = DeletionVectorReference.inline(vector)
    #expect(reference.cardinality == cardinality)
    #expect(try DeletionVector.decode(reference.inlineBytes()) == vector)
  }

  @Test("a row is deleted if it is named, and its neighbours only if they are", arguments: examples)
  func contains(positions: [UInt64]) {
    let vector = DeletionVector(positions: positions)
    let named = Set(positions)
    for position in positions.prefix(50) + positions.suffix(50) {
      for near in [position &- 1, position, position &+ 1] {
        #expect(vector.contains(near) == named.contains(near))
      }
    }
  }

  @Test("a union deletes what one of both deletes", arguments: 0..<30 as Range<UInt64>)
  func union(seed: UInt64) {
    let left = rows(of: seed)
    let right = rows(of: seed + 5)
    let union = DeletionVector(positions: left).union(DeletionVector(positions: right))
    #expect(union == DeletionVector(positions: left + right))
    #expect(union.count == Set(left + right).count)
    #expect(union == DeletionVector(positions: right).union(DeletionVector(positions: left)))
  }

  @Test("rows side by side are one run, in whatever order they come")
  func ranges() {
    #expect(DeletionVector(positions: [9, 4, 3, 3, 5]).ranges == [3...5, 9...9])
    let far = DeletionVector(positions: [UInt64.max, 65536, 65535, UInt64.max - 1])
    #expect(far.ranges == [65535...65536, (UInt64.max - 1)...UInt64.max])
  }

  @Test("the bytes of a known vector are those of the protocol")
  func knownBytes() throws {
    // Magic, one bucket, key 0; cookie, one container, its key and its rows less one, its offset.
    let bytes: [UInt8] =
      [0xD1, 0xD3, 0x39, 0x64, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
      + [0x3A, 0x30, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 16, 0, 0, 0, 3, 0, 8, 0]
    #expect(DeletionVector(positions: [3, 8]).encoded() == bytes)
    #expect(try DeletionVector.decode(bytes).positions == [3, 8])
  }
}

// MARK: - Bytes that others made

/// Little-endian numbers, and what the format puts around them.
private enum Bytes {
  static func little(_ numbers: [some FixedWidthInteger]) -> [UInt8] {
    numbers.flatMap { number in
      (0..<(number.bitWidth / 8)).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
    }
  }

  static func vector(_ buckets: [(key: UInt32, bitmap: [UInt8])], count: UInt64? = nil) -> [UInt8] {
    little([1_681_511_377 as UInt32]) + little([count ?? UInt64(buckets.count)])
      + buckets.flatMap { little([$0.key]) + $0.bitmap }
  }

  /// A bitmap whose containers each hold one run of all 65536 rows.
  static func fullRuns(_ containers: Int) -> [UInt8] {
    let flags = [UInt8](repeating: 0xFF, count: (containers + 7) / 8)
    let headers = (0..<containers).flatMap { little([UInt16($0), 0xFFFF]) }
    let start = 4 + flags.count + headers.count + containers * 4
    let offsets = (0..<(containers < 4 ? 0 : containers)).map { UInt32(start + $0 * 6) }
    let runs = (0..<containers).flatMap { _ in little([1, 0, 0xFFFF] as [UInt16]) }
    return little([12347 | UInt32(containers - 1) << 16]) + flags + headers
      + little(offsets) + runs
  }

  /// A bitmap of one container of runs.
  static func runs(_ pairs: [UInt16], rows: Int) -> [UInt8] {
    little([12347 as UInt32]) + [1] + little([0, UInt16(rows - 1), UInt16(pairs.count / 2)])
      + little(pairs)
  }

  /// A bitmap of arrays without regard to order or number.
  static func arrays(_ containers: [(key: UInt16, values: [UInt16])], shift: Int = 0) -> [UInt8] {
    var offset = 8 + containers.count * 8 + shift
    var offsets: [UInt32] = []
    for container in containers {
      offsets.append(UInt32(offset))
      offset += container.values.count * 2
    }
    return little([12346, UInt32(containers.count)])
      + containers.flatMap { little([$0.key, UInt16($0.values.count - 1)]) } + little(offsets)
      + containers.flatMap { little($0.values) }
  }
}

@Suite("Reading the bytes of deletion vectors")
struct DeletionVectorBytesTests {
  @Test("runs are read, in bitmaps with and without offsets", arguments: [1, 3, 4, 9])
  func fullRuns(containers: Int) throws {
    let vector = try DeletionVector.decode(Bytes.vector([(2, Bytes.fullRuns(containers))]))
    let first: UInt64 = 2 << 32
    #expect(vector.ranges == [first...(first + UInt64(containers) << 16 - 1)])
  }

  @Test("runs, arrays and empty bitmaps stand side by side")
  func mixed() throws {
    let bytes = Bytes.vector([
      (0, Bytes.runs([1, 2, 10, 0, 65535, 0], rows: 5)), (1, Bytes.arrays([])),
      (5, Bytes.arrays([(0, [0, 65535]), (65535, [9])])),
    ])
    let last: UInt64 = 5 << 32
    #expect(
      try DeletionVector.decode(bytes, cardinality: 8).positions
        == [1, 2, 3, 10, 65535, last, last + 65535, last + 65535 << 16 + 9]
    )
  }

  @Test("few bytes that delete all of four thousand million rows take little memory")
  func manyRows() throws {
    let vector = try DeletionVector.decode(Bytes.vector([(0, Bytes.fullRuns(65536))]))
    #expect(vector.count == 1 << 32)
    #expect(vector.ranges == [0...UInt64(UInt32.max)])
  }

  @Test(
    "what no writer could have meant is refused",
    arguments: [
      [], [0xD1], Bytes.little([1_681_511_376 as UInt32]) + Bytes.little([0 as UInt64]),
      Bytes.vector([], count: .max), Bytes.vector([], count: 1), Bytes.vector([]) + [0],
      Bytes.vector([(1, Bytes.arrays([])), (1, Bytes.arrays([]))]),
      Bytes.vector([(1, Bytes.arrays([])), (0, Bytes.arrays([]))]),
      Bytes.vector([(0, Bytes.little([12345, 0, 0] as [UInt32]))]),
      Bytes.vector([(0, Bytes.little([12346 | 1 << 16, 0, 0] as [UInt32]))]),
      Bytes.vector([(0, Bytes.little([12346, UInt32.max]))]),
      Bytes.vector([(0, Bytes.little([12346, 65536] as [UInt32]))]),
      Bytes.vector([(0, Bytes.little([12347 | 0xFFFF << 16, 0] as [UInt32]))]),
      Bytes.vector([(0, Bytes.arrays([(3, [1]), (3, [2])]))]),
      Bytes.vector([(0, Bytes.arrays([(3, [1]), (2, [2])]))]),
      Bytes.vector([(0, Bytes.arrays([(0, [2, 2])]))]),
      Bytes.vector([(0, Bytes.arrays([(0, [2, 1])]))]),
      Bytes.vector([(0, Bytes.arrays([(0, [1])], shift: 1))]),
      Bytes.vector([(0, Bytes.runs([1, 2], rows: 4))]),
      Bytes.vector([(0, Bytes.runs([], rows: 1))]),
      Bytes.vector([(0, Bytes.runs([1, 2, 3, 0], rows: 4))]),
      Bytes.vector([(0, Bytes.runs([65535, 1], rows: 2))]),
    ] as [[UInt8]]
  )
  func malformed(bytes: [UInt8]) {
    #expect(throws: DeletionVectorError.self) { try DeletionVector.decode(bytes) }
  }

  @Test("a bitset that holds other than its number of rows is refused")
  func bitsetCount() {
    var bytes = DeletionVector(positions: (0..<5000).map { $0 * 2 }).encoded()
    bytes[bytes.count - 1] ^= 1
    #expect(throws: DeletionVectorError.self) { try DeletionVector.decode(bytes) }
  }

  @Test("a vector that deletes other than the log's number of rows is refused")
  func cardinality() {
    let bytes = DeletionVector(positions: [1, 2, 3]).encoded()
    #expect(throws: DeletionVectorError.wrongCardinality(found: 3, stated: 4)) {
      try DeletionVector.decode(bytes, cardinality: 4)
    }
  }

  @Test("a vector that is cut short is refused, wherever it is cut")
  func truncated() {
    for positions in examples where positions.count < 40 {
      let bytes = DeletionVector(positions: positions).encoded()
      for length in bytes.indices {
        #expect(throws: DeletionVectorError.self) {
          try DeletionVector.decode(Array(bytes[..<length]))
        }
      }
    }
  }

  @Test("bytes gone astray are refused or read, and never trap", arguments: 0..<20 as Range<UInt64>)
  func garbage(seed: UInt64) throws {
    let random = SeededRandom(seed: seed)
    let valid = [
      Bytes.vector([(0, Bytes.fullRuns(5)), (3, Bytes.runs([1, 2, 10, 0], rows: 4))]),
      DeletionVector(positions: [1, 2, 65536, 1 << 33]).encoded(),
      DeletionVector(positions: (0..<4097).map { $0 * 3 }).encoded(),
    ]
    for round in 0..<300 {
      var bytes = valid[round % 3]
      if round % 4 == 0 {
        let noise = (0..<(random.next() % 99)).map { _ in UInt8(random.next() >> 56) }
        bytes = bytes.prefix(12) + noise
      }
      for _ in 0..<(1 + random.next() % 4) {
        // Where the counts and keys are, small numbers do the most harm.
        let place = Int(random.next() % UInt64(min(bytes.count, round % 2 == 0 ? 80 : .max)))
        bytes[place] = UInt8(truncatingIfNeeded: random.next() >> (random.next() % 9))
      }
      guard let vector = try? DeletionVector.decode(bytes) else { continue }
      #expect(try DeletionVector.decode(vector.encoded()) == vector)
    }
  }
}

// MARK: - Files and the log

@Suite("Files of deletion vectors")
struct DeletionVectorFileTests {
  private let vector = DeletionVector(positions: [1, 2, 7, 70_000])

  /// A file of two vectors, and where the second one is.
  private func pair() -> (bytes: [UInt8], offset: Int, sizeInBytes: Int) {
    let second = vector.encodedFile()
    let first = DeletionVector(positions: [5]).encodedFile().bytes
    return (first + second.bytes.dropFirst(), first.count, second.sizeInBytes)
  }

  private func read(
    _ file: (bytes: [UInt8], offset: Int, sizeInBytes: Int),
    cardinality: Int64 = 4
  ) throws(DeletionVectorError) -> DeletionVector {
    try DeletionVector.decodeFile(
      file.bytes,
      offset: file.offset,
      sizeInBytes: file.sizeInBytes,
      cardinality: cardinality
    )
  }

  @Test("a vector is found by its offset among others")
  func second() throws {
    #expect(try read(pair()) == vector)
    #expect(try read((pair().bytes, 1, 36 - 2), cardinality: 1).positions == [5])
  }

  @Test("a changed byte in the vector is refused, and one elsewhere does no harm")
  func corrupted() throws {
    let file = pair()
    for position in file.bytes.indices {
      for change in [1, 0x80, 0xFF] as [UInt8] {
        var changed = file
        changed.bytes[position] ^= change
        if position == 0 || position >= file.offset {
          #expect(throws: DeletionVectorError.self) { try read(changed) }
        } else {
          #expect(try read(changed) == vector)
        }
      }
    }
  }

  @Test("a file that is cut short is refused, wherever it is cut")
  func truncated() {
    let file = pair()
    for length in file.bytes.indices {
      #expect(throws: DeletionVectorError.self) {
        try read((Array(file.bytes[..<length]), file.offset, file.sizeInBytes))
      }
    }
  }

  @Test("a place or a length that the file does not have is refused")
  func places() {
    let file = pair()
    for wrong in [Int.min, -1, 0, 2, file.offset - 1, file.offset + 1, file.bytes.count, .max] {
      #expect(throws: DeletionVectorError.self) {
        try read((file.bytes, wrong, file.sizeInBytes))
      }
    }
    for wrong in [Int.min, -1, 0, file.sizeInBytes - 1, file.sizeInBytes + 1, 1 << 32, .max] {
      #expect(throws: DeletionVectorError.self) { try read((file.bytes, file.offset, wrong)) }
    }
    #expect(throws: DeletionVectorError.self) { try read(file, cardinality: 5) }
    let negative: [UInt8] = [1, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0]
    #expect(throws: DeletionVectorError.self) { try read((negative, 1, -1)) }
  }

  @Test("each kind of damage has its own error")
  func errors() {
    let file = vector.encodedFile()
    func error(at position: Int) -> DeletionVectorError? {
      var changed = file
      changed.bytes[position] ^= 2
      do {
        _ = try read(changed)
        return nil
      } catch { return error }
    }
    #expect(error(at: 0) == .unknownVersion(3))
    #expect(error(at: 4) == .wrongSize(found: file.sizeInBytes ^ 2, stated: file.sizeInBytes))
    #expect(error(at: 20) == .badChecksum)
    #expect(error(at: file.bytes.count - 1) == .badChecksum)
    #expect(DeletionVectorError.badChecksum.code == "deletion-vector.bad-checksum")
    #expect(DeletionVectorError.badChecksum.errorClass == .data)
  }

  @Test(
    "vectors that others wrote hold as many rows as their logs say",
    arguments: [
      "golden/dv-partitioned-with-checkpoint", "golden/dv-with-columnmapping",
      "golden/log-replay-dv-key-cases", "kernel/table-with-dv-small", "kernel/with-short-dv",
      "generated/dv_file", "generated/dv_inline", "generated/dv_shared_file",
      "generated/dv_whole_file",
    ]
  )
  func foreign(folder: String) throws {
    guard let folder = requireShared("data/delta-conformance/\(folder)/delta") else { return }
    let files = LocalFileSystem()
    var read = 0
    for entry in try files.list("\(folder)/_delta_log") where entry.name.hasSuffix(".json") {
      let lines = try files.read("\(folder)/_delta_log/\(entry.name)").split(separator: 10)
      for action in try lines.map({ try JSONValue(parsing: $0) }) {
        let file = action["add"] ?? action["remove"]
        guard let json = file?["deletionVector"], !json.isNull else { continue }
        let reference = try reference(json)
        let vector: DeletionVector
        if let path = try reference.relativePath() {
          vector = try DeletionVector.decodeFile(
            try files.read("\(folder)/\(path)"),
            offset: reference.offset ?? 1,
            sizeInBytes: reference.sizeInBytes,
            cardinality: reference.cardinality
          )
        } else {
          let bytes = try reference.inlineBytes()
          vector = try DeletionVector.decode(bytes, cardinality: reference.cardinality)
          #expect(DeletionVectorReference.inline(vector).cardinality == reference.cardinality)
        }
        #expect(vector.positions.count == Int(reference.cardinality))
        #expect(try DeletionVector.decode(vector.encoded()) == vector)
        read += 1
      }
    }
    #expect(read > 0)
  }

  private func reference(_ json: JSONValue) throws -> DeletionVectorReference {
    DeletionVectorReference(
      storageType: try #require(.init(rawValue: json["storageType"]?.text ?? "")),
      pathOrInlineDv: try #require(json["pathOrInlineDv"]?.text),
      offset: json["offset"]?.integer.map { Int($0) },
      sizeInBytes: Int(try #require(json["sizeInBytes"]?.integer)),
      cardinality: try #require(json["cardinality"]?.integer)
    )
  }
}

@Suite("What a log says of a deletion vector")
struct DeletionVectorReferenceTests {
  private let uuid = "d2c639aa-8816-431a-aaf6-d3fe2512ff61"

  private func reference(_ kind: String, _ text: String, offset: Int? = nil, size: Int = 40) throws
    -> DeletionVectorReference
  {
    DeletionVectorReference(
      storageType: try #require(.init(rawValue: kind)),
      pathOrInlineDv: text,
      offset: offset,
      sizeInBytes: size,
      cardinality: 6
    )
  }

  @Test("the identity is kind, text and offset")
  func identity() throws {
    #expect(try reference("u", "ab^-aqEH", offset: 4).uniqueID == "uab^-aqEH@4")
    #expect(try reference("i", "wi5b=").uniqueID == "iwi5b=")
  }

  @Test("a file is named by its identifier, below the folder that stands before it")
  func paths() throws {
    let text = "^-aqEH.-t@S}K{vb[*k^"
    let name = "deletion_vector_\(uuid).bin"
    #expect(try reference("u", "ab\(text)", offset: 4).relativePath() == "ab/\(name)")
    #expect(try reference("u", text).relativePath() == name)
    #expect(try reference("p", "s3://mytable/\(name)").relativePath() == nil)
    #expect(try reference("i", "00000").relativePath() == nil)
    let made = DeletionVectorReference.file(
      uuid: uuid,
      prefix: "ab",
      offset: 4,
      sizeInBytes: 40,
      cardinality: 6
    )
    #expect(try made == reference("u", "ab\(text)", offset: 4))
  }

  @Test(
    "a text that names no file of the table is refused",
    arguments: [
      "", "^-aqEH.-t@S}K{vb[*k", "../^-aqEH.-t@S}K{vb[*k^", "..^-aqEH.-t@S}K{vb[*k^",
      "/^-aqEH.-t@S}K{vb[*k^", "a/b^-aqEH.-t@S}K{vb[*k^", ".^-aqEH.-t@S}K{vb[*k^",
      "^-aqEH.-t@S}K{vb[*k~", "^-aqEH.-t@S}K{vb[*é", "####################",
    ]
  )
  func badPaths(text: String) {
    #expect(throws: DeletionVectorError.self) { try reference("u", text).relativePath() }
  }

  @Test(
    "a file is not named by what is no identifier",
    arguments: [
      "", "d2c639aa", "d2c639aa-8816-431a-aaf6-d3fe2512ff6", "g2c639aa-8816-431a-aaf6-d3fe2512ff61",
    ]
  )
  func badIdentifiers(uuid: String) {
    let made = DeletionVectorReference.file(uuid: uuid, offset: 1, sizeInBytes: 1, cardinality: 1)
    #expect(made == nil)
  }

  @Test("an inline vector is cut to its length, and must have that length")
  func inlineLength() throws {
    #expect(try reference("i", "HelloWorld", size: 7).inlineBytes() == hello.dropLast())
    for size in [-1, 9, Int.max] {
      #expect(throws: DeletionVectorError.self) {
        try reference("i", "HelloWorld", size: size).inlineBytes()
      }
    }
    #expect(throws: DeletionVectorError.self) { try reference("u", "HelloWorld").inlineBytes() }
  }

  /// > Source: ZeroMQ RFC 32, "Test case".
  private let hello: [UInt8] = [0x86, 0x4F, 0xD2, 0x6F, 0xB5, 0x59, 0xF7, 0x5B]

  @Test("the bytes of the specification have its text, and the reverse")
  func z85() throws {
    #expect(Z85.encode(hello) == "HelloWorld")
    #expect(try Z85.decode(Array("HelloWorld".utf8)) == hello)
    #expect(Z85.encode([255, 255, 255, 255]) == "%nSc0")
    #expect(try Z85.decode(Array("%nSc0".utf8)) == [255, 255, 255, 255])
    #expect(Z85.encode([]).isEmpty)
  }

  @Test(
    "text of another length, alphabet or more than 32 bits is refused",
    arguments: ["H", "Hell", "HelloW", "Hell~", "Hel o", "Hell\\", "Hé12", "%nSc1", "#####"]
  )
  func badText(text: String) {
    #expect(throws: DeletionVectorError.self) { try Z85.decode(Array(text.utf8)) }
  }
}

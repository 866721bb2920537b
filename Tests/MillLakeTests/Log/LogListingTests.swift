// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillLake
import MillTesting
import Testing

@Suite("Names in a log")
struct LogListingTests {
  private static let uuid = "3a0d65cd-4056-49b8-937b-95f9e3ee90e5"

  /// A version as file names have it: twenty digits.
  private static func digits(_ number: Int64) -> String {
    String(TableVersion(number).logFileName.dropLast(".json".count))
  }

  private static func commit(_ number: Int64) -> String { TableVersion(number).logFileName }

  private static func checkpoint(_ number: Int64) -> String {
    "\(digits(number)).checkpoint.parquet"
  }

  private static func part(_ number: Int64, _ part: Int64, of count: Int64) -> String {
    let (part, count) = (digits(part).suffix(10), digits(count).suffix(10))
    return "\(digits(number)).checkpoint.\(part).\(count).parquet"
  }

  // MARK: One name

  @Test(
    "a name of each kind says its version and what it is",
    arguments: [0, 1, 10, 4_294_967_296, .max - 1] as [Int64]
  )
  func kinds(number: Int64) {
    let version = TableVersion(number)
    let digits = Self.digits(number)
    #expect(digits.utf8.count == 20)
    let kinds: [(String, LogFileName)] = [
      ("\(digits).json", .commit(version)),
      ("\(digits).checkpoint.parquet", .checkpoint(version)),
      (
        "\(digits).checkpoint.0000000002.0000000003.parquet",
        .checkpointPart(version, part: 2, of: 3)
      ),
      ("\(digits).checkpoint.\(Self.uuid).parquet", .namedCheckpoint(version, isJSON: false)),
      ("\(digits).checkpoint.\(Self.uuid).json", .namedCheckpoint(version, isJSON: true)),
    ]
    for (name, kind) in kinds {
      #expect(LogFileName(name) == kind, "\(name)")
      #expect(LogFileName(name)?.version == version, "\(name)")
    }
  }

  @Test("a checkpoint in one part, and the last of very many, are parts")
  func bounds() {
    let name = "00000000000000000007.checkpoint"
    #expect(
      LogFileName("\(name).0000000001.0000000001.parquet")
        == .checkpointPart(TableVersion(7), part: 1, of: 1)
    )
    #expect(
      LogFileName("\(name).9999999999.9999999999.parquet")
        == .checkpointPart(TableVersion(7), part: 9_999_999_999, of: 9_999_999_999)
    )
  }

  @Test(
    "a name that is nearly one of these is none",
    arguments: [
      "", ".json", "json", "7.json", "_last_checkpoint", "_last_checkpoint.json", "_sidecars",
      "_staged_commits", "_commits",
      // Digits: too few, too many, none, of another script, with a sign, beyond 64 bits.
      "0000000000000000001.json", "000000000000000000001.json", "0000000000000000000a.json",
      "+0000000000000000001.json", "-0000000000000000001.json", " 0000000000000000001.json",
      "٠٠٠٠٠٠٠٠٠٠٠٠٠٠٠٠٠٠٠١.json", "0000000000000000000\u{FF11}.json",
      "00000000000000000001\u{301}.json", "09223372036854775808.json", "99999999999999999999.json",
      "09223372036854775807.json", "09223372036854775807.checkpoint.parquet",
      // What stands beside commits.
      "00000000000000000001.crc", ".00000000000000000001.json.crc", "00000000000000000001.json.crc",
      "00000000000000000001.00000000000000000004.compacted.json",
      "00000000000000000001.compacted.json", "00000000000000000001.json.tmp",
      "00000000000000000001.json~", ".00000000000000000001.json", "00000000000000000001.json ",
      "00000000000000000001.JSON", "00000000000000000001json", "00000000000000000001..json",
      "00000000000000000001", "00000000000000000001.", "00000000000000000001x.json",
      "00000000000000000001.3a0d65cd-4056-49b8-937b-95f9e3ee90e5.json",
      "_commit_3a0d65cd-4056-49b8-937b-95f9e3ee90e5.json.tmp", "00000000000000000001.json.part",
      // Checkpoints.
      "00000000000000000001.checkpoint", "00000000000000000001.checkpoint.json",
      "00000000000000000001.checkpoint.parquet.tmp", "00000000000000000001.checkpoint.parquet.crc",
      ".00000000000000000001.checkpoint.parquet.crc", "00000000000000000001.Checkpoint.parquet",
      "00000000000000000001.checkpoints.parquet", "0000000000000000001.checkpoint.parquet",
      "00000000000000000001.parquet", "00000000000000000001.checkpoint.",
      "00000000000000000001.checkpoint..parquet", "00000000000000000001.checkpoint.orc",
      "00000000000000000001.checkpoint.3a0d65cd-4056-49b8-937b-95f9e3ee90e.json",
      "00000000000000000001.checkpoint.3a0d65cd-4056-49b8-937b-95f9e3ee90e55.json",
      "00000000000000000001.checkpoint.3a0d65cd-4056-49b8-937b-95f9e3ee90e5.crc",
      "00000000000000000001.checkpoint.3a0d65cd-4056-49b8-937b-95f9e3ee90e5",
      "00000000000000000001.checkpoint.3a0d65cd-4056-49b8-937b-95f9e3ee90e5.json.tmp",
    ]
  )
  func nearMisses(name: String) {
    #expect(LogFileName(name) == nil)
    #expect(LogListing([name]).isEmpty)
  }

  @Test(
    "a part of a checkpoint has ten digits twice and is one of as many as there are",
    arguments: [
      "0000000000.0000000002", "0000000003.0000000002", "000000001.0000000002",
      "00000000001.0000000002", "0000000001.000000002", "0000000001.00000000002",
      "000000000a.0000000002", "0000000001.000000000b", "-000000001.0000000002",
      "0000000001.-000000002", "+000000001.0000000002", "0000000001.+000000002",
      "0000000001", "0000000001.", ".0000000002", "0000000001.0000000002.0000000003",
      "0000000001 0000000002", "0000000000.0000000000", "0000000001.0000000000",
    ]
  )
  func badParts(middle: String) {
    let name = "00000000000000000001.checkpoint.\(middle).parquet"
    #expect(LogFileName(name) == nil)
    #expect(LogListing([name]).isEmpty)
  }

  @Test("a part of a checkpoint is no JSON")
  func partOfJSON() {
    #expect(LogFileName("00000000000000000001.checkpoint.0000000001.0000000002.json") == nil)
  }

  @Test("every name of a listing but those of commits and checkpoints is passed over")
  func mixed() {
    let listing = LogListing([
      "_last_checkpoint", Self.commit(2), "00000000000000000001.crc", Self.commit(0),
      Self.checkpoint(1), "_sidecars", ".00000000000000000002.json.crc", Self.commit(1),
      "00000000000000000000.00000000000000000002.compacted.json", "00000000000000000003.json.tmp",
    ])
    #expect(listing.commits == [.first, TableVersion(1), TableVersion(2)])
    #expect(listing.checkpoints.map(\.names) == [[Self.checkpoint(1)]])
    #expect(!listing.isEmpty)
  }

  // MARK: Checkpoints in parts

  @Test("a checkpoint in parts counts when all are there and not when one lacks", arguments: 1...5)
  func parts(count: Int) {
    let names = (1...count).map { Self.part(4, Int64($0), of: Int64(count)) }
    let whole = LogListing(names.reversed())
    #expect(whole.checkpoints.map(\.names) == [names])
    #expect(whole.checkpoints.map(\.version) == [TableVersion(4)])
    #expect(whole.checkpoints.map(\.isJSON) == [false])
    for lacking in 0..<count {
      var some = names
      some.remove(at: lacking)
      #expect(LogListing(some).checkpoints.isEmpty, "without part \(lacking + 1)")
      #expect(LogListing(some).isEmpty, "without part \(lacking + 1)")
    }
  }

  @Test("parts of two checkpoints of one version do not make one")
  func mixedParts() {
    let mixed = LogListing([
      Self.part(4, 1, of: 2), Self.part(4, 2, of: 3), Self.part(4, 3, of: 3),
      Self.part(5, 2, of: 2),
    ])
    #expect(mixed.checkpoints.isEmpty)
    let both = LogListing(
      (1...2).map { Self.part(4, $0, of: 2) } + (1...3).map { Self.part(4, $0, of: 3) }
    )
    #expect(both.checkpoints.map(\.names.count).sorted() == [2, 3])
  }

  // MARK: Which checkpoint

  @Test("checkpoints are tried from the newest, of one version those in fewer parts first")
  func candidates() {
    let named = "\(Self.digits(6)).checkpoint.\(Self.uuid)"
    let names = [
      Self.part(6, 1, of: 3), Self.part(6, 2, of: 3), Self.part(6, 3, of: 3),
      Self.checkpoint(2), Self.part(6, 2, of: 2), Self.part(6, 1, of: 2), Self.checkpoint(6),
      "\(named).json", Self.checkpoint(9), Self.part(8, 1, of: 2),
    ]
    let listing = LogListing(names)
    let candidates = listing.candidates(for: TableVersion(8))
    #expect(candidates.map(\.version.number) == [6, 6, 6, 6, 2])
    #expect(candidates.map(\.names.count) == [1, 1, 2, 3, 1])
    #expect(Set(candidates.prefix(2).map(\.names)) == [[Self.checkpoint(6)], ["\(named).json"]])
    #expect(candidates.map(\.isJSON).filter { $0 }.count == 1)
    #expect(candidates.allSatisfy { $0.isJSON == $0.names[0].hasSuffix(".json") })
    #expect(listing.candidates(for: TableVersion(9)).first?.names == [Self.checkpoint(9)])
    #expect(listing.candidates(for: TableVersion(5)).map(\.names) == [[Self.checkpoint(2)]])
    #expect(listing.candidates(for: TableVersion(2)).map(\.names) == [[Self.checkpoint(2)]])
    #expect(listing.candidates(for: TableVersion(1)).isEmpty)
  }

  @Test("a listing says the same in whichever order its names come", arguments: 0..<20)
  func order(seed: UInt64) {
    let chance = SeededRandom(seed: seed)
    let names =
      (3...9).map { Self.commit($0) } + (1...3).map { Self.part(5, $0, of: 3) }
      + [Self.checkpoint(5), Self.checkpoint(3), "\(Self.digits(5)).checkpoint.\(Self.uuid).json"]
    var shuffled = names
    for index in shuffled.indices.reversed() { shuffled.swapAt(index, chance.below(index + 1)) }
    let (expected, found) = (LogListing(names), LogListing(shuffled))
    #expect(found.commits == expected.commits, "seed \(seed)")
    #expect(found.commits.map(\.number) == Array(3...9), "seed \(seed)")
    #expect(found.checkpoints == expected.checkpoints, "seed \(seed)")
    let newest = TableVersion(9)
    #expect(found.candidates(for: newest) == expected.candidates(for: newest), "seed \(seed)")
  }

  // MARK: Oldest and newest

  @Test("the newest version is that of the last commit or checkpoint, whichever is later")
  func newest() {
    #expect(LogListing([]).newest == nil)
    #expect(LogListing(["_last_checkpoint"]).newest == nil)
    #expect(LogListing([Self.commit(0), Self.commit(3)]).newest == TableVersion(3))
    #expect(LogListing([Self.checkpoint(3)]).newest == TableVersion(3))
    #expect(LogListing([Self.checkpoint(3), Self.commit(4)]).newest == TableVersion(4))
    #expect(LogListing([Self.commit(4), Self.checkpoint(7)]).newest == TableVersion(7))
    #expect(LogListing([Self.commit(4), Self.part(7, 1, of: 2)]).newest == TableVersion(4))
  }

  @Test("the oldest version is the first commit of all, or else the oldest whole checkpoint")
  func oldest() {
    #expect(LogListing([]).oldest == nil)
    #expect(LogListing([Self.commit(0), Self.checkpoint(2)]).oldest == .first)
    #expect(LogListing([Self.commit(1), Self.commit(2)]).oldest == nil)
    let cleaned = (3...8).map { Self.commit($0) } + [Self.checkpoint(5), Self.checkpoint(7)]
    #expect(LogListing(cleaned).oldest == TableVersion(5))
    #expect(LogListing([Self.part(2, 1, of: 2), Self.checkpoint(4)]).oldest == TableVersion(4))
    #expect(LogListing([Self.checkpoint(0)]).oldest == .first)
  }

  // MARK: The commits of a version

  @Test("without a hole the commits are those after the checkpoint up to the version")
  func whole() {
    let listing = LogListing((0...9).map { Self.commit($0) })
    for start in [nil, 0, 4, 8, 9] as [Int64?] {
      for end in (start ?? 0)...9 {
        let found = listing.commits(
          after: start.map { TableVersion($0) },
          through: TableVersion(end)
        )
        let first = start.map { $0 + 1 } ?? 0
        #expect(found.commits.map(\.number) == Array(first..<(end + 1)), "\(start ?? -1) to \(end)")
        #expect(found.missing == nil, "\(start ?? -1) to \(end)")
      }
    }
  }

  @Test(
    "a hole anywhere is found, unless it lies where nobody asks",
    arguments: 0...9 as ClosedRange<Int64>
  )
  func hole(at missing: Int64) {
    let listing = LogListing((0...9).filter { $0 != missing }.map { Self.commit($0) })
    for start in [nil, 0, 3, 9] as [Int64?] {
      for end in (start ?? 0)...9 {
        let first = start.map { $0 + 1 } ?? 0
        let found = listing.commits(
          after: start.map { TableVersion($0) },
          through: TableVersion(end)
        )
        let isAsked = (first..<(end + 1)).contains(missing)
        #expect(found.missing == (isAsked ? TableVersion(missing) : nil), "\(first) to \(end)")
        let until = isAsked ? missing : end + 1
        #expect(found.commits.map(\.number) == Array(first..<until), "\(first) to \(end)")
      }
    }
  }

  @Test("of several holes the first one is named, and commits that never were are one as well")
  func holes() {
    let listing = LogListing([2, 3, 5, 6, 8].map { Self.commit($0) })
    func missing(_ start: Int64?, _ end: Int64) -> Int64? {
      let start = start.map { TableVersion($0) }
      return listing.commits(after: start, through: TableVersion(end)).missing?.number
    }
    #expect(missing(nil, 8) == 0)
    #expect(missing(0, 8) == 1)
    #expect(missing(1, 8) == 4)
    #expect(missing(1, 3) == nil)
    #expect(missing(4, 8) == 7)
    #expect(missing(7, 8) == nil)
    #expect(missing(7, 11) == 9)
    #expect(missing(8, 8) == nil)
    #expect(LogListing([]).commits(after: nil, through: .first).missing == .first)
  }

  @Test("the greatest version that a name can say is read as any other")
  func greatest() {
    // One more would have no successor.
    let greatest = Int64.max - 1
    let names = [Self.checkpoint(greatest - 1), Self.checkpoint(greatest), Self.commit(greatest)]
    let listing = LogListing(names)
    let version = TableVersion(greatest)
    #expect(listing.newest == version)
    #expect(listing.candidates(for: version).map(\.version.number) == [greatest, greatest - 1])
    let beside = listing.commits(after: version, through: version)
    #expect(beside.commits.isEmpty)
    #expect(beside.missing == nil)
    let after = listing.commits(after: TableVersion(greatest - 1), through: version)
    #expect(after.commits == [version])
    #expect(after.missing == nil)
  }

  @Test("random logs have the first hole that a search from the start finds", arguments: 0..<60)
  func randomHoles(seed: UInt64) {
    let chance = SeededRandom(seed: seed)
    let share = 60 + chance.below(41)
    let present = Set((0..<20 as Range<Int64>).filter { _ in chance.happens(percent: share) })
    let listing = LogListing(present.sorted().map { Self.commit($0) })
    for _ in 0..<50 {
      let start = Int64(chance.below(20)) - 1
      let end = max(start, 0) + Int64(chance.below(22))
      let found = listing.commits(
        after: start < 0 ? nil : TableVersion(start),
        through: TableVersion(end)
      )
      let wanted = Array((start + 1)..<(end + 1))
      let until = wanted.firstIndex { !present.contains($0) }
      #expect(
        found.commits.map(\.number) == Array(wanted[..<(until ?? wanted.count)]),
        "seed \(seed): \(start) to \(end)"
      )
      #expect(found.missing?.number == until.map { wanted[$0] }, "seed \(seed): \(start) to \(end)")
    }
  }
}

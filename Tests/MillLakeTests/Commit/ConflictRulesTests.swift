// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillLake
import Testing

@Suite("Whether a commit may land after others")
struct ConflictRulesTests {
  // MARK: The cells

  /// What the winner did.
  enum Winner: String, CaseIterable, CustomTestStringConvertible {
    case nothing = "nothing at all"
    case info = "only who made it"
    case unknown = "an action that nobody knows"
    case changeFile = "a file of the change feed"
    case metadata = "other metadata"
    case `protocol` = "another protocol"
    case sameApplication = "the same application's progress"
    case otherApplication = "another application's progress"
    case sameDomain = "the same domain"
    case sameDomainRemoved = "the same domain, taken away"
    case otherDomain = "another domain"
    case blindAddWithin = "a blind add where the predicate looks"
    case blindAddElsewhere = "a blind add elsewhere"
    case addWithin = "an add where the predicate looks"
    case addElsewhere = "an add elsewhere"
    case movedWithin = "an add of rows that were there"
    case removeReplaced = "a remove of the file to replace"
    case removeReplacedSpelled = "a remove of the file to replace, spelled otherwise"
    case removeReplacedMoved = "a compaction of the file to replace"
    case vectorOfReplaced = "a vector for the file to replace"
    case removeOtherVector = "a remove of the file to replace with a vector it has not"
    case removeRead = "a remove of a file read"
    case removeReadMoved = "a compaction of a file read"
    case removeOther = "a remove of another file"
    case removeOtherMoved = "a compaction of another file"

    var testDescription: String { rawValue }
  }

  /// What the loser read.
  enum Read: String, CaseIterable, CustomTestStringConvertible {
    case nothing = "reading nothing"
    case replaced = "reading what it replaces"
    case files = "reading files by a predicate"
    case table = "reading the table"

    var testDescription: String { rawValue }
  }

  private static let schemaChanged = "changed the schema or the settings"
  private static let protocolChanged = "changed the protocol"
  private static let sameWork = "did the same work (app)"
  private static let sameSettings = "changed the same settings (millrace.mine)"
  private static let added = "added rows that this commit should have read"
  private static let tookReplaced = "removed a file that this commit replaces"
  private static let tookRead = "removed rows that this commit had read"

  /// The objection to each winner by what the loser read; nil where the commit may land.
  ///
  /// > Source: Delta transaction log protocol; `ConflictChecker` of delta-spark.
  private static func expected(
    _ winner: Winner,
    _ read: Read,
    _ isolation: TableChange.Isolation
  ) -> String? {
    func row(
      nothing: String? = nil,
      replaced: String? = nil,
      files: String? = nil,
      table: String? = nil
    ) -> String? {
      switch read {
      case .nothing: nothing
      case .replaced: replaced
      case .files: files
      case .table: table
      }
    }
    func always(_ text: String) -> String? {
      row(nothing: text, replaced: text, files: text, table: text)
    }
    let isStrict = if case .serializable = isolation { true } else { false }
    return switch winner {
    case .nothing, .info, .unknown, .changeFile, .otherApplication, .otherDomain: row()
    case .metadata: always(schemaChanged)
    case .protocol: always(protocolChanged)
    case .sameApplication: always(sameWork)
    case .sameDomain, .sameDomainRemoved: always(sameSettings)
    case .blindAddWithin: isStrict ? row(files: added, table: added) : row()
    case .blindAddElsewhere: isStrict ? row(table: added) : row()
    case .addWithin: row(files: added, table: added)
    case .addElsewhere: row(table: added)
    case .movedWithin: row()
    case .removeReplaced, .removeReplacedSpelled, .removeReplacedMoved, .vectorOfReplaced:
      row(replaced: tookReplaced, files: tookReplaced, table: tookReplaced)
    case .removeRead, .removeReadMoved: row(files: tookRead, table: tookRead)
    case .removeOtherVector, .removeOther, .removeOtherMoved: row(table: tookRead)
    }
  }

  // MARK: The table and the two commits

  private static let schema = Schema([Field("day", .date), Field("id", .long)])
  private static let tableMetadata = TableMetadata(
    id: "t",
    schema: schema,
    partitionColumns: ["day"]
  )
  private static let within = "2024-03-03"
  private static let elsewhere = "2024-03-04"

  private static func file(_ path: String, day: String = within) -> AddFile {
    AddFile(
      path: path,
      partitionValues: ["day": day],
      size: 1,
      modificationTime: 0,
      stats: #"{"numRecords":1,"minValues":{"id":1},"maxValues":{"id":9},"nullCount":{"id":0}}"#
    )
  }

  private static let replacedFile = file("day=2024-03-03/to%20replace")
  private static let readFile = file("day=2024-03-03/read")
  private static let otherFile = file("day=2024-03-04/other", day: elsewhere)

  private static func snapshot() throws -> Snapshot {
    var replay = Replay(table: "t")
    try replay.apply(
      [
        .protocol(.classic), .metadata(tableMetadata), .add(replacedFile), .add(readFile),
        .add(otherFile),
      ],
      version: .first
    )
    return try replay.snapshot(location: "/t", committedAt: .earliest)
  }

  private static func change(
    _ read: Read,
    isolation: TableChange.Isolation = .serializable
  ) -> TableChange {
    var change = TableChange(
      mode: .append,
      files: [],
      schema: schema,
      transactions: [TransactionIdentifier(appID: "app", version: 5)],
      isolation: isolation,
      domains: [DomainMetadata(domain: "millrace.mine", configuration: "{}")]
    )
    switch read {
    case .nothing: change.reads = .nothing
    case .replaced:
      change.replacing = [replacedFile]
      change.reads = .replaced
    case .files:
      change.replacing = [replacedFile]
      change.reads = .files(
        [replacedFile.key, readFile.key],
        where: .compare(["day"], .equal, .string(within))
      )
    case .table:
      change.replacing = [replacedFile]
      change.reads = .table
    }
    return change
  }

  private static func rules(
    _ read: Read,
    isolation: TableChange.Isolation = .serializable
  ) throws -> ConflictRules {
    let change = change(read, isolation: isolation)
    return ConflictRules(change, removing: Set(change.replacing.map(\.key)), on: try snapshot())
  }

  private static func remove(_ file: AddFile, dataChange: Bool = true) -> Action {
    .remove(file.removal(at: 1, dataChange: dataChange))
  }

  private static func info(isBlind: Bool?) -> Action {
    var info: JSONObject = ["operation": "WRITE"]
    if let isBlind { info["isBlindAppend"] = .bool(isBlind) }
    return .commitInfo(info)
  }

  private static func commit(of winner: Winner) -> [Action] {
    let withVector = DeletionVectorReference(
      storageType: .inline,
      pathOrInlineDv: "0rJua",
      offset: nil,
      sizeInBytes: 4,
      cardinality: 1
    )
    switch winner {
    case .nothing: return []
    case .info: return [info(isBlind: false)]
    case .unknown: return [.other(name: "novelty", ["path": "day=2024-03-03/to%20replace"])]
    case .changeFile:
      return [
        .change(ChangeFile(path: "_change_data/x", partitionValues: ["day": within], size: 1))
      ]
    case .metadata:
      var changed = tableMetadata
      changed.configuration["delta.appendOnly"] = "false"
      return [.metadata(changed)]
    case .protocol: return [.protocol(TableProtocol(minReaderVersion: 1, minWriterVersion: 3))]
    case .sameApplication: return [.transaction(TransactionIdentifier(appID: "app", version: 1))]
    case .otherApplication: return [.transaction(TransactionIdentifier(appID: "App", version: 5))]
    case .sameDomain: return [.domain(DomainMetadata(domain: "millrace.mine", configuration: ""))]
    case .sameDomainRemoved:
      return [
        .domain(DomainMetadata(domain: "millrace.mine", configuration: "", isRemoved: true))
      ]
    case .otherDomain:
      return [.domain(DomainMetadata(domain: "millrace.minely", configuration: ""))]
    case .blindAddWithin: return [info(isBlind: true), .add(file("new"))]
    case .blindAddElsewhere: return [info(isBlind: true), .add(file("new", day: elsewhere))]
    case .addWithin: return [info(isBlind: false), .add(file("new"))]
    case .addElsewhere: return [info(isBlind: false), .add(file("new", day: elsewhere))]
    case .movedWithin:
      var moved = file("new")
      moved.dataChange = false
      return [info(isBlind: false), .add(moved)]
    case .removeReplaced: return [remove(replacedFile)]
    case .removeReplacedSpelled:
      var spelled = replacedFile
      spelled.path = "day%3d2024-03-03/to replace"
      return [remove(spelled)]
    case .removeReplacedMoved: return [remove(replacedFile, dataChange: false)]
    case .vectorOfReplaced:
      var marked = replacedFile
      marked.deletionVector = withVector
      return [remove(replacedFile), .add(marked)]
    case .removeOtherVector:
      var marked = replacedFile
      marked.deletionVector = withVector
      return [remove(marked)]
    case .removeRead: return [remove(readFile)]
    case .removeReadMoved: return [remove(readFile, dataChange: false)]
    case .removeOther: return [remove(otherFile)]
    case .removeOtherMoved: return [remove(otherFile, dataChange: false)]
    }
  }

  @Test(
    "as if the commits came one after the other, each winner is met as the rules say",
    arguments: Winner.allCases,
    Read.allCases
  )
  func serializable(winner: Winner, read: Read) throws {
    let rules = try Self.rules(read, isolation: .serializable)
    #expect(
      rules.objection(to: Self.commit(of: winner)) == Self.expected(winner, read, .serializable)
    )
  }

  @Test(
    "with appends let through, each winner is met as the rules say",
    arguments: Winner.allCases,
    Read.allCases
  )
  func writeSerializable(winner: Winner, read: Read) throws {
    let rules = try Self.rules(read, isolation: .writeSerializable)
    #expect(
      rules.objection(to: Self.commit(of: winner))
        == Self.expected(winner, read, .writeSerializable)
    )
  }

  // MARK: Several actions

  @Test(
    "a commit of two kinds is refused when one of them is, in either order",
    arguments: Read.allCases
  )
  func pairs(read: Read) throws {
    let rules = try Self.rules(read)
    for first in Winner.allCases {
      for second in Winner.allCases {
        // Blind or not makes no difference here, so the last word on it does not matter either.
        let actions = Self.commit(of: first) + Self.commit(of: second)
        let expected = [first, second].compactMap { Self.expected($0, read, .serializable) }
        let what: Comment = "\(first.rawValue), then \(second.rawValue)"
        if let objection = rules.objection(to: actions) {
          #expect(expected.contains(objection), what)
        } else {
          #expect(expected.isEmpty, what)
        }
      }
    }
  }

  @Test("whether a commit was blind counts wherever it says so, and silence is no word for it")
  func whereBlind() throws {
    let rules = try Self.rules(.table, isolation: .writeSerializable)
    let add = Action.add(Self.file("new"))
    #expect(rules.objection(to: [Self.info(isBlind: true), add]) == nil)
    #expect(rules.objection(to: [add, Self.info(isBlind: true)]) == nil)
    #expect(rules.objection(to: [Self.info(isBlind: nil), add]) == Self.added)
    #expect(rules.objection(to: [add]) == Self.added)
    #expect(
      rules.objection(to: [.commitInfo(["isBlindAppend": "true"]), add]) == Self.added
    )
  }

  @Test("a blind append that also removes takes rows all the same")
  func blindRemove() throws {
    let rules = try Self.rules(.table, isolation: .writeSerializable)
    #expect(
      rules.objection(to: [Self.info(isBlind: true), Self.remove(Self.otherFile)]) == Self.tookRead
    )
  }

  // MARK: What was read

  @Test("without a word on it an append reads nothing, and an overwrite the whole table")
  func readsOfModes() throws {
    let snapshot = try Self.snapshot()
    var change = TableChange(mode: .append, files: [], schema: Self.schema)
    let blind = ConflictRules(change, removing: [], on: snapshot)
    change.mode = .overwrite
    let overwrite = ConflictRules(change, removing: snapshot.files.keys, on: snapshot)
    for winner in [Winner.addElsewhere, .addWithin] {
      #expect(blind.objection(to: Self.commit(of: winner)) == nil)
      #expect(overwrite.objection(to: Self.commit(of: winner)) == Self.added)
    }
    #expect(blind.objection(to: Self.commit(of: .removeOther)) == nil)
    #expect(overwrite.objection(to: Self.commit(of: .removeOther)) == Self.tookReplaced)
    #expect(
      overwrite.objection(to: [Self.remove(Self.file("of a later version"))]) == Self.tookRead
    )
  }

  @Test("without a word on it a replacement stands on the files that it replaces and no others")
  func readsOfReplacement() throws {
    let change = TableChange(
      mode: .append,
      files: [],
      replacing: [Self.replacedFile],
      schema: Self.schema
    )
    let rules = ConflictRules(change, removing: [Self.replacedFile.key], on: try Self.snapshot())
    #expect(rules.objection(to: Self.commit(of: .addWithin)) == nil)
    #expect(rules.objection(to: Self.commit(of: .removeOther)) == nil)
    #expect(rules.objection(to: Self.commit(of: .removeReplaced)) == Self.tookReplaced)
  }

  @Test("a file that was read and is kept counts as one that is replaced")
  func readAndKept() throws {
    let change = Self.change(.files)
    let rules = ConflictRules(change, removing: [], on: try Self.snapshot())
    #expect(rules.objection(to: Self.commit(of: .removeReplaced)) == Self.tookRead)
    #expect(rules.objection(to: Self.commit(of: .removeRead)) == Self.tookRead)
  }

  @Test("new files are judged by their statistics too, and count where nothing is known of them")
  func byStatistics() throws {
    var change = TableChange(mode: .append, files: [], schema: Self.schema)
    let snapshot = try Self.snapshot()
    func objection(_ predicate: TablePredicate, _ stats: String?) -> String? {
      change.reads = .files([], where: predicate)
      var file = Self.file("new")
      file.stats = stats
      return ConflictRules(change, removing: [], on: snapshot).objection(to: [.add(file)])
    }
    let stats = Self.readFile.stats
    let below = TablePredicate.compare(["id"], .less, 1)
    #expect(objection(below, stats) == nil)
    #expect(objection(below, nil) == Self.added)
    #expect(objection(.compare(["id"], .less, 2), stats) == Self.added)
    #expect(objection(.unknown, stats) == Self.added)
    #expect(objection(.constant(false), nil) == nil)
    #expect(objection(.constant(nil), nil) == nil)
  }

  @Test("without a table to read the predicate by, every new file counts")
  func withoutSnapshot() {
    let change = Self.change(.files)
    let rules = ConflictRules(change, removing: [], on: nil)
    #expect(rules.objection(to: Self.commit(of: .addElsewhere)) == Self.added)
    #expect(rules.objection(to: Self.commit(of: .movedWithin)) == nil)
  }
}

// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillLake
import MillTesting
import Testing

@Suite("What a table demands of readers and writers")
struct TableFeatureTests {
  /// The features that a number stood for before there were lists, by the first number that did.
  ///
  /// > Source: Delta transaction log protocol, "Appendix: Valid Feature Names in Table Features".
  private static let impliedBy: [TableFeature: Int] = [
    .appendOnly: 2, .invariants: 2, .checkConstraints: 3, .changeDataFeed: 4, .generatedColumns: 4,
    .columnMapping: 5, .identityColumns: 6,
  ]

  /// The features by which a file or a log looks different to a reader.
  private static let ofReaders: Set<TableFeature> = [
    .columnMapping, .deletionVectors, .timestampWithoutZone, .v2Checkpoint, .vacuumProtocolCheck,
  ]

  /// Every pair of numbers that Delta's writers make without lists.
  private static let legacy: [TableProtocol] =
    (1...6).map { TableProtocol(minReaderVersion: 1, minWriterVersion: $0) }
    + (5...6).map { TableProtocol(minReaderVersion: 2, minWriterVersion: $0) }

  private static func listed(
    reader: Int = 3,
    _ readerFeatures: [String]? = [],
    _ writerFeatures: [String] = []
  ) -> TableProtocol {
    TableProtocol(
      minReaderVersion: reader,
      minWriterVersion: 7,
      readerFeatures: readerFeatures,
      writerFeatures: writerFeatures
    )
  }

  /// Why a protocol is refused, or nil.
  private func refusal(
    _ body: (String, TableVersion) throws(LakeError) -> Void
  ) -> LakeError? {
    do {
      try body("t", TableVersion(3))
      return nil
    } catch {
      return error
    }
  }

  private func unsupported(_ feature: String) -> LakeError {
    .unsupported(table: "t", version: TableVersion(3), feature: feature)
  }

  // MARK: Names

  @Test("every feature has the name that the protocol gives it")
  func names() {
    #expect(
      Set(TableFeature.allCases.map(\.rawValue)) == [
        "appendOnly", "invariants", "checkConstraints", "changeDataFeed", "columnMapping",
        "deletionVectors", "timestampNtz", "v2Checkpoint", "vacuumProtocolCheck", "domainMetadata",
        "inCommitTimestamp", "generatedColumns", "identityColumns", "allowColumnDefaults",
      ]
    )
  }

  @Test("a feature concerns readers when files or the log look different for it")
  func readers() {
    #expect(Set(TableFeature.allCases.filter(\.concernsReaders)) == Self.ofReaders)
  }

  // MARK: Refusals

  @Test("the protocols that older writers made can be read and written")
  func oldProtocols() {
    for old in Self.legacy {
      #expect(refusal(old.requireReadable) == nil, "\(old)")
      #expect(refusal(old.requireWritable) == nil, "\(old)")
    }
  }

  @Test("a list of features that are known here can be read and written")
  func known() {
    let all = Self.listed(
      TableFeature.allCases.filter(\.concernsReaders).map(\.rawValue),
      TableFeature.allCases.map(\.rawValue)
    )
    #expect(refusal(all.requireReadable) == nil)
    #expect(refusal(all.requireWritable) == nil)
    let none = TableProtocol(minReaderVersion: 3, minWriterVersion: 7)
    #expect(refusal(none.requireReadable) == nil)
    #expect(refusal(none.requireWritable) == nil)
  }

  @Test(
    "a reader feature that is not known is refused by its name",
    arguments: [
      "novelty", "catalogManaged", "deletionvectors", "timestampntz", "", "v2Checkpoint ",
    ]
  )
  func unknownReaderFeature(name: String) {
    let wanted = Self.listed(["deletionVectors", name], ["deletionVectors", name])
    #expect(refusal(wanted.requireReadable) == unsupported("the reader feature \(name)"))
  }

  @Test("several unknown features are all named, in order, and the known ones are not")
  func severalUnknown() {
    let wanted = Self.listed(
      ["zeta", "columnMapping", "alpha"],
      ["zeta", "appendOnly", "columnMapping", "beta"]
    )
    #expect(refusal(wanted.requireReadable) == unsupported("the reader features alpha, zeta"))
    #expect(refusal(wanted.requireWritable) == unsupported("the writer features beta, zeta"))
  }

  @Test(
    "a writer feature that is not known is refused by its name, and readers do not mind it",
    arguments: [
      "novelty", "rowTracking", "icebergCompatV1", "icebergCompatV2", "clustering",
      "catalogManaged", "typeWidening", "typeWidening-preview", "materializePartitionColumns",
    ]
  )
  func unknownWriterFeature(name: String) {
    let wanted = Self.listed(["deletionVectors"], ["deletionVectors", name])
    #expect(refusal(wanted.requireReadable) == nil)
    #expect(refusal(wanted.requireWritable) == unsupported("the writer feature \(name)"))
  }

  @Test("a table with widened types can be read and not written", arguments: ["", "-preview"])
  func widened(suffix: String) {
    let name = "typeWidening\(suffix)"
    let wanted = Self.listed([name], [name])
    #expect(refusal(wanted.requireReadable) == nil)
    #expect(refusal(wanted.requireWritable) == unsupported("the writer feature \(name)"))
  }

  @Test(
    "a reader version beyond the lists, or before the first, is refused",
    arguments: [-1, 0, 4, 9]
  )
  func readerVersion(number: Int) {
    let wanted = TableProtocol(minReaderVersion: number, minWriterVersion: 7)
    #expect(
      refusal(wanted.requireReadable)
        == unsupported("reader version \(number) (writer version 7)")
    )
  }

  @Test(
    "a writer version beyond the lists, or before the first, is refused",
    arguments: [-1, 0, 8, 9]
  )
  func writerVersion(number: Int) {
    let wanted = TableProtocol(minReaderVersion: 1, minWriterVersion: number)
    #expect(refusal(wanted.requireWritable) == unsupported("writer version \(number)"))
  }

  @Test("reader features under a reader version that has none are damage", arguments: [1, 2])
  func listedTooEarly(reader: Int) {
    let error = refusal(Self.listed(reader: reader, ["deletionVectors"]).requireReadable)
    #expect(error?.code == "lake.corrupt-commit")
    #expect(refusal(Self.listed(reader: reader, []).requireReadable) == nil)
    #expect(refusal(Self.listed(reader: reader, nil).requireReadable) == nil)
  }

  // MARK: What a protocol has

  @Test("before the lists a number implies what came with it and with those before it")
  func implied() {
    for old in Self.legacy {
      for feature in TableFeature.allCases {
        var isImplied = (Self.impliedBy[feature] ?? .max) <= old.minWriterVersion
        if feature == .columnMapping { isImplied = isImplied && old.minReaderVersion >= 2 }
        #expect(old.supports(feature) == isImplied, "\(feature) under \(old)")
      }
    }
  }

  @Test("with lists only what is listed counts, however great the numbers", arguments: [1, 2, 3])
  func listedOnly(reader: Int) {
    let one = Self.listed(reader: reader, nil, ["changeDataFeed"])
    for feature in TableFeature.allCases {
      #expect(one.supports(feature) == (feature == .changeDataFeed), "\(feature)")
    }
    #expect(Self.listed(["deletionVectors"], ["deletionVectors"]).supports(.deletionVectors))
    #expect(!Self.listed(reader: reader, nil, ["novelty"]).supports(.appendOnly))
  }

  // MARK: Adding

  @Test("a feature that a number implies raises the writer's number to that and adds no list")
  func byNumber() {
    for (feature, number) in Self.impliedBy {
      let reader = feature == .columnMapping ? 2 : 1
      let oldest = TableProtocol(minReaderVersion: 1, minWriterVersion: 1)
      #expect(
        oldest.adding([feature])
          == TableProtocol(minReaderVersion: reader, minWriterVersion: number),
        "\(feature)"
      )
    }
    #expect(
      TableProtocol.classic.adding([.checkConstraints, .changeDataFeed])
        == TableProtocol(minReaderVersion: 1, minWriterVersion: 4)
    )
    #expect(TableProtocol.classic.adding([.appendOnly, .invariants]) == .classic)
    #expect(TableProtocol.classic.adding([]) == .classic)
  }

  @Test("a feature of lists says in words what the number implied, and asks readers for nothing")
  func writerList() {
    #expect(
      TableProtocol.classic.adding([.domainMetadata])
        == Self.listed(reader: 1, nil, ["appendOnly", "domainMetadata", "invariants"])
    )
    #expect(
      TableProtocol(minReaderVersion: 1, minWriterVersion: 4).adding([.inCommitTimestamp])
        == Self.listed(
          reader: 1,
          nil,
          [
            "appendOnly", "changeDataFeed", "checkConstraints", "generatedColumns",
            "inCommitTimestamp", "invariants",
          ]
        )
    )
  }

  @Test("a feature that concerns readers stands in both lists")
  func readerList() {
    #expect(
      TableProtocol.classic.adding([.deletionVectors])
        == Self.listed(["deletionVectors"], ["appendOnly", "deletionVectors", "invariants"])
    )
    #expect(
      Self.listed(reader: 1, nil, ["domainMetadata"]).adding([.timestampWithoutZone])
        == Self.listed(["timestampNtz"], ["domainMetadata", "timestampNtz"])
    )
    #expect(
      TableProtocol(minReaderVersion: 2, minWriterVersion: 5).adding([.deletionVectors])
        == Self.listed(
          ["columnMapping", "deletionVectors"],
          [
            "appendOnly", "changeDataFeed", "checkConstraints", "columnMapping", "deletionVectors",
            "generatedColumns", "invariants",
          ]
        )
    )
  }

  @Test("a table of identity columns alone gets the reader's number when its columns are mapped")
  func mappingOfReaderOne() {
    let identity = TableProtocol(minReaderVersion: 1, minWriterVersion: 6)
    #expect(
      identity.adding([.columnMapping])
        == TableProtocol(minReaderVersion: 2, minWriterVersion: 6)
    )
  }

  @Test("mapped columns keep the reader's number when only writers are asked for more")
  func mappingStaysANumber() {
    let mapped = TableProtocol(minReaderVersion: 2, minWriterVersion: 5)
    let added = mapped.adding([.domainMetadata])
    #expect(added.minReaderVersion == 2)
    #expect(added.readerFeatures == nil)
    #expect(added.supports(.columnMapping))
  }

  @Test("features that are not known here are kept where they stood")
  func unknownKept() {
    let added = Self.listed(["novelty"], ["novelty", "other"]).adding([.v2Checkpoint])
    #expect(
      added == Self.listed(["novelty", "v2Checkpoint"], ["novelty", "other", "v2Checkpoint"])
    )
  }

  @Test(
    "whatever is added, all is there afterwards, nothing is lost, and again changes nothing",
    arguments: 0..<40
  )
  func random(seed: UInt64) {
    let chance = SeededRandom(seed: seed)
    for round in 0..<50 {
      let before = sample(chance)
      let wanted = Set(TableFeature.allCases.filter { _ in chance.happens(percent: 20) })
      let after = before.adding(wanted)
      let what: Comment = "seed \(seed), round \(round): \(before) + \(wanted) = \(after)"

      for feature in TableFeature.allCases {
        if wanted.contains(feature) { #expect(after.supports(feature), what) }
        if before.supports(feature) { #expect(after.supports(feature), what) }
      }
      #expect(after.adding(wanted) == after, what)
      if wanted.allSatisfy(before.supports) { #expect(after == before, what) }
      #expect(Set(before.writerFeatures ?? []).isSubset(of: after.writerFeatures ?? []), what)
      #expect(Set(before.readerFeatures ?? []).isSubset(of: after.readerFeatures ?? []), what)

      // Well formed: lists under 3 and 7 alone, and of reader features in both.
      #expect((after.readerFeatures != nil) == (after.minReaderVersion == 3), what)
      #expect((after.writerFeatures != nil) == (after.minWriterVersion == 7), what)
      #expect(Set(after.readerFeatures ?? []).isSubset(of: after.writerFeatures ?? []), what)
      for feature in Self.ofReaders where after.supports(feature) {
        let isListed = after.readerFeatures?.contains(feature.rawValue) == true
        let isImplied = feature == .columnMapping && after.minReaderVersion == 2
        #expect(isListed || isImplied, what)
      }
      for list in [after.readerFeatures, after.writerFeatures] {
        #expect(Set(list ?? []).count == (list ?? []).count, what)
      }

      // The least: numbers stay where they can, and lists have nothing that nobody asked for.
      let missing = wanted.filter { !before.supports($0) }
      let highest = missing.map { Self.impliedBy[$0] ?? 7 }.max() ?? 1
      #expect(after.minWriterVersion == max(before.minWriterVersion, highest), what)
      if missing.isDisjoint(with: Self.ofReaders) {
        #expect(after.minReaderVersion == before.minReaderVersion, what)
      }
      if after.minWriterVersion == 7 {
        let had = TableFeature.allCases.filter { before.supports($0) }.map(\.rawValue)
        let expected = Set((before.writerFeatures ?? []) + had + wanted.map(\.rawValue))
        #expect(Set(after.writerFeatures ?? []) == expected, what)
      }
    }
  }

  /// A protocol as some writer may have left it.
  private func sample(_ chance: SeededRandom) -> TableProtocol {
    if chance.happens(percent: 50) { return Self.legacy[chance.below(Self.legacy.count)] }
    let features = TableFeature.allCases.filter { _ in chance.happens(percent: 30) }
    let ofReaders = features.filter(Self.ofReaders.contains)
    let unknown = chance.happens(percent: 20) ? ["novelty"] : []
    let writer = features.map(\.rawValue).sorted() + unknown
    if ofReaders.isEmpty, chance.happens(percent: 80) {
      return Self.listed(reader: 1, nil, writer)
    }
    if ofReaders == [.columnMapping], chance.happens(percent: 50) {
      return Self.listed(reader: 2, nil, writer)
    }
    return Self.listed(ofReaders.map(\.rawValue).sorted() + unknown, writer)
  }
}

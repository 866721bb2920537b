// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import MillCore
import MillDuckDB
import MillEngine
import MillLake
import MillTables

/// What a commit costs, on a young table and on an old one.
///
/// (a) The file operations of one commit of one file at two versions; (b) commits of three rows
/// after one another, beside deltalake; (c) what opening a table of many commits reads.
struct LakeCommits: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "commits",
    abstract: "File operations of a commit, commits per second, and opening a long log."
  )

  @OptionGroup var options: LakeOptions
  @Option(help: "The young table's version (default 10).") var young: Int?
  @Option(help: "The old table's version (default 100000; small: 2000).") var old: Int?
  @Option(help: "Commits in a row (default 200; small: 20).") var commits: Int?
  @Option(help: "Commits of the table that is opened (default 10000; small: 500).") var log: Int?
  @Option(help: "Openings of it in each round.") var opens = 3

  func run() throws {
    let workshop = try LakeWorkshop(options)
    defer { workshop.close() }
    let young = young ?? 10
    let old = options.size(old, 100_000, small: 2000)
    let commits = options.size(commits, 200, small: 20)
    let log = options.size(log, 10_000, small: 500)
    var report = LakeReport(
      "lake commits",
      sizes: ["young": young, "old": old, "commits": commits, "log": log],
      rounds: options.rounds
    )
    try countOperations(young, old, workshop, &report)
    try compareAppends(commits, workshop, &report)
    try compareOpening(log, workshop, &report)
    try report.print(asJSON: options.json)
  }

  // MARK: (a)

  private func countOperations(
    _ young: Int,
    _ old: Int,
    _ workshop: LakeWorkshop,
    _ report: inout LakeReport
  ) throws {
    for version in [young, old] {
      let table = workshop.path("version-\(version)")
      workshop.note("writing a log of \(version) commits")
      // A table so young has no checkpoint yet, an old one has.
      let checkpoint = version >= 100 ? ["--checkpoint", "\(version)"] : []
      try workshop.millrace(["part-log", table, "--versions", "\(version)"] + checkpoint)
      for found in try workshop.millrace(["part-operations", table]) {
        var facts = found.facts
        facts["wall_seconds"] = found.wallSeconds
        let checkpoints = found.facts["readCheckpoint"] ?? 0
        let calls = found.facts.filter { !$0.key.hasSuffix("Checkpoint") }
        let kinds = calls.sorted { $0.key < $1.key }.map { "\(whole($0.value)) \($0.key)" }
        report.counts.append(
          LakeReport.Count(
            title: "a commit of one file at version \(version), \(found.measure) table",
            facts: facts,
            lines: [
              "\(whole(calls.values.reduce(0, +))) file operations: "
                + kinds.joined(separator: ", "),
              "checkpoints read: \(whole(checkpoints)); \(shortTime(found.wallSeconds)) "
                + "(\(shortTime(found.cpuSeconds)) CPU)",
            ]
          )
        )
      }
      try workshop.remove("version-\(version)")
    }
  }

  // MARK: (b)

  private func compareAppends(
    _ commits: Int,
    _ workshop: LakeWorkshop,
    _ report: inout LakeReport
  ) throws {
    var ours: [Measurement] = []
    var peers: [Measurement] = []
    workshop.note("\(commits) commits in a row by each side")
    let count = ["--count", "\(commits)"]
    try workshop.alternate([
      {
        let folder = workshop.path("ours")
        ours += try workshop.millrace(["part-append", folder] + count)
        try workshop.remove("ours")
      },
      {
        let folder = workshop.path("theirs")
        try FileManager.default.createDirectory(
          atPath: folder,
          withIntermediateDirectories: true
        )
        peers += try workshop.deltalake(["append", "--table", "\(folder)/table"] + count)
        try workshop.remove("theirs")
      },
    ])
    let pairs = [
      ("appends of 3 rows, the table opened anew each time", "append cold", "append cold"),
      ("appends of 3 rows, the table kept open", "append warm", "append warm"),
      ("commits of a file that is there, the table kept open", "commit", "commit"),
      ("commits of a file that is there, beside appends of 3 rows", "append warm", "commit"),
    ]
    for (title, peerMeasure, measure) in pairs {
      let peer = try LakeReport.Side("deltalake", peers, of: peerMeasure)
      let millrace = try LakeReport.Side("millrace", ours, of: measure)
      for side in [peer, millrace] {
        guard try side.fact("commits") == Double(commits) else {
          throw ChildError(description: "\(side.name) made other commits than \(commits)")
        }
      }
      let rate = { (side: LakeReport.Side) in whole(Double(commits) / side.wallSeconds) }
      report.compare(
        "\(commits) \(title)",
        peer,
        millrace,
        notes: [
          "commits per second: deltalake \(rate(peer)), millrace \(rate(millrace)); "
            + "millrace syncs files, folders and commits to the disk, deltalake syncs nothing"
        ]
      )
    }
  }

  // MARK: (c)

  private func compareOpening(
    _ commits: Int,
    _ workshop: LakeWorkshop,
    _ report: inout LakeReport
  ) throws {
    let table = workshop.path("log")
    // The longest way from a checkpoint, as one is due after every hundred commits.
    let checkpoint = max(1, (commits - 1) / 100 * 100)
    workshop.note("writing a log of \(commits) commits")
    try workshop.millrace([
      "part-log", table, "--versions", "\(commits - 1)", "--checkpoint", "\(checkpoint)",
    ])
    var ours: [Measurement] = []
    var peers: [Measurement] = []
    try workshop.alternate([
      { ours += try workshop.millrace(["part-open-log", table, "--opens", "\(opens)"]) },
      {
        peers += try workshop.deltalake(["open-log", "--table", table, "--opens", "\(opens)"])
      },
    ])
    let peer = try LakeReport.Side("deltalake", peers, of: "open")
    let millrace = try LakeReport.Side("millrace", ours, of: "open")
    guard try peer.fact("version") == millrace.fact("version") else {
      throw ChildError(description: "the sides opened different versions")
    }
    let all = try LakeReport.Side("millrace", ours, of: "open every commit")
    report.compare(
      "open a table of \(commits) commits, checkpoint at version \(checkpoint)",
      peer,
      millrace,
      notes: [
        "read: \(whole(try millrace.fact("names"))) list of names, "
          + "\(whole(try millrace.fact("readCheckpoint"))) checkpoint and "
          + "\(whole(try millrace.fact("read"))) commits, of "
          + "\(whole(try millrace.fact("log_files"))) files in the log",
        "from its commits alone: \(whole(try all.fact("read"))) commits read, "
          + "\(shortTime(all.cpuSeconds)) CPU, \(shortTime(all.wallSeconds))",
      ]
    )
  }
}

/// Writes the log of a table of many commits, each of one file that is not there.
struct LakeLogPart: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "part-log", shouldDisplay: false)

  @Argument var table: String
  @Option var versions: Int
  @Option var checkpoint: Int?

  static let schema = Schema([Field("id", .long), Field("v", .string)])

  func run() async throws {
    let delta = LakeTable.at(table, try DuckDBCheckpoints(memory: LakeTable.memory))
    try await delta.commit(TableChange(mode: .append, files: [], schema: Self.schema))
    let files = LocalFileSystem()
    for number in 1...max(1, versions) {
      let time = 1_700_000_000_000 + number
      let info = """
        {"commitInfo":{"timestamp":\(time),"operation":"WRITE","operationParameters":\
        {"mode":"Append","partitionBy":"[]"},"isBlindAppend":true}}
        """
      let stats = """
        {\\"numRecords\\":3,\\"minValues\\":{\\"id\\":\(3 * number)},\
        \\"maxValues\\":{\\"id\\":\(3 * number + 2)},\\"nullCount\\":{\\"id\\":0}}
        """
      let add = """
        {"add":{"path":"part-\(number).parquet","partitionValues":{},"size":700,\
        "modificationTime":\(time),"dataChange":true,"stats":"\(stats)"}}
        """
      let name = TableVersion(Int64(number)).logFileName
      try files.create("\(table)/_delta_log/\(name)", Array("\(info)\n\(add)\n".utf8))
    }
    if let checkpoint { try await delta.checkpoint(at: TableVersion(Int64(checkpoint))) }
  }
}

/// Counts the file operations of one commit by a table that was just opened, and by one in use.
struct LakeOperationsPart: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "part-operations",
    shouldDisplay: false
  )

  @Argument var table: String

  func run() async throws {
    let files = CountingFileSystem()
    let checkpoints = CountingCheckpoints(try DuckDBCheckpoints())
    let cold = LakeTable.at(table, checkpoints, files: files)
    try await measure("cold", cold, try change(1), files, checkpoints)
    let warm = LakeTable.at(table, checkpoints, cache: SnapshotCache(), files: files)
    // The first commit fills the cache, the next is as all those after it.
    try await warm.commit(try change(2))
    try await measure("warm", warm, try change(3), files, checkpoints)
  }

  private func measure(
    _ name: String,
    _ delta: DeltaTable,
    _ change: TableChange,
    _ files: CountingFileSystem,
    _ checkpoints: CountingCheckpoints
  ) async throws {
    files.reset()
    checkpoints.reset()
    let (_, found) = try await metered(name) { try await delta.commit(change) }
    let counts = files.counts.merging(checkpoints.counts) { first, _ in first }
    try found.with(counts.mapValues { Double($0) }).print()
  }

  /// A commit of one small file, which is written here.
  private func change(_ number: Int) throws -> TableChange {
    let location = "\(table)/new-\(number).parquet"
    let bytes = [UInt8](repeating: 0, count: 700)
    try LocalFileSystem().create(location, bytes)
    return TableChange(
      mode: .append,
      files: [
        DataFile(
          location: location,
          sizeInBytes: Int64(bytes.count),
          statistics: FileStatistics(rows: 3)
        )
      ],
      schema: LakeLogPart.schema
    )
  }
}

/// Appends of three rows one after the other, and commits of a file that is there.
struct LakeAppendPart: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "part-append", shouldDisplay: false)

  @Argument var folder: String
  @Option var count: Int

  func run() async throws {
    let engine = try LakeTable.engine(folder)
    let checkpoints = try DuckDBCheckpoints()
    for name in ["append cold", "append warm"] {
      let table = LakeTable.at(
        "\(folder)/\(name == "append cold" ? "cold" : "warm")",
        checkpoints,
        cache: name == "append cold" ? nil : SnapshotCache()
      )
      let writer = TableWriter(table, engine: engine, world: .system())
      try await writer.append(Self.rows)
      let (_, found) = try await metered(name) {
        for _ in 0..<count { try await writer.append(Self.rows) }
      }
      try found.with(["commits": Double(count)]).print()
    }
    try await commits(engine, checkpoints)
  }

  private func commits(_ engine: DuckDBEngine, _ checkpoints: DuckDBCheckpoints) async throws {
    let folder = "\(folder)/bare"
    let table = LakeTable.at(folder, checkpoints, cache: SnapshotCache())
    try await table.commit(TableChange(mode: .append, files: [], schema: LakeLogPart.schema))
    let session = try await engine.session(named: "bench")
    let written = try await session.write(
      "SELECT * FROM (VALUES (1::BIGINT, 'a'), (2, 'b'), (3, 'c')) AS rows(id, v)",
      to: WriteTarget(location: folder)
    )
    await session.close()
    guard let first = written.first else { throw ChildError(description: "no file was written") }
    let files = LocalFileSystem()
    let bytes = try files.read(first.location)
    var changes: [TableChange] = []
    for number in 0..<count {
      var file = first
      file.location = "\(folder)/copy-\(number).parquet"
      try files.create(file.location, bytes)
      changes.append(TableChange(mode: .append, files: [file], schema: LakeLogPart.schema))
    }
    let (_, found) = try await metered("commit") {
      for change in changes { try await table.commit(change) }
    }
    try found.with(["commits": Double(count)]).print()
  }

  private static let rows = RowSource.rows(
    [[1, "a"], [2, "b"], [3, "c"]],
    schema: LakeLogPart.schema
  )
}

/// Opens a table of many commits, once unmeasured and then as often as asked.
struct LakeOpenLogPart: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "part-open-log",
    shouldDisplay: false
  )

  @Argument var table: String
  @Option var opens: Int

  func run() async throws {
    let checkpoints = CountingCheckpoints(try DuckDBCheckpoints())
    _ = try await LakeTable.at(table, checkpoints).snapshot()
    for _ in 0..<opens { try await open("open", checkpoints) }
    try await open("open every commit", nil)
  }

  private func open(_ name: String, _ checkpoints: CountingCheckpoints?) async throws {
    let files = CountingFileSystem()
    checkpoints?.reset()
    let (snapshot, found) = try await metered(name) {
      try await LakeTable.at(table, checkpoints, files: files).snapshot()
    }
    var facts = files.counts.merging(checkpoints?.counts ?? [:]) { first, _ in first }
      .mapValues { Double($0) }
    facts["version"] = Double(snapshot.version.number)
    facts["log_files"] = Double(try LocalFileSystem().names(in: "\(table)/_delta_log").count)
    try found.with(facts).print()
  }
}

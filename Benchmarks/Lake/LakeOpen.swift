// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import MillDuckDB
import MillEngine
import MillLake

/// Opening a table of many files from its checkpoint, and listing those of a condition.
struct LakeOpen: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "open",
    abstract: "Opening a table of many files and listing those of a condition."
  )

  @OptionGroup var options: LakeOptions
  @Option(help: "Files of the table (default 100000; small: 5000).") var files: Int?
  @Option(help: "How many of them the newest commit added, of which there is a checkpoint.")
  var newest = 1
  @Option(help: "Openings for each condition in each round.") var opens = 3

  func run() throws {
    let workshop = try LakeWorkshop(options)
    defer { workshop.close() }
    let files = options.size(files, 100_000, small: 5000)
    let table = workshop.path("table")
    workshop.note("writing the log of \(files) files")
    try workshop.deltalake([
      "make-files", "--table", table, "--files", "\(files)", "--newest", "\(newest)",
    ])
    // In the middle of the thousand ids of one file: 5000500 of the default size.
    let id = files / 20 * 1000 + 500
    let conditions = ["--opens", "\(opens)", "--id", "\(id)", "--day", "2024-03-03"]
    var ours: [Measurement] = []
    var peers: [Measurement] = []
    try workshop.alternate([
      { ours += try workshop.millrace(["part-open", table] + conditions) },
      { peers += try workshop.deltalake(["open-files", "--table", table] + conditions) },
    ])
    var report = LakeReport(
      "lake open",
      sizes: ["files": files, "newest": newest],
      rounds: options.rounds
    )
    let byID = "files of id = \(id)"
    let byDay = "files of day = '2024-03-03'"
    let titles = [
      ("first open", "open, the first of the process (millrace: DuckDB opened as well)"),
      ("open", "open again"), ("list by id", "list \(byID)"), ("list by day", "list \(byDay)"),
      ("open and list by id", "open and list \(byID)"),
      ("open and list by day", "open and list \(byDay)"),
    ]
    for (measure, title) in titles {
      let peer = try LakeReport.Side("deltalake", peers, of: measure)
      let millrace = try LakeReport.Side("millrace", ours, of: measure)
      var notes: [String] = []
      if measure.hasPrefix("list") {
        for fact in ["files", "numbers"] where try peer.fact(fact) != millrace.fact(fact) {
          throw ChildError(description: "the sides found other files for \(measure)")
        }
        notes.append("\(whole(try millrace.fact("files"))) of \(files) files, the same by both")
      }
      report.compare("\(files) files: \(title)", peer, millrace, notes: notes)
    }
    try report.print(asJSON: options.json)
  }
}

/// Opens a table and lists the files of two conditions, each time from a fresh object.
struct LakeOpenPart: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "part-open", shouldDisplay: false)

  @Argument var table: String
  @Option var opens: Int
  @Option var id: Int
  @Option var day: String

  func run() async throws {
    let ((checkpoints, _), first) = try await metered("first open") {
      let checkpoints = try DuckDBCheckpoints()
      return (checkpoints, try await LakeTable.at(table, checkpoints).snapshot())
    }
    try first.print()
    // Reads conditions; opened before the measures, as the runtime of the peer is.
    let engine = try LakeTable.engine(LakeTable.parent(of: table))
    for _ in 0..<opens {
      for (name, condition) in [("id", "id = \(id)"), ("day", "day = '\(day)'")] {
        let (snapshot, opening) = try await metered("open") {
          try await LakeTable.at(table, checkpoints).snapshot()
        }
        try opening.print()
        let (locations, listing) = try await metered("list by \(name)") {
          let predicate = try await engine.predicate(of: condition)
          return snapshot.files(matching: predicate).map { "\(snapshot.location)/\($0.path)" }
        }
        let found = listing.with([
          "files": Double(locations.count), "numbers": Double(locations.reduce(0, Self.add)),
        ])
        try found.print()
        try opening.and(found, named: "open and list by \(name)").print()
      }
    }
  }

  /// The sum of the files' numbers, by which two listings are held against each other.
  private static func add(_ sum: Int, _ location: String) -> Int {
    let name = location.split(separator: "/").last ?? ""
    return sum + (Int(name.dropFirst("part-".count).prefix(6)) ?? 0)
  }
}

// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation

/// Delta tables beside deltalake, and compaction beside a plain COPY of DuckDB.
struct LakeBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lake",
    abstract: "Delta tables: commits, opening, upsert and compaction, against a peer.",
    subcommands: [
      LakeCommits.self, LakeOpen.self, LakeUpsert.self, LakeCompact.self,
      LakeLogPart.self, LakeOperationsPart.self, LakeAppendPart.self, LakeOpenLogPart.self,
      LakeOpenPart.self, LakeRowsPart.self, LakeUpsertPart.self, LakeCheckPart.self,
      LakeCompactPart.self, LakeCopyPart.self,
    ]
  )
}

/// What the measures of the lake have in common.
struct LakeOptions: ParsableArguments {
  @Option(
    help: "Where to work: a new or empty folder, removed afterwards (default: below .build/bench)."
  )
  var folder: String?
  @Option(help: "Runs of each side; the median counts.") var rounds = 3
  @Flag(help: "Small sizes, for a quick trial; a size that is given still counts.")
  var small = false
  @Flag(help: "Print one JSON object.") var json = false
  @Flag(help: "Keep the folder.") var keep = false
  @Option(help: "The script that is deltalake's side.") var peer = "Benchmarks/Lake/lake_peer.py"

  func validate() throws {
    guard rounds > 0 else { throw ValidationError("--rounds must be at least 1") }
  }

  /// A size: the one that was given, else the default or its small variant.
  func size(_ given: Int?, _ standard: Int, small reduced: Int) -> Int {
    given ?? (small ? reduced : standard)
  }
}

/// The folder of one benchmark and the two programs that work in it.
///
/// Every measured piece of work runs in a process of its own and prints its measurements; this
/// process only starts them, so that its memory is nobody's peak.
struct LakeWorkshop {
  let options: LakeOptions
  /// Absolute.
  let folder: String

  /// Makes the folder; one that holds something already is somebody else's.
  init(_ options: LakeOptions) throws {
    self.options = options
    let manager = FileManager.default
    folder = URL(fileURLWithPath: options.folder ?? ".build/bench/lake-\(getpid())").path
    if let names = try? manager.contentsOfDirectory(atPath: folder), !names.isEmpty {
      throw ValidationError("\(folder) is not empty")
    }
    try manager.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  /// Removes the folder, unless it is to be kept.
  func close() {
    if !options.keep { try? FileManager.default.removeItem(atPath: folder) }
  }

  func path(_ name: String) -> String { "\(folder)/\(name)" }

  /// Says on standard error what takes a while.
  func note(_ text: String) {
    FileHandle.standardError.write(Data("\(text)\n".utf8))
  }

  /// Runs a part of this program.
  @discardableResult
  func millrace(_ arguments: [String]) throws -> [Measurement] {
    try measurements(of: ["/proc/self/exe", "lake"] + arguments)
  }

  /// Runs a part of the peer.
  @discardableResult
  func deltalake(_ arguments: [String]) throws -> [Measurement] {
    guard let python = ProcessInfo.processInfo.environment["MILLRACE_TOOLS_PYTHON"] else {
      throw ChildError(
        description: "MILLRACE_TOOLS_PYTHON is not set: scripts/setup --tools installs deltalake, "
          + "and .tools/venv/bin/python runs it"
      )
    }
    guard FileManager.default.fileExists(atPath: options.peer) else {
      throw ChildError(
        description: "there is no \(options.peer): run in the checkout, or give --peer"
      )
    }
    return try measurements(
      of: [python, "-B", options.peer] + arguments + ["--threads", "\(LakeTable.threads)"]
    )
  }

  func measurements(of command: [String]) throws -> [Measurement] {
    let output = path("output.jsonl")
    defer { try? FileManager.default.removeItem(atPath: output) }
    _ = try measure(command, output: output)
    let text = try String(contentsOfFile: output, encoding: .utf8)
    return try text.split(separator: "\n").map { line in
      try JSONDecoder().decode(Measurement.self, from: Data(line.utf8))
    }
  }

  /// Runs all sides in each round, beginning with another one each time.
  func alternate(_ sides: [() throws -> Void]) throws {
    for round in 0..<options.rounds {
      for index in sides.indices { try sides[(index + round) % sides.count]() }
    }
  }

  /// A copy of a table: its own log, and second names for the Parquet files, which nobody changes.
  func copy(_ table: String, as name: String) throws -> String {
    let manager = FileManager.default
    let target = path(name)
    try? manager.removeItem(atPath: target)
    try manager.createDirectory(
      atPath: "\(target)/_delta_log",
      withIntermediateDirectories: true
    )
    for file in try manager.contentsOfDirectory(atPath: table) where file.hasSuffix(".parquet") {
      try manager.linkItem(atPath: "\(table)/\(file)", toPath: "\(target)/\(file)")
    }
    for file in try manager.contentsOfDirectory(atPath: "\(table)/_delta_log") {
      try manager.copyItem(
        atPath: "\(table)/_delta_log/\(file)",
        toPath: "\(target)/_delta_log/\(file)"
      )
    }
    return target
  }

  func remove(_ name: String) throws {
    try FileManager.default.removeItem(atPath: path(name))
  }
}

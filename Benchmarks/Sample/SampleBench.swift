// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import MillAssembly
import MillCore
import MillDuckDB
import MillPipelines

/// The payments sample, bronze to gold, against a hand-written script for the same DuckDB.
struct SampleBench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sample",
    abstract: "The payments sample, bronze to gold, against a hand-written DuckDB script."
  )

  @Option(help: "Payments to generate.") var rows = 5_000_000
  @Option(help: "Where to work; the folder is removed afterwards.") var folder = "bench-sample"
  @Option(help: "Runs of each side; the one of least CPU counts.") var repeats = 2
  @Flag(help: "Keep the folder.") var keep = false

  func run() async throws {
    let manager = FileManager.default
    try? manager.removeItem(atPath: folder)
    try PaymentsProject(rows: rows, seed: 1).write(to: folder)
    defer { if !keep { try? manager.removeItem(atPath: folder) } }
    let script = try least(of: repeats) {
      try? manager.removeItem(atPath: "\(folder)/script")
      return try measureSelf(["sample-script", folder])
    }
    let mill = try least(of: repeats) {
      try? manager.removeItem(atPath: "\(folder)/lake")
      try? manager.removeItem(atPath: "\(folder)/.millrace")
      return try measureSelf(["sample-run", folder])
    }
    let idle = try least(of: max(3, repeats)) { try measureSelf(["sample-run", folder]) }
    print("payments \(rows), bronze to gold")
    print(
      "  script    \(fixed(script.cpuSeconds)) s CPU, \(fixed(script.wallSeconds)) s, peak \(fixed(script.peakMebibytes, 0)) MiB"
    )
    print(
      "  millrace  \(fixed(mill.cpuSeconds)) s CPU, \(fixed(mill.wallSeconds)) s, peak \(fixed(mill.peakMebibytes, 0)) MiB"
    )
    print("  ratio     \(fixed(mill.cpuSeconds / script.cpuSeconds))")
    print(
      "  again, nothing to do: \(fixed(idle.wallSeconds * 1000, 0)) ms, \(fixed(idle.cpuSeconds * 1000, 0)) ms CPU"
    )
  }
}

/// The run that is measured: exactly what `millrace run` does.
struct SampleRun: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "sample-run", shouldDisplay: false)

  @Argument var folder: String

  func run() async throws {
    let workspace = try await Workspace(project: try Project.load(folder: folder))
    let report = try await workspace.pipeline().run()
    for outcome in report.outcomes where outcome.status == .failed {
      throw ChildError(description: "\(outcome.dataset): \(String(describing: outcome.error))")
    }
    print("read \(report.bytesRead) bytes")
  }
}

/// A run with nothing to do: bytes read and time.
struct IdleBench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "idle",
    abstract: "A run that finds nothing to do, and the start of the binary."
  )

  @Option(help: "Payments in the project.") var rows = 100_000
  @Option(help: "Where to work; the folder is removed afterwards.") var folder = "bench-idle"
  @Option(help: "The binary `millrace`.") var millrace: String

  func run() async throws {
    let manager = FileManager.default
    try? manager.removeItem(atPath: folder)
    try PaymentsProject(rows: rows, seed: 1).write(to: folder)
    defer { try? manager.removeItem(atPath: folder) }
    try Self.backdate(folder + "/data")
    _ = try measure([millrace, "run", "--project", folder])
    let workspace = try await Workspace(project: try Project.load(folder: folder))
    let report = try await workspace.pipeline().run()
    let idle = try least(of: 10) { try measure([millrace, "run", "--project", folder]) }
    let version = try least(of: 20) { try measure([millrace, "--version"]) }
    print("a run with nothing to do: \(report.bytesRead) bytes of data read")
    print(
      "  \(fixed(idle.wallSeconds * 1000, 0)) ms, \(fixed(idle.cpuSeconds * 1000, 0)) ms CPU, peak \(fixed(idle.peakMebibytes, 0)) MiB"
    )
    print(
      "millrace --version: \(fixed(version.wallSeconds * 1000, 0)) ms, \(fixed(version.cpuSeconds * 1000, 0)) ms CPU"
    )
  }

  /// Files as old as they usually are: one hashed within seconds of its last change is not trusted
  /// and is hashed once more.
  private static func backdate(_ folder: String) throws {
    for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
      try FileManager.default.setAttributes(
        [.modificationDate: Date(timeIntervalSinceNow: -3600)],
        ofItemAtPath: "\(folder)/\(name)"
      )
    }
  }
}

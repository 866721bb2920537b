// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Foundation
internal import MillAssembly
internal import MillEngine
internal import MillLake

/// How a command answers.
struct OutputOptions: ParsableArguments, Sendable {
  @Flag(name: .long, help: "Answer with one JSON object.")
  var json = false

  @Option(name: .long, help: ArgumentHelp("When to use colour.", valueName: "when"))
  var color: ColorChoice = .auto
}

extension ColorChoice: ExpressibleByArgument {}

/// Which project a command is about.
struct ProjectOptions: ParsableArguments, Sendable {
  @Option(
    name: .long,
    help: ArgumentHelp(
      "The project's folder (default: the nearest with millrace.yaml, from here upwards).",
      valueName: "dir"
    ),
    completion: .directory
  )
  var project: String?

  /// The folder that is named, or found, or else this one, so that the error can name it.
  var folder: String {
    let here = FileManager.default.currentDirectoryPath
    return project ?? Project.find(from: here) ?? here
  }

  /// Reads the definitions.
  func load() throws -> Project {
    try Project.load(folder: folder)
  }

  /// Reads the definitions, and opens the ledger and the lake.
  func open() async throws -> Workspace {
    try await Workspace(project: load())
  }

  /// Opens the project and gives the engine's memory back afterwards.
  func withWorkspace<Value: Sendable>(
    _ console: Console? = nil,
    _ body: (Workspace) async throws -> Value
  ) async throws -> Value {
    let workspace = try await Workspace(project: load()) { notice in
      console?.warn(notice.description)
    }
    let result: Result<Value, any Error>
    do {
      result = .success(try await body(workspace))
    } catch {
      result = .failure(error)
    }
    await workspace.engine.shutdown()
    return try result.get()
  }
}

/// What every command about a project takes.
struct CommonOptions: ParsableArguments, Sendable {
  @OptionGroup(title: "Project")
  var project: ProjectOptions

  @OptionGroup(title: "Output")
  var output: OutputOptions
}

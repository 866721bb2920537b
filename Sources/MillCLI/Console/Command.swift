// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser

/// A command that does something: it is parsed, calls the product's API and prints.
protocol Command: AsyncParsableCommand {
  /// How it answers.
  var options: OutputOptions { get }
  /// The folder in which the files of errors are found; nil if it is about no project.
  var projectFolder: String? { get }
  /// Does the work. What it throws is shown by the caller.
  func run(_ console: Console) async throws -> ExitStatus
}

extension Command {
  var projectFolder: String? { nil }
}

/// A command about a project.
protocol ProjectCommand: Command {
  /// Which project, and how it answers.
  var common: CommonOptions { get }
}

extension ProjectCommand {
  var project: ProjectOptions { common.project }
  var options: OutputOptions { common.output }
  var projectFolder: String? { project.folder }
}

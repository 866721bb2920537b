// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Foundation
internal import MillCore

/// The process: reads the command line, runs one command, and leaves with its status.
@main
enum Main {
  static func main() async {
    Terminal.ignoreBrokenPipes()
    let arguments = Array(CommandLine.arguments.dropFirst())
    let status = await run(arguments)
    exit(status.rawValue)
  }

  private static func run(_ arguments: [String]) async -> ExitStatus {
    let parsed: any ParsableCommand
    do {
      parsed = try Millrace.parseAsRoot(arguments)
    } catch {
      return refused(error, arguments)
    }
    guard let command = parsed as? any Command else {
      // A group without a subcommand: its run() asks for the help.
      var group = parsed
      do {
        try group.run()
        return .done
      } catch {
        return refused(error, arguments)
      }
    }
    let console = Console(command.options)
    do {
      return try await command.run(console)
    } catch {
      console.show(ErrorReport(error, projectFolder: command.projectFolder))
      return ExitStatus(error)
    }
  }

  /// Help and version are answers; everything else is a mistake in the command line.
  private static func refused(_ error: any Error, _ arguments: [String]) -> ExitStatus {
    let text = Millrace.fullMessage(for: error)
    guard !Millrace.exitCode(for: error).isSuccess else {
      Terminal(.output).writeLine(text)
      return .done
    }
    let choice: ColorChoice =
      arguments.contains("--color=never") || adjacent("--color", "never", arguments)
      ? .never : .auto
    let terminal = Terminal(.error)
    let style = Style(choice, for: terminal)
    let body = text.hasPrefix("Error: ") ? String(text.dropFirst("Error: ".count)) : text
    terminal.writeLine(style.red("error:") + " " + body)
    if arguments.contains("--json") {
      let message = Millrace.message(for: error)
      Terminal(.output).writeLine(ErrorReport.usageJSON(message).serialized(pretty: true))
    }
    return .usage
  }

  private static func adjacent(_ first: String, _ second: String, _ words: [String]) -> Bool {
    zip(words, words.dropFirst()).contains { $0 == first && $1 == second }
  }
}

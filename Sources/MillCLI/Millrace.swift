// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import MillCore

/// The root of the command line.
struct Millrace: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "millrace",
    abstract: "Raw files into tables you can trust: bronze, silver, gold.",
    discussion: """
      A project is a folder with millrace.yaml, sources/*.yaml and models/{silver,gold}/*.sql. \
      Commands look for it here and in the folders above, or take --project.

        millrace init demo        a project with sample data, or with yours (--from)
        cd demo
        millrace validate         reads every definition, touches no data
        millrace run              makes what has changed
        millrace quality          what the rules found
        millrace table rows gold.merchant_month

      Answers go to standard output, progress and errors to standard error. With --json the \
      answer is one JSON object; a failure is {"error": {"code", "class", "message", ...}}.

      Exit status: 0 done (warnings and quarantine included), 1 a check failed, 2 usage or a \
      definition, 3 an outside system, the disk or a lock, 4 data or SQL of a dataset, 70 a \
      mistake of Millrace, 130 interrupted.
      """,
    version: "millrace \(MillraceVersion.text)",
    groupedSubcommands: [
      CommandGroup(
        name: "Start",
        subcommands: [InitCommand.self, SampleCommand.self]
      ),
      CommandGroup(
        name: "Run",
        subcommands: [ValidateCommand.self, PlanCommand.self, RunCommand.self]
      ),
      CommandGroup(
        name: "Look",
        subcommands: [
          QualityCommand.self, LineageCommand.self, RunsCommand.self, TableCommand.self,
        ]
      ),
      CommandGroup(name: "Features", subcommands: [FeaturesCommand.self, ServeCommand.self]),
      CommandGroup(name: "Mend", subcommands: [MaintainCommand.self, LedgerCommand.self]),
    ]
  )

  @OptionGroup(title: "Output")
  var output: OutputOptions

  @OptionGroup(title: "Project")
  var project: ProjectOptions
}

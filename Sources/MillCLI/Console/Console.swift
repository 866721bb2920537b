// SPDX-License-Identifier: Apache-2.0

internal import MillCore

/// Where a command speaks: answers on standard output, everything else on standard error.
struct Console: Sendable {
  let output: Terminal
  let error: Terminal
  /// The style of answers.
  let style: Style
  /// The style of progress and errors.
  let errorStyle: Style
  /// Whether the answer is one JSON object.
  let isJSON: Bool

  init(_ options: OutputOptions) {
    output = Terminal(.output)
    error = Terminal(.error)
    style = Style(options.color, for: output)
    errorStyle = Style(options.color, for: error)
    isJSON = options.json
  }

  /// Writes a line of the answer.
  func show(_ line: String = "") {
    output.writeLine(line)
  }

  /// Writes a heading with an empty line above it.
  func show(heading: String) {
    output.writeLine("\n" + style.bold(heading))
  }

  func show(_ table: TextTable) {
    output.write(table.render(style: style, width: output.width))
  }

  func show(_ table: FittingTable) {
    show(table.table(width: output.width))
  }

  /// Writes the whole answer of `--json`.
  func show(json: JSONValue) {
    output.writeLine(json.serialized(pretty: true))
  }

  /// Writes an error to standard error, and with `--json` to standard output as well.
  func show(_ report: ErrorReport) {
    show(onError: report)
    if isJSON { show(json: ["error": report.json]) }
  }

  /// Writes an error to standard error only.
  func show(onError report: ErrorReport) {
    error.writeLine(report.render(style: errorStyle, width: error.width))
  }

  /// Says what was amiss and could be got around.
  func warn(_ line: String) { error.writeLine(warning(line)) }

  /// The line of a warning.
  func warning(_ line: String) -> String {
    errorStyle.yellow("warning:") + " " + line.printable
  }

  /// Says something that is no part of the answer.
  func remark(_ line: String) {
    error.writeLine(line)
  }
}

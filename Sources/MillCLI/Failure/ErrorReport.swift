// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import MillAssembly
internal import MillCore
internal import MillFeatures
internal import MillPipelines

/// An error as a person reads it, with the line of the file that it is about, and as JSON.
struct ErrorReport {
  /// One thing that is wrong.
  private struct Item {
    var place: SourcePlace?
    var message: String
    var hint: String?
  }

  private let error: any Error
  private let projectFolder: String?
  private let items: [Item]

  /// - Parameter projectFolder: Where the files that errors name are found.
  init(_ error: any Error, projectFolder: String?) {
    self.error = error
    self.projectFolder = projectFolder
    items = Self.items(of: error)
  }

  /// The report without a line end after its last line.
  func render(style: Style, width: Int?) -> String {
    let lead = style.red("error:") + " "
    guard let first = items.first, items.count > 1 else {
      return items.first.map { lead + render($0, style, width) } ?? lead
    }
    let files = Set(items.compactMap(\.place?.path)).count
    let head =
      "\(NumberText.counted(items.count, "mistake")) in \(NumberText.counted(files, "file"))"
    return ([lead + head] + ([first] + items.dropFirst()).map { render($0, style, width) })
      .joined(separator: "\n\n")
  }

  private func render(_ item: Item, _ style: Style, _ width: Int?) -> String {
    var lines: [String] = []
    // An engine's message may go on for lines; the first says it.
    let parts = item.message.split(separator: "\n", omittingEmptySubsequences: true)
    let message = parts.first.map { String($0).printable } ?? ""
    if let place = item.place, let line = place.line, let source = text(of: place.path) {
      let frame = CodeFrame(
        file: place.path,
        source: source,
        line: line,
        column: place.column,
        length: wordLength(place, in: source),
        message: message
      )
      lines.append(frame.render(style: style, width: width))
    } else if let place = item.place {
      lines.append(style.bold("\(place):".printable) + " " + message)
    } else {
      lines.append(message)
    }
    lines += parts.dropFirst().map { "  " + String($0).printable }
    if let hint = item.hint { lines.append("  " + style.cyan("hint:") + " " + hint.printable) }
    return lines.joined(separator: "\n")
  }

  /// What `--json` says of the error.
  var json: JSONValue {
    var object = JSONObject()
    let failure = error as? any Failure
    object["code"] = .string(code)
    object["class"] = .string((failure?.errorClass ?? unexplainedClass).rawValue)
    object["message"] = .string(failure?.description ?? items.first?.message ?? "")
    object["is_retryable"] = .bool(failure?.isRetryable ?? false)
    let places = items.filter { $0.place != nil }
    if !places.isEmpty {
      object["problems"] = .array(
        places.map { item in
          [
            "path": (item.place?.path).map { .string($0) } ?? .null,
            "line": (item.place?.line).map { .int($0) } ?? .null,
            "column": (item.place?.column).map { .int($0) } ?? .null,
            "message": .string(item.message),
            "hint": item.hint.map { .string($0) } ?? .null,
          ]
        }
      )
    }
    return .object(object)
  }

  /// What `--json` says of a command line that cannot be parsed.
  static func usageJSON(_ message: String) -> JSONValue {
    [
      "error": [
        "code": "command.usage", "class": .string(ErrorClass.definition.rawValue),
        "message": .string(message), "is_retryable": false,
      ]
    ]
  }

  // MARK: Parts

  private var code: String {
    if let failure = error as? any Failure { return failure.code }
    return error is CancellationError ? "command.interrupted" : "command.unexplained"
  }

  private var unexplainedClass: ErrorClass { error is CancellationError ? .cancelled : .bug }

  private static func items(of error: any Error) -> [Item] {
    switch error {
    case let error as ProjectError:
      return error.problems.map { Item(place: $0.place, message: $0.message, hint: $0.hint) }
    case let error as PipelineError:
      guard let place = error.place else { return [Item(message: error.description)] }
      let lead = "\(place): "
      let text = error.description
      let message = text.hasPrefix(lead) ? String(text.dropFirst(lead.count)) : text
      return [Item(place: place, message: message)]
    case let error as FeatureError:
      return [Item(place: error.place, message: error.fact)]
    case let error as DefinitionMistakes:
      return error.mistakes.flatMap { items(of: $0) }
    case is CancellationError:
      return [Item(message: "interrupted")]
    case let error as any Failure where error.errorClass == .cancelled:
      return [Item(message: "interrupted")]
    case let error as any Failure:
      return [Item(message: error.description)]
    default:
      return [
        Item(
          message: "\(error)",
          hint: "this is a mistake of Millrace, please report it with the command you gave"
        )
      ]
    }
  }

  private func text(of path: String) -> String? {
    guard !path.isEmpty else { return nil }
    let full = path.hasPrefix("/") ? path : "\(projectFolder ?? ".")/\(path)"
    return (try? String(contentsOfFile: full, encoding: .utf8))?.maskingPasswords()
  }

  /// How much of the line the carets underline: a name or number as a whole, else one character.
  private func wordLength(_ place: SourcePlace, in source: String) -> Int {
    guard let line = place.line, let column = place.column, line > 0, column > 0 else { return 1 }
    let lines = source.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
    guard lines.indices.contains(line - 1) else { return 1 }
    let rest = lines[line - 1].dropFirst(column - 1)
    return max(1, rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "." }.count)
  }
}

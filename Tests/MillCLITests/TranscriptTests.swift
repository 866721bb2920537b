// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// What a user types and reads, kept as text in Tests/Cases.
///
/// A case is a file of commands (`$ millrace …`, `$ write FILE` followed by `| ` lines, `$ edit
/// FILE s/old/new/`, `$ cd FOLDER`) and what they print; `(exit N)` follows where N is not 0. What
/// differs from run to run is replaced: times by `<time>`, instants by `<instant>`, run identifiers
/// by `<id>`, bytes read by `<bytes>`, the scratch folder by `<folder>`. `MILLRACE_RECORD=1` writes the files anew: read the
/// difference before it is committed.
@Suite("The command line")
struct TranscriptTests {
  static let folder = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Cases")

  static let cases: [String] =
    ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [])
    .filter { $0.hasSuffix(".txt") }.sorted()

  @Test("prints what its cases say", arguments: cases)
  func transcript(name: String) throws {
    let url = Self.folder.appendingPathComponent(name)
    let expected = try String(contentsOf: url, encoding: .utf8)
    let actual = try Self.play(expected)
    if ProcessInfo.processInfo.environment["MILLRACE_RECORD"] == "1" {
      try actual.write(to: url, atomically: true, encoding: .utf8)
      return
    }
    let wanted = expected.components(separatedBy: "\n")
    let found = actual.components(separatedBy: "\n")
    for (index, pair) in zip(wanted, found).enumerated() where pair.0 != pair.1 {
      Issue.record("\(name):\(index + 1)\n  expected: \(pair.0)\n  found:    \(pair.1)")
      return
    }
    #expect(wanted.count == found.count, "\(name) has another number of lines")
  }

  @Test("there are cases")
  func casesExist() {
    #expect(!Self.cases.isEmpty)
  }

  /// Runs the commands of a case and gives it back with what they print now.
  static func play(_ text: String) throws -> String {
    let scratch = try Scratch()
    var folder = scratch.path
    var result: [String] = []
    let lines = text.components(separatedBy: "\n")
    var index = 0
    while index < lines.count {
      let line = lines[index]
      index += 1
      guard line.hasPrefix("$ ") else {
        if line.hasPrefix("#") || result.isEmpty { result.append(line) }
        continue
      }
      if !result.isEmpty, result.last != "" { result.append("") }
      result.append(line)
      let words = line.dropFirst(2).split(separator: " ").map(String.init)
      switch words.first {
      case "cd": folder = scratch.path + "/" + words[1]
      case "write":
        var content = ""
        while index < lines.count, lines[index].hasPrefix("|") {
          content += lines[index].dropFirst(2) + "\n"
          result.append(lines[index])
          index += 1
        }
        let name = String(folder.dropFirst(scratch.path.count + 1)) + "/" + words[1]
        try scratch.write(content, to: name.hasPrefix("/") ? words[1] : name)
      case "edit":
        let path = folder + "/" + words[1]
        let parts = words.dropFirst(2).joined(separator: " ").components(separatedBy: "/")
        let old = try String(contentsOfFile: path, encoding: .utf8)
        try old.replacingOccurrences(of: parts[1], with: parts[2])
          .write(toFile: path, atomically: true, encoding: .utf8)
      default:
        let outcome = try Program.run(Array(words.dropFirst()), in: folder)
        var printed = normalised(outcome.output + outcome.errors, scratch.path)
        if words.contains("rows") {
          // Instants have as many digits as they need, and move the columns after them.
          printed = printed.replacingOccurrences(
            of: " {2,}",
            with: "  ",
            options: .regularExpression
          )
        }
        result += printed.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        while result.last == "" { result.removeLast() }
        if outcome.status != 0 { result.append("(exit \(outcome.status))") }
      }
    }
    return result.joined(separator: "\n") + "\n"
  }

  static func normalised(_ text: String, _ folder: String) -> String {
    var text = text.replacingOccurrences(of: folder, with: "<folder>")
    for (pattern, replacement) in [
      ("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<id>"),
      ("20[0-9]{2}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]+)?Z?", "<instant>"),
      ("\\b[0-9]+(\\.[0-9]+)? (ms|s|min)( [0-9.]+ s)?\\b", "<time>"),
      (" +<time>", " <time>"), (" +TIME\\b", " TIME"),
      // A file hashed just after it was written is hashed once more.
      ("read [0-9.]+ [KMG]?i?B", "read <bytes>"),
      ("process [0-9]+", "process <number>"),
      // Ended nodes are told as they end, in no fixed order of two at once.
    ] {
      text = text.replacingOccurrences(of: pattern, with: replacement, options: .regularExpression)
    }
    return text.split(separator: "\n", omittingEmptySubsequences: false)
      .filter { !$0.hasPrefix("✓ ") }
      .map { line in
        var line = Substring(line)
        while line.last == " " { line = line.dropLast() }
        return String(line)
      }
      .joined(separator: "\n")
  }
}

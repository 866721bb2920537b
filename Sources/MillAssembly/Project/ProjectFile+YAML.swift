// SPDX-License-Identifier: Apache-2.0

internal import MillPipelines
internal import Yams

extension ProjectFile {
  /// What a YAML text holds; nil if it is empty or was reported not to be YAML.
  ///
  /// - Parameter yaml: The file's text, or as much of it, at the same lines and columns.
  func root(of yaml: String) -> YAMLValue? {
    do {
      guard let node = try Yams.compose(yaml: yaml, .default, .default, .utf8) else { return nil }
      let root = YAMLValue(node: node, file: self)
      if case .null = root.content { return nil }
      return root
    } catch let error as YamlError {
      report(error, of: yaml)
    } catch {
      report("this is not YAML", at: place)
    }
    return nil
  }

  private func report(_ error: YamlError, of yaml: String) {
    switch error {
    case .scanner(let context, let problem, let mark, _),
      .parser(let context, let problem, let mark, _),
      .composer(let context, let problem, let mark, _):
      let text = context.map { "\(problem) \($0.text)" } ?? problem
      report("this is not YAML: \(text)", at: place(mark), hint: Self.hint(for: problem))
    case .reader(let problem, let offset, _, _):
      let before = yaml.prefix(offset ?? 0).utf8.count
      report("this is not YAML: \(problem)", at: place(ofByte: before))
    case .duplicatedKeysInMapping(let keys, let context):
      let key = keys.first ?? ""
      let first = context.mark
      // The parser names the first of the two, which is not the one to look at.
      let second = Self.repetition(of: key, after: first, in: yaml)
      reportRepeatedKey(
        key,
        at: second.map { place(line: $0.line, scalar: $0.column) } ?? place(first),
        first: first.line
      )
    default:
      report("this is not YAML: \(error)", at: place)
    }
  }

  /// The same key again at the same indentation of a block, or further on in the line.
  private static func repetition(
    of key: String,
    after first: Mark,
    in yaml: String
  ) -> (line: Int, column: Int)? {
    let lines = yaml.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      .map { Array(Substring($0).unicodeScalars) }
    let spellings = [key, "'\(key)'", "\"\(key)\""].map { Array($0.unicodeScalars) }
    func isKey(_ line: [Unicode.Scalar], at start: Int) -> Bool {
      guard start < line.count else { return false }
      return spellings.contains { spelling in
        let rest = line[start...]
        return rest.starts(with: spelling)
          && rest.dropFirst(spelling.count).first { $0 != " " } == ":"
      }
    }
    guard lines.indices.contains(first.line - 1) else { return nil }
    let line = lines[first.line - 1]
    for start in line.indices where start > first.column - 1 && isKey(line, at: start) {
      guard [" ", ",", "{"].contains(line[start - 1]) else { continue }
      return (first.line, start + 1)
    }
    for number in first.line..<max(first.line, lines.count) {
      let line = lines[number]
      if isKey(line, at: first.column - 1),
        line.prefix(first.column - 1).allSatisfy({ $0 == " " })
      {
        return (number + 1, first.column)
      }
    }
    return nil
  }

  private static func hint(for problem: String) -> String? {
    switch problem {
    case "found character '\\t' that cannot start any token",
      "found a tab character that violates indentation",
      "found a tab character where an indentation space is expected":
      "indent with spaces"
    case "mapping values are not allowed in this context":
      "put text that holds `: ` in quotes"
    case "did not find expected alphabetic or numeric character", "found undefined alias":
      "put text that begins with * or & in quotes"
    case "found character that cannot start any token":
      "put text that begins with a sign in quotes, and indent with spaces"
    case "could not find expected ':'", "did not find expected key":
      "check the indentation, and that each key has a colon and a space after it"
    case "did not find expected ',' or '}'", "did not find expected ',' or ']'":
      "close the bracket, or put text that holds brackets, commas or `: ` in quotes"
    case "found unexpected end of stream": "close the quote"
    case "but found another document": "one file holds one document: remove the line `---`"
    default: nil
    }
  }
}

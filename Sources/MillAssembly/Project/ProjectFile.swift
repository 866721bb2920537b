// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillPipelines
internal import Yams

/// One file of a project, and what was found wrong with it so far.
final class ProjectFile {
  /// Relative to the project.
  let path: String
  let text: String
  private(set) var problems: [ProjectError.Problem] = []

  init(path: String, text: String) {
    self.path = path
    self.text = text
  }

  /// The largest file that is taken for a definition.
  static let size = ByteCount(bytes: 4 << 20)

  /// Decodes the bytes of a file, without a byte order mark; nil with a problem if that fails.
  static func decoded(
    path: String,
    bytes: [UInt8],
    problems: inout [ProjectError.Problem]
  ) -> ProjectFile? {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      let place = position(ofByte: invalidByte(of: bytes), in: bytes)
      problems.append(
        .init(
          place: SourcePlace(path: path, line: place.line, column: place.column),
          message: "this is not UTF-8",
          hint: "save the file as UTF-8"
        )
      )
      return nil
    }
    let hasMark = text.unicodeScalars.first == "\u{FEFF}"
    let content = hasMark ? String(text.unicodeScalars.dropFirst()) : text
    return ProjectFile(path: path, text: content)
  }

  /// Where the file as a whole is meant.
  var place: SourcePlace { SourcePlace(path: path) }

  func place(_ mark: Mark?) -> SourcePlace {
    mark.map { place(line: $0.line, scalar: $0.column) } ?? place
  }

  /// YAML counts columns in Unicode scalars, people count characters.
  func place(line: Int, scalar column: Int) -> SourcePlace {
    let lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    guard lines.indices.contains(line - 1) else {
      return SourcePlace(path: path, line: line, column: column)
    }
    let before = Substring(lines[line - 1]).unicodeScalars.prefix(max(0, column - 1))
    return SourcePlace(path: path, line: line, column: String(before).count + 1)
  }

  func place(ofByte offset: Int) -> SourcePlace {
    let place = Self.position(ofByte: offset, in: Array(text.utf8))
    return SourcePlace(path: path, line: place.line, column: place.column)
  }

  func report(_ message: String, at place: SourcePlace, hint: String? = nil) {
    problems.append(.init(place: place, message: message, hint: hint))
  }

  static func position(ofByte offset: Int, in bytes: [UInt8]) -> (line: Int, column: Int) {
    let before = bytes[..<min(offset, bytes.count)]
    let newline = UInt8(ascii: "\n")
    let lineStart = before.lastIndex(of: newline).map { $0 + 1 } ?? 0
    let column = String(decoding: before[lineStart...], as: UTF8.self).count + 1
    return (before.count { $0 == newline } + 1, column)
  }

  private static func invalidByte(of bytes: [UInt8]) -> Int {
    var parser = UTF8.ForwardParser()
    var iterator = bytes.makeIterator()
    var offset = 0
    while case .valid(let scalar) = parser.parseScalar(from: &iterator) {
      offset += scalar.count
    }
    return offset
  }
}

/// `did you mean …?` with all there is to choose from.
func suggestion(for word: String, among known: [String], label: String) -> String {
  let nearest = nearestName(to: word.lowercased(), among: known)
  return (nearest.map { "did you mean `\($0)`? " } ?? "")
    + "\(label) \(known.joined(separator: ", "))"
}

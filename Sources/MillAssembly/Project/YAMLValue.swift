// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillPipelines
internal import Yams

/// A value in a YAML file that is read as one type only, and reports where it is another.
///
/// Only plain scalars are more than text, by the core schema of YAML 1.2: `no` and `012` are text.
///
/// > Source: YAML 1.2.2, section 10.3, "Core Schema".
struct YAMLValue {
  let node: Node
  let file: ProjectFile

  enum Content {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case text(String)
    case list
    case mapping
    /// A tag of somebody's own, such as `!env`, of which nothing is known here.
    case tagged(String)
  }

  var place: SourcePlace { file.place(node.mark) }

  var content: Content {
    switch node {
    case .mapping: return .mapping
    case .sequence: return .list
    case .alias: return .null
    case .scalar(let scalar):
      let tag = scalar.tag.description
      guard !tag.hasPrefix("!") || tag == "!" else { return .tagged(tag) }
      guard scalar.style == .plain, tag != "tag:yaml.org,2002:str", tag != "!" else {
        return .text(scalar.string)
      }
      switch scalar.string {
      case "", "~", "null", "Null", "NULL": return .null
      case "true", "True", "TRUE": return .bool(true)
      case "false", "False", "FALSE": return .bool(false)
      default:
        return JSONNumber(text: scalar.string).map(Content.number) ?? .text(scalar.string)
      }
    }
  }

  /// The kind of content as messages name it.
  var found: String {
    switch content {
    case .null: "nothing"
    case .bool(let value): "the truth value \(value)"
    case .number(let number): "the number \(number)"
    case .text: "text"
    case .list: "a list"
    case .mapping: "a mapping"
    case .tagged(let tag): "the tag \(tag)"
    }
  }

  func report(_ message: String, hint: String? = nil) {
    file.report(message, at: place, hint: hint)
  }

  /// Says that something else was expected.
  func mismatch(_ expected: String, hint: String? = nil) {
    report("expected \(expected), found \(found)", hint: hint)
  }
}

// MARK: - Scalars

extension YAMLValue {
  /// Text that is not empty.
  func text(_ what: String = "text") -> String? {
    switch content {
    case .text(let text):
      guard text.contains(where: { !$0.isWhitespace }) else {
        report("expected \(what), found empty text")
        return nil
      }
      return text
    case .number, .bool:
      mismatch(what, hint: "put it in quotes to make it text")
      return nil
    default:
      mismatch(what)
      return nil
    }
  }

  /// A word that may name things in the lake and in SQL.
  func name() -> String? {
    guard let text = text("a name") else { return nil }
    guard DatasetName.isName(text) else {
      report("`\(text)` is no name", hint: nameHint)
      return nil
    }
    return text
  }

  func bool() -> Bool? {
    guard case .bool(let value) = content else {
      mismatch("true or false")
      return nil
    }
    return value
  }

  func integer(_ allowed: ClosedRange<Int64>) -> Int64? {
    guard case .number(let number) = content, let value = number.integer else {
      mismatch("a whole number")
      return nil
    }
    guard allowed.contains(value) else {
      report(
        value < allowed.lowerBound
          ? "\(value) is too small: at least \(allowed.lowerBound)"
          : "\(value) is too large: at most \(allowed.upperBound)"
      )
      return nil
    }
    return value
  }

  func byteCount(atLeast least: ByteCount) -> ByteCount? {
    let text: String
    switch content {
    case .text(let value): text = value
    case .number(let number): text = number.text
    default:
      mismatch("an amount of bytes", hint: "such as 2GiB")
      return nil
    }
    guard let count = ByteCount(text) else {
      report("`\(text)` is no amount of bytes", hint: "write a number and a unit, such as 2GiB")
      return nil
    }
    guard count >= least else {
      report("\(count) is too small: at least \(least)")
      return nil
    }
    return count
  }

  func duration() -> Duration? {
    guard let text = text("a duration") else { return nil }
    guard let duration = Duration(text: text), duration > .zero else {
      report("`\(text)` is no duration", hint: "write a number and a unit, such as 30m, 24h or 7d")
      return nil
    }
    return duration
  }

  func choice<Choice: RawRepresentable<String> & CaseIterable>(
    _ type: Choice.Type,
    _ what: String
  ) -> Choice? {
    let known = Choice.allCases.map(\.rawValue)
    guard let text = text("one of \(known.joined(separator: ", "))") else { return nil }
    guard let choice = Choice(rawValue: text) else {
      report(
        "`\(text)` is no \(what)",
        hint: suggestion(for: text, among: known, label: "choose from")
      )
      return nil
    }
    return choice
  }

  /// Any scalar but null, with the digits of a number as they stand.
  func scalar() -> JSONValue? {
    switch content {
    case .bool(let value): return .bool(value)
    case .number(let number): return .number(number)
    case .text(let text): return .string(text)
    default:
      mismatch("a single value")
      return nil
    }
  }

  /// A scalar as its characters, whatever YAML takes them for: `null` and `-999` are texts here.
  func exactText() -> String? {
    guard case .scalar(let scalar) = node else {
      mismatch("text")
      return nil
    }
    return scalar.string
  }
}

let nameHint = "use letters, digits and underscores, beginning with a letter"

// MARK: - Lists

extension YAMLValue {
  func list(_ what: String) -> [YAMLValue]? {
    guard case .sequence(let sequence) = node else {
      mismatch("a list of \(what)")
      return nil
    }
    guard !sequence.isEmpty else {
      report("the list is empty", hint: "name \(what), or leave the key out")
      return nil
    }
    return sequence.map { YAMLValue(node: $0, file: file) }
  }

  /// One text or a list of different ones; nil if any element is wrong.
  func texts(_ what: String) -> [String]? {
    guard case .list = content else {
      return text("text or a list of \(what)").map { [$0] }
    }
    guard let values = list(what) else { return nil }
    var texts: [String] = []
    for value in values {
      guard let text = value.text() else { continue }
      if texts.contains(text) {
        value.report("`\(text)` is listed twice")
      }
      texts.append(text)
    }
    return texts.count == values.count ? texts : nil
  }

  /// Texts that mean null; the empty one may be among them.
  func nullTexts() -> [String]? {
    guard case .sequence(let sequence) = node else { return exactText().map { [$0] } }
    let texts = sequence.map { YAMLValue(node: $0, file: file).exactText() }
    return texts.contains(nil) ? nil : texts.compactMap { $0 }
  }
}

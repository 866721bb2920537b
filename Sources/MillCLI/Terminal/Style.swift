// SPDX-License-Identifier: Apache-2.0

/// When to use colour: the values of `--color`.
enum ColorChoice: String, Sendable, CaseIterable {
  case auto, always, never
}

/// Colour and weight of a piece of text.
enum Ink: Sendable {
  case bold, dim, red, green, yellow, cyan
  /// Headings of tables.
  case heading

  fileprivate var codes: String {
    switch self {
    case .bold: "1"
    case .dim: "2"
    case .red: "31"
    case .green: "32"
    case .yellow: "33"
    case .cyan: "36"
    case .heading: "1;2"
    }
  }
}

/// Puts ANSI colours around text, or does not.
///
/// Colours are on if a person looks, `NO_COLOR` is unset or empty and `TERM` is not `dumb`;
/// `--color always` and `--color never` come before all of these.
///
/// > Source: no-color.org.
struct Style: Sendable {
  let isOn: Bool

  /// No colours at all.
  static let plain = Style(isOn: false)

  init(isOn: Bool) {
    self.isOn = isOn
  }

  init(_ choice: ColorChoice, isTTY: Bool, environment: [String: String]) {
    isOn =
      switch choice {
      case .always: true
      case .never: false
      case .auto:
        isTTY && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
      }
  }

  init(_ choice: ColorChoice, for terminal: Terminal) {
    self.init(choice, isTTY: terminal.isTTY, environment: terminal.environment)
  }

  func bold(_ text: String) -> String { paint(text, .bold) }
  func dim(_ text: String) -> String { paint(text, .dim) }
  func red(_ text: String) -> String { paint(text, .red) }
  func green(_ text: String) -> String { paint(text, .green) }
  func yellow(_ text: String) -> String { paint(text, .yellow) }
  func cyan(_ text: String) -> String { paint(text, .cyan) }

  /// Text in an ink; nil leaves it as it is.
  func paint(_ text: String, _ ink: Ink?) -> String {
    guard isOn, let ink, !text.isEmpty else { return text }
    return "\u{1B}[\(ink.codes)m\(text)\u{1B}[0m"
  }
}

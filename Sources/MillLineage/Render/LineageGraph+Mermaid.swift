// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillLedger

extension LineageGraph {
  /// The graph in the language of Mermaid, which Markdown on GitHub and GitLab draws.
  ///
  /// ```
  /// flowchart LR
  ///   n0["bronze.flights"]
  ///   n1["silver.flights"]
  ///   n0 --> n1
  /// ```
  ///
  /// > Source: Mermaid, "Flowcharts Syntax".
  public var mermaid: String {
    var lines = ["flowchart LR"]
    var numbers: [ByteKey: Int] = [:]
    for (number, node) in nodes.enumerated() {
      numbers[ByteKey(node.name)] = number
      let label = Self.label(node.name)
      switch node.kind {
      case .dataset: lines.append("  n\(number)[\"\(label)\"]")
      case .file: lines.append("  n\(number)([\"\(label)\"])")
      }
    }
    for edge in edges {
      guard
        let input = numbers[ByteKey(edge.input)],
        let output = numbers[ByteKey(edge.output)]
      else { continue }
      lines.append("  n\(input) --> n\(output)")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Text that neither ends the label nor becomes HTML: Mermaid takes entities after a `#`.
  private static func label(_ name: String) -> String {
    printable(name).unicodeScalars.reduce(into: "") { label, scalar in
      switch scalar {
      case "#": label += "#35;"
      case "\"": label += "#quot;"
      case "<": label += "#lt;"
      case ">": label += "#gt;"
      case "&": label += "#amp;"
      default: label.unicodeScalars.append(scalar)
      }
    }
  }
}

/// A name that cannot drive a terminal: a file's name may hold line ends and escape sequences.
func printable(_ name: String) -> String {
  var result = ""
  for scalar in name.unicodeScalars {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator:
      result.unicodeScalars.append("\u{FFFD}")
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result
}

// SPDX-License-Identifier: Apache-2.0

/// How fields of raw files are named once they are columns of a table.
///
/// Delta refuses `` ,;{}()\n\t=`` in names and names that differ by letter case alone; a file may
/// have both. Bronze publishes such fields under the names given here, and what is generated over
/// bronze uses the same.
///
/// ```swift
/// ColumnNames.published(["id", "unit price", "ID"])  // ["id", "unit_price", "ID_2"]
/// ```
///
/// > Source: Delta transaction log protocol, "Schema Serialization Format"; `INVALID_CHARS` of the
/// > reference implementation.
public enum ColumnNames {
  /// Names that bronze keeps for itself (docs/semantics.md, 15) and those of raw relations.
  public static let reserved: Set<String> = [
    "_source", "_partition", "_offset", "_event_id", "_appended_at", "_loaded_at", "_watermark",
    "_rescued", "_malformed", "_ordinal",
  ]

  /// The names under which the fields of a file are published, in the file's order.
  public static func published(_ fields: [String]) -> [String] {
    var taken = reserved
    return fields.map { field in
      let name = publishedColumnName(field, taken: taken)
      taken.insert(name)
      return name
    }
  }

  /// Characters that a column name must not have.
  static func isRefused(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case " ", ",", ";", "{", "}", "(", ")", "\n", "\r", "\t", "=": true
    default: scalar.value < 0x20 || scalar.value == 0x7F
    }
  }
}

/// The name under which a field is published: refused characters become `_`, an empty name becomes
/// `column`, and a name that is taken, in whatever letter case, gets `_2`, `_3`, ….
///
/// - Parameter taken: the names published before it, as they are.
public func publishedColumnName(_ name: String, taken: Set<String>) -> String {
  var base = String.UnicodeScalarView()
  for scalar in name.unicodeScalars {
    base.append(ColumnNames.isRefused(scalar) ? "_" : scalar)
  }
  let plain = base.isEmpty ? "column" : String(base)
  let folded = Set(taken.map { $0.lowercased() })
  guard folded.contains(plain.lowercased()) else { return plain }
  var number = 2
  while folded.contains("\(plain)_\(number)".lowercased()) { number += 1 }
  return "\(plain)_\(number)"
}

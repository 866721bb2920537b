// SPDX-License-Identifier: Apache-2.0

internal import MillCore

extension YAMLValue {
  /// The type of a column, under the names that this house uses.
  func columnType() -> DataType? {
    guard let text = text("a type") else { return nil }
    if let type = Self.types.first(where: { $0.name == text })?.type { return type }
    let lowercased = text.lowercased().filter { $0 != " " }
    if lowercased.hasPrefix("decimal(") { return decimal(text, lowercased) }
    let base = String(lowercased.prefix { $0 != "(" })
    let known = Self.types.map(\.name)
    if let ours = Self.otherNames[base] ?? (known.contains(base) ? base : nil) {
      report("`\(text)` is no type", hint: "write `\(ours)`")
    } else {
      let names = known + ["decimal(p,s)"]
      report("`\(text)` is no type", hint: suggestion(for: base, among: names, label: "types are"))
    }
    return nil
  }

  private func decimal(_ text: String, _ lowercased: String) -> DataType? {
    guard lowercased.hasSuffix(")") else {
      report("`\(text)` is no type", hint: "in braces, quote it: 'decimal(12,2)'")
      return nil
    }
    let digits = lowercased.dropFirst("decimal(".count).dropLast()
      .split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
    guard digits.count == 2, let precision = digits[0], let scale = digits[1] else {
      report("`\(text)` is no type", hint: "write precision and scale, such as decimal(12,2)")
      return nil
    }
    guard (1...38).contains(precision), (0...precision).contains(scale) else {
      report(
        "`\(text)` is no type",
        hint: "precision goes from 1 to 38, scale from 0 to the precision"
      )
      return nil
    }
    return .decimal(precision: precision, scale: scale)
  }

  private static let types: [(name: String, type: DataType)] = [
    ("string", .string), ("long", .long), ("integer", .integer), ("short", .short),
    ("byte", .byte), ("float", .float), ("double", .double), ("boolean", .boolean),
    ("binary", .binary), ("date", .date), ("timestamp", .timestamp),
  ]

  /// What other systems call our types.
  private static let otherNames: [String: String] = [
    "int": "integer", "int32": "integer", "int4": "integer", "bigint": "long", "int64": "long",
    "int8": "long", "smallint": "short", "int16": "short", "int2": "short", "tinyint": "byte",
    "real": "float", "float4": "float", "float32": "float", "float8": "double",
    "float64": "double", "number": "double", "decimal": "decimal(12,2)",
    "numeric": "decimal(12,2)", "bool": "boolean", "text": "string", "varchar": "string",
    "char": "string", "str": "string", "uuid": "string", "blob": "binary", "bytes": "binary",
    "bytea": "binary", "varbinary": "binary", "datetime": "timestamp",
    "timestamptz": "timestamp",
  ]
}

// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillEngine
internal import MillSQL

/// The SQL that decodes the raw relation of one file.
///
/// A record is decoded whole or not at all: one field that has text but no value of its type makes
/// it a dead letter, and no value is rounded on the way.
struct FileDecoding {
  /// A published column and the field of this file that it comes from.
  struct Column {
    var name: String
    var type: DataType
    /// nil when this file lacks the field.
    var field: String?
    /// The type of the field in the file; nil for text.
    var storedType: DataType?
  }

  var columns: [Column]
  /// Fields of the file that are not among the columns.
  var unknownFields: [String]
  var timeZone: String
  var shownPath: String
  var loadedAt: Instant
  let dialect: any Dialect

  static let relation = RelationName("mill_raw")

  /// The rows that decode, with the reserved columns.
  ///
  /// Each field is decoded once: the innermost query decodes, the next one judges, the outermost
  /// one keeps.
  var goodQuery: String {
    var inner = ["_malformed", "\(rescued) AS mill_rescued"]
    var failing = ["_malformed"]
    var list: [String] = []
    for (index, column) in columns.enumerated() {
      let name = "mill_value_\(index)"
      inner.append("\(plainValue(column)) AS \(name)")
      if isChecked(column), let field = column.field {
        inner.append("\(dialect.quote(field)) IS NOT NULL AS mill_has_\(index)")
        failing.append("(mill_has_\(index) AND \(name) IS NULL)")
      }
      list.append("\(withoutNaN(name, column.type)) AS \(dialect.quote(column.name))")
    }
    for field in BronzeSchema.reserved {
      list.append("\(reserved(field)) AS \(dialect.quote(field.name))")
    }
    let isBad = dialect.computedOnce(failing.joined(separator: " OR "))
    return """
      SELECT \(list.joined(separator: ",\n  "))
      FROM (SELECT *, \(isBad) AS mill_is_bad
        FROM (SELECT \(inner.joined(separator: ",\n    "))
          FROM \(dialect.quote(Self.relation.name))) AS decoded) AS judged
      WHERE NOT mill_is_bad
      """
  }

  /// The numbers of the records that do not decode, each with the first column at fault.
  func badQuery(limit: Int) -> String {
    let cases = failures.map { "WHEN \($0.condition) THEN \(dialect.literal($0.column))" }
    let condition =
      (["_malformed"] + failures.map(\.condition)).map { "(\($0))" }.joined(separator: " OR ")
    return """
      SELECT _ordinal, CASE WHEN _malformed THEN NULL \(cases.joined(separator: " ")) END
      FROM \(dialect.quote(Self.relation.name))
      WHERE \(condition)
      ORDER BY _ordinal LIMIT \(limit)
      """
  }

  private var failures: [(condition: String, column: String)] {
    columns.compactMap { column in
      guard isChecked(column), let field = column.field else { return nil }
      let raw = dialect.quote(field)
      return ("\(raw) IS NOT NULL AND (\(decoded(column, raw))) IS NULL", column.name)
    }
  }

  /// Whether a field of the column may fail to decode.
  private func isChecked(_ column: Column) -> Bool {
    column.field != nil && column.type != column.storedType ?? .string
  }

  private func plainValue(_ column: Column) -> String {
    guard let field = column.field else {
      return "CAST(NULL AS \(dialect.typeName(column.type)))"
    }
    return decoded(column, dialect.quote(field))
  }

  /// NaN is no value: it becomes null (docs/semantics.md, 4).
  private func withoutNaN(_ value: String, _ type: DataType) -> String {
    switch type {
    case .double, .float: "CASE WHEN NOT isnan(\(value)) THEN \(value) END"
    default: value
    }
  }

  private func decoded(_ column: Column, _ raw: String) -> String {
    guard let stored = column.storedType, stored != .string else {
      return dialect.decoded(raw, as: column.type, timeZone: timeZone)
    }
    let cast = "TRY_CAST(\(raw) AS \(dialect.typeName(column.type)))"
    switch column.type {
    case .timestamp where stored == .timestamp:
      // The file may hold times without a zone, which are those of the declared zone.
      guard timeZone != "UTC" else { return cast }
      return dialect.decoded("CAST(\(raw) AS VARCHAR)", as: .timestamp, timeZone: timeZone)
    case stored, .string: return column.type == stored ? raw : cast
    // A double is a float by rounding; who declares a float asks for that.
    case .float where stored == .double: return "CASE WHEN isfinite(\(cast)) THEN \(cast) END"
    default:
      // A cast rounds in silence: only what comes back as it was has lost nothing.
      let back = "TRY_CAST(\(cast) AS \(dialect.typeName(stored)))"
      return "CASE WHEN \(back) = \(raw) THEN \(cast) END"
    }
  }

  private func reserved(_ field: Field) -> String {
    switch field.name {
    case "_source": dialect.literal(shownPath)
    case "_loaded_at":
      "CAST(\(dialect.literal(loadedAt.description)) AS \(dialect.typeName(.timestamp)))"
    case "_rescued": "mill_rescued"
    default: "CAST(NULL AS \(dialect.typeName(field.type)))"
    }
  }

  /// What the file has beyond the declared columns, as a JSON object.
  private var rescued: String {
    guard !unknownFields.isEmpty else { return "_rescued" }
    let present = unknownFields.map { "\(dialect.quote($0)) IS NOT NULL" }
    let members = unknownFields.map { "\(dialect.quote($0)) := \(dialect.quote($0))" }
    return "CASE WHEN \(present.joined(separator: " OR ")) THEN "
      + "CAST(to_json(struct_pack(\(members.joined(separator: ", ")))) AS VARCHAR) END"
  }
}

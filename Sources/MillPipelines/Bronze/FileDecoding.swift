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
  var goodQuery: String {
    var list = columns.map { "\(value($0)) AS \(dialect.quote($0.name))" }
    for field in BronzeSchema.reserved {
      list.append("\(reserved(field)) AS \(dialect.quote(field.name))")
    }
    let failing = failures.map(\.condition)
    let condition = (["_malformed"] + failing).map { "(\($0))" }.joined(separator: " OR ")
    return """
      SELECT \(list.joined(separator: ",\n  "))
      FROM \(dialect.quote(Self.relation.name))
      WHERE NOT (\(condition))
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
      guard let field = column.field, column.type != column.storedType ?? .string else {
        return nil
      }
      let raw = dialect.quote(field)
      return ("\(raw) IS NOT NULL AND (\(decoded(column, raw))) IS NULL", column.name)
    }
  }

  private func value(_ column: Column) -> String {
    guard let field = column.field else {
      return "CAST(NULL AS \(dialect.typeName(column.type)))"
    }
    let decoded = decoded(column, dialect.quote(field))
    switch column.type {
    // NaN is no value: it becomes null (docs/semantics.md, 4).
    case .double, .float: return "CASE WHEN NOT isnan(\(decoded)) THEN \(decoded) END"
    default: return decoded
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
    case "_rescued": rescued
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

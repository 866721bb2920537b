// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillSQL

/// The columns of a table as its files have them, and the way there and back.
///
/// Under column mapping a file knows columns, and members of structures, by names of its own that
/// stay when the table's are changed.
///
/// > Source: Delta transaction log protocol, "Column Mapping".
struct PhysicalColumns {
  let mapping: ColumnMapping
  let dialect = DuckDBDialect()

  /// The type as a file has it.
  func typeName(_ type: DataType) -> String {
    guard mapping != .none else { return dialect.typeName(type) }
    return switch type {
    case .array(let element, _): typeName(element) + "[]"
    case .map(let key, let value, _): "MAP(\(typeName(key)), \(typeName(value)))"
    case .structure(let fields):
      "STRUCT("
        + fields.map { "\(dialect.quote($0.physicalName(mapping))) \(typeName($0.type))" }
        .joined(separator: ", ") + ")"
    default: dialect.typeName(type)
    }
  }

  /// What `read_parquet` is told of the columns: how each is found, and as what it is read.
  ///
  /// A file that lacks a column, or a member of one, gives null for it; a file of an older, narrower
  /// type is cast.
  func readSchema(_ fields: [Field]) -> String {
    let entries = fields.map { field in
      let key =
        mapping == .id && field.columnID != nil
        ? String(field.columnID ?? 0) : dialect.literal(field.physicalName(mapping))
      let name = dialect.literal(field.physicalName(mapping))
      let type = dialect.literal(typeName(field.type))
      return "\(key): {name: \(name), type: \(type), default_value: NULL}"
    }
    return "MAP {\(entries.joined(separator: ", "))}"
  }

  /// A column of a file as the table's: members under the names that the table gives them.
  func logical(_ field: Field) -> String {
    let name = dialect.quote(field.physicalName(mapping))
    let value = renamed(name, field.type, depth: 0) { ($0.physicalName(mapping), $0.name) }
    return value == dialect.quote(field.name) ? value : "\(value) AS \(dialect.quote(field.name))"
  }

  /// A column of the table as a file is to have it.
  func physical(_ field: Field, _ value: String) -> String {
    let value = renamed(value, field.type, depth: 0) { ($0.name, $0.physicalName(mapping)) }
    let name = dialect.quote(field.physicalName(mapping))
    return value == name ? value : "\(value) AS \(name)"
  }

  /// The numbers that Parquet fields are to have, as `COPY` wants them.
  func fieldIDs(_ fields: [Field]) -> String {
    "{"
      + fields.compactMap { field in
        field.columnID.map {
          "\(dialect.quote(field.physicalName(mapping))): \(fieldID(field, $0))"
        }
      }.joined(separator: ", ") + "}"
  }

  private func fieldID(_ field: Field, _ number: Int64) -> String {
    guard case .structure(let members) = field.type else { return String(number) }
    let inner = members.compactMap { member in
      member.columnID.map {
        "\(dialect.quote(member.physicalName(mapping))): \(fieldID(member, $0))"
      }
    }
    return "{__duckdb_field_id: \(number)" + inner.map { ", \($0)" }.joined() + "}"
  }

  /// A value whose members have other names, at any depth; itself when none has.
  private func renamed(
    _ value: String,
    _ type: DataType,
    depth: Int,
    _ names: (Field) -> (old: String, new: String)
  ) -> String {
    guard mapping != .none, needsNames(type) else { return value }
    let item = "mill_item_\(depth)"
    switch type {
    case .structure(let fields):
      let members = fields.map { field in
        let (old, new) = names(field)
        let member = "struct_extract(\(value), \(dialect.literal(old)))"
        return "\(dialect.quote(new)) := "
          + renamed(member, field.type, depth: depth + 1, names)
      }
      return "CASE WHEN \(value) IS NOT NULL THEN struct_pack("
        + members.joined(separator: ", ") + ") END"
    case .array(let element, _):
      return "list_transform(\(value), lambda \(item): "
        + renamed(item, element, depth: depth + 1, names) + ")"
    case .map(let key, let element, _):
      let keys =
        "list_transform(map_keys(\(value)), lambda \(item): "
        + renamed(item, key, depth: depth + 1, names) + ")"
      let values =
        "list_transform(map_values(\(value)), lambda \(item): "
        + renamed(item, element, depth: depth + 1, names) + ")"
      return "CASE WHEN \(value) IS NOT NULL THEN map(\(keys), \(values)) END"
    default: return value
    }
  }

  private func needsNames(_ type: DataType) -> Bool {
    switch type {
    case .structure: true
    case .array(let element, _): needsNames(element)
    case .map(let key, let value, _): needsNames(key) || needsNames(value)
    default: false
    }
  }
}

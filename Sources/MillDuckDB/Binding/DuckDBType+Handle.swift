// SPDX-License-Identifier: Apache-2.0

internal import CDuckDB

extension DuckDBType {
  /// Reads a type that the caller keeps and destroys.
  init(reading raw: duckdb_logical_type) {
    let id = duckdb_get_type_id(raw)
    switch id {
    case DUCKDB_TYPE_DECIMAL:
      self = .decimal(
        width: Int(duckdb_decimal_width(raw)),
        scale: Int(duckdb_decimal_scale(raw))
      )
    case DUCKDB_TYPE_ENUM:
      let names = (0..<duckdb_enum_dictionary_size(raw)).map { index in
        DuckDBType.take(duckdb_enum_dictionary_value(raw, idx_t(index)))
      }
      self = .enumeration(names)
    case DUCKDB_TYPE_LIST: self = .list(DuckDBType(taking: duckdb_list_type_child_type(raw)))
    case DUCKDB_TYPE_ARRAY:
      self = .array(
        DuckDBType(taking: duckdb_array_type_child_type(raw)),
        size: Int(duckdb_array_type_array_size(raw))
      )
    case DUCKDB_TYPE_MAP:
      self = .map(
        key: DuckDBType(taking: duckdb_map_type_key_type(raw)),
        value: DuckDBType(taking: duckdb_map_type_value_type(raw))
      )
    case DUCKDB_TYPE_STRUCT:
      let fields = (0..<duckdb_struct_type_child_count(raw)).map { index in
        Field(
          name: DuckDBType.take(duckdb_struct_type_child_name(raw, index)),
          type: DuckDBType(taking: duckdb_struct_type_child_type(raw, index))
        )
      }
      self = .structure(fields)
    case DUCKDB_TYPE_UNION:
      let members = (0..<duckdb_union_type_member_count(raw)).map { index in
        Field(
          name: DuckDBType.take(duckdb_union_type_member_name(raw, index)),
          type: DuckDBType(taking: duckdb_union_type_member_type(raw, index))
        )
      }
      self = .union(members)
    default: self = DuckDBType(plain: id)
    }
  }

  /// Reads a type and destroys it.
  init(taking raw: duckdb_logical_type?) {
    var raw = raw
    defer { duckdb_destroy_logical_type(&raw) }
    self = raw.map { DuckDBType(reading: $0) } ?? .other(0)
  }

  private init(plain id: duckdb_type) {
    self =
      switch id {
      case DUCKDB_TYPE_BOOLEAN: .boolean
      case DUCKDB_TYPE_TINYINT: .tinyint
      case DUCKDB_TYPE_SMALLINT: .smallint
      case DUCKDB_TYPE_INTEGER: .integer
      case DUCKDB_TYPE_BIGINT: .bigint
      case DUCKDB_TYPE_HUGEINT: .hugeint
      case DUCKDB_TYPE_UTINYINT: .utinyint
      case DUCKDB_TYPE_USMALLINT: .usmallint
      case DUCKDB_TYPE_UINTEGER: .uinteger
      case DUCKDB_TYPE_UBIGINT: .ubigint
      case DUCKDB_TYPE_UHUGEINT: .uhugeint
      case DUCKDB_TYPE_FLOAT: .float
      case DUCKDB_TYPE_DOUBLE: .double
      case DUCKDB_TYPE_VARCHAR: .varchar
      case DUCKDB_TYPE_BLOB: .blob
      case DUCKDB_TYPE_BIT: .bit
      case DUCKDB_TYPE_UUID: .uuid
      case DUCKDB_TYPE_BIGNUM: .bignum
      case DUCKDB_TYPE_DATE: .date
      case DUCKDB_TYPE_TIME: .time
      case DUCKDB_TYPE_TIME_NS: .timeNanoseconds
      case DUCKDB_TYPE_TIME_TZ: .timeWithZone
      case DUCKDB_TYPE_TIMESTAMP: .timestamp
      case DUCKDB_TYPE_TIMESTAMP_S: .timestampSeconds
      case DUCKDB_TYPE_TIMESTAMP_MS: .timestampMilliseconds
      case DUCKDB_TYPE_TIMESTAMP_NS: .timestampNanoseconds
      case DUCKDB_TYPE_TIMESTAMP_TZ: .timestampWithZone
      case DUCKDB_TYPE_TIMESTAMP_TZ_NS: .timestampWithZoneNanoseconds
      case DUCKDB_TYPE_INTERVAL: .interval
      case DUCKDB_TYPE_GEOMETRY: .geometry
      case DUCKDB_TYPE_VARIANT: .variant
      case DUCKDB_TYPE_SQLNULL: .null
      default: .other(UInt32(id.rawValue))
      }
  }

  private static func take(_ text: UnsafeMutablePointer<CChar>?) -> String {
    guard let text else { return "" }
    defer { duckdb_free(text) }
    return String(cString: text)
  }
}

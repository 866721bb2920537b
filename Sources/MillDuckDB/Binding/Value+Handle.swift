// SPDX-License-Identifier: Apache-2.0

internal import CDuckDB

/// What C takes for an empty text or blob, where a null pointer would mean NULL.
nonisolated(unsafe) let emptyText: UnsafePointer<CChar> = {
  let text = UnsafeMutablePointer<CChar>.allocate(capacity: 1)
  text.initialize(to: 0)
  return UnsafePointer(text)
}()

/// A value in DuckDB's hands, destroyed at the end of its life.
struct ValueHandle: ~Copyable {
  let raw: duckdb_value

  init(_ value: Value) throws(DuckDBError) {
    guard let raw = try ValueHandle.make(value) else {
      throw DuckDBError(
        kind: .invalidInput,
        message: "Invalid Input Error: DuckDB made no value; are the elements of one type?"
      )
    }
    self.raw = raw
  }

  deinit {
    var raw: duckdb_value? = raw
    duckdb_destroy_value(&raw)
  }

  consuming func release() -> duckdb_value {
    let raw = raw
    discard self
    return raw
  }

  private static func make(_ value: Value) throws(DuckDBError) -> duckdb_value? {
    switch value {
    case .null: return duckdb_create_null_value()
    case .bool(let value): return duckdb_create_bool(value)
    case .int(let value): return duckdb_create_int64(value)
    case .uint(let value): return duckdb_create_uint64(value)
    case .hugeint(let value): return duckdb_create_hugeint(duckdb_hugeint(value))
    case .uhugeint(let value): return duckdb_create_uhugeint(duckdb_uhugeint(value))
    case .float(let value): return duckdb_create_float(value)
    case .double(let value): return duckdb_create_double(value)
    case .decimal(let unscaled, let scale):
      return duckdb_create_decimal(try duckdb_decimal(unscaled: unscaled, width: 38, scale: scale))
    case .text(var text):
      return text.withUTF8 { bytes in
        bytes.withMemoryRebound(to: CChar.self) { bytes in
          duckdb_create_varchar_length(bytes.baseAddress ?? emptyText, idx_t(bytes.count))
        }
      }
    case .bytes(let bytes):
      return bytes.isEmpty
        ? emptyText.withMemoryRebound(to: UInt8.self, capacity: 1) { duckdb_create_blob($0, 0) }
        : bytes.withUnsafeBufferPointer { duckdb_create_blob($0.baseAddress, idx_t($0.count)) }
    case .interval(let interval): return duckdb_create_interval(duckdb_interval(interval))
    case .uuid(let text):
      guard let bits = UInt128(text.replacing("-", with: ""), radix: 16) else {
        throw DuckDBError(kind: .conversion, message: "Conversion Error: not a UUID")
      }
      return duckdb_create_uuid(duckdb_uhugeint(bits))
    case .list(let values): return try list(values)
    case .structure(let structure): return try self.structure(structure)
    case .map(let entries): return try map(entries)
    case .union(let tag, _):
      throw DuckDBError(
        kind: .notImplemented,
        message: "Not implemented Error: bind the value and write union_value(\(tag) := ?)"
      )
    default: return moment(value)
    }
  }

  private static func moment(_ value: Value) -> duckdb_value? {
    switch value {
    case .date(let days): duckdb_create_date(duckdb_date(days: days))
    case .time(let micros): duckdb_create_time(duckdb_time(micros: micros))
    case .timeNanoseconds(let nanos): duckdb_create_time_ns(duckdb_time_ns(nanos: nanos))
    case .timeWithZone(let micros, let offset):
      duckdb_create_time_tz_value(duckdb_create_time_tz(micros, offset))
    case .timestamp(let micros): duckdb_create_timestamp(duckdb_timestamp(micros: micros))
    case .timestampNanoseconds(let nanos):
      duckdb_create_timestamp_ns(duckdb_timestamp_ns(nanos: nanos))
    case .timestampWithZone(let micros):
      duckdb_create_timestamp_tz(duckdb_timestamp(micros: micros))
    case .timestampWithZoneNanoseconds(let nanos):
      duckdb_create_timestamp_tz_ns(duckdb_timestamp_ns(nanos: nanos))
    default: nil
    }
  }

  private static func list(_ values: [Value]) throws(DuckDBError) -> duckdb_value? {
    var handles = try ValueHandles(values)
    return duckdb_create_list_value(try handles.commonType(), &handles.raw, idx_t(values.count))
  }

  private static func map(_ entries: [Value.MapEntry]) throws(DuckDBError) -> duckdb_value? {
    var keys = try ValueHandles(entries.map(\.key))
    var values = try ValueHandles(entries.map(\.value))
    var type = duckdb_create_map_type(try keys.commonType(), try values.commonType())
    defer { duckdb_destroy_logical_type(&type) }
    guard type != nil else { return nil }
    return duckdb_create_map_value(type, &keys.raw, &values.raw, idx_t(entries.count))
  }

  private static func structure(_ value: Value.Structure) throws(DuckDBError) -> duckdb_value? {
    for field in value.fields { try field.name.checkHasNoNUL() }
    var handles = try ValueHandles(value.fields.map(\.value))
    var types = handles.types
    let names = value.fields.map { field in
      let bytes = field.name.utf8CString
      let copy = UnsafeMutableBufferPointer<CChar>.allocate(capacity: bytes.count)
      _ = copy.initialize(from: bytes)
      return copy
    }
    defer { for name in names { name.deallocate() } }
    var pointers = names.map { UnsafePointer($0.baseAddress) }
    var type = duckdb_create_struct_type(&types, &pointers, idx_t(types.count))
    defer { duckdb_destroy_logical_type(&type) }
    guard type != nil else { return nil }
    return duckdb_create_struct_value(type, &handles.raw)
  }
}

/// Several values in DuckDB's hands.
private struct ValueHandles: ~Copyable {
  var raw: [duckdb_value?]
  private let nullType: duckdb_logical_type?

  init(_ values: [Value]) throws(DuckDBError) {
    raw = []
    nullType = duckdb_create_logical_type(DUCKDB_TYPE_SQLNULL)
    for value in values { raw.append(try ValueHandle(value).release()) }
  }

  deinit {
    for value in raw {
      var value = value
      duckdb_destroy_value(&value)
    }
    var nullType = nullType
    duckdb_destroy_logical_type(&nullType)
  }

  /// The types of the values, lent by them.
  var types: [duckdb_logical_type?] {
    raw.map { value in value.flatMap { duckdb_get_value_type($0) } }
  }

  /// The one type of all values that are not NULL; DuckDB would round and cut to the first.
  func commonType() throws(DuckDBError) -> duckdb_logical_type? {
    var common: duckdb_logical_type?
    for value in raw {
      guard let value, !duckdb_is_null_value(value), let type = duckdb_get_value_type(value) else {
        continue
      }
      guard let first = common else {
        common = type
        continue
      }
      guard DuckDBType(reading: first) == DuckDBType(reading: type) else {
        throw DuckDBError(
          kind: .invalidInput,
          message: "Invalid Input Error: the elements of a list or map are not of one type"
        )
      }
    }
    return common ?? nullType
  }
}

extension duckdb_hugeint {
  init(_ value: Int128) {
    self.init(
      lower: UInt64(truncatingIfNeeded: value),
      upper: Int64(truncatingIfNeeded: value >> 64)
    )
  }
}

extension duckdb_uhugeint {
  init(_ value: UInt128) {
    self.init(
      lower: UInt64(truncatingIfNeeded: value),
      upper: UInt64(truncatingIfNeeded: value >> 64)
    )
  }
}

extension duckdb_interval {
  init(_ interval: Interval) {
    self.init(months: interval.months, days: interval.days, micros: interval.microseconds)
  }
}

extension duckdb_decimal {
  /// DuckDB stores what it is given here, so the bounds are looked at first.
  init(unscaled: Int128, width: Int, scale: Int) throws(DuckDBError) {
    guard (1...38).contains(width), (0...width).contains(scale) else {
      throw DuckDBError(
        kind: .invalidInput,
        message: "Invalid Input Error: there is no DECIMAL(\(width),\(scale))"
      )
    }
    var bound: Int128 = 1
    for _ in 0..<width { bound *= 10 }
    guard unscaled > -bound, unscaled < bound else {
      throw DuckDBError(
        kind: .outOfRange,
        message: "Out of Range Error: a number has more digits than DECIMAL(\(width),\(scale))"
      )
    }
    self.init(width: UInt8(width), scale: UInt8(scale), value: duckdb_hugeint(unscaled))
  }
}

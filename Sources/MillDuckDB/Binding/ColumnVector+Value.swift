// SPDX-License-Identifier: Apache-2.0

internal import CDuckDB

extension ColumnVector {
  /// The value of a row, copied out.
  ///
  /// - Throws: `notImplemented` for GEOMETRY and VARIANT, which are read through a cast in SQL;
  ///   `outOfRange` for a TIMESTAMP_S or TIMESTAMP_MS that microseconds cannot tell.
  public func value(at row: Int) throws(DuckDBError) -> Value {
    guard row >= 0, row < count else {
      throw DuckDBError(
        kind: .invalidInput,
        message: "Invalid Input Error: no row \(row) among \(count)"
      )
    }
    if isNull(row) { return .null }
    switch type {
    case .boolean: return .bool(load(row, as: UInt8.self) != 0)
    case .tinyint: return .int(Int64(load(row, as: Int8.self)))
    case .smallint: return .int(Int64(load(row, as: Int16.self)))
    case .integer: return .int(Int64(load(row, as: Int32.self)))
    case .bigint: return .int(load(row, as: Int64.self))
    case .utinyint: return .uint(UInt64(load(row, as: UInt8.self)))
    case .usmallint: return .uint(UInt64(load(row, as: UInt16.self)))
    case .uinteger: return .uint(UInt64(load(row, as: UInt32.self)))
    case .ubigint: return .uint(load(row, as: UInt64.self))
    case .hugeint: return .hugeint(load(row, as: Int128.self))
    case .uhugeint: return .uhugeint(load(row, as: UInt128.self))
    case .float: return .float(load(row, as: Float.self))
    case .double: return .double(load(row, as: Double.self))
    case .decimal(let width, let scale):
      return .decimal(unscaled: decimal(row, width: width), scale: scale)
    case .uuid: return .uuid(uuidText(UInt128(bitPattern: load(row, as: Int128.self)) ^ (1 << 127)))
    case .interval: return .interval(load(row, as: Interval.self))
    case .enumeration(let names): return try enumeration(row, names)
    case .varchar: return .text(String(decoding: bytes(row), as: UTF8.self))
    case .blob: return .bytes([UInt8](bytes(row)))
    case .bit: return .text(bitText(bytes(row)))
    case .bignum: return .text(bignumText(bytes(row)))
    case .list, .map, .array, .structure, .union: return try nested(row)
    default: return try moment(row)
    }
  }

  private func moment(_ row: Int) throws(DuckDBError) -> Value {
    switch type {
    case .date: return .date(days: load(row, as: Int32.self))
    case .time: return .time(microseconds: load(row, as: Int64.self))
    case .timeNanoseconds: return .timeNanoseconds(load(row, as: Int64.self))
    case .timeWithZone:
      let parts = duckdb_from_time_tz(duckdb_time_tz(bits: load(row, as: UInt64.self)))
      let micros = duckdb_to_time(parts.time).micros
      return .timeWithZone(microseconds: micros, offsetSeconds: parts.offset)
    case .timestamp: return .timestamp(microseconds: load(row, as: Int64.self))
    case .timestampSeconds: return .timestamp(microseconds: try microseconds(row, times: 1_000_000))
    case .timestampMilliseconds:
      return .timestamp(microseconds: try microseconds(row, times: 1_000))
    case .timestampNanoseconds: return .timestampNanoseconds(load(row, as: Int64.self))
    case .timestampWithZone: return .timestampWithZone(microseconds: load(row, as: Int64.self))
    case .timestampWithZoneNanoseconds:
      return .timestampWithZoneNanoseconds(load(row, as: Int64.self))
    default:
      throw DuckDBError(
        kind: .notImplemented,
        message: "Not implemented Error: \(type) is not read here; cast it to VARCHAR in the SQL"
      )
    }
  }

  private func nested(_ row: Int) throws(DuckDBError) -> Value {
    switch type {
    case .list:
      return .list(try elements(of: row))
    case .map:
      return .map(
        try elements(of: row).compactMap { entry in
          guard case .structure(let pair) = entry, pair.fields.count == 2 else { return nil }
          return Value.MapEntry(key: pair.fields[0].value, value: pair.fields[1].value)
        }
      )
    case .array(_, let size):
      return try withArrayElements { (elements) throws(DuckDBError) in
        var values: [Value] = []
        for index in row * size..<(row + 1) * size { values.append(try elements.value(at: index)) }
        return .list(values)
      }
    case .structure(let fields):
      var values: [Value.Structure.Field] = []
      for (index, field) in fields.enumerated() {
        let value = try withField(index) { (child) throws(DuckDBError) in try child.value(at: row) }
        values.append(Value.Structure.Field(field.name, value))
      }
      return .structure(Value.Structure(values))
    case .union(let members):
      let tag = try withField(0) { (child) throws(DuckDBError) in
        Int(child.load(row, as: UInt8.self))
      }
      guard members.indices.contains(tag) else { throw mismatch("a union without member \(tag)") }
      let value = try withField(tag + 1) { (child) throws(DuckDBError) in try child.value(at: row) }
      return .union(tag: members[tag].name, value)
    default: throw mismatch("a nested type")
    }
  }

  private func elements(of row: Int) throws(DuckDBError) -> [Value] {
    try withLists { (entries, _, elements) throws(DuckDBError) in
      var values: [Value] = []
      for index in entries[row].rows { values.append(try elements.value(at: index)) }
      return values
    }
  }

  private func enumeration(_ row: Int, _ names: [String]) throws(DuckDBError) -> Value {
    let code =
      switch type.storage {
      case .utinyint: Int(load(row, as: UInt8.self))
      case .usmallint: Int(load(row, as: UInt16.self))
      default: Int(load(row, as: UInt32.self))
      }
    guard names.indices.contains(code) else { throw mismatch("an ENUM without code \(code)") }
    return .text(names[code])
  }

  private func decimal(_ row: Int, width: Int) -> Int128 {
    switch width {
    case ...4: Int128(load(row, as: Int16.self))
    case ...9: Int128(load(row, as: Int32.self))
    case ...18: Int128(load(row, as: Int64.self))
    default: load(row, as: Int128.self)
    }
  }

  private func microseconds(_ row: Int, times factor: Int64) throws(DuckDBError) -> Int64 {
    let value = load(row, as: Int64.self)
    if value == .max || value == -.max { return value }
    let (micros, overflow) = value.multipliedReportingOverflow(by: factor)
    guard !overflow else {
      throw DuckDBError(
        kind: .outOfRange,
        message: "Out of Range Error: a \(type) is too far away to be told in microseconds"
      )
    }
    return micros
  }

  /// Reads one element; the caller has seen that the row is there and of this type.
  private func load<Element: BitwiseCopyable>(_ row: Int, as element: Element.Type) -> Element {
    guard let data else { preconditionFailure("a vector of \(type) has no memory") }
    return data.loadUnaligned(fromByteOffset: row * MemoryLayout<Element>.stride, as: element)
  }

  private func bytes(_ row: Int) -> UnsafeRawBufferPointer {
    guard let data else { preconditionFailure("a vector of \(type) has no memory") }
    return TextColumn(data, words, count: count)[row]
  }
}

/// Bits as digits: DuckDB puts the number of unused leading bits into the first byte.
private func bitText(_ bytes: UnsafeRawBufferPointer) -> String {
  guard let padding = bytes.first else { return "" }
  let digits = bytes.dropFirst().lazy.flatMap { byte in
    (0..<8).reversed().lazy.map { (byte >> UInt8($0)) & 1 == 1 ? "1" : "0" }
  }
  return digits.dropFirst(Int(padding)).joined()
}

/// An integer of any length: three bytes of header, then the magnitude, all turned when negative.
private func bignumText(_ bytes: UnsafeRawBufferPointer) -> String {
  guard bytes.count > 3 else { return "0" }
  let isNegative = bytes[0] & 0x80 == 0
  var limbs: [UInt32] = [0]
  for byte in bytes.dropFirst(3) {
    var carry = UInt64(isNegative ? ~byte : byte)
    for index in limbs.indices {
      let sum = UInt64(limbs[index]) * 256 + carry
      limbs[index] = UInt32(sum % 1_000_000_000)
      carry = sum / 1_000_000_000
    }
    if carry > 0 { limbs.append(UInt32(carry)) }
  }
  let head = String(limbs[limbs.count - 1])
  let rest = limbs.dropLast().reversed().map { limb in
    let digits = String(limb)
    return String(repeating: "0", count: 9 - digits.count) + digits
  }
  return (isNegative ? "-" : "") + head + rest.joined()
}

private func uuidText(_ bits: UInt128) -> String {
  let digits = String(bits, radix: 16)
  let padded = Array(String(repeating: "0", count: 32 - digits.count) + digits)
  let groups = [0..<8, 8..<12, 12..<16, 16..<20, 20..<32]
  return groups.map { String(padded[$0]) }.joined(separator: "-")
}

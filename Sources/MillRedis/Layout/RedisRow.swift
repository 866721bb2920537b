// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillFeatures

/// The bytes of rows and states within the hash of a table.
///
/// ```text
/// row:    format (1), generation (8), length of the version (4), t (8), k (8), id, payload
/// state:  format (1), generation (8), as of (8), pending (8), whole as of (8), tables as JSON
/// ```
///
/// Numbers are big-endian with the sign turned over, so that bytes have the order of the numbers. The
/// version is t, k and id one after the other: its bytes have the order of `RowVersion`.
enum RedisRow {
  static let format: UInt8 = 1
  static let stateFormat: UInt8 = 2
  /// What stands before the bytes of a key to make the name of its field: no other field begins so.
  static let mark = UInt8(ascii: "r")
  /// The generation of a row that was pushed.
  static let pushed: Int64 = -1

  /// The name of the hash of a table: `PREFIX:PROJECT:TABLE`.
  ///
  /// Bytes other than letters, digits, `_`, `.` and `-` are written as `%` and two digits, colons of the
  /// prefix excepted, so no two tables have one name.
  static func key(of table: OnlineTable, project: String, prefix: String) -> [UInt8] {
    let colon = UInt8(ascii: ":")
    return escaped(prefix, colon) + [colon] + escaped(project) + [colon]
      + escaped(table.description)
  }

  private static func escaped(_ text: String, _ other: UInt8? = nil) -> [UInt8] {
    text.utf8.flatMap { byte -> [UInt8] in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."),
        UInt8(ascii: "-"):
        [byte]
      case other: [byte]
      default: Array(("%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)).utf8)
      }
    }
  }

  static func field(_ key: [UInt8]) -> [UInt8] { [mark] + key }

  /// Bytes with the order of numbers.
  static func sortable(_ number: Int64) -> [UInt8] {
    var bytes: [UInt8] = []
    append(number, to: &bytes)
    return bytes
  }

  /// A row without its format and its generation, which are decided within the server.
  static func body(of row: OnlineRow) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(20 + row.version.id.count + row.payload.count)
    let length = UInt32(16 + row.version.id.count)
    withUnsafeBytes(of: length.bigEndian) { bytes.append(contentsOf: $0) }
    append(row.version.time.microseconds, to: &bytes)
    append(row.version.knowledge.microseconds, to: &bytes)
    bytes += row.version.id
    bytes += row.payload
    return bytes
  }

  /// - Returns: nil for bytes that are no row.
  static func row(_ key: [UInt8], _ bytes: [UInt8]) -> OnlineRow? {
    guard bytes.count >= 29, bytes[0] == format else { return nil }
    let length = bytes[9..<13].reduce(0) { $0 << 8 | Int($1) }
    guard length >= 16, bytes.count >= 13 + length else { return nil }
    return OnlineRow(
      key: key,
      version: RowVersion(
        time: Instant(microseconds: number(bytes[13..<21])),
        knowledge: Instant(microseconds: number(bytes[21..<29])),
        id: Array(bytes[29..<13 + length])
      ),
      payload: Array(bytes[(13 + length)...])
    )
  }

  static func bytes(of state: MaterializationState) -> [UInt8] {
    let tables = JSONObject(state.tables.sorted { $0.key < $1.key }.map { ($0, .int($1)) })
    var bytes: [UInt8] = [stateFormat]
    append(state.generation, to: &bytes)
    append(state.asOf.microseconds, to: &bytes)
    append(state.pendingFrom?.microseconds ?? .max, to: &bytes)
    append(state.wholeAsOf.microseconds, to: &bytes)
    return bytes + JSONValue.object(tables).serialized().utf8
  }

  /// - Returns: nil for bytes that are no state.
  static func state(_ bytes: [UInt8]) -> MaterializationState? {
    // A state of before parts of a source were brought in does not say when all of it was.
    let isEarlier = bytes.first == format
    let head = isEarlier ? 25 : 33
    guard bytes.count >= head, isEarlier || bytes[0] == stateFormat,
      let object = (try? JSONValue(parsing: Array(bytes[head...])))?.object
    else { return nil }
    var tables: [String: Int64] = [:]
    for (name, version) in object {
      guard let version = version.integer else { return nil }
      tables[name] = version
    }
    let pending = number(bytes[17..<25])
    return MaterializationState(
      tables: tables,
      asOf: Instant(microseconds: number(bytes[9..<17])),
      generation: number(bytes[1..<9]),
      pendingFrom: pending == .max ? nil : Instant(microseconds: pending),
      wholeAsOf: isEarlier ? .earliest : Instant(microseconds: number(bytes[25..<33]))
    )
  }

  private static func append(_ number: Int64, to bytes: inout [UInt8]) {
    let turned = UInt64(bitPattern: number) ^ (1 << 63)
    withUnsafeBytes(of: turned.bigEndian) { bytes.append(contentsOf: $0) }
  }

  private static func number(_ bytes: ArraySlice<UInt8>) -> Int64 {
    Int64(bitPattern: bytes.reduce(0) { $0 << 8 | UInt64($1) } ^ (1 << 63))
  }
}

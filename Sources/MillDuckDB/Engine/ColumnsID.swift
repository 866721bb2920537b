// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillSQL

/// What columns a file has, in a few characters, kept with the file in the log.
///
/// DuckDB estimates no rows at all for files that are read by a given schema, and then joins them the
/// wrong way around. Files of which the log says that they hold exactly the table's columns need
/// none.
enum ColumnsID {
  /// The tag of a file under which the identity stands.
  static let tag = "millrace.columns"

  /// The identity of columns: their names in files and their types, in order.
  ///
  /// > Source: Fowler, Noll, Vo, FNV-1a of 64 bits.
  static func of(
    _ fields: [Field],
    without partition: Set<String>,
    _ mapping: ColumnMapping
  ) -> String {
    let names = PhysicalColumns(mapping: mapping)
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for field in fields where !partition.contains(field.name) {
      if case .void = field.type { continue }
      for byte in "\(field.physicalName(mapping)) \(names.typeName(field.type))\n".utf8 {
        hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
      }
    }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}

// SPDX-License-Identifier: Apache-2.0

package import MillCore

/// What a name in `_delta_log` says of its file.
///
/// > Source: Delta transaction log protocol, "Delta Log Entries", "Checkpoints".
package enum LogFileName: Hashable, Sendable {
  /// `<version>.json`.
  case commit(TableVersion)
  /// `<version>.checkpoint.parquet`: whole, of the first or of the second kind.
  case checkpoint(TableVersion)
  /// `<version>.checkpoint.<part>.<parts>.parquet`.
  case checkpointPart(TableVersion, part: Int, of: Int)
  /// `<version>.checkpoint.<uuid>.json` or `.parquet`: the second kind.
  case namedCheckpoint(TableVersion, isJSON: Bool)

  /// nil for every name that is none of these: version checksums, compacted commits, hints,
  /// temporary files.
  package init?(_ name: String) {
    let bytes = name.utf8
    guard bytes.count >= 25, bytes.prefix(20).allSatisfy(Self.isDigit),
      let number = Int64(name.prefix(20)), number < .max
    else { return nil }
    let version = TableVersion(number)
    let parts = name.dropFirst(20).split(separator: ".", omittingEmptySubsequences: false)
    // What follows the version begins with a dot, so the first part is empty.
    guard parts.first?.isEmpty == true else { return nil }
    switch parts.count {
    case 2 where parts[1] == "json": self = .commit(version)
    case 3 where parts[1] == "checkpoint" && parts[2] == "parquet": self = .checkpoint(version)
    case 4 where parts[1] == "checkpoint" && (parts[3] == "json" || parts[3] == "parquet"):
      guard parts[2].utf8.count == 36 else { return nil }
      self = .namedCheckpoint(version, isJSON: parts[3] == "json")
    case 5 where parts[1] == "checkpoint" && parts[4] == "parquet":
      guard let part = Self.number(parts[2]), let count = Self.number(parts[3]), part >= 1,
        part <= count
      else { return nil }
      self = .checkpointPart(version, part: part, of: count)
    default: return nil
    }
  }

  package var version: TableVersion {
    switch self {
    case .commit(let version), .checkpoint(let version), .checkpointPart(let version, _, _),
      .namedCheckpoint(let version, _):
      version
    }
  }

  /// A number of exactly ten digits.
  private static func number(_ text: Substring) -> Int? {
    guard text.utf8.count == 10, text.utf8.allSatisfy(isDigit) else { return nil }
    return Int(text)
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}

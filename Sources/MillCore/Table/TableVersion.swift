// SPDX-License-Identifier: Apache-2.0

/// The position of one commit in a table's log, counted from zero.
///
/// A version names exactly one log file. Between the oldest file kept and the newest there are no
/// holes: a missing version there means damage.
///
/// ```swift
/// TableVersion(1).logFileName  // "00000000000000000001.json"
/// ```
///
/// > Source: Delta transaction log protocol, "Delta Log Entries".
public struct TableVersion: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// How many commits came before this one.
  public let number: Int64

  /// The version that creates a table.
  public static let first = TableVersion(0)

  /// The version that stands after so many commits.
  public init(_ number: Int64) {
    self.number = number
  }

  /// The version that the next commit makes.
  public var successor: TableVersion { TableVersion(number + 1) }

  /// The commit's file in `_delta_log`: twenty digits and `.json`.
  public var logFileName: String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 20 - digits.count)) + digits + ".json"
  }

  /// The version that a log file is named for, or nil if it is no commit.
  public init?(logFileName: String) {
    guard logFileName.hasSuffix(".json"), logFileName.utf8.count == 25,
      logFileName.utf8.prefix(20).allSatisfy({ (0x30...0x39).contains($0) }),
      let number = Int64(logFileName.dropLast(5))
    else { return nil }
    self.number = number
  }

  /// Earlier commits come first.
  public static func < (left: Self, right: Self) -> Bool { left.number < right.number }

  /// The plain number, without the zeros of the log file.
  public var description: String { String(number) }
}

// SPDX-License-Identifier: Apache-2.0

internal import GRDB

/// Takes typed values out of a row, and throws where GRDB's own subscripts would stop the process.
///
/// The schema is strict, so only a damaged file gets here with a value of another type.
struct RecordReader {
  /// A value of another type than the schema says: the file is damaged.
  struct Mismatch: Error {
    var column: String
    var expected: String
  }

  let row: Row

  func text(_ column: String) throws -> String {
    guard let value = try optionalText(column) else {
      throw Mismatch(column: column, expected: "text")
    }
    return value
  }

  func integer(_ column: String) throws -> Int64 {
    guard let value = try optionalInteger(column) else {
      throw Mismatch(column: column, expected: "integer")
    }
    return value
  }

  func choice<Choice: RawRepresentable<String>>(_ column: String) throws -> Choice {
    guard let choice = Choice(rawValue: try text(column)) else {
      throw Mismatch(column: column, expected: "\(Choice.self)")
    }
    return choice
  }

  func optionalText(_ column: String) throws -> String? {
    switch storage(column) {
    case .null: nil
    case .string(let text): text
    default: throw Mismatch(column: column, expected: "text")
    }
  }

  func optionalInteger(_ column: String) throws -> Int64? {
    switch storage(column) {
    case .null: nil
    case .int64(let integer): integer
    default: throw Mismatch(column: column, expected: "integer")
    }
  }

  func optionalDouble(_ column: String) throws -> Double? {
    switch storage(column) {
    case .null: nil
    case .double(let double): double
    case .int64(let integer): Double(integer)
    default: throw Mismatch(column: column, expected: "real")
    }
  }

  private func storage(_ column: String) -> DatabaseValue.Storage {
    (row[column] as DatabaseValue?)?.storage ?? .null
  }
}

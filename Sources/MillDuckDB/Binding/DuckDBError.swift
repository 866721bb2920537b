// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// What DuckDB, or this binding of it, refused.
///
/// ``description`` never repeats the text of a data error, since DuckDB quotes values and keys
/// there; ``message`` and ``debugDescription`` hold it whole and are for the owner of the data
/// alone.
public struct DuckDBError: Failure, Hashable, CustomDebugStringConvertible {
  /// What went wrong.
  public let kind: Kind

  /// Everything that DuckDB said, with the excerpt and the carets under it, when it had any.
  public let message: String

  /// The line of the SQL text where the trouble starts, counted from one.
  public let line: Int?

  /// The character of that line where the trouble starts, counted from one.
  public let column: Int?

  /// Makes an error of a kind; a position is only known for errors in SQL text.
  public init(kind: Kind, message: String, line: Int? = nil, column: Int? = nil) {
    self.kind = kind
    self.message = message
    self.line = line
    self.column = column
  }

  /// `duckdb.` and the kind, such as `duckdb.parser`.
  public var code: String { "duckdb.\(kind.name)" }

  /// Whose move it is, read from the kind.
  public var errorClass: ErrorClass { kind.errorClass }

  /// One line: the kind, the place in the SQL, and DuckDB's first sentence unless it may quote
  /// data.
  public var description: String {
    let place =
      switch (line, column) {
      case (let line?, let column?): " at line \(line), column \(column)"
      case (let line?, nil): " at line \(line)"
      default: ""
      }
    let detail = kind.mayQuoteData ? kind.advice : String(message.prefix { $0 != "\n" })
    return "DuckDB: \(kind.name)\(place): \(detail)"
  }

  /// The kind and the whole message; it may hold values of rows.
  public var debugDescription: String { "\(code): \(message)" }
}

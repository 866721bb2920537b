// SPDX-License-Identifier: Apache-2.0

internal import Foundation
public import MillCore

/// What a foreign reader of Delta finds in a table, or nil where there is no such reader.
///
/// It runs `shared/peers/delta_check.py` with deltalake and pyarrow, statistics held against the
/// data. Its JSON has `problems` (empty when all is well), `error` (when the table cannot be read),
/// `row_count`, `checksum`, `null_counts` and, on request, `rows`.
///
/// - Parameters:
///   - table: The table's folder.
///   - expect: A Parquet file, a folder of them or JSON lines with the rows there must be.
///   - version: An older version; nil for the newest.
///   - rowLimit: How many rows to bring along.
/// - Returns: nil, after a line that begins with `SKIPPED:`, when the script or
///   `$MILLRACE_TOOLS_PYTHON` is missing.
/// - Throws: `JSONError` when the script's answer is not JSON; Foundation's errors when it does not
///   start.
public func deltaCheck(
  table: String,
  expect: String? = nil,
  version: TableVersion? = nil,
  rowLimit: Int = 0
) async throws -> JSONValue? {
  guard let script = requireShared("peers/delta_check.py") else { return nil }
  guard let python = ProcessInfo.processInfo.environment["MILLRACE_TOOLS_PYTHON"] else {
    reportSkipped(
      "MILLRACE_TOOLS_PYTHON is not set: no foreign reader of Delta (scripts/test sets it)"
    )
    return nil
  }
  var arguments = [script, table, "--deep"]
  if let expect { arguments += ["--expect", expect] }
  if let version { arguments += ["--version", String(version.number)] }
  if rowLimit > 0 { arguments += ["--rows", String(rowLimit)] }
  return try JSONValue(parsing: try await PeerProgram.run([python] + arguments).output)
}

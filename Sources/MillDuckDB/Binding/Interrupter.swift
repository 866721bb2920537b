// SPDX-License-Identifier: Apache-2.0

/// A handle to a connection for other threads: it stops the work there and tells how far it is.
///
/// It may outlive the connection; then it does nothing.
public struct Interrupter: Sendable {
  let control: ConnectionControl

  /// Stops what the connection does now; the call there throws `duckdb.interrupted`.
  ///
  /// An idle connection is left as it is: the next statement runs.
  public func interrupt() {
    control.stopAll()
  }

  /// How far the running statement is; nothing when none runs or when progress is not tracked.
  public var progress: QueryProgress? { control.progress }
}

/// How far a running statement is, by DuckDB's own estimate.
public struct QueryProgress: Hashable, Sendable {
  /// From 0 to 100.
  public let percentage: Double
  /// Rows read so far.
  public let rowsProcessed: UInt64
  /// Rows expected in all.
  public let rowsTotal: UInt64
}

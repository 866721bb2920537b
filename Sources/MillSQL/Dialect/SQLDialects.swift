// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// The dialects that there are.
public enum SQLDialects {
  /// The dialect of an engine.
  public static func named(_ name: DialectName) -> any Dialect {
    switch name {
    case .duckDB: DuckDBDialect()
    }
  }
}

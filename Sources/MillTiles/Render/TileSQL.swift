// SPDX-License-Identifier: Apache-2.0

public import MillCore
public import MillSQL

/// The algebra of tiles as SQL: the same states and the same answers as ``TileState``.
///
/// States are made of rows with ``states(_:of:)`` in a query grouped by key and hop, merged with
/// ``merge(_:columns:)`` in a query grouped by key, and read with ``finish(_:_:columns:)``. What a
/// caller passes is SQL already; what the expressions give has the types of ``TileShape/columns``.
///
/// ```swift
/// let sql = TileSQL(dialect: DuckDBDialect(), functions: DuckDBTileFunctions())
/// sql.states(shape, of: rows).map { "\($0.sql) AS amount_\($0.suffix)" }
/// ```
public struct TileSQL: Sendable {
  /// A member of a state and the expression that computes it.
  public struct Member: Hashable, Sendable {
    /// The suffix of the member's column.
    public let suffix: String
    /// The expression.
    public let sql: String

    init(_ suffix: String, _ sql: String) {
      self.suffix = suffix
      self.sql = sql
    }
  }

  let dialect: any Dialect
  let functions: any TileFunctions

  /// The algebra for an engine.
  public init(dialect: any Dialect, functions: any TileFunctions) {
    self.dialect = dialect
    self.functions = functions
  }

  /// The algebra in the SQL of a named engine.
  public init(_ name: DialectName) {
    let functions: any TileFunctions =
      switch name {
      case .duckDB: DuckDBTileFunctions()
      }
    self.init(dialect: SQLDialects.named(name), functions: functions)
  }

  /// The beginning of the hop that holds an instant, rounded to −∞ as ``Hop/floor(_:)``.
  public func floor(_ instant: String, to hop: Hop) -> String {
    let time = functions.microseconds(of: instant)
    let size = hop.microseconds
    // The remainder has the sign of the time, in every engine.
    let past = "((\(time) % \(size)) + \(size)) % \(size)"
    return functions.instant(microseconds: "\(time) - \(past)")
  }

  /// The value of a function over rows, as one aggregate expression.
  ///
  /// It is the finished state of the rows, so it is the answer that tiles give. Nil where the
  /// function is not defined for the type.
  ///
  /// - Parameter input: the type of the values, nil for rows.
  public func value(_ aggregation: Aggregation, over input: DataType?, of rows: TileRows)
    -> String?
  {
    guard let shape = TileShape(aggregation.kind, of: input) else { return nil }
    let members = states(shape, of: rows)
    let sql = Dictionary(uniqueKeysWithValues: members.map { ($0.suffix, $0.sql) })
    return finish(aggregation, shape) { sql[$0] ?? "NULL" }
  }

  func type(_ type: DataType) -> String { dialect.typeName(type) }

  func cast(_ value: String, _ type: DataType) -> String {
    "CAST(\(value) AS \(dialect.typeName(type)))"
  }

  /// An aggregate over the rows that satisfy all conditions.
  func aggregate(_ call: String, where conditions: String?...) -> String {
    aggregate(call, where: conditions)
  }

  /// An aggregate over the rows that satisfy all conditions.
  func aggregate(_ call: String, where conditions: [String?]) -> String {
    let all = conditions.compactMap(\.self).map { "(\($0))" }.joined(separator: " AND ")
    return all.isEmpty ? call : "\(call) FILTER (WHERE \(all))"
  }
}

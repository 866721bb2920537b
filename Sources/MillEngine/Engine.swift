// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// What runs batch work: an embedded database or a cluster.
///
/// The contract is asynchronous and explicit about locations. Nothing in it assumes that rows are
/// in this process: tables go in as lists of files, results come out as files with statistics, and
/// only small answers (counts, samples) come back as rows.
public protocol Engine: Sendable {
  /// The SQL that this engine speaks.
  var dialect: DialectName { get }

  /// The tables that a query names, as its own parser reads it.
  ///
  /// - Throws: `EngineError.sql` with the position for text that is not one SELECT.
  func references(in query: String) async throws -> [TableReference]

  /// What a condition in SQL says of rows, as far as it can be judged by what is known of files.
  ///
  /// - Throws: `EngineError.sql` for text that is not one condition, or that reads tables.
  func predicate(of condition: String) async throws -> TablePredicate

  /// An expression over the columns of one row, as the engine's own parser reads it.
  ///
  /// - Throws: `EngineError.sql` that names what is not in the subset of expressions.
  func expression(of text: String) async throws -> Expression

  /// A workspace of its own: names defined in it are seen by nobody else.
  func session(named name: String) async throws -> any EngineSession

  /// Ends all sessions and gives memory back.
  func shutdown() async
}

/// A workspace of an ``Engine``: relations are defined by name, then queried or written.
public protocol EngineSession: Sendable {
  /// Defines a relation over one version of a table.
  ///
  /// - Parameter withPlaces: Whether each row's file and its number in the file, from 0, are columns
  ///   too: ``RowPlace/file`` and ``RowPlace/row``.
  func define(
    _ relation: RelationName,
    as contents: TableContents,
    withPlaces: Bool
  ) async throws

  /// Defines a relation over a raw file: a text column per field, `_rescued` and `_malformed`.
  func define(_ relation: RelationName, as source: RawSource) async throws

  /// Defines a relation from a few rows that are here.
  func define(_ relation: RelationName, schema: Schema, rows: [[JSONValue]]) async throws

  /// Defines a relation as a query over others.
  func define(_ relation: RelationName, as query: String, keeping: Keeping) async throws

  /// Forgets a relation and gives its memory and disk back.
  func drop(_ relation: RelationName) async throws

  /// The query's published columns and its bound plan, without running it.
  func describe(_ query: String) async throws -> BoundQuery

  /// The query's published columns, and the query with the casts that make them; cheaper than all
  /// that ``describe(_:)`` finds out.
  func published(_ query: String) async throws -> (schema: Schema, query: String)

  /// Runs a query and writes its rows as Parquet files with exact statistics.
  ///
  /// Columns are cast to published types first (docs/semantics.md, 2); a cast that loses a value is
  /// an error. Files that hold no row are not among the result.
  func write(_ query: String, to target: WriteTarget) async throws -> [DataFile]

  /// Runs a query and brings its rows here.
  ///
  /// - Parameter limit: More rows than this are an error: results are for answers, not for tables.
  func rows(_ query: String, limit: Int) async throws -> ResultTable

  /// Runs a query and brings its rows here column by column, in published types.
  ///
  /// - Parameter limit: More rows than this are an error: a caller asks for a part at a time.
  func columns(_ query: String, limit: Int) async throws -> ColumnBatch

  /// What is known of a raw file's columns from reading some of it.
  func inspect(_ path: String, as format: RawFormat) async throws -> RawInspection

  /// How far the running query is, from 0 to 1; nil when unknown, or when the engine was not told to count.
  func progress() -> Double?

  /// Stops the running query; it throws `EngineError.interrupted`.
  func cancel()

  /// Ends the session and drops everything defined in it.
  func close() async
}

extension EngineSession {
  /// Defines a relation over one version of a table.
  public func define(_ relation: RelationName, as contents: TableContents) async throws {
    try await define(relation, as: contents, withPlaces: false)
  }
}

/// The columns that tell a row's place in the files of a table.
public enum RowPlace {
  /// Text: the file as an engine opens it.
  public static let file = "_mill_file"
  /// Long: the row's number in the file, from 0.
  public static let row = "_mill_row"
}

/// Whether a defined relation is computed once or each time that it is read.
public enum Keeping: Sendable {
  /// Computed when read: right for a projection or a filter.
  case view
  /// Computed now and kept in memory or on temporary disk: right for joins and groups.
  case stored
}

/// The name of a relation inside a session.
public struct RelationName: Hashable, Sendable {
  /// The schema, such as `silver`; nil for names of Millrace's own.
  public var schema: String?
  /// The name inside of the schema.
  public var name: String

  /// A name of Millrace's own when there is no schema.
  public init(schema: String? = nil, _ name: String) {
    self.schema = schema
    self.name = name
  }

  /// The name that SQL of users has for a dataset.
  public init(_ dataset: DatasetName) {
    self.init(schema: dataset.layer.rawValue, dataset.name)
  }
}

/// A table named in a query.
public struct TableReference: Hashable, Sendable {
  /// The schema as the query has it; nil when the name stands alone.
  public var schema: String?
  /// The name inside of the schema, without quotes.
  public var name: String
  /// Byte offset of the name in the query's text.
  public var offset: Int

  /// A name as a parser found it.
  public init(schema: String?, name: String, offset: Int) {
    self.schema = schema
    self.name = name
    self.offset = offset
  }
}

/// Where and how rows are written.
public struct WriteTarget: Sendable {
  /// The table's folder or prefix, absolute.
  public var location: String
  /// The columns that the rows are parted by, from the outermost folder.
  public var partitionColumns: [String]
  /// Files are cut near this size.
  public var fileSize: ByteCount
  /// The table's own columns, where it is there already; nil for columns as the query has them.
  ///
  /// Rows are cast to the table's types, and stored under the names and numbers that its files use.
  public var table: TableLayout?
  /// Whether a file is written although it holds no row.
  public var keepsEmptyFiles = false

  /// A folder that takes one set of files, or one for each set of partition values.
  public init(
    location: String,
    partitionColumns: [String] = [],
    fileSize: ByteCount = ByteCount(bytes: 256 << 20),
    table: TableLayout? = nil
  ) {
    self.location = location
    self.partitionColumns = partitionColumns
    self.fileSize = fileSize
    self.table = table
  }
}

/// How a table stores its columns.
public struct TableLayout: Hashable, Sendable {
  /// All columns of the table.
  public var schema: Schema
  /// By what the columns are found in the files.
  public var mapping: ColumnMapping

  /// The columns of a table and their names in its files.
  public init(schema: Schema, mapping: ColumnMapping = .none) {
    self.schema = schema
    self.mapping = mapping
  }
}

/// A query that the engine has understood.
public struct BoundQuery: Sendable {
  /// The columns as they would be published.
  public var schema: Schema
  /// The engine's bound plan.
  public var plan: JSONValue
  /// What each output row is made of.
  public var shape: QueryShape
  /// Whether two runs of the query may give other rows, as with `random()` or `now()`.
  public var isVolatile: Bool
  /// The query with its columns cast to the published types.
  public var published: String

  /// What an engine found out about a query.
  public init(
    schema: Schema,
    plan: JSONValue,
    shape: QueryShape,
    isVolatile: Bool,
    published: String
  ) {
    self.schema = schema
    self.isVolatile = isVolatile
    self.published = published
    self.plan = plan
    self.shape = shape
  }
}

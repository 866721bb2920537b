// SPDX-License-Identifier: Apache-2.0

/// One immutable Parquet file of a table.
public struct DataFile: Hashable, Sendable {
  /// Where the file lies: an absolute path or a URI that an engine can open.
  public var location: String
  /// Text of each partition column, nil for null; the column is not in the file.
  public var partitionValues: [String: String?]
  /// Length of the file in bytes; a reader finds the Parquet footer by it.
  public var sizeInBytes: Int64
  /// What the writer said of the rows.
  public var statistics: FileStatistics
  /// What its writer says of it, kept in the log.
  public var tags: [String: String]

  /// A file as its writer reports it.
  public init(
    location: String,
    partitionValues: [String: String?] = [:],
    sizeInBytes: Int64,
    statistics: FileStatistics,
    tags: [String: String] = [:]
  ) {
    self.location = location
    self.partitionValues = partitionValues
    self.sizeInBytes = sizeInBytes
    self.statistics = statistics
    self.tags = tags
  }
}

/// What is known of a file's rows without opening it.
public struct FileStatistics: Hashable, Sendable {
  /// Rows in the file; nil when its writer did not say.
  public var rows: Int64?
  /// Bounds and nulls by column name; a column that is absent is unknown.
  public var columns: [String: ColumnStatistics]

  /// Statistics of a file; without columns nothing is known but the count.
  public init(rows: Int64?, columns: [String: ColumnStatistics] = [:]) {
    self.rows = rows
    self.columns = columns
  }
}

/// Bounds and nulls of one column in one file, in the forms of Delta statistics.
public struct ColumnStatistics: Hashable, Sendable {
  /// The least value, or a value below it; nil when unknown.
  public var minimum: JSONValue?
  /// The greatest value, or a value above it; nil when unknown.
  public var maximum: JSONValue?
  /// Rows that are null here, of the rows of the file; nil when unknown.
  public var nullCount: Int64?

  /// Facts of one column; what is left out is unknown.
  public init(minimum: JSONValue? = nil, maximum: JSONValue? = nil, nullCount: Int64? = nil) {
    self.minimum = minimum
    self.maximum = maximum
    self.nullCount = nullCount
  }
}

/// What an engine must know to read one version of a table.
///
/// The lake decides *which* files make a table, an engine reads them; this is what passes between.
public struct TableContents: Hashable, Sendable {
  /// All columns, those of the partitions included.
  public var schema: Schema
  /// The columns whose values stand in the log and not in the files, in the order of the folders.
  public var partitionColumns: [String]
  /// The files whose rows together are the table.
  public var files: [DataFile]
  /// Whether some files may lack columns that the schema has.
  public var mayLackColumns: Bool

  /// One version of a table; without files it is a table without rows.
  public init(
    schema: Schema,
    partitionColumns: [String] = [],
    files: [DataFile] = [],
    mayLackColumns: Bool = false
  ) {
    self.schema = schema
    self.partitionColumns = partitionColumns
    self.files = files
    self.mayLackColumns = mayLackColumns
  }

  /// Rows over all files; nil if one file's writer did not say.
  public var rows: Int64? {
    var sum: Int64 = 0
    for file in files {
      guard let rows = file.statistics.rows else { return nil }
      sum += rows
    }
    return sum
  }

  /// Nulls of each column over all files, for the columns of which every file says it.
  public var nullCounts: [String: Int64] {
    var counts: [String: Int64] = [:]
    for field in schema.fields {
      var sum: Int64? = 0
      for file in files {
        let nulls = file.statistics.columns[field.name]?.nullCount
        sum = sum.flatMap { sum in nulls.map { sum + $0 } }
      }
      counts[field.name] = sum
    }
    return counts
  }

  /// Bytes over all files.
  public var sizeInBytes: Int64 { files.reduce(0) { $0 + $1.sizeInBytes } }
}

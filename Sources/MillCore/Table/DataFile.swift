// SPDX-License-Identifier: Apache-2.0

/// One immutable Parquet file of a table.
public struct DataFile: Hashable, Sendable {
  /// Where the file lies: an absolute path or a URI that an engine can open.
  public var location: String
  /// Text of each partition column, nil for null; the column is not in the file.
  public var partitionValues: [String: String?]
  /// Length of the file in bytes; a reader finds the Parquet footer by it.
  public var sizeInBytes: Int64
  /// What the writer said of the rows in the file, those that are deleted since included.
  public var statistics: FileStatistics
  /// What its writer says of it, kept in the log.
  public var tags: [String: String]
  /// The rows that are in the file and not in the table; nil for none.
  public var deletedRows: DeletedRows?

  /// A file as its writer reports it.
  public init(
    location: String,
    partitionValues: [String: String?] = [:],
    sizeInBytes: Int64,
    statistics: FileStatistics,
    tags: [String: String] = [:],
    deletedRows: DeletedRows? = nil
  ) {
    self.location = location
    self.partitionValues = partitionValues
    self.sizeInBytes = sizeInBytes
    self.statistics = statistics
    self.tags = tags
    self.deletedRows = deletedRows
  }

  /// Rows of the table in this file; nil when the writer did not say.
  public var rows: Int64? {
    statistics.rows.map { rows in
      let (left, isOver) = rows.subtractingReportingOverflow(deletedRows?.cardinality ?? 0)
      return isOver ? 0 : max(0, left)
    }
  }
}

/// Where an engine finds which rows of a file are deleted.
///
/// > Source: Delta transaction log protocol, "Deletion Vectors".
public struct DeletedRows: Hashable, Sendable {
  /// Where the vector's bytes lie.
  public enum Place: Hashable, Sendable {
    /// In the log itself.
    case inline([UInt8])
    /// In a file of vectors, from this byte on.
    case file(location: String, offset: Int)
  }

  /// Where the vector's bytes lie.
  public var place: Place
  /// Length of the serialized vector.
  public var sizeInBytes: Int
  /// How many rows are deleted.
  public var cardinality: Int64

  /// A vector at a place that the lake has checked to be the table's own.
  public init(place: Place, sizeInBytes: Int, cardinality: Int64) {
    self.place = place
    self.sizeInBytes = sizeInBytes
    self.cardinality = cardinality
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
  /// The same of the members of a structure, by name.
  public var members: [String: ColumnStatistics]

  /// Facts of one column; what is left out is unknown.
  public init(
    minimum: JSONValue? = nil,
    maximum: JSONValue? = nil,
    nullCount: Int64? = nil,
    members: [String: ColumnStatistics] = [:]
  ) {
    self.minimum = minimum
    self.maximum = maximum
    self.nullCount = nullCount
    self.members = members
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
  /// By what the columns are found in the files.
  public var mapping: ColumnMapping

  /// One version of a table; without files it is a table without rows.
  public init(
    schema: Schema,
    partitionColumns: [String] = [],
    files: [DataFile] = [],
    mapping: ColumnMapping = .none
  ) {
    self.schema = schema
    self.partitionColumns = partitionColumns
    self.files = files
    self.mapping = mapping
  }

  /// Rows over all files; nil if one file's writer did not say.
  public var rows: Int64? {
    var sum: Int64 = 0
    for file in files {
      guard let rows = file.rows else { return nil }
      let (next, isOver) = sum.addingReportingOverflow(rows)
      // A log can claim any number; one that no table has is none.
      guard !isOver else { return nil }
      sum = next
    }
    return sum
  }

  /// Nulls of each column over all files, for the columns of which every file says it.
  public var nullCounts: [String: Int64] {
    var counts: [String: Int64] = [:]
    for field in schema.fields {
      var sum: Int64? = 0
      for file in files {
        // Of deleted rows nobody knows which were null.
        let nulls =
          file.deletedRows == nil ? file.statistics.columns[field.name]?.nullCount : nil
        sum = sum.flatMap { sum in nulls.map { sum + $0 } }
      }
      counts[field.name] = sum
    }
    return counts
  }

  /// Bytes over all files.
  public var sizeInBytes: Int64 {
    files.reduce(0) { sum, file in
      let (next, isOver) = sum.addingReportingOverflow(max(0, file.sizeInBytes))
      return isOver ? .max : next
    }
  }
}

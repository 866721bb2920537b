// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// Raw files that become a bronze table, as they came.
public struct SourceDefinition: Hashable, Sendable {
  /// What kind of files a source has.
  public enum Format: Hashable, Sendable {
    /// - Parameter delimiter: nil to find it in the first file.
    case csv(delimiter: Character?, hasHeader: Bool)
    case jsonLines
    case parquet

    /// The format as definitions spell it.
    public var name: String {
      switch self {
      case .csv: "csv"
      case .jsonLines: "jsonl"
      case .parquet: "parquet"
      }
    }
  }

  /// What to do when a known file has other bytes than before.
  public enum OnChange: String, Sendable, CaseIterable {
    /// Say so, and leave the loaded rows as they are.
    case report
    /// Replace the rows that came from the file.
    case replace
  }

  /// A field of the files and the type it is decoded to.
  public struct Column: Hashable, Sendable {
    /// The name in the files.
    public var name: String
    /// The type that the field's text is decoded to.
    public var type: DataType

    /// A source with the defaults of everything but its name and its files.
    public init(_ name: String, _ type: DataType) {
      self.name = name
      self.type = type
    }
  }

  /// The bronze dataset that the files become.
  public var dataset: DatasetName
  /// One line for readers of the table.
  public var description: String?
  /// Paths or globs; relative ones start at the project.
  public var files: [String]
  /// What kind of files they are.
  public var format: Format
  /// Text that means null.
  public var nullTexts: [String]
  /// Columns with their types; empty to find them in the first file.
  public var columns: [Column]
  /// The zone of times that name none.
  public var timeZone: String
  /// What to do when a known file has other bytes.
  public var onChange: OnChange
  /// The file that defines the source, for messages.
  public var path: String

  /// A source with the defaults of everything but its name and its files.
  public init(
    dataset: DatasetName,
    description: String? = nil,
    files: [String],
    format: Format = .csv(delimiter: nil, hasHeader: true),
    nullTexts: [String]? = nil,
    columns: [Column] = [],
    timeZone: String = "UTC",
    onChange: OnChange = .report,
    path: String = ""
  ) {
    self.dataset = dataset
    self.description = description
    self.files = files
    self.format = format
    // An empty field of CSV says nothing; JSON has a null of its own.
    self.nullTexts = nullTexts ?? (format == .jsonLines ? [] : [""])
    self.columns = columns
    self.timeZone = timeZone
    self.onChange = onChange
    self.path = path
  }
}

// SPDX-License-Identifier: Apache-2.0

public import MillCore
internal import MillEngine
internal import MillLake

/// The rows that features are joined to: who, when, and whatever else a model is to learn from.
public struct Labels: Hashable, Sendable {
  /// Where the rows are.
  public enum Source: Hashable, Sendable {
    /// A Parquet or CSV file, absolute.
    case file(String)
    /// A table of the lake, in a version or as it is now.
    case dataset(DatasetName, TableVersion?)
    /// One SELECT over tables of the lake.
    case sql(String)
  }

  /// Where the rows are.
  public var source: Source
  /// The column that says as of when features are wanted; nil finds the one there is.
  public var time: String?
  /// The zone of times that name none.
  public var timeZone: String
  /// The label's column for an entity key, where it is called otherwise.
  public var keyColumns: [String: String]

  /// Labels of a source.
  public init(
    _ source: Source,
    time: String? = nil,
    timeZone: String = "UTC",
    keyColumns: [String: String] = [:]
  ) {
    self.source = source
    self.time = time
    self.timeZone = timeZone
    self.keyColumns = keyColumns
  }

  /// What the labels are called in messages and manifests.
  public var description: String {
    switch source {
    case .file(let path): path
    case .dataset(let dataset, let version):
      dataset.description + (version.map { " version \($0)" } ?? "")
    case .sql(let sql): sql
    }
  }
}

/// Labels in a session: their own columns, the row's number and the time of the question.
struct LabelRelation {
  static let row = "_row"
  static let time = "_mill_q"

  let name: RelationName
  /// The labels' own columns.
  let schema: Schema
  /// The column of the label for each entity key.
  let keyColumns: [String: String]
  /// The earliest and the latest question, in UTC microseconds; nil when no label has a time.
  let range: ClosedRange<Int64>?
  let count: Int64

  /// The column that holds a key.
  ///
  /// - Throws: `FeatureError.labels` when there is none, or none of the key's type.
  func column(for key: EntityDefinition.Key, of view: String) throws(FeatureError) -> String {
    let column = keyColumns[key.name] ?? key.name
    guard let field = schema[name: column] else {
      let near = nearestName(to: column, among: schema.names)
      throw .labels(
        "the training set",
        problem: "there is no column \(column) for the key \(key.name) of \(view)"
          + (near.map { ": did you mean \($0)?" } ?? "")
          + "; a key by another name is given as `--key \(key.name)=COLUMN`"
      )
    }
    guard key.accepts(field.type) else {
      throw .labels(
        "the training set",
        problem: "the column \(column) has the type \(field.type), and the key \(key.name) of "
          + "\(view) the type \(key.type)"
      )
    }
    return column
  }
}

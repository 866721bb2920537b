// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// What a training set was made of, so that it can be told years later and made again.
///
/// It lies beside the table of the training set, as `_millrace/training/ID.json`.
public struct TrainingSetManifest: Hashable, Sendable {
  /// What is known of one feature's values.
  public struct Statistics: Hashable, Sendable {
    /// The column.
    public var column: String
    /// The feature, as `view.feature`.
    public var feature: String
    /// Its type.
    public var type: DataType
    /// Rows without a value.
    public var nulls: Int64
    /// The smallest and the largest value as text; nil without values or an order.
    public var minimum: String?
    /// The largest value.
    public var maximum: String?
    /// The mean of numbers.
    public var mean: Double?
  }

  /// A view as it was when the set was made.
  public struct View: Hashable, Sendable {
    /// Its name.
    public var name: String
    /// The hash of its definition and of what it depends on.
    public var hash: String
    /// What it read.
    public var source: String
    /// Whether rows were hidden until they were known, and by what that is told.
    public var knowledge: String
  }

  /// Twelve hexadecimal digits, of everything that the set was made of.
  public var id: String
  /// The name of the table, `training.NAME`.
  public var name: String
  /// The version of the table that holds the rows.
  public var version: Int64
  /// When it was made.
  public var createdAt: Instant
  /// Where the labels came from.
  public var labels: String
  /// The columns that came with the labels.
  public var labelColumns: [String]
  /// The column as of which features were joined.
  public var timeColumn: String
  /// The zone of label times that named none.
  public var timeZone: String
  /// The label's column for each entity key that is called otherwise.
  public var keyColumns: [String: String]
  /// The views, by name.
  public var views: [View]
  /// The version of each table that the views read; these are pinned.
  public var tables: [String: Int64]
  /// The version of each table that the labels were read from; the set keeps the labels itself.
  public var labelTables: [String: Int64]
  /// Whether rows that came to be known after a label were hidden from it.
  public var respectsKnowledge: Bool
  /// The query that joined the rows, for readers.
  public var query: String
  /// How many rows there are.
  public var rows: Int64
  /// What is known of each feature.
  public var features: [Statistics]
}

extension TrainingSetManifest {
  /// The manifest as it is stored and shown.
  public var json: JSONValue {
    [
      "id": .string(id), "name": .string(name), "version": .int(version),
      "created_at": .string(createdAt.description), "labels": .string(labels),
      "label_columns": .array(labelColumns.map { .string($0) }),
      "time_column": .string(timeColumn), "time_zone": .string(timeZone),
      "key_columns": .object(
        JSONObject(keyColumns.sorted { $0.key < $1.key }.map { ($0, .string($1)) })
      ),
      "knowledge": respectsKnowledge ? "respected" : "ignored",
      "views": .array(
        views.map {
          [
            "name": .string($0.name), "hash": .string($0.hash), "source": .string($0.source),
            "knowledge": .string($0.knowledge),
          ]
        }
      ),
      "tables": .object(JSONObject(tables.sorted { $0.key < $1.key }.map { ($0, .int($1)) })),
      "label_tables": .object(
        JSONObject(labelTables.sorted { $0.key < $1.key }.map { ($0, .int($1)) })
      ),
      "rows": .int(rows),
      "features": .array(features.map(\.json)),
      "query": .string(query),
    ]
  }

  /// Reads a manifest.
  ///
  /// - Throws: `FeatureError.trainingSet` for one that is damaged.
  public init(json: JSONValue, id: String) throws(FeatureError) {
    func missing(_ key: String) -> FeatureError {
      .trainingSet(id, problem: "its manifest has no \(key): it is damaged")
    }
    func text(_ key: String) throws(FeatureError) -> String {
      guard let text = json[key]?.text else { throw missing(key) }
      return text
    }
    func integer(_ key: String) throws(FeatureError) -> Int64 {
      guard let value = json[key]?.integer else { throw missing(key) }
      return value
    }
    self.id = try text("id")
    name = try text("name")
    version = try integer("version")
    guard let created = Instant(iso8601: try text("created_at")) else {
      throw missing("created_at")
    }
    createdAt = created
    labels = try text("labels")
    labelColumns = (json["label_columns"]?.array ?? []).compactMap(\.text)
    timeColumn = try text("time_column")
    timeZone = try text("time_zone")
    keyColumns = [:]
    for (key, value) in json["key_columns"]?.object ?? [:] { keyColumns[key] = value.text }
    respectsKnowledge = try text("knowledge") == "respected"
    views = (json["views"]?.array ?? []).map { view in
      View(
        name: view["name"]?.text ?? "",
        hash: view["hash"]?.text ?? "",
        source: view["source"]?.text ?? "",
        knowledge: view["knowledge"]?.text ?? ""
      )
    }
    tables = [:]
    for (key, value) in json["tables"]?.object ?? [:] { tables[key] = value.integer }
    labelTables = [:]
    for (key, value) in json["label_tables"]?.object ?? [:] { labelTables[key] = value.integer }
    rows = try integer("rows")
    features = (json["features"]?.array ?? []).compactMap(Statistics.init)
    query = try text("query")
  }
}

extension TrainingSetManifest.Statistics {
  fileprivate var json: JSONValue {
    [
      "column": .string(column), "feature": .string(feature),
      "type": type.json,
      "nulls": .int(nulls),
      "min": minimum.map { .string($0) } ?? .null,
      "max": maximum.map { .string($0) } ?? .null,
      "mean": mean.flatMap { JSONNumber($0) }.map { .number($0) } ?? .null,
    ]
  }

  fileprivate init?(_ json: JSONValue) {
    guard let column = json["column"]?.text, let feature = json["feature"]?.text,
      let type = json["type"].flatMap({ try? DataType(json: $0) }),
      let nulls = json["nulls"]?.integer
    else { return nil }
    self.column = column
    self.feature = feature
    self.type = type
    self.nulls = nulls
    minimum = json["min"]?.text
    maximum = json["max"]?.text
    if case .number(let number)? = json["mean"] { mean = number.double }
  }
}

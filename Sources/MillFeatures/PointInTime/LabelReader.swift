// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillEngine
internal import MillLake
internal import MillSQL

/// Brings labels into a session, each with its number and its time.
struct LabelReader {
  let store: FeatureStore
  let labels: Labels
  /// The keys that are wanted, whose types a text file cannot say.
  let keys: [EntityDefinition.Key]

  private var dialect: any Dialect { store.dialect }

  /// Defines the labels as a relation.
  ///
  /// - Returns: The labels, their time, and the versions of tables that they were read from.
  /// - Throws: `FeatureError.labels` for columns that are missing, of no use or cannot be read.
  func define(
    _ session: any EngineSession
  ) async throws -> (LabelRelation, timeColumn: String, versions: [String: Int64]) {
    var versions: [String: Int64] = [:]
    let query: String
    switch labels.source {
    case .file(let path): query = try await file(path, session)
    case .dataset(let dataset, let version):
      guard let snapshot = try await store.snapshot(dataset, version) else {
        throw FeatureError.labels(labels.description, problem: "the table has not been made")
      }
      versions[dataset.description] = snapshot.version.number
      try await session.define(RelationName(dataset), as: try snapshot.contents)
      query = "SELECT * FROM \(dialect.quote([dataset.layer.rawValue, dataset.name]))"
    case .sql(let sql):
      for dataset in try await store.datasets(in: sql, of: "the SELECT of labels") {
        guard let snapshot = try await store.snapshot(dataset, nil) else {
          throw FeatureError.labels(dataset.description, problem: "the table has not been made")
        }
        versions[dataset.description] = snapshot.version.number
        try await session.define(RelationName(dataset), as: try snapshot.contents)
      }
      query = sql
    }
    let (relation, time) = try await relation(
      over: try await store.zoned(query, in: labels.timeZone, session),
      session
    )
    return (relation, time, versions)
  }

  /// Numbers rows of a query and takes their times.
  func relation(
    over query: String,
    keepingNumbers: Bool = false,
    _ session: any EngineSession
  ) async throws -> (LabelRelation, timeColumn: String) {
    var (schema, published) = try await session.published(query)
    if keepingNumbers { schema.fields.removeAll { $0.name == LabelRelation.row } }
    try requireNames(schema)
    let time = try timeColumn(schema)
    let instant = instant(time, schema[name: time]?.type ?? .timestamp)
    let number = keepingNumbers ? "" : ", row_number() OVER () - 1 AS \(LabelRelation.row)"
    let name = RelationName("mill_labels")
    try await session.define(
      name,
      as: "SELECT *\(number), \(instant) AS \(LabelRelation.time) FROM (\n\(published)\n) AS l",
      keeping: .stored
    )
    let found = try await session.rows(
      """
      SELECT count(*), count(\(LabelRelation.time)), min(\(LabelRelation.time)),
        max(\(LabelRelation.time)) FROM mill_labels
      """,
      limit: 1
    )
    let count = found.integer(0, 0) ?? 0
    if let timed = found.integer(0, 1), timed < count {
      throw FeatureError.labels(
        labels.description,
        problem: "\(count - timed) of \(count) rows have no \(time): as of when are their features?"
      )
    }
    var range: ClosedRange<Int64>?
    if let low = found.integer(0, 2), let high = found.integer(0, 3) { range = low...high }
    return (
      LabelRelation(
        name: name,
        schema: schema,
        keyColumns: labels.keyColumns,
        range: range,
        count: count
      ),
      time
    )
  }

  /// Names that a table can hold, and that are not ours.
  private func requireNames(_ schema: Schema) throws(FeatureError) {
    for name in schema.names {
      let folded = name.lowercased()
      if folded == LabelRelation.row || folded.hasPrefix("mill_") || folded.hasPrefix("_mill_") {
        throw .labels(
          labels.description,
          problem: "the column \(name) has a name that Millrace keeps for itself: rename it"
        )
      }
      // Parquet and Delta have these for themselves.
      if name.isEmpty || name.utf8.contains(where: { " ,;{}()\n\t=".utf8.contains($0) }) {
        throw .labels(
          labels.description,
          problem: "the column `\(name)` cannot be one of a table: rename it, without blanks and "
            + "signs"
        )
      }
    }
  }

  /// A number of all labels in their order, by which two sets of labels are told apart.
  func digest(_ relation: LabelRelation, _ session: any EngineSession) async throws -> String {
    let cells = (relation.schema.names + [LabelRelation.row]).map { name in
      // With its length before it, no text can be taken for two, nor for null.
      "coalesce(strlen(CAST(\(dialect.quote(name)) AS VARCHAR)) || ':' "
        + "|| CAST(\(dialect.quote(name)) AS VARCHAR), '-')"
    }
    let rows = try await session.rows(
      """
      SELECT CAST(count(*) AS VARCHAR) || '-' || CAST(coalesce(bit_xor(md5_number(
        concat(\(cells.joined(separator: ", "))))), 0) AS VARCHAR)
      FROM \(dialect.quote(relation.name.name))
      """,
      limit: 1
    )
    return rows.rows.first?.first?.text ?? ""
  }

  // MARK: Columns

  private func timeColumn(_ schema: Schema) throws(FeatureError) -> String {
    let moments = schema.fields.filter(\.type.isMoment).map(\.name)
    if let time = labels.time {
      guard let field = schema[name: time] else {
        throw .labels(
          labels.description,
          problem: "there is no column \(time)"
            + (nearestName(to: time, among: schema.names).map { ": did you mean \($0)?" } ?? "")
        )
      }
      guard field.type.isMoment else {
        throw .labels(
          labels.description,
          problem: "the column \(time) is a \(field.type), and a timestamp or a date is wanted"
        )
      }
      return time
    }
    guard moments.count == 1 else {
      throw .labels(
        labels.description,
        problem: moments.isEmpty
          ? "no column is a timestamp or a date"
          : "\(moments.joined(separator: ", ")) are all times: name one with `--time`"
      )
    }
    return moments[0]
  }

  private func instant(_ column: String, _ type: DataType) -> String {
    let name = dialect.quote(column)
    switch type {
    case .timestampWithoutZone where labels.timeZone != "UTC":
      return "epoch_us(\(dialect.instant(ofNaive: name, in: labels.timeZone)))"
    case .date: return "epoch_us(CAST(\(name) AS TIMESTAMP))"
    default: return "epoch_us(\(name))"
    }
  }

  // MARK: Files

  private func file(_ path: String, _ session: any EngineSession) async throws -> String {
    let raw = RelationName("mill_raw_labels")
    let lowered = path.lowercased()
    if lowered.hasSuffix(".parquet") {
      let schema = try await session.inspect(path, as: .parquet).schema
      try await session.define(
        raw,
        as: RawSource(path: path, format: .parquet, fields: schema.names)
      )
      return "SELECT \(dialect.list(schema.names)) FROM \(dialect.quote(raw.name))"
    }
    guard [".csv", ".csv.gz", ".csv.zst"].contains(where: lowered.hasSuffix) else {
      throw FeatureError.labels(
        path,
        problem: "the file ends in neither .parquet nor .csv: other labels come from a table or a "
          + "SELECT"
      )
    }
    let packing: RawCompression =
      lowered.hasSuffix(".gz") ? .gzip : lowered.hasSuffix(".zst") ? .zstd : .none
    func format(_ delimiter: Character) -> RawFormat {
      .csv(delimiter: delimiter, hasHeader: true, compression: packing)
    }
    // Of the separators that people use, the one that gives the most columns.
    var found = try await session.inspect(path, as: format(","))
    for delimiter: Character in [";", "\t", "|"] {
      do {
        let other = try await session.inspect(path, as: format(delimiter))
        if other.schema.fields.count > found.schema.fields.count { found = other }
      } catch let error as EngineError where error.errorClass == .data {
        // This separator makes no table of the file.
        continue
      }
    }
    try await session.define(
      raw,
      as: RawSource(
        path: path,
        format: format(found.delimiter ?? ","),
        fields: found.schema.names,
        nullTexts: [""]
      )
    )
    let columns = found.schema.fields.map { field in
      (name: field.name, type: type(of: field))
    }
    try await requireReadable(columns, raw, path, session)
    return """
      SELECT \(columns.map { "\(decoded($0.name, $0.type)) AS \(dialect.quote($0.name))" }
        .joined(separator: ", "))
      FROM \(dialect.quote(raw.name))
      """
  }

  /// A key has the type of its entity, whatever its text looks like.
  private func type(of field: Field) -> DataType {
    // A day is midnight in UTC, whatever the zone of times.
    if field.name == labels.time { return field.type == .date ? .date : .timestamp }
    let key = keys.first { (labels.keyColumns[$0.name] ?? $0.name) == field.name }
    return key?.type ?? field.type
  }

  private func decoded(_ column: String, _ type: DataType) -> String {
    dialect.decoded(dialect.quote(column), as: type, timeZone: labels.timeZone)
  }

  /// A label whose value cannot be read would be joined as one without a value.
  private func requireReadable(
    _ columns: [(name: String, type: DataType)],
    _ raw: RelationName,
    _ path: String,
    _ session: any EngineSession
  ) async throws {
    let counts = columns.map { column in
      "count(*) FILTER (WHERE \(dialect.quote(column.name)) IS NOT NULL "
        + "AND (\(decoded(column.name, column.type))) IS NULL)"
    }
    let found = try await session.rows(
      "SELECT \(counts.joined(separator: ", ")) FROM \(dialect.quote(raw.name))",
      limit: 1
    )
    for (index, column) in columns.enumerated() {
      guard let count = found.integer(0, index), count > 0 else { continue }
      throw FeatureError.labels(
        path,
        problem: "\(count) values of the column \(column.name) are no \(column.type)"
      )
    }
  }
}

extension DataType {
  var isMoment: Bool {
    switch self {
    case .timestamp, .timestampWithoutZone, .date: true
    default: false
    }
  }
}

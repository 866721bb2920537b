// SPDX-License-Identifier: Apache-2.0

package import MillCore

extension DeltaTable {
  /// What the log is told of a change: the actions of one commit.
  func actions(
    for change: TableChange,
    keys: [String],
    _ changeKeys: [String],
    on snapshot: Snapshot?
  ) throws(LakeError) -> [Action] {
    let now = world.clock.now().milliseconds
    let replaced =
      change.mode == .overwrite ? Array(snapshot?.files ?? FileList()) : change.replacing
    let metadata = try self.metadata(for: change, on: snapshot, now: now)
    let tableProtocol = self.tableProtocol(for: change, metadata, on: snapshot)
    let mapping = tableProtocol.mapping(metadata)
    try requirePublishable(change, mapping)
    if let snapshot { try requireWritable(snapshot, change, removing: !replaced.isEmpty) }
    try requireNoForbiddenNulls(in: change, under: metadata)
    var actions: [Action] = [
      .commitInfo(info(for: change, on: snapshot, metadata, now: now))
    ]
    if tableProtocol != snapshot?.tableProtocol { actions.append(.protocol(tableProtocol)) }
    if metadata != snapshot?.metadata { actions.append(.metadata(metadata)) }
    for identifier in change.transactions {
      var identifier = identifier
      identifier.lastUpdated = now
      actions.append(.transaction(identifier))
    }
    for domain in change.domains { actions.append(.domain(domain)) }
    for file in replaced.sorted(by: { $0.path < $1.path }) {
      actions.append(.remove(file.removal(at: now, dataChange: change.isDataChange)))
    }
    for file in change.returning {
      var file = file
      file.dataChange = change.isDataChange
      actions.append(.add(file))
    }
    let limit =
      metadata.configuration["delta.dataSkippingNumIndexedCols"].flatMap { Int($0) }
      ?? FileStatistics.indexedColumns
    for (file, key) in zip(change.files, keys) {
      actions.append(
        .add(
          AddFile(
            path: LogPath.encode(key),
            partitionValues: physical(file.partitionValues, metadata, mapping),
            size: file.sizeInBytes,
            modificationTime: now,
            dataChange: change.isDataChange,
            stats: file.statistics.statsText(
              for: metadata.indexedSchema,
              mapping: mapping,
              limit: limit
            ),
            tags: file.tags
          )
        )
      )
    }
    for (file, key) in zip(change.changeFiles, changeKeys) {
      actions.append(
        .change(
          ChangeFile(
            path: LogPath.encode(key),
            partitionValues: physical(file.partitionValues, metadata, mapping),
            size: file.sizeInBytes
          )
        )
      )
    }
    return actions
  }

  private func physical(
    _ values: [String: String?],
    _ metadata: TableMetadata,
    _ mapping: ColumnMapping
  ) -> [String: String?] {
    guard mapping != .none else { return values }
    var found: [String: String?] = [:]
    for (name, value) in values {
      found[metadata.schema[name: name]?.physicalName(mapping) ?? name] = value
    }
    return found
  }

  /// The protocol that the table needs after the change: the one it has, or more.
  private func tableProtocol(
    for change: TableChange,
    _ metadata: TableMetadata,
    on snapshot: Snapshot?
  ) -> TableProtocol {
    var features = change.features
    if metadata.schema.fields.contains(where: { $0.type.hasTimestampWithoutZone }) {
      features.insert(.timestampWithoutZone)
    }
    return (snapshot?.tableProtocol ?? .classic).adding(features)
  }

  /// Refuses a table that demands more of a writer, and a change that its rules forbid.
  private func requireWritable(
    _ snapshot: Snapshot,
    _ change: TableChange,
    removing: Bool
  ) throws(LakeError) {
    if change.isDataChange {
      try snapshot.requireWritable()
    } else {
      try snapshot.tableProtocol.requireWritable(table: name, version: snapshot.version)
    }
    if removing, change.isDataChange, snapshot.isAppendOnly {
      throw .appendOnly(table: name, operation: change.operation)
    }
    guard change.isDataChange, !change.files.isEmpty else { return }
    for constraint in try snapshot.constraints where !change.checked.contains(constraint.name) {
      throw .constraint(
        table: name,
        name: constraint.name,
        detail: "the new rows were not judged by its condition (\(constraint.expression))"
      )
    }
  }

  private func info(
    for change: TableChange,
    on snapshot: Snapshot?,
    _ metadata: TableMetadata,
    now: Int64
  ) -> JSONObject {
    var info = JSONObject()
    if metadata.configuration["delta.enableInCommitTimestamps"] == "true" {
      let before = snapshot?.commitInfo["inCommitTimestamp"]?.integer ?? 0
      info["inCommitTimestamp"] = .int(max(now, before + 1))
    }
    info["timestamp"] = .int(now)
    info["operation"] = .string(change.operation)
    var parameters = change.parameters
    if change.operation == "WRITE" {
      parameters["mode"] = .string(change.mode.rawValue)
      parameters["partitionBy"] = .string(
        JSONValue.array(change.partitionColumns.map { .string($0) }).serialized()
      )
    }
    info["operationParameters"] = .object(parameters)
    if let snapshot { info["readVersion"] = .int(snapshot.version.number) }
    info["isolationLevel"] = .string(
      change.isolation == .serializable ? "Serializable" : "WriteSerializable"
    )
    info["isBlindAppend"] = .bool(change.isBlindAppend)
    var metrics = JSONObject()
    metrics["numFiles"] = .string(String(change.files.count))
    metrics["numOutputRows"] = .string(
      String(change.files.reduce(0) { $0 + ($1.statistics.rows ?? 0) })
    )
    metrics["numOutputBytes"] = .string(
      String(change.files.reduce(0) { $0 + $1.sizeInBytes })
    )
    info["operationMetrics"] = .object(metrics)
    info["engineInfo"] = .string("Millrace/\(MillraceVersion.text)")
    if let runID = change.runID { info["txnId"] = .string(runID) }
    for (key, value) in change.info {
      info[key] = value
    }
    return info
  }

  private func metadata(
    for change: TableChange,
    on snapshot: Snapshot?,
    now: Int64
  ) throws(LakeError) -> TableMetadata {
    if let metadata = change.metadata { return metadata }
    guard let snapshot else {
      return TableMetadata(
        id: world.makeID(),
        name: name,
        description: change.description,
        schema: change.schema,
        partitionColumns: change.partitionColumns,
        createdTime: now,
        configuration: change.settings.compactMapValues { $0 }
      )
    }
    var metadata = snapshot.metadata
    for (key, value) in change.settings { metadata.configuration[key] = value }
    let timestamps = "delta.enableInCommitTimestamps"
    if metadata.configuration[timestamps] == "true",
      snapshot.metadata.configuration[timestamps] != "true"
    {
      // Readers must know from where on commits date themselves.
      metadata.configuration["delta.inCommitTimestampEnablementVersion"] =
        String(snapshot.version.number + 1)
      metadata.configuration["delta.inCommitTimestampEnablementTimestamp"] = String(now)
    }
    if let description = change.description { metadata.description = description }
    switch change.mode {
    case .overwrite:
      metadata.schema = change.schema
      metadata.partitionColumns = change.partitionColumns
    case .append:
      guard change.partitionColumns == metadata.partitionColumns else {
        throw .schemaMismatch(
          table: name,
          detail: "it is partitioned by (\(metadata.partitionColumns.joined(separator: ", "))), "
            + "not by (\(change.partitionColumns.joined(separator: ", ")))"
        )
      }
      metadata.schema = try merged(metadata.schema, with: change.schema)
    }
    return metadata
  }

  /// Old columns keep their types; new ones join at the end.
  private func merged(_ old: Schema, with new: Schema) throws(LakeError) -> Schema {
    var schema = old
    for field in new.fields {
      guard let known = old[name: field.name] else {
        schema.fields.append(field)
        continue
      }
      guard known.type.isSameShape(as: field.type) else {
        throw .schemaMismatch(
          table: name,
          detail: "column \(field.name) is \(known.type), the new rows have \(field.type)"
        )
      }
    }
    if let twice = schema.ambiguousNames.first {
      throw .invalidName(
        table: name,
        name: twice,
        reason: "the table has a column of the same name but for the case of its letters"
      )
    }
    return schema
  }

  /// Columns that may not be null must be known to hold no null in the new files.
  private func requireNoForbiddenNulls(
    in change: TableChange,
    under metadata: TableMetadata
  ) throws(LakeError) {
    for field in metadata.schema.fields where !field.isNullable {
      let isPartition = metadata.partitionColumns.contains(field.name)
      if change.checked.contains("not null \(field.name)") { continue }
      for file in change.files {
        let isFull =
          isPartition
          ? file.partitionValues[field.name].flatMap { $0 } != nil
          : file.statistics.columns[field.name]?.nullCount == 0
        guard isFull else {
          throw .schemaMismatch(
            table: name,
            detail: "column \(field.name) may not be null there, and may be in the new rows"
          )
        }
      }
    }
  }

  private func requirePublishable(
    _ change: TableChange,
    _ mapping: ColumnMapping
  ) throws(LakeError) {
    guard !change.schema.fields.isEmpty else {
      throw .schemaMismatch(table: name, detail: "a table needs at least one column")
    }
    for field in change.schema.fields where mapping == .none {
      if let reason = Self.objection(toColumnName: field.name) {
        throw .invalidName(table: name, name: field.name, reason: reason)
      }
    }
    if let twice = change.schema.ambiguousNames.first {
      throw .invalidName(
        table: name,
        name: twice,
        reason: "another column has the same name but for the case of its letters"
      )
    }
    for column in change.partitionColumns {
      guard let field = change.schema[name: column] else {
        throw .schemaMismatch(table: name, detail: "there is no column \(column) to partition by")
      }
      guard field.type.isPrimitive else {
        throw .schemaMismatch(
          table: name,
          detail: "column \(column) is \(field.type), which cannot be a partition"
        )
      }
    }
    guard change.partitionColumns.count < change.schema.fields.count else {
      throw .schemaMismatch(table: name, detail: "every column is a partition column")
    }
  }

  /// Why a column cannot have this name, or nil.
  ///
  /// > Source: Parquet readers of Delta refuse these without column mapping.
  public static func objection(toColumnName name: String) -> String? {
    if name.isEmpty { return "it is empty" }
    let refused = " ,;{}()\n\t="
    if let found = name.unicodeScalars.first(where: { refused.unicodeScalars.contains($0) }) {
      let shown = found == "\n" ? "a line break" : found == "\t" ? "a tab" : "\"\(found)\""
      return "Delta tables allow no \(shown) in a column name; rename it with AS"
    }
    return nil
  }
}

extension TableProtocol {
  func mapping(_ metadata: TableMetadata) -> ColumnMapping {
    guard hasColumnMapping else { return .none }
    return metadata.configuration["delta.columnMapping.mode"].flatMap(ColumnMapping.init) ?? .none
  }
}

extension TableMetadata {
  /// The columns that have bounds, first those that the table's settings name.
  fileprivate var indexedSchema: Schema {
    let stored = schema.fields.filter { !partitionColumns.contains($0.name) }
    guard let named = configuration["delta.dataSkippingStatsColumns"] else { return Schema(stored) }
    let names = Set(
      named.split(separator: ",").map { part in
        String(part.drop { $0 == " " }.prefix { $0 != " " && $0 != "." && $0 != "`" })
      }
    )
    return Schema(stored.filter { names.contains($0.name) })
  }
}

extension DataType {
  fileprivate var hasTimestampWithoutZone: Bool {
    switch self {
    case .timestampWithoutZone: true
    case .array(let element, _): element.hasTimestampWithoutZone
    case .map(let key, let value, _): key.hasTimestampWithoutZone || value.hasTimestampWithoutZone
    case .structure(let fields): fields.contains { $0.type.hasTimestampWithoutZone }
    default: false
    }
  }

  /// Whether values of the two are stored alike, whatever is said of nulls and of the fields.
  package func isSameShape(as other: DataType) -> Bool {
    switch (self, other) {
    case (.array(let left, _), .array(let right, _)): left.isSameShape(as: right)
    case (.map(let key, let value, _), .map(let otherKey, let otherValue, _)):
      key.isSameShape(as: otherKey) && value.isSameShape(as: otherValue)
    case (.structure(let left), .structure(let right)):
      left.count == right.count
        && zip(left, right).allSatisfy {
          ByteKey($0.name) == ByteKey($1.name) && $0.type.isSameShape(as: $1.type)
        }
    default: self == other
    }
  }
}

// SPDX-License-Identifier: Apache-2.0

public import MillCore

extension DeltaTable {
  /// Makes files visible that an engine has written into the table's folder, in one atomic step.
  ///
  /// Data is synced first, then the folders that name it, then the commit. A crash before the
  /// commit leaves only files that nobody reads. An append that loses the race for a version tries
  /// the next one; an overwrite that loses reports the conflict, since it stands on what it read.
  ///
  /// - Returns: The version that the commit made.
  /// - Throws: `LakeError.conflict`, `.staleVersion`, `.schemaMismatch`, `.invalidName`, `.storage`.
  @discardableResult
  public func commit(_ change: TableChange) async throws(LakeError) -> TableVersion {
    let keys = try keys(of: change.files)
    do {
      try await store.makeDurable(keys)
    } catch {
      if case .notFound(let path) = error {
        throw .missingFile(table: name, version: .first, path: path)
      }
      throw .storage(table: name, cause: error)
    }
    var snapshot = try await snapshotIfExists()
    if let expected = change.expecting {
      guard let snapshot else { throw .noTable(table: name) }
      guard snapshot.version == expected else {
        throw .staleVersion(table: name, expected: expected, newest: snapshot.version)
      }
    }
    if snapshot == nil {
      do {
        // The first commit is as durable as the names of all folders that lead to it.
        try await store.prepare(Self.logFolder)
      } catch {
        throw .storage(table: name, cause: error)
      }
    }
    while true {
      let version = snapshot?.version.successor ?? .first
      let actions = try self.actions(for: change, keys: keys, on: snapshot)
      let text = actions.map(\.line).joined(separator: "\n") + "\n"
      do {
        try await store.putIfAbsent("\(Self.logFolder)/\(version.logFileName)", Array(text.utf8))
        return version
      } catch {
        guard case .alreadyExists = error else { throw .storage(table: name, cause: error) }
      }
      let newer = try await self.snapshot()
      try await requireNoConflict(of: change, since: version, through: newer.version)
      snapshot = newer
    }
  }

  /// The conflict rules for the two modes there are.
  ///
  /// > Source: docs/semantics.md, 8; Delta transaction log protocol, "Writer Requirements".
  private func requireNoConflict(
    of change: TableChange,
    since first: TableVersion,
    through last: TableVersion
  ) async throws(LakeError) {
    if !change.isBlindAppend {
      throw .conflict(table: name, version: first, reason: "this commit stands on the one before")
    }
    let ours = Set(change.transactions.map(\.appID))
    var version = first
    while version <= last {
      for action in try await actions(of: version) {
        switch action {
        case .metadata: throw .conflict(table: name, version: version, reason: "changed the schema")
        case .protocol:
          throw .conflict(table: name, version: version, reason: "changed the protocol")
        case .transaction(let theirs) where ours.contains(theirs.appID):
          throw .conflict(table: name, version: version, reason: "did the same work")
        default: break
        }
      }
      version = version.successor
    }
  }

  private func actions(
    for change: TableChange,
    keys: [String],
    on snapshot: Snapshot?
  ) throws(LakeError) -> [Action] {
    let now = world.clock.now().milliseconds
    try requirePublishable(change)
    let replaced =
      change.mode == .overwrite ? Array((snapshot?.files ?? [:]).values) : change.replacing
    if let snapshot { try Replay.requireWritable(snapshot, removing: !replaced.isEmpty) }
    let metadata = try self.metadata(for: change, on: snapshot, now: now)
    try requireNoForbiddenNulls(in: change, under: metadata)
    var actions: [Action] = [.commitInfo(info(for: change, on: snapshot, now: now))]
    if snapshot == nil { actions.append(.protocol(.classic)) }
    if metadata != snapshot?.metadata { actions.append(.metadata(metadata)) }
    for identifier in change.transactions {
      var identifier = identifier
      identifier.lastUpdated = now
      actions.append(.transaction(identifier))
    }
    for file in replaced.sorted(by: { $0.path < $1.path }) {
      actions.append(
        .remove(
          RemoveFile(
            path: file.path,
            deletionTimestamp: now,
            partitionValues: file.partitionValues,
            size: file.size
          )
        )
      )
    }
    for (file, key) in zip(change.files, keys) {
      actions.append(
        .add(
          AddFile(
            path: LogPath.encode(key),
            partitionValues: file.partitionValues,
            size: file.sizeInBytes,
            modificationTime: now,
            stats: file.statistics.statsText(for: metadata.schema),
            tags: file.tags
          )
        )
      )
    }
    return actions
  }

  private func info(for change: TableChange, on snapshot: Snapshot?, now: Int64) -> JSONObject {
    var info = JSONObject()
    info["timestamp"] = .int(now)
    info["operation"] = .string("WRITE")
    info["operationParameters"] = .object([
      "mode": .string(change.mode.rawValue),
      "partitionBy": .string(
        JSONValue.array(change.partitionColumns.map { .string($0) }).serialized()
      ),
    ])
    if let snapshot { info["readVersion"] = .int(snapshot.version.number) }
    info["isolationLevel"] = .string("Serializable")
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
    guard let snapshot else {
      return TableMetadata(
        id: world.makeID(),
        name: name,
        description: change.description,
        schema: change.schema,
        partitionColumns: change.partitionColumns,
        createdTime: now
      )
    }
    var metadata = snapshot.metadata
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
      guard known.type == field.type else {
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

  private func requirePublishable(_ change: TableChange) throws(LakeError) {
    guard !change.schema.fields.isEmpty else {
      throw .schemaMismatch(table: name, detail: "a table needs at least one column")
    }
    for field in change.schema.fields {
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

  private func keys(of files: [DataFile]) throws(LakeError) -> [String] {
    var keys: [String] = []
    let prefix = store.location + "/"
    for file in files {
      guard file.location.hasPrefix(prefix) else {
        throw .pathOutside(table: name, version: .first, path: file.location)
      }
      let key = String(file.location.dropFirst(prefix.count))
      guard LogPath.decode(LogPath.encode(key)) != nil else {
        throw .pathOutside(table: name, version: .first, path: file.location)
      }
      keys.append(key)
    }
    return keys
  }
}

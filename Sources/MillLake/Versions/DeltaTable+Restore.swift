// SPDX-License-Identifier: Apache-2.0

public import MillCore

extension DeltaTable {
  /// Makes a new version that is as an older one was; nothing between is lost.
  ///
  /// - Returns: The version that the restore made.
  /// - Throws: `LakeError.missingFile` when a file of the older version is gone, `.appendOnly`,
  ///   `.conflict` when somebody changes the table meanwhile.
  @discardableResult
  public func restore(
    to version: TableVersion,
    expecting: TableVersion? = nil,
    transactions: [TransactionIdentifier] = [],
    info: JSONObject = [:]
  ) async throws(LakeError) -> TableVersion {
    // A tag keeps the files while they are in no version that counts.
    let keeper = Self.pinPrefix + world.makeID()
    try await pin(keeper, version: version)
    let outcome: Result<TableVersion, LakeError>
    do {
      outcome = .success(try await restoreTagged(version, expecting, transactions, info))
    } catch {
      outcome = .failure(error)
    }
    try await removeTag(keeper)
    return try outcome.get()
  }

  private func restoreTagged(
    _ version: TableVersion,
    _ expecting: TableVersion?,
    _ transactions: [TransactionIdentifier],
    _ info: JSONObject
  ) async throws(LakeError) -> TableVersion {
    let current = try await snapshot()
    let older = try await snapshot(at: version)
    // What this product consumed after that version is no longer in the table, so it is consumed no
    // longer either; otherwise the next run would add only what is newer, and leave a hole.
    var transactions = transactions
    for (appID, progress) in current.transactions.sorted(by: { $0.key < $1.key })
    where appID.hasPrefix("millrace/") && !transactions.contains(where: { $0.appID == appID }) {
      let before = older.transactionVersion(appID) ?? -1
      guard before != progress.version else { continue }
      transactions.append(TransactionIdentifier(appID: appID, version: before))
    }
    let (now, then) = (current.files.keys, older.files.keys)
    var metadata = older.metadata
    metadata.id = current.metadata.id
    // From when on commits date themselves is a fact of the log, which goes on.
    for key in [
      "delta.enableInCommitTimestamps", "delta.inCommitTimestampEnablementVersion",
      "delta.inCommitTimestampEnablementTimestamp",
    ] {
      metadata.configuration[key] = current.metadata.configuration[key]
    }
    return try await commit(
      TableChange(
        mode: .append,
        files: [],
        replacing: current.files.filter { !then.contains($0.key) },
        returning: older.files.filter { !now.contains($0.key) },
        schema: older.schema,
        partitionColumns: older.metadata.partitionColumns,
        transactions: transactions,
        info: info,
        expecting: expecting,
        operation: "RESTORE",
        parameters: ["version": .string(String(version.number))],
        reads: .table,
        readVersion: current.version,
        metadata: metadata
      )
    )
  }
}

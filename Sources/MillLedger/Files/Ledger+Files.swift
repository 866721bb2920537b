// SPDX-License-Identifier: Apache-2.0

internal import GRDB

extension Ledger {
  /// The SHA-256 of a file that has not changed since it was hashed; nil means hash it.
  ///
  /// Size, time of change and inode must all be the same, and the file must have been at rest when
  /// it was hashed, see ``FileIdentityRecord/restMicroseconds``.
  public func identity(
    path: String,
    size: Int64,
    modified: Int64,
    identity: String
  ) async throws(LedgerError) -> String? {
    try await read { database in
      let row = try Row.fetchOne(
        database,
        sql: """
          SELECT sha256 FROM file_identity
          WHERE path = ? AND size = ? AND modified = ? AND identity = ?
            AND hashed_at >= modified + ?
          ORDER BY hashed_at DESC, dataset LIMIT 1
          """,
        arguments: [path, size, modified, identity, FileIdentityRecord.restMicroseconds]
      )
      return try row.map { try RecordReader(row: $0).text("sha256") }
    }
  }

  /// Remembers the hash of a file; what was known of it for this dataset is replaced.
  public func remember(_ file: FileIdentityRecord) async throws(LedgerError) {
    try await remember([file])
  }

  /// Remembers the hashes of many files in one transaction.
  public func remember(_ files: [FileIdentityRecord]) async throws(LedgerError) {
    guard !files.isEmpty else { return }
    try await write { database in
      let statement = try database.makeStatement(
        sql: """
          INSERT INTO file_identity (path, dataset, size, modified, identity, sha256, hashed_at)
          VALUES (?, ?, ?, ?, ?, ?, ?)
          ON CONFLICT (path, dataset) DO UPDATE SET
            size = excluded.size, modified = excluded.modified, identity = excluded.identity,
            sha256 = excluded.sha256, hashed_at = excluded.hashed_at
          """
      )
      for file in files {
        try statement.execute(arguments: [
          file.path, file.dataset, file.size, file.modifiedMicroseconds, file.identity,
          file.sha256, file.hashedAt,
        ])
      }
    }
  }
}

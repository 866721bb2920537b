// SPDX-License-Identifier: Apache-2.0

internal import GRDB

/// The shape of the ledger file and the steps that led to it.
///
/// A step that was released is never edited: a new one is added below it. Names sort in order.
enum LedgerSchema {
  /// "MILL" in the header of the file, so that no other program's database is taken for ours.
  static let applicationID: Int64 = 0x4D49_4C4C

  /// All steps in order.
  static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("001-history") { database in
      try database.execute(sql: history)
    }
    migrator.registerMigration("002-plans-and-files") { database in
      try database.execute(sql: plansAndFiles)
    }
    migrator.registerMigration("003-features") { database in
      try database.execute(sql: features)
    }
    return migrator
  }

  private static let history = """
    PRAGMA application_id = \(applicationID);

    CREATE TABLE run (
      id TEXT NOT NULL PRIMARY KEY,
      started_at INTEGER NOT NULL,
      ended_at INTEGER,
      status TEXT NOT NULL
        CHECK (status IN ('running', 'succeeded', 'failed', 'interrupted')),
      selectors TEXT NOT NULL,
      millrace_version TEXT NOT NULL,
      error_code TEXT,
      error_message TEXT
    ) STRICT;
    CREATE INDEX run_by_start ON run (started_at, id);

    CREATE TABLE node (
      run_id TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
      dataset TEXT NOT NULL,
      attempt INTEGER NOT NULL,
      status TEXT NOT NULL
        CHECK (status IN ('succeeded', 'skipped', 'failed', 'waiting')),
      reason TEXT NOT NULL,
      started_at INTEGER NOT NULL,
      ended_at INTEGER,
      table_version INTEGER,
      account TEXT NOT NULL,
      error_code TEXT,
      error_message TEXT,
      cpu_microseconds INTEGER,
      bytes_read INTEGER,
      PRIMARY KEY (run_id, dataset, attempt)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX node_by_dataset ON node (dataset, started_at, run_id, attempt);

    CREATE TABLE quality (
      run_id TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
      dataset TEXT NOT NULL,
      rule TEXT NOT NULL,
      table_version INTEGER,
      kind TEXT NOT NULL,
      severity TEXT NOT NULL,
      status TEXT NOT NULL
        CHECK (status IN ('passed', 'warned', 'quarantined', 'failed')),
      evaluated INTEGER NOT NULL,
      violations INTEGER NOT NULL,
      mostly REAL,
      recorded_at INTEGER NOT NULL,
      PRIMARY KEY (run_id, dataset, rule)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX quality_by_dataset ON quality (dataset, recorded_at);
    CREATE INDEX quality_by_time ON quality (recorded_at);

    CREATE TABLE edge (
      output TEXT NOT NULL,
      input TEXT NOT NULL,
      run_id TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
      input_version INTEGER,
      output_version INTEGER,
      recorded_at INTEGER NOT NULL,
      PRIMARY KEY (output, input, run_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX edge_by_run ON edge (run_id);
    """

  private static let plansAndFiles = """
    CREATE TABLE plan (
      dataset TEXT NOT NULL,
      definition_hash TEXT NOT NULL,
      plan_json TEXT NOT NULL,
      sql_text TEXT NOT NULL,
      recorded_at INTEGER NOT NULL,
      PRIMARY KEY (dataset, definition_hash)
    ) STRICT;

    CREATE TABLE file_identity (
      path TEXT NOT NULL,
      dataset TEXT NOT NULL,
      size INTEGER NOT NULL,
      modified INTEGER NOT NULL,
      identity TEXT NOT NULL,
      sha256 TEXT NOT NULL,
      hashed_at INTEGER NOT NULL,
      PRIMARY KEY (path, dataset)
    ) STRICT, WITHOUT ROWID;
    """

  private static let features = """
    CREATE TABLE feature_definition (
      kind TEXT NOT NULL CHECK (kind IN ('entity', 'view', 'on_demand', 'service')),
      name TEXT NOT NULL,
      version INTEGER NOT NULL CHECK (version > 0),
      hash TEXT NOT NULL,
      definition TEXT NOT NULL,
      depends_on TEXT NOT NULL,
      recorded_at INTEGER NOT NULL,
      PRIMARY KEY (kind, name, version),
      UNIQUE (kind, name, hash)
    ) STRICT, WITHOUT ROWID;
    CREATE TRIGGER feature_definition_stays BEFORE UPDATE ON feature_definition
    BEGIN SELECT RAISE(ABORT, 'a version of a definition is never rewritten'); END;

    CREATE TABLE feature_event (
      kind TEXT NOT NULL,
      name TEXT NOT NULL,
      sequence INTEGER NOT NULL CHECK (sequence > 0),
      version INTEGER,
      notes TEXT NOT NULL,
      types TEXT,
      recorded_at INTEGER NOT NULL,
      PRIMARY KEY (kind, name, sequence),
      FOREIGN KEY (kind, name, version) REFERENCES feature_definition (kind, name, version)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE feature_statistics (
      view TEXT NOT NULL,
      hash TEXT NOT NULL,
      sequence INTEGER NOT NULL,
      as_of INTEGER NOT NULL,
      recorded_at INTEGER NOT NULL,
      statistics TEXT NOT NULL,
      PRIMARY KEY (view, hash, sequence)
    ) STRICT, WITHOUT ROWID;
    """
}

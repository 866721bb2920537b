// SPDX-License-Identifier: Apache-2.0

public import MillCore
public import MillLake

/// What becomes of a table's rows, files and versions as they grow old.
public struct LifecyclePolicy: Hashable, Sendable {
  /// Rows of an age, told by a column of days or instants.
  public struct Age: Hashable, Sendable {
    /// The column that tells a row's age.
    public var column: String
    /// From which age on.
    public var after: Duration
    /// The folder of the table that such rows move to; nil for rows that are deleted.
    public var folder: String?

    /// Rows older than a span by a column.
    public init(column: String, after: Duration, folder: String? = nil) {
      self.column = column
      self.after = after
      self.folder = folder
    }
  }

  /// For how long older versions stay readable; nil takes it from the table (a week).
  public var keep: Duration?
  /// How many of the newest versions stay readable whatever their age.
  public var keepVersions: Int?
  /// For how long commits are kept behind a checkpoint; nil takes it from the table (30 days).
  public var keepLog: Duration?
  /// The size that files are brought to; nil for no compaction.
  public var compactTo: ByteCount?
  /// The columns that rows are clustered by when files are put together.
  public var clusterBy: [String]
  /// Rows that move to a colder place.
  public var archive: Age?
  /// Rows that are deleted.
  public var delete: Age?

  /// A policy with defaults: the table's own retention, files of 256 MiB, no rows moved or deleted.
  public init(
    keep: Duration? = nil,
    keepVersions: Int? = nil,
    keepLog: Duration? = nil,
    compactTo: ByteCount? = ByteCount(bytes: 256 << 20),
    clusterBy: [String] = [],
    archive: Age? = nil,
    delete: Age? = nil
  ) {
    self.keep = keep
    self.keepVersions = keepVersions
    self.keepLog = keepLog
    self.compactTo = compactTo
    self.clusterBy = clusterBy
    self.archive = archive
    self.delete = delete
  }
}

/// What storage costs.
public struct StoragePrice: Hashable, Sendable {
  /// For a GiB in a month where tables lie.
  public var perGiBMonth: Double
  /// For a GiB in a month where archives lie.
  public var archivePerGiBMonth: Double
  /// In which money.
  public var currency: String

  /// Prices; without them money is not told.
  public init(perGiBMonth: Double, archivePerGiBMonth: Double, currency: String = "USD") {
    self.perGiBMonth = perGiBMonth
    self.archivePerGiBMonth = archivePerGiBMonth
    self.currency = currency
  }
}

/// Where the bytes of a table are.
public struct StorageUse: Hashable, Sendable {
  /// Files of the newest version.
  public var live: Int64 = 0
  /// Files that only older versions need, within their retention.
  public var history: Int64 = 0
  /// Files that only tags keep.
  public var tagged: Int64 = 0
  /// Files that nothing needs.
  public var garbage: Int64 = 0
  /// The log.
  public var log: Int64 = 0
  /// The table that old rows were moved to.
  public var archived: Int64 = 0

  /// An empty table.
  public init() {}

  /// All bytes where the table lies.
  public var total: Int64 { live + history + tagged + garbage + log }

  /// What a month costs.
  public func cost(_ price: StoragePrice) -> Double {
    Double(total) / Double(1 << 30) * price.perGiBMonth
      + Double(archived) / Double(1 << 30) * price.archivePerGiBMonth
  }
}

/// What the maintenance of one table did.
public struct MaintenanceReport: Hashable, Sendable {
  /// The table.
  public var table: String
  /// Rows moved to the archive.
  public var archivedRows: Int64 = 0
  /// Rows deleted for their age.
  public var deletedRows: Int64 = 0
  /// Small files put together.
  public var compaction = CompactReport()
  /// Files that nothing needs.
  public var vacuum = VacuumReport()
  /// Commits and checkpoints that nothing needs.
  public var log = LogCleanupReport()
  /// Where the bytes were before.
  public var before = StorageUse()
  /// Where they are now; what a dry run would leave is not known.
  public var after: StorageUse?

  /// Nothing done yet.
  public init(table: String) {
    self.table = table
  }
}

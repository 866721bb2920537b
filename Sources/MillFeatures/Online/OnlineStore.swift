// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// Which rows of a view an online store is asked about.
///
/// The hash of the definition is part of it: values of two definitions never meet.
public struct OnlineTable: Hashable, Sendable, CustomStringConvertible {
  /// What is kept of a key.
  public enum Content: String, Sendable {
    /// The values of its newest row.
    case latest
    /// The tiles of its windows.
    case tiles
  }

  /// The view.
  public var view: String
  /// The hash of its definition.
  public var hash: String
  /// What is kept of a key.
  public var content: Content

  /// The rows of a view in one definition.
  public init(view: String, hash: String, content: Content) {
    self.view = view
    self.hash = hash
    self.content = content
  }

  /// The view, what is kept, and the first digits of the hash.
  public var description: String { "\(view)_\(content.rawValue)_\(hash.prefix(12))" }
}

/// How far a view has been brought into an online store.
public struct MaterializationState: Hashable, Sendable {
  /// The version of each table that is in it.
  public var tables: [String: Int64]
  /// As of when rows were taken.
  public var asOf: Instant
  /// Counts the times that all rows were taken.
  public var generation: Int64
  /// The first moment at which a row counts that was left out since it lay in the future; nil where
  /// there is none.
  public var pendingFrom: Instant?
  /// As of when all keys were last written, and not only those of new rows.
  public var wholeAsOf: Instant

  /// A state after rows as of a time were taken.
  ///
  /// - Parameter wholeAsOf: nil when all keys were written as of that time.
  public init(
    tables: [String: Int64],
    asOf: Instant,
    generation: Int64,
    pendingFrom: Instant? = nil,
    wholeAsOf: Instant? = nil
  ) {
    self.tables = tables
    self.asOf = asOf
    self.generation = generation
    self.pendingFrom = pendingFrom
    self.wholeAsOf = wholeAsOf ?? asOf
  }
}

/// What becomes of the rows that a pass did not write.
public enum OnlineRest: Hashable, Sendable {
  /// The pass was over all of the source: they are gone from there, and go.
  case goes
  /// The pass was over some keys: they stay.
  case stays
}

/// How rows meet those that are there.
public enum OnlineWrite: Hashable, Sendable {
  /// A row replaces an older one, never a newer one.
  ///
  /// The generation is that of the last pass for rows of the source, nil for rows that were pushed.
  case newest(generation: Int64?)
  /// Rows of a pass over all of a source: a row replaces whatever this or an earlier pass wrote, and of
  /// what was pushed what is older. What a later pass wrote stays.
  case pass(generation: Int64)
}

/// Where values are kept for being asked for by key, within a millisecond.
///
/// Every adapter passes one conformance suite. A write is seen whole or not at all, and repeated
/// writes change nothing. An adapter may cut a write of many rows into pieces, each of which is seen
/// whole, and says from how many on.
public protocol OnlineStore: Sendable {
  /// Begins a pass over all of a source: its number is greater than that of every pass before, also of
  /// those that were never finished.
  func begin(_ table: OnlineTable) async throws -> Int64

  /// Puts rows in.
  ///
  /// - Returns: How many rows are newer than what was there, or new.
  func write(
    _ rows: [OnlineRow],
    to table: OnlineTable,
    as write: OnlineWrite
  ) async throws -> Int

  /// The rows of keys, in their order; nil for a key that is not there.
  func read(_ keys: [[UInt8]], of table: OnlineTable) async throws -> [OnlineRow?]

  /// Says that a pass is over, and what becomes of what earlier passes wrote and this one did not.
  ///
  /// - Returns: How many rows went.
  /// - Throws: `OnlineStoreError.superseded` when a later pass has ended already.
  func finish(
    _ state: MaterializationState,
    of table: OnlineTable,
    rest: OnlineRest
  ) async throws -> Int

  /// Says how far an addition of newer rows went.
  ///
  /// - Throws: `OnlineStoreError.superseded` when the last pass is another one than that of the state.
  func record(_ state: MaterializationState, of table: OnlineTable) async throws

  /// The number of the pass that was begun last; 0 when none was.
  ///
  /// While it is another than the generation of the state, a pass is under way or was broken off, and
  /// rows may be of either.
  func lastPass(of table: OnlineTable) async throws -> Int64

  /// How far a view was brought in; nil when it never was.
  func state(of table: OnlineTable) async throws -> MaterializationState?

  /// For each table a number that is another one after any change of its rows or of its state, whoever
  /// made it.
  ///
  /// What was read while a number stood may be kept as long as it stands.
  func changes(of tables: [OnlineTable]) async throws -> [Int64]

  /// Some keys, spread over all.
  func sample(_ count: Int, of table: OnlineTable) async throws -> [[UInt8]]

  /// How many keys there are.
  func count(of table: OnlineTable) async throws -> Int
}

extension OnlineStore {
  /// Says that a pass over all of a source is over: what it did not write goes.
  public func finish(
    _ state: MaterializationState,
    of table: OnlineTable
  ) async throws -> Int {
    try await finish(state, of: table, rest: .goes)
  }
}

/// Why an online store did not answer.
@nonexhaustive
public enum OnlineStoreError: Failure, Equatable {
  /// The store is gone, or refuses; the same call may succeed later.
  case unavailable(store: String, detail: String)
  /// The store is there and did not come to it in time; the same call may succeed soon.
  case busy(store: String, detail: String)
  /// The store has no room for what was to be written. No row was written in part; one of the pieces into
  /// which an adapter cuts a write may have been written.
  case full(store: String, detail: String)
  /// What the store holds cannot be read.
  case damaged(store: String, detail: String)
  /// Somebody else brought the same rows in meanwhile.
  case superseded(store: String, table: String)

  /// `online.` and the case.
  public var code: String {
    switch self {
    case .unavailable: "online.unavailable"
    case .busy: "online.busy"
    case .full: "online.full"
    case .damaged: "online.damaged"
    case .superseded: "online.superseded"
    }
  }

  /// Whose move it is.
  public var errorClass: ErrorClass {
    switch self {
    case .busy, .superseded: .transient
    case .unavailable, .full, .damaged: .outside
    }
  }

  /// Whether the same call may succeed later.
  public var isRetryable: Bool {
    switch self {
    case .unavailable, .busy, .superseded: true
    // Somebody must mend it, or make room.
    case .full, .damaged: false
    }
  }

  /// What happened, to which store, and what to do next.
  public var description: String {
    switch self {
    case .unavailable(let store, let detail):
      "the online store \(store) did not answer: \(detail)"
    case .busy(let store, let detail):
      "the online store \(store) is busy: \(detail)"
    case .full(let store, let detail):
      "the online store \(store) has no room (\(detail)): what was served before still is; make room, "
        + "and `millrace features materialize` goes on"
    case .damaged(let store, let detail):
      "the online store \(store) is damaged: \(detail); remove it, and "
        + "`millrace features materialize` makes it anew"
    case .superseded(let store, let table):
      "\(table) was brought into the online store \(store) by somebody else meanwhile: try again"
    }
  }
}

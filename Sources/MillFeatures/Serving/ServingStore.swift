// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import Synchronization

/// The store behind a server's memory: what is written through it is seen by the next answer.
struct ServingStore: OnlineStore {
  let base: any OnlineStore
  let serving: FeatureServing

  private func table(_ online: OnlineTable) -> ServedTable? {
    serving.state.withLock { $0.tables[online] }
  }

  func write(
    _ rows: [OnlineRow],
    to table: OnlineTable,
    as write: OnlineWrite
  ) async throws -> Int {
    let served = self.table(table)
    let hearings = served?.hearings ?? 0
    do {
      let changed = try await base.write(rows, to: table, as: write)
      if let served, changed > 0 {
        served.made(since: hearings)
        for row in rows { serving.rows.remove(served.number, row.key) }
      }
      return changed
    } catch {
      // Nobody knows how far it came.
      served?.forget()
      throw error
    }
  }

  func begin(_ table: OnlineTable) async throws -> Int64 { try await base.begin(table) }

  func read(_ keys: [[UInt8]], of table: OnlineTable) async throws -> [OnlineRow?] {
    try await base.read(keys, of: table)
  }

  func finish(
    _ state: MaterializationState,
    of table: OnlineTable,
    rest: OnlineRest
  ) async throws -> Int {
    let gone = try await base.finish(state, of: table, rest: rest)
    await serving.refresh()
    return gone
  }

  func record(_ state: MaterializationState, of table: OnlineTable) async throws {
    try await base.record(state, of: table)
    await serving.refresh()
  }

  func lastPass(of table: OnlineTable) async throws -> Int64 {
    try await base.lastPass(of: table)
  }

  func state(of table: OnlineTable) async throws -> MaterializationState? {
    try await base.state(of: table)
  }

  func changes(of tables: [OnlineTable]) async throws -> [Int64] {
    try await base.changes(of: tables)
  }

  func sample(_ count: Int, of table: OnlineTable) async throws -> [[UInt8]] {
    try await base.sample(count, of: table)
  }

  func count(of table: OnlineTable) async throws -> Int { try await base.count(of: table) }
}

extension FeatureServing {
  /// The store: what is written through it is seen by the next answer, and not only once the store was
  /// asked for changes.
  public var store: any OnlineStore { ServingStore(base: online, serving: self) }
}

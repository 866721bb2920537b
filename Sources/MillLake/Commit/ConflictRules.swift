// SPDX-License-Identifier: Apache-2.0

internal import MillCore

/// Whether a commit may still land after others were first; pure.
///
/// | the winner did | the loser must fail when |
/// | --- | --- |
/// | a change of protocol or metadata | always |
/// | an add of rows that the loser could have read | it read the table or a part that holds them |
/// | a remove of a file that the loser read or removes | always |
/// | the same application's transaction, the same domain | always |
///
/// Compaction reads only the files that it replaces, so it never loses to an append; a blind append
/// loses to nothing but a change of the table itself.
///
/// > Source: Delta transaction log protocol; Apache Spark's `ConflictChecker`.
package struct ConflictRules: Sendable {
  private let reads: TableChange.Reads
  private let isolation: TableChange.Isolation
  private let removed: Set<FileKey>
  private let applications: Set<String>
  private let domains: Set<String>
  private let skipping: FileSkipping?

  /// - Parameters:
  ///   - removed: The files that the change takes out of the table.
  ///   - snapshot: The version that the change was made on.
  package init(_ change: TableChange, removing removed: Set<FileKey>, on snapshot: Snapshot?) {
    reads = change.effectiveReads
    isolation = change.isolation
    self.removed = removed
    applications = Set(change.transactions.map(\.appID))
    domains = Set(change.domains.map(\.domain))
    if case .files(_, let predicate) = reads, let snapshot {
      skipping = snapshot.skipping(predicate)
    } else {
      skipping = nil
    }
  }

  /// Why the change may not land after a winner's commit, or nil.
  package func objection(to winner: [Action]) -> String? {
    var isBlind = false
    for case .commitInfo(let info) in winner { isBlind = info["isBlindAppend"]?.bool ?? false }
    for action in winner {
      switch action {
      case .metadata: return "changed the schema or the settings"
      case .protocol: return "changed the protocol"
      case .transaction(let theirs) where applications.contains(theirs.appID):
        return "did the same work (\(theirs.appID))"
      case .domain(let theirs) where domains.contains(theirs.domain):
        return "changed the same settings (\(theirs.domain))"
      case .add(let file) where file.dataChange && !(isBlind && isolation == .writeSerializable):
        switch reads {
        case .table: return "added rows that this commit should have read"
        case .files where skipping?.mayMatch(file) ?? true:
          return "added rows that this commit should have read"
        default: break
        }
      case .remove(let file):
        if removed.contains(file.key) { return "removed a file that this commit replaces" }
        switch reads {
        case .table: return "removed rows that this commit had read"
        case .files(let keys, _) where keys.contains(file.key):
          return "removed rows that this commit had read"
        default: break
        }
      default: break
      }
    }
    return nil
  }
}

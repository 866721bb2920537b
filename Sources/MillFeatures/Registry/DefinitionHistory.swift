// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// A moment in the life of a definition, with what was another then than before.
public struct DefinitionMoment: Hashable, Sendable {
  /// What is defined.
  public var kind: DefinitionKind
  /// Its name.
  public var name: String
  /// The version from then on; nil when the definition was gone.
  public var version: Int?
  /// The hash of that version.
  public var hash: String?
  /// When it was recorded.
  public var recordedAt: Instant
  /// What changed; empty at the beginning, and where only what it depends on did.
  public var changes: [FeaturePlan.Item]
  /// Whether nothing was recorded of it before.
  public var isFirst: Bool
}

extension FeatureRegistry {
  /// What became of a name, the newest first; of several kinds of one name, one kind after the other.
  ///
  /// - Throws: `RegistryError.neverRecorded`.
  public func moments(of name: String) async throws -> [DefinitionMoment] {
    let (versions, events) = try await history(of: name)
    func facts(_ event: DefinitionEvent) -> DefinitionFacts? {
      versions.first { $0.facts.kind == event.kind && $0.number == event.version }?
        .saying(event).facts
    }
    return DefinitionKind.allCases.flatMap { kind in
      var moments: [DefinitionMoment] = []
      var before: DefinitionFacts?
      for event in events where event.kind == kind {
        let now = facts(event)
        var moment = DefinitionMoment(
          kind: kind,
          name: name,
          version: event.version,
          hash: now?.hash,
          recordedAt: event.recordedAt,
          changes: [],
          isFirst: moments.isEmpty
        )
        if let before, let now {
          moment.changes = DefinitionComparison(
            old: before,
            new: now,
            users: FeatureUsers([], sets: []),
            isOnline: false,
            changedUses: []
          ).items()
        }
        before = now ?? before
        moments.append(moment)
      }
      return moments.reversed()
    }
  }
}

extension FeatureStore {
  /// The versions of definitions; nil where none are remembered.
  public var registry: FeatureRegistry? { environment.registry }
}

// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// Where versions of definitions are kept.
///
/// Several processes may use one storage at once: each call is seen whole or not at all.
public protocol RegistryStorage: Sendable {
  /// Writes definitions down as they stand.
  ///
  /// A hash that a name had already is the version that it was, and is not written again; another one
  /// is the next version of the name, counted from 1 without holes. What is said of a name besides its
  /// version has a history of its own.
  ///
  /// - Parameter isComplete: Whether these are all that there are: others are then gone.
  /// - Returns: The number of each definition's version, in their order.
  func record(
    _ definitions: [DefinitionFacts],
    isComplete: Bool,
    at instant: Instant
  ) async throws -> [Int]

  /// All versions of a name, or of all names, the oldest first.
  func versions(of name: String?) async throws -> [DefinitionVersion]

  /// What was said of a name, or of all names, the oldest first.
  func events(of name: String?) async throws -> [DefinitionEvent]
}

/// A version of a definition as it was written down; it never changes.
public struct DefinitionVersion: Hashable, Sendable {
  /// What decides the values; the notes are those that were said last.
  public var facts: DefinitionFacts
  /// From 1 on, without holes, for each name.
  public var number: Int
  /// When it was first written down.
  public var recordedAt: Instant

  /// A version of a definition.
  public init(facts: DefinitionFacts, number: Int, recordedAt: Instant) {
    self.facts = facts
    self.number = number
    self.recordedAt = recordedAt
  }
}

/// A moment at which what is said of a name changed: its version, its notes or its types.
public struct DefinitionEvent: Hashable, Sendable {
  /// What is defined.
  public var kind: DefinitionKind
  /// Its name.
  public var name: String
  /// The version from then on; nil when the definition was gone.
  public var version: Int?
  /// The notes from then on.
  public var notes: DefinitionNotes
  /// The types from then on; nil while nobody knew them.
  public var types: [String: DataType]?
  /// When it was written down.
  public var recordedAt: Instant

  /// Something that was said of a name.
  public init(
    kind: DefinitionKind,
    name: String,
    version: Int?,
    notes: DefinitionNotes,
    types: [String: DataType]?,
    recordedAt: Instant
  ) {
    self.kind = kind
    self.name = name
    self.version = version
    self.notes = notes
    self.types = types
    self.recordedAt = recordedAt
  }
}

/// The memory of what features were: versions of their definitions, and what was said of them.
///
/// All definitions of a project are written down together, whenever something lasting is made of any
/// of them: rows in the online store, or a training set. So what a number of then meant can be told.
public struct FeatureRegistry: Sendable {
  let storage: any RegistryStorage

  /// A registry over a storage.
  public init(_ storage: any RegistryStorage) {
    self.storage = storage
  }

  /// What was written down last of every name that is still defined.
  public func newest() async throws -> [DefinitionVersion] {
    let versions = try await storage.versions(of: nil)
    let events = try await storage.events(of: nil)
    struct Name: Hashable {
      var kind: DefinitionKind
      var name: String
    }
    var last: [Name: DefinitionEvent] = [:]
    for event in events { last[Name(kind: event.kind, name: event.name)] = event }
    return versions.compactMap { version in
      let name = Name(kind: version.facts.kind, name: version.facts.name)
      guard let event = last[name], event.version == version.number else { return nil }
      return version.saying(event)
    }
  }

  /// All versions of a name, the oldest first, and the events that made each of them the newest.
  ///
  /// - Throws: `RegistryError.neverRecorded`.
  public func history(
    of name: String
  ) async throws -> (versions: [DefinitionVersion], events: [DefinitionEvent]) {
    let versions = try await storage.versions(of: name)
    guard !versions.isEmpty else {
      let known = try await storage.versions(of: nil).map(\.facts.name)
      throw RegistryError.neverRecorded(name, nearest: nearestName(to: name, among: known))
    }
    let events = try await storage.events(of: name)
    return (versions.map { $0.saying(lastOf: events) }, events)
  }
}

extension DefinitionVersion {
  /// The version with what was said of it last.
  func saying(lastOf events: [DefinitionEvent]) -> DefinitionVersion {
    events.last { event in
      event.kind == facts.kind && event.name == facts.name && event.version == number
    }.map { saying($0) } ?? self
  }

  /// The version with what was said of it at a moment.
  func saying(_ event: DefinitionEvent) -> DefinitionVersion {
    var version = self
    version.facts.notes = event.notes
    version.facts.types = event.types
    return version
  }
}

// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// What can be defined about features, and has versions.
public enum DefinitionKind: String, Hashable, Sendable, CaseIterable {
  case entity
  case view
  case onDemand = "on_demand"
  case service

  /// The word for a reader.
  public var word: String { self == .onDemand ? "on demand" : rawValue }
}

/// A definition of features with all that decides its values, and what is said of it.
public struct DefinitionFacts: Hashable, Sendable {
  /// Something that a definition is made of.
  public struct Dependency: Hashable, Sendable {
    /// `entity`, `view` or `dataset`.
    public var kind: String
    /// Its name.
    public var name: String
    /// The hash of its own definition; nil where nobody defines it.
    public var hash: String?

    /// A dependency by its name.
    public init(kind: String, name: String, hash: String?) {
      self.kind = kind
      self.name = name
      self.hash = hash
    }
  }

  /// What is defined.
  public var kind: DefinitionKind
  /// Its name, which is its own among those of its kind.
  public var name: String
  /// What decides its values, in one spelling; the hash is that of its text.
  public var definition: JSONValue
  /// The hash of the definition and, through it, of all that it depends on.
  public var hash: String
  /// What it is made of.
  public var dependencies: [Dependency]
  /// What it says for people; changing it makes no new version.
  public var notes: DefinitionNotes
  /// The type of each feature; nil where the sources were not there to tell.
  public var types: [String: DataType]?

  /// A definition with everything that is known of it.
  public init(
    kind: DefinitionKind,
    name: String,
    definition: JSONValue,
    hash: String,
    dependencies: [Dependency] = [],
    notes: DefinitionNotes = DefinitionNotes(),
    types: [String: DataType]? = nil
  ) {
    self.kind = kind
    self.name = name
    self.definition = definition
    self.hash = hash
    self.dependencies = dependencies
    self.notes = notes
    self.types = types
  }

  /// Its name with what it is, for a reader.
  public var title: String { "\(kind.word) \(name)" }
}

extension DefinitionFacts {
  init(
    _ kind: DefinitionKind,
    _ name: String,
    _ definition: JSONValue,
    _ dependencies: [Dependency],
    _ notes: DefinitionNotes
  ) {
    self.init(
      kind: kind,
      name: name,
      definition: definition,
      hash: DefinitionHash.sha256(definition.serialized()),
      dependencies: dependencies,
      notes: notes
    )
  }
}

extension DefinitionNotes {
  /// The notes in one spelling.
  public var json: JSONValue {
    [
      "description": description.map { .string($0) } ?? .null,
      "owner": owner.map { .string($0) } ?? .null,
      "tags": .array(tags.map { .string($0) }),
      "deprecated": deprecated.map { .string($0) } ?? .null,
    ]
  }

  /// Reads notes as ``json`` writes them.
  public init(json: JSONValue) {
    self.init(
      description: json["description"]?.text,
      owner: json["owner"]?.text,
      tags: (json["tags"]?.array ?? []).compactMap(\.text),
      deprecated: json["deprecated"]?.text
    )
  }
}

// SPDX-License-Identifier: Apache-2.0

/// A definition of features as it stands now, to be written down.
public struct DefinitionRecord: Hashable, Sendable {
  /// What can be defined.
  public enum Kind: String, Sendable, CaseIterable {
    case entity, view, service
    case onDemand = "on_demand"
  }

  /// What is defined.
  public var kind: Kind
  /// Its name, which is its own among those of its kind.
  public var name: String
  /// The hash of ``definition``.
  public var hash: String
  /// What decides its values, as JSON text of one spelling.
  public var definition: String
  /// What it depends on, with hashes, as JSON text.
  public var dependsOn: String
  /// Owner, tags, description and deprecation as JSON text of one spelling.
  public var notes: String
  /// The types of its features as JSON text of one spelling; nil where they are not known now.
  public var types: String?

  /// A definition with everything that is known of it.
  public init(
    kind: Kind,
    name: String,
    hash: String,
    definition: String,
    dependsOn: String,
    notes: String,
    types: String? = nil
  ) {
    self.kind = kind
    self.name = name
    self.hash = hash
    self.definition = definition
    self.dependsOn = dependsOn
    self.notes = notes
    self.types = types
  }
}

/// A version of a definition; it is never rewritten.
public struct DefinitionVersionRecord: Hashable, Sendable {
  /// What is defined.
  public var kind: DefinitionRecord.Kind
  /// Its name.
  public var name: String
  /// From 1 on, without holes, for each name.
  public var version: Int
  /// The hash of ``definition``.
  public var hash: String
  /// What decides its values, as JSON text.
  public var definition: String
  /// What it depended on, with hashes, as JSON text.
  public var dependsOn: String
  /// When it was first written down, in UTC microseconds.
  public var recordedAt: Int64
}

/// A moment at which what is said of a name changed: its version, its notes or its types.
public struct DefinitionEventRecord: Hashable, Sendable {
  /// What is defined.
  public var kind: DefinitionRecord.Kind
  /// Its name.
  public var name: String
  /// Counts the events of a name from 1 on; the greatest is the newest.
  public var sequence: Int
  /// The version from then on; nil when the definition was gone.
  public var version: Int?
  /// The notes from then on, as JSON text.
  public var notes: String
  /// The types from then on, as JSON text; nil while nobody knew them.
  public var types: String?
  /// UTC microseconds.
  public var recordedAt: Int64
}

// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// What features are about: a card, a merchant, a card at a merchant.
///
/// An entity is known by one or several keys. A key has one type wherever the entity is met, so a
/// label, a source and a request cannot mean different cards by the same text.
public struct EntityDefinition: Hashable, Sendable {
  /// One part of what an entity is known by.
  public struct Key: Hashable, Sendable {
    /// The column in labels, sources and requests, unless a view says otherwise.
    public var name: String
    /// One of string, long, integer, short, byte, boolean and date.
    public var type: DataType

    /// A key of a type.
    public init(_ name: String, _ type: DataType) {
      self.name = name
      self.type = type
    }

    /// The types that a key may have: those whose equality every system agrees on.
    public static func isKey(_ type: DataType) -> Bool {
      switch type {
      case .string, .long, .integer, .short, .byte, .boolean, .date: true
      default: false
      }
    }
  }

  /// The name that views refer to.
  public var name: String
  /// In the order in which they are stored and asked for.
  public var keys: [Key]
  /// Who answers for it, what it is, and what it is filed under.
  public var notes: DefinitionNotes
  /// Where it is defined.
  public var place: SourcePlace

  /// An entity by its keys.
  public init(
    name: String,
    keys: [Key],
    notes: DefinitionNotes = DefinitionNotes(),
    place: SourcePlace = SourcePlace(path: "")
  ) {
    self.name = name
    self.keys = keys
    self.notes = notes
    self.place = place
  }
}

/// What a definition says for people; it never changes a value.
public struct DefinitionNotes: Hashable, Sendable {
  /// What it is, in a sentence.
  public var description: String?
  /// Who answers for it.
  public var owner: String?
  /// Words that it is found by.
  public var tags: [String]
  /// Why it should not be used any more; nil while it may.
  public var deprecated: String?

  /// Notes; all may be left out.
  public init(
    description: String? = nil,
    owner: String? = nil,
    tags: [String] = [],
    deprecated: String? = nil
  ) {
    self.description = description
    self.owner = owner
    self.tags = tags
    self.deprecated = deprecated
  }
}

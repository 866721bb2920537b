// SPDX-License-Identifier: Apache-2.0

/// The name of a dataset: a layer and a word, such as `silver.flights`.
///
/// The word becomes a folder of the lake and a table in SQL, so it is made of letters, digits and
/// underscores and cannot point anywhere else.
public struct DatasetName: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// What stage of its life data is at.
  public enum Layer: String, Sendable, CaseIterable {
    /// As it came.
    case bronze
    /// Typed, judged, deduplicated.
    case silver
    /// Ready for its users.
    case gold
    /// Rows that broke a rule.
    case quarantine
    /// Records that could not be decoded.
    case deadLetters = "dead_letters"
    /// Labels with the features that were true at their time.
    case training
    /// What models were told.
    case served
  }

  /// The stage of its life that the data is at.
  public let layer: Layer
  /// The word after the dot: letters, digits and underscores, a letter first.
  public let name: String

  /// nil when the word is not made of letters, digits and underscores, or begins with a digit.
  public init?(layer: Layer, name: String) {
    guard Self.isName(name) else { return nil }
    self.layer = layer
    self.name = name
  }

  /// Parses `layer.name`.
  public init?(_ text: String) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 2, let layer = Layer(rawValue: String(parts[0])) else { return nil }
    self.init(layer: layer, name: String(parts[1]))
  }

  private init(unchecked layer: Layer, _ name: String) {
    self.layer = layer
    self.name = name
  }

  /// Whether a word can name a dataset.
  public static func isName(_ word: String) -> Bool {
    guard let first = word.unicodeScalars.first, word.utf8.count <= 120 else { return false }
    guard first == "_" || first.properties.isAlphabetic else { return false }
    guard !word.hasPrefix("_") else { return false }
    return word.unicodeScalars.allSatisfy {
      $0 == "_" || $0.properties.isAlphabetic || $0.properties.numericType != nil
    }
  }

  /// The table that holds this dataset's rejected rows.
  public var quarantine: DatasetName { DatasetName(unchecked: .quarantine, name) }

  /// The table that holds what could not be decoded on the way into this dataset.
  public var deadLetters: DatasetName { DatasetName(unchecked: .deadLetters, name) }

  /// By stage of life first, then by name.
  public static func < (left: Self, right: Self) -> Bool {
    (left.layer.order, left.name) < (right.layer.order, right.name)
  }

  /// `layer.name`, as users write it.
  public var description: String { "\(layer.rawValue).\(name)" }
}

extension DatasetName.Layer {
  /// Position in the life of data.
  public var order: Int {
    switch self {
    case .bronze: 0
    case .silver: 1
    case .gold: 2
    case .quarantine: 3
    case .deadLetters: 4
    case .training: 5
    case .served: 6
    }
  }
}

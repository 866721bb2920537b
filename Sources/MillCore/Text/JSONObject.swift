// SPDX-License-Identifier: Apache-2.0

/// The named values of a JSON object, in the order they were first written.
///
/// Keys are told apart by their UTF-8 bytes. Of a repeated key the last value stays, in the place
/// of the first. Two objects are equal if they hold the same values, in whatever order.
///
/// - Complexity: a look-up compares keys one by one up to 16 of them and hashes beyond that, so an
///   object with very many keys is still read in linear time.
public struct JSONObject: Sendable {
  /// One named value.
  public typealias Element = (key: String, value: JSONValue)

  private var entries: [Element] = []
  /// Where each key is; kept only while there are more keys than are quick to compare.
  private var places: [HashedKey: Int] = [:]
  private static let comparedMax = 16

  private struct HashedKey: Hashable, Sendable {
    let text: String

    static func == (left: Self, right: Self) -> Bool { sameBytes(left.text, right.text) }
    func hash(into hasher: inout Hasher) { hashBytes(of: text, into: &hasher) }
  }

  /// An object without keys.
  public init() {}

  /// The given values in their order; of a repeated key the last value stays.
  public init(_ elements: some Sequence<(String, JSONValue)>) {
    for (key, value) in elements {
      set(key, value)
    }
  }

  /// How many keys there are.
  public var count: Int { entries.count }

  /// Whether there is no key.
  public var isEmpty: Bool { entries.isEmpty }

  /// The keys in their order.
  public var keys: [String] { entries.map(\.key) }

  /// The values in the order of their keys.
  public var values: [JSONValue] { entries.map(\.value) }

  /// The value of a key; setting nil removes the key.
  public subscript(key: String) -> JSONValue? {
    get { place(of: key).map { entries[$0].value } }
    set {
      if let newValue {
        set(key, newValue)
      } else {
        removeValue(forKey: key)
      }
    }
  }

  /// Removes a key and gives back its value, if there was one.
  ///
  /// - Complexity: linear in the number of keys.
  @discardableResult
  public mutating func removeValue(forKey key: String) -> JSONValue? {
    guard let place = place(of: key) else { return nil }
    let value = entries.remove(at: place).value
    places = [:]
    if entries.count > Self.comparedMax {
      index()
    }
    return value
  }

  mutating func set(_ key: String, _ value: JSONValue) {
    if let place = place(of: key) {
      entries[place].value = value
      return
    }
    entries.append((key, value))
    if entries.count == Self.comparedMax + 1 {
      index()
    } else if entries.count > Self.comparedMax {
      places[HashedKey(text: key)] = entries.count - 1
    }
  }

  private mutating func index() {
    for (place, entry) in entries.enumerated() {
      places[HashedKey(text: entry.key)] = place
    }
  }

  private func place(of key: String) -> Int? {
    if entries.count > Self.comparedMax {
      return places[HashedKey(text: key)]
    }
    return entries.firstIndex { sameBytes($0.key, key) }
  }
}

extension JSONObject: Hashable {
  /// Whether both hold the same values, in whatever order.
  public static func == (left: Self, right: Self) -> Bool {
    left.count == right.count && left.entries.allSatisfy { right[$0.key] == .some($0.value) }
  }

  /// Hashes the entries so that their order does not matter.
  public func hash(into hasher: inout Hasher) {
    var sum = 0
    for entry in entries {
      var each = Hasher()
      hashBytes(of: entry.key, into: &each)
      each.combine(entry.value)
      sum &+= each.finalize()
    }
    hasher.combine(count)
    hasher.combine(sum)
  }
}

extension JSONObject: Sequence {
  /// Visits the entries in their order.
  public func makeIterator() -> IndexingIterator<[Element]> {
    entries.makeIterator()
  }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
  /// The given values in their order; of a repeated key the last value stays.
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    self.init(elements)
  }
}

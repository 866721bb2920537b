// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import Yams

/// A mapping of known keys, each of them there once.
struct YAMLMapping {
  /// The mapping as a whole.
  let value: YAMLValue
  let known: KnownKeys
  fileprivate(set) var entries: [(key: String, place: SourcePlace, value: YAMLValue)]

  /// The value of a key that may be left out.
  subscript(key: String) -> YAMLValue? {
    assert(known.names.contains(key), "\(known.path) lists no \(key)")
    return entries.first { $0.key == key }?.value
  }

  /// The value of a key that may not be left out.
  func required(_ key: String) -> YAMLValue? {
    if let value = self[key] { return value }
    value.report(
      "the key `\(key)` is missing",
      hint: known.meaning(of: key).map { "`\(key)` is \($0)" }
    )
    return nil
  }

  /// Where a key stands.
  func place(of key: String) -> SourcePlace {
    entries.first { $0.key == key }?.place ?? value.place
  }
}

extension YAMLValue {
  /// The mapping with known keys; the others are reported and left out.
  ///
  /// - Parameter stray: A better hint for a key that belongs elsewhere.
  func mapping(_ known: KnownKeys, stray: (String) -> String? = { _ in nil }) -> YAMLMapping? {
    guard let entries = entries("the keys \(known.names.joined(separator: ", "))") else {
      return nil
    }
    var mapping = YAMLMapping(value: self, known: known, entries: [])
    for entry in entries {
      if known.names.contains(entry.key) {
        mapping.entries.append(entry)
      } else {
        file.report(
          "unknown key `\(entry.key)`",
          at: entry.place,
          hint: stray(entry.key)
            ?? suggestion(for: entry.key, among: known.names, label: "the keys here are")
        )
      }
    }
    return mapping
  }

  /// The value of a key, of whatever else is in the mapping nothing is said.
  func peek(_ key: String) -> YAMLValue? {
    guard case .mapping(let mapping) = node else { return nil }
    return mapping.first { $0.key.scalar?.string == key }.map { pair in
      YAMLValue(node: pair.value, file: file)
    }
  }

  /// All pairs of a mapping, in the order of the file.
  func entries(
    _ what: String
  ) -> [(key: String, place: SourcePlace, value: YAMLValue)]? {
    guard case .mapping(let mapping) = node else {
      mismatch("a mapping with \(what)")
      return nil
    }
    var entries: [(key: String, place: SourcePlace, value: YAMLValue)] = []
    for (key, value) in mapping {
      let place = file.place(key.mark)
      guard case .scalar(let scalar) = key else {
        file.report("expected a key, found \(YAMLValue(node: key, file: file).found)", at: place)
        continue
      }
      // The parser takes `1` and `"1"` for two keys.
      if let first = entries.first(where: { $0.key == scalar.string }) {
        file.reportRepeatedKey(scalar.string, at: place, first: first.place.line)
        continue
      }
      entries.append((scalar.string, place, YAMLValue(node: value, file: file)))
    }
    return entries
  }
}

extension ProjectFile {
  func reportRepeatedKey(_ key: String, at place: SourcePlace, first line: Int?) {
    report(
      "the key `\(key)` is there twice",
      at: place,
      hint: line.map { "the first is on line \($0): remove one of them" }
    )
  }
}

// SPDX-License-Identifier: Apache-2.0

/// Commands that are sent at once, in the order of their replies.
///
/// > Source: Redis serialization protocol (RESP 2), "Sending commands to a Redis server".
package struct RedisCommands: Sendable {
  package private(set) var bytes: [UInt8] = []
  package private(set) var count = 0

  package init() {}

  /// One command of these words.
  package init(_ words: [UInt8]...) {
    append(words)
  }

  /// Adds a command.
  package mutating func append(_ words: [[UInt8]]) {
    begin(words: words.count)
    for word in words { append(word: word) }
  }

  /// Begins a command of which so many words follow.
  mutating func begin(words: Int) {
    count += 1
    append(mark: UInt8(ascii: "*"), words)
  }

  /// Adds a word of the command that was begun.
  mutating func append(word: some Collection<UInt8>) {
    append(mark: UInt8(ascii: "$"), word.count)
    bytes += word
    bytes += [0x0D, 0x0A]
  }

  private mutating func append(mark: UInt8, _ number: Int) {
    bytes.append(mark)
    bytes += String(number).utf8
    bytes += [0x0D, 0x0A]
  }
}

extension [UInt8] {
  /// The bytes of a word.
  package static func word(_ text: String) -> [UInt8] { Array(text.utf8) }
}

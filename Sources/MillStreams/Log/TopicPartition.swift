// SPDX-License-Identifier: Apache-2.0

internal import CChecksum
internal import MillCore

/// The name of a topic: a stream of events of one kind.
///
/// It is a folder's name as well, so it has 1 to 200 of the characters `a` to `z`, `A` to `Z`, `0`
/// to `9`, `.`, `_` and `-`, and begins with none of `.`, `_` and `-`.
public struct TopicName: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// The name.
  public let description: String

  /// A name, or nil if a topic cannot have it.
  public init?(_ name: String) {
    let bytes = name.utf8
    guard (1...200).contains(bytes.count), let first = bytes.first, Self.isAlphanumeric(first),
      bytes.allSatisfy({ Self.isAlphanumeric($0) || $0 == 0x2E || $0 == 0x5F || $0 == 0x2D })
    else { return nil }
    description = name
  }

  /// Names in the order of their bytes.
  public static func < (left: Self, right: Self) -> Bool {
    left.description.utf8.lexicographicallyPrecedes(right.description.utf8)
  }

  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
    default: false
    }
  }
}

/// One partition of a topic: events in one order, counted by offsets.
public struct TopicPartition: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// The topic.
  public let topic: TopicName
  /// The partition's number, from 0.
  public let partition: Int32

  /// A partition of a topic; whether it exists is the log's matter.
  public init(_ topic: TopicName, _ partition: Int32) {
    self.topic = topic
    self.partition = partition
  }

  /// Topic and number, such as `payments/3`.
  public var description: String { "\(topic)/\(partition)" }

  /// By topic, then by number.
  public static func < (left: Self, right: Self) -> Bool {
    left.topic == right.topic ? left.partition < right.partition : left.topic < right.topic
  }

  /// The partition that events of a key belong to, of `count` partitions.
  ///
  /// The same key always gives the same partition, on any machine: the CRC-32C of its bytes, spread
  /// by a multiplication (Fibonacci hashing), times `count`, its upper half.
  public static func number(forKey key: UnsafeRawBufferPointer, of count: Int32) -> Int32 {
    precondition(count > 0, "a topic has at least one partition")
    let sum = mill_crc32c(0, key.baseAddress, key.count) &* 0x9E37_79B1
    return Int32((UInt64(sum) &* UInt64(count)) >> 32)
  }
}

/// The place of an event in its partition, counted from 0.
///
/// Offsets are given once and never again. Between two events of a partition there may be offsets
/// without an event, where compaction took one away.
public struct Offset: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// The number.
  public let value: Int64

  /// The place of this number.
  public init(_ value: Int64) {
    self.value = value
  }

  /// The first place of a partition.
  public static let zero = Offset(0)

  /// The number.
  public var description: String { "\(value)" }

  /// Earlier places come first.
  public static func < (left: Self, right: Self) -> Bool { left.value < right.value }

  /// The place so many further on.
  public static func + (left: Self, right: Int) -> Offset { Offset(left.value + Int64(right)) }

  /// The number of places between two.
  public static func - (left: Self, right: Self) -> Int { Int(left.value - right.value) }
}

/// Who appends, for appends that may be repeated: 128 bits that nobody else has.
///
/// A repeated append with the same producer and sequence answers with the offsets of the first one.
/// All zero stands for nobody.
public struct ProducerID: Hashable, Sendable, CustomStringConvertible {
  /// The upper and the lower half.
  public let high: UInt64, low: UInt64

  /// An identity of these bits.
  public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  static let none = ProducerID(high: 0, low: 0)

  /// 32 hexadecimal digits.
  public var description: String { Self.digits(high) + Self.digits(low) }

  private static func digits(_ half: UInt64) -> String {
    let digits = String(half, radix: 16)
    return String(repeating: "0", count: 16 - digits.utf8.count) + digits
  }
}

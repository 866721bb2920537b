// SPDX-License-Identifier: Apache-2.0

/// Finds single values in the JSON text of file statistics without reading the rest of it.
///
/// Text that is not well formed ends the search: nothing is known then, which is always allowed.
struct StatisticsScan {
  let bytes: UnsafeRawBufferPointer

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// The place of the value under a path of keys, or nil.
  ///
  /// - Parameter keys: Each as its bytes stand between the quotes.
  func value(at keys: [[UInt8]]) -> Range<Int>? {
    var start = skipSpace(0)
    for key in keys {
      guard let found = member(key, ofObjectAt: start) else { return nil }
      start = found
    }
    guard let end = skipValue(start) else { return nil }
    return start..<end
  }

  /// Where the value of a key begins in the object that begins here.
  func member(_ key: [UInt8], ofObjectAt start: Int) -> Int? {
    guard start < bytes.count, bytes[start] == UInt8(ascii: "{") else { return nil }
    var at = skipSpace(start &+ 1)
    while at < bytes.count, bytes[at] == UInt8(ascii: "\"") {
      guard let end = skipText(at) else { return nil }
      let nameLength = end &- at &- 2
      var isWanted = nameLength == key.count
      if isWanted {
        for index in 0..<nameLength where bytes[at &+ 1 &+ index] != key[index] {
          isWanted = false
          break
        }
      }
      at = skipSpace(end)
      guard at < bytes.count, bytes[at] == UInt8(ascii: ":") else { return nil }
      at = skipSpace(at &+ 1)
      if isWanted { return at }
      guard let after = skipValue(at) else { return nil }
      at = skipSpace(after)
      guard at < bytes.count, bytes[at] == UInt8(ascii: ",") else { return nil }
      at = skipSpace(at &+ 1)
    }
    return nil
  }

  private func skipSpace(_ start: Int) -> Int {
    var at = start
    while at < bytes.count, bytes[at] <= UInt8(ascii: " ") { at &+= 1 }
    return at
  }

  /// The place behind a text that begins with its quote.
  private func skipText(_ start: Int) -> Int? {
    var at = start &+ 1
    while at < bytes.count {
      switch bytes[at] {
      case UInt8(ascii: "\""): return at &+ 1
      case UInt8(ascii: "\\"): at &+= 2
      default: at &+= 1
      }
    }
    return nil
  }

  private func skipValue(_ start: Int) -> Int? {
    guard start < bytes.count else { return nil }
    switch bytes[start] {
    case UInt8(ascii: "\""): return skipText(start)
    case UInt8(ascii: "{"), UInt8(ascii: "["):
      var depth = 0
      var at = start
      while at < bytes.count {
        switch bytes[at] {
        case UInt8(ascii: "\""):
          guard let end = skipText(at) else { return nil }
          at = end
          continue
        case UInt8(ascii: "{"), UInt8(ascii: "["): depth &+= 1
        case UInt8(ascii: "}"), UInt8(ascii: "]"):
          depth &-= 1
          if depth == 0 { return at &+ 1 }
        default: break
        }
        at &+= 1
      }
      return nil
    default:
      var at = start
      while at < bytes.count {
        switch bytes[at] {
        case UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]"), UInt8(ascii: " "),
          UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"):
          return at
        default: at &+= 1
        }
      }
      // A number that the text breaks off in may lack digits.
      return nil
    }
  }
}

/// A whole number in decimal digits, or nil for anything else.
func integer(in bytes: UnsafeRawBufferPointer) -> Int64? {
  var at = 0
  let isNegative = bytes.first == UInt8(ascii: "-")
  if isNegative { at = 1 }
  guard at < bytes.count, bytes.count <= 20 else { return nil }
  var value: Int64 = 0
  while at < bytes.count {
    let digit = bytes[at] &- 0x30
    guard digit <= 9 else { return nil }
    let (tens, tooFar) = value.multipliedReportingOverflow(by: 10)
    let (sum, over) = tens.subtractingReportingOverflow(Int64(digit))
    guard !tooFar, !over else { return nil }
    value = sum
    at &+= 1
  }
  if isNegative { return value }
  return value == .min ? nil : -value
}

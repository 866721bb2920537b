// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A text file under construction: bytes gather in a buffer that is written about a megabyte at a
/// time.
struct SampleLines {
  private static let chunkBytes = 1 << 20

  private let path: String
  private let handle: FileHandle
  private var buffer: [UInt8] = []
  private var lineStart = 0
  /// How many lines are complete.
  private(set) var lineCount = 0
  /// How many bytes the complete lines have.
  private(set) var byteCount = 0

  init(path: String) throws(SampleError) {
    self.path = path
    guard FileManager.default.createFile(atPath: path, contents: nil),
      let opened = FileHandle(forWritingAtPath: path)
    else { throw .cannotWrite(path: path, cause: "it cannot be created") }
    handle = opened
    buffer.reserveCapacity(Self.chunkBytes + 4_096)
  }

  /// The line so far, without its end.
  var line: [UInt8] { Array(buffer[lineStart...]) }

  /// Adds one ASCII character.
  mutating func mark(_ character: Unicode.Scalar) { buffer.append(UInt8(ascii: character)) }

  mutating func add(_ bytes: [UInt8]) { buffer.append(contentsOf: bytes) }

  mutating func add(_ text: String) { buffer.append(contentsOf: text.utf8) }

  /// Adds a number that is not negative, with leading zeros up to `width` digits.
  mutating func add(_ number: Int, width: Int = 1) {
    var digits = 1
    var limit = 10
    while number >= limit {
      digits += 1
      limit *= 10
    }
    digits = max(digits, width)
    let start = buffer.count
    for _ in 0..<digits { buffer.append(48) }
    var rest = number
    var place = start + digits - 1
    while rest > 0 {
      buffer[place] = 48 &+ UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
      place -= 1
    }
  }

  /// Adds hundredths as a decimal with two places.
  mutating func addHundredths(_ number: Int) {
    if number < 0 { mark("-") }
    add(number.magnitude.asInt / 100)
    mark(".")
    add(number.magnitude.asInt % 100, width: 2)
  }

  /// Adds a day, counted from 1970-01-01, as `2025-01-31`.
  mutating func addDate(_ day: Int) {
    let date = sampleDate(day)
    add(date.year, width: 4)
    mark("-")
    add(date.month, width: 2)
    mark("-")
    add(date.day, width: 2)
  }

  /// Adds the time of a day as `T12:30:59Z`.
  mutating func addTime(secondOfDay second: Int) {
    mark("T")
    add(second / 3_600, width: 2)
    mark(":")
    add(second / 60 % 60, width: 2)
    mark(":")
    add(second % 60, width: 2)
    mark("Z")
  }

  /// Keeps the first `count` fields of the line, which has no quoted field.
  mutating func keepFields(_ count: Int) {
    var commas = 0
    for index in lineStart..<buffer.count where buffer[index] == 44 {
      commas += 1
      if commas == count {
        buffer.removeLast(buffer.count - index)
        return
      }
    }
  }

  /// Keeps the first two thirds of the line's bytes.
  mutating func keepTwoThirds() {
    buffer.removeLast((buffer.count - lineStart) / 3)
  }

  /// Completes the line.
  mutating func endLine() throws(SampleError) {
    buffer.append(10)
    lineCount += 1
    byteCount += buffer.count - lineStart
    if buffer.count >= Self.chunkBytes { try flush() }
    lineStart = buffer.count
  }

  /// Writes what is left and closes the file.
  mutating func finish() throws(SampleError) {
    try flush()
    do { try handle.close() } catch { throw .cannotWrite(path: path, cause: "\(error)") }
  }

  private mutating func flush() throws(SampleError) {
    do { try handle.write(contentsOf: buffer) } catch {
      throw .cannotWrite(path: path, cause: "\(error)")
    }
    buffer.removeAll(keepingCapacity: true)
  }
}

extension UInt {
  fileprivate var asInt: Int { Int(truncatingIfNeeded: self) }
}

/// Writes a small text file, making its folder first.
func writeSampleText(_ text: String, to path: String) throws(SampleError) {
  try makeSampleFolder((path as NSString).deletingLastPathComponent)
  do { try Data(text.utf8).write(to: URL(fileURLWithPath: path)) } catch {
    throw .cannotWrite(path: path, cause: "\(error)")
  }
}

/// Makes a folder and those above it.
func makeSampleFolder(_ folder: String) throws(SampleError) {
  do {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  } catch {
    throw .cannotWrite(path: folder, cause: "\(error)")
  }
}

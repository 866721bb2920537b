// SPDX-License-Identifier: Apache-2.0

/// The field separator of a CSV file, told by its first record.
///
/// Of comma, semicolon, tab and bar, those that occur in the first record outside of quotes are
/// held against the records after it; the one that gives most of them as many fields as the first
/// has wins, then the one that occurs more often. A ragged file has no say in how it is read: an
/// engine's own detection takes such a file for one of a single column.
///
/// Only the beginning of the file is read and nothing is checked in it: that is the scan's work.
///
/// - Returns: a comma where the first record holds none of them.
/// - Throws: `SourceError` for a file that cannot be opened or unpacked.
public func findDelimiter(of path: String, shownAs: String) throws(SourceError) -> Character {
  var file = try RawFile.open(path, shownPath: shownAs)
  let input = ByteBuffer(count: FileStream.defaultChunkBytes)
  let count = try file.read(into: input.bytes)
  guard count > 0 else { return "," }
  let bytes = UnsafeRawBufferPointer(rebasing: input.bytes[..<count])
  var counts = DelimiterCounts()
  func look(_ text: UnsafeRawBufferPointer) { counts.read(text) }
  switch Compression(firstBytes: bytes) {
  case .none: look(bytes)
  case .gzip:
    var decoder = try GzipDecoder(path: shownAs, bufferSize: FileStream.defaultChunkBytes)
    try decoder.decode(bytes) { (text) throws(SourceError) in look(text) }
  case .zstd:
    var decoder = try ZstdDecoder(path: shownAs, bufferSize: FileStream.defaultChunkBytes)
    try decoder.decode(bytes) { (text) throws(SourceError) in look(text) }
  }
  return counts.best
}

/// How often each separator stands in the first records.
struct DelimiterCounts {
  static let candidates: [UInt8] = [",", ";", "\t", "|"].map { UInt8(ascii: $0) }
  static let recordsMax = 100

  private var records: [[Int]] = []
  private var current = [0, 0, 0, 0]
  private var length = 0
  private var isQuoted = false

  mutating func read(_ text: UnsafeRawBufferPointer) {
    for byte in text {
      guard records.count < Self.recordsMax else { return }
      switch byte {
      // A doubled quote closes and opens again, which changes nothing here.
      case UInt8(ascii: "\""): isQuoted.toggle()
      case UInt8(ascii: "\n") where !isQuoted:
        if length > 0 { records.append(current) }
        current = [0, 0, 0, 0]
        length = 0
        continue
      case UInt8(ascii: "\r"): continue
      default:
        if !isQuoted, let index = Self.candidates.firstIndex(of: byte) { current[index] += 1 }
      }
      length += 1
    }
  }

  var best: Character {
    let all = length > 0 && records.count < Self.recordsMax ? records + [current] : records
    guard let first = all.first else { return "," }
    let present = Self.candidates.indices.filter { first[$0] > 0 }
    let ranked = present.map { index in
      (index: index, agreeing: all.count { $0[index] == first[index] }, count: first[index])
    }
    let best = ranked.max {
      ($0.agreeing, $0.count, -$0.index) < ($1.agreeing, $1.count, -$1.index)
    }
    return best.map { Character(Unicode.Scalar(Self.candidates[$0.index])) } ?? ","
  }
}

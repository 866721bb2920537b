// SPDX-License-Identifier: Apache-2.0

/// Everything between the text of a file and its records: byte order mark, UTF-8, framing.
struct TextReader<Framer: RecordFramer & ~Copyable>: ~Copyable {
  private(set) var framer: Framer
  private(set) var hasByteOrderMark = false
  private(set) var bytes: Int64 = 0
  private(set) var headerFields: [String]?
  private(set) var headerLine: Int64?
  private let path: String
  private var lastByte: UInt8 = 0x0A
  private var check = UTF8Check()
  /// The first bytes of the text, until there are enough to know a byte order mark.
  private var opening: [UInt8] = []
  private var isOpen = false

  init(path: String, framer: consuming Framer) {
    self.path = path
    self.framer = framer
  }

  /// Whether bytes other than a byte order mark follow the last newline.
  var endsWithoutNewline: Bool {
    lastByte != 0x0A && bytes > (hasByteOrderMark ? 3 : 0)
  }

  mutating func read(
    _ chunk: UnsafeRawBufferPointer,
    _ sink: inout some RecordSink
  ) throws(SourceError) {
    if let offset = check.feed(chunk) { throw notUTF8(at: offset, in: chunk) }
    bytes += Int64(chunk.count)
    lastByte = chunk.last ?? lastByte
    if isOpen {
      try frame(chunk, &sink)
    } else {
      let wanted = min(3 - opening.count, chunk.count)
      opening.append(contentsOf: chunk[..<wanted])
      if opening.count == 3 {
        try open(&sink)
        try frame(UnsafeRawBufferPointer(rebasing: chunk[wanted...]), &sink)
      }
    }
    try sink.framed(chunk)
  }

  mutating func finish(_ sink: inout some RecordSink) throws(SourceError) {
    if let offset = check.finish() {
      throw notUTF8(at: offset, in: UnsafeRawBufferPointer(start: nil, count: 0))
    }
    if !isOpen { try open(&sink) }
    framer.finish(&sink)
    try checkHeader()
  }

  private mutating func open(_ sink: inout some RecordSink) throws(SourceError) {
    isOpen = true
    if opening == [0xEF, 0xBB, 0xBF] {
      hasByteOrderMark = true
      framer.skip(3)
    } else {
      let first = opening
      first.withUnsafeBytes { framer.feed($0, to: &sink) }
      try checkHeader()
    }
  }

  @inline(__always)
  private mutating func frame(
    _ chunk: UnsafeRawBufferPointer,
    _ sink: inout some RecordSink
  ) throws(SourceError) {
    framer.feed(chunk, to: &sink)
    if headerFields == nil { try checkHeader() }
  }

  private mutating func checkHeader() throws(SourceError) {
    guard headerFields == nil, let header = framer.header else { return }
    headerFields = try header.names(path: path)
    headerLine = Int64(header.line)
  }

  private func notUTF8(at offset: Int, in chunk: UnsafeRawBufferPointer) -> SourceError {
    // The framer knows the lines before this chunk, save those of an opening that it has not seen.
    let before = offset - Int(bytes)
    var newlines = framer.counts.newlines
    if !isOpen { newlines += opening.count { $0 == 0x0A } }
    newlines += chunk.prefix(max(0, before)).count { $0 == 0x0A }
    return .notUTF8(path: path, byteOffset: Int64(offset), line: Int64(newlines + 1))
  }
}

// SPDX-License-Identifier: Apache-2.0

/// Cuts CSV text into records and counts their fields, without storing a row.
///
/// Line ends are `\n` and `\r\n` outside of quotes; a lone `\r` is data, except as the last byte of
/// the file. Only delimiters, quotes and newlines are looked at, eight bytes at a time; whether a
/// quote opens a field is seen from the byte before it.
///
/// > Source: RFC 4180 §2.
struct CSVFramer: RecordFramer, ~Copyable {
  private enum Mode {
    case bare
    case quoted
    /// The last byte was a quote inside quotes: it closes them, or is the first half of `""`.
    case afterQuote
    /// The last two bytes were a closing quote and `\r`.
    case afterQuoteReturn
  }

  private let delimiter: UInt8
  private let quote: UInt8
  private let maximumRecordBytes: Int
  private let keptBytesPerRecord: Int
  private var expectedFields: Int
  private var awaitsHeader: Bool

  private(set) var counts = FrameCounts()
  private(set) var header: FramedHeader?

  private var mode = Mode.bare
  private var fields = 1
  private var hasTextAfterQuote = false
  /// Offsets in the text: of the record, and of the chunk at hand.
  private var recordStart = 0
  private var chunkStart = 0
  /// Newlines before the record.
  private var recordLine = 0
  private var previousByte: UInt8 = 0
  private var head = RecordHead()
  private var picks: RecordPicks

  /// A header is kept whole up to this many bytes; a longer one is refused as too long.
  static let maximumHeaderBytes = 4 << 20
  private static let newline = UInt8(ascii: "\n")
  private static let carriageReturn = UInt8(ascii: "\r")

  init(delimiter: UInt8, quote: UInt8, hasHeader: Bool, options: ScanOptions) {
    self.delimiter = delimiter
    self.quote = quote
    maximumRecordBytes = options.maximumRecordBytes
    keptBytesPerRecord = options.keptBytesPerRecord
    expectedFields = options.expectedFields ?? 0
    awaitsHeader = hasHeader
    picks = RecordPicks(options.pickedRecords)
  }

  mutating func skip(_ count: Int) {
    chunkStart += count
    recordStart += count
  }

  mutating func feed(_ chunk: UnsafeRawBufferPointer, to sink: inout some RecordSink) {
    guard let base = chunk.baseAddress, !chunk.isEmpty else { return }
    var index = 0
    while index < chunk.count {
      switch mode {
      case .bare: index = readBare(base, chunk.count, from: index, &sink)
      case .quoted: index = readQuoted(base, chunk.count, from: index, &sink)
      case .afterQuote: index = readAfterQuote(base, chunk.count, from: index, &sink)
      case .afterQuoteReturn: index = readAfterQuoteReturn(base, chunk, from: index, &sink)
      }
    }
    let rest = max(0, recordStart - chunkStart)
    head.append(UnsafeRawBufferPointer(rebasing: chunk[rest...]), limit: headLimit)
    previousByte = chunk[chunk.count - 1]
    chunkStart += chunk.count
  }

  mutating func finish(_ sink: inout some RecordSink) {
    guard recordStart < chunkStart else { return }
    let reason: IrregularReason? = mode == .quoted ? .unclosedQuote : nil
    mode = .bare
    closeRecord(
      contentEnd: previousByte == Self.carriageReturn ? chunkStart - 1 : chunkStart,
      end: chunkStart,
      lines: counts.newlines - recordLine + (previousByte == Self.newline ? 0 : 1),
      tail: UnsafeRawBufferPointer(start: nil, count: 0),
      reason: reason,
      &sink
    )
  }

  private var headLimit: Int { awaitsHeader ? Self.maximumHeaderBytes : keptBytesPerRecord }
}

// MARK: - Reading

extension CSVFramer {
  /// Reads until a quote opens a field or the chunk ends; the next index.
  private mutating func readBare(
    _ base: UnsafeRawPointer,
    _ count: Int,
    from start: Int,
    _ sink: inout some RecordSink
  ) -> Int {
    let delimiters = ByteWord.pattern(delimiter)
    let quotes = ByteWord.pattern(quote)
    let newlines = ByteWord.pattern(Self.newline)
    var index = start
    var fields = self.fields
    while index < count {
      var delimiterBits: UInt64
      var eventBits: UInt64
      let newlineBits: UInt64
      if index &+ 8 <= count {
        let word = ByteWord.load(base, at: index)
        delimiterBits = ByteWord.matches(word, delimiters)
        newlineBits = ByteWord.matches(word, newlines)
        eventBits = newlineBits | ByteWord.matches(word, quotes)
      } else {
        let (word, mask) = ByteWord.loadTail(base, at: index, count: count - index)
        delimiterBits = ByteWord.matches(word, delimiters) & mask
        newlineBits = ByteWord.matches(word, newlines) & mask
        eventBits = newlineBits | (ByteWord.matches(word, quotes) & mask)
      }
      while eventBits != 0 {
        let event = ByteWord.lowest(eventBits)
        let below = event &- 1
        fields &+= ByteWord.count(delimiterBits & below)
        delimiterBits &= ~below
        eventBits ^= event
        let position = index &+ (event.trailingZeroBitCount &>> 3)
        if newlineBits & event != 0 {
          endLine(base, at: position, fields: fields, &sink)
          fields = 1
        } else if opensField(base, at: position) {
          self.fields = fields
          mode = .quoted
          return position + 1
        }
      }
      fields &+= ByteWord.count(delimiterBits)
      index &+= 8
    }
    self.fields = fields
    return count
  }

  /// Reads until the quotes close or the chunk ends; the next index.
  private mutating func readQuoted(
    _ base: UnsafeRawPointer,
    _ count: Int,
    from start: Int,
    _ sink: inout some RecordSink
  ) -> Int {
    let quotes = ByteWord.pattern(quote)
    let newlines = ByteWord.pattern(Self.newline)
    var index = start
    while index < count {
      let quoteBits: UInt64
      let newlineBits: UInt64
      if index &+ 8 <= count {
        let word = ByteWord.load(base, at: index)
        quoteBits = ByteWord.matches(word, quotes)
        newlineBits = ByteWord.matches(word, newlines)
      } else {
        let (word, mask) = ByteWord.loadTail(base, at: index, count: count - index)
        quoteBits = ByteWord.matches(word, quotes) & mask
        newlineBits = ByteWord.matches(word, newlines) & mask
      }
      guard quoteBits != 0 else {
        counts.newlines &+= ByteWord.count(newlineBits)
        index &+= 8
        continue
      }
      let event = ByteWord.lowest(quoteBits)
      counts.newlines &+= ByteWord.count(newlineBits & (event &- 1))
      index &+= (event.trailingZeroBitCount &>> 3) &+ 1
      // A quoted field after a quoted field, the usual case, without a turn through bare text.
      if index &+ 1 < count, base.load(fromByteOffset: index, as: UInt8.self) == delimiter,
        base.load(fromByteOffset: index &+ 1, as: UInt8.self) == quote
      {
        fields &+= 1
        index &+= 2
        continue
      }
      mode = .afterQuote
      guard index < count else { return count }
      index = readAfterQuote(base, count, from: index, &sink)
      guard mode == .quoted else { return index }
    }
    return count
  }

  @inline(__always)
  private mutating func readAfterQuote(
    _ base: UnsafeRawPointer,
    _ count: Int,
    from index: Int,
    _ sink: inout some RecordSink
  ) -> Int {
    let byte = base.load(fromByteOffset: index, as: UInt8.self)
    if byte == quote {
      mode = .quoted
      return index + 1
    }
    mode = .bare
    if byte == delimiter {
      fields &+= 1
      return index + 1
    }
    if byte == Self.newline {
      endLine(base, at: index, fields: fields, &sink)
      fields = 1
      return index + 1
    }
    if byte == Self.carriageReturn {
      mode = .afterQuoteReturn
      return index + 1
    }
    hasTextAfterQuote = true
    return index
  }

  private mutating func readAfterQuoteReturn(
    _ base: UnsafeRawPointer,
    _ chunk: UnsafeRawBufferPointer,
    from index: Int,
    _ sink: inout some RecordSink
  ) -> Int {
    mode = .bare
    guard chunk[index] == Self.newline else {
      hasTextAfterQuote = true
      return index
    }
    endLine(base, at: index, fields: fields, &sink)
    fields = 1
    return index + 1
  }

  @inline(__always)
  private func opensField(_ base: UnsafeRawPointer, at position: Int) -> Bool {
    chunkStart &+ position == recordStart || byte(base, before: position) == delimiter
  }

  @inline(__always)
  private func byte(_ base: UnsafeRawPointer, before position: Int) -> UInt8 {
    position > 0 ? base.load(fromByteOffset: position &- 1, as: UInt8.self) : previousByte
  }
}

// MARK: - Ending a record

extension CSVFramer {
  /// The newline at `position` ends a line that is a record, blank, or the header.
  @inline(__always)
  private mutating func endLine(
    _ base: UnsafeRawPointer,
    at position: Int,
    fields: Int,
    _ sink: inout some RecordSink
  ) {
    let newline = chunkStart &+ position
    counts.newlines &+= 1
    var length = newline &- recordStart
    if length > 0, byte(base, before: position) == Self.carriageReturn { length &-= 1 }
    // Everything unusual, the first record and the header included, takes the long way.
    if fields == expectedFields, length > 0, length <= maximumRecordBytes, !hasTextAfterQuote,
      !awaitsHeader, picks.isEmpty
    {
      counts.records &+= 1
      counts.longest = max(counts.longest, length)
      startRecord(at: newline &+ 1)
      return
    }
    self.fields = fields
    let first = max(0, recordStart - chunkStart)
    closeRecord(
      contentEnd: recordStart + length,
      end: newline + 1,
      lines: counts.newlines - recordLine,
      tail: UnsafeRawBufferPointer(start: base + first, count: position - first),
      reason: nil,
      &sink
    )
  }

  @inline(__always)
  private mutating func startRecord(at offset: Int) {
    if recordStart < chunkStart { head.clear() }
    recordStart = offset
    recordLine = counts.newlines
  }

  @inline(never)
  private mutating func closeRecord(
    contentEnd: Int,
    end: Int,
    lines: Int,
    tail: UnsafeRawBufferPointer,
    reason known: IrregularReason?,
    _ sink: inout some RecordSink
  ) {
    let length = contentEnd - recordStart
    if length == 0 {
      counts.blankLines += 1
    } else if awaitsHeader {
      let limit = min(Self.maximumHeaderBytes, maximumRecordBytes)
      let tooLong = length > limit ? IrregularReason.tooLong(limit: limit) : nil
      let text = hasTextAfterQuote ? IrregularReason.textAfterClosingQuote : nil
      header = FramedHeader(
        bytes: head.joined(with: tail, limit: length),
        line: recordLine + 1,
        delimiter: delimiter,
        quote: quote,
        problem: known ?? tooLong ?? text
      )
      awaitsHeader = false
      if expectedFields == 0 { expectedFields = fields }
    } else {
      counts.records += 1
      counts.longest = max(counts.longest, length)
      let irregularity = known ?? irregularity(length: length)
      if irregularity != nil { counts.irregular += 1 }
      if let reason = irregularity ?? picks.passedRegular() {
        let extent = RecordExtent(
          line: recordLine + 1,
          lineCount: lines,
          start: recordStart,
          length: length,
          end: end
        )
        sink.irregular(extent, reason, head: head, tail: tail)
      }
    }
    hasTextAfterQuote = false
    fields = 1
    startRecord(at: end)
  }

  private mutating func irregularity(length: Int) -> IrregularReason? {
    if length > maximumRecordBytes { return .tooLong(limit: maximumRecordBytes) }
    if hasTextAfterQuote { return .textAfterClosingQuote }
    if expectedFields == 0 { expectedFields = fields }
    if fields < expectedFields { return .tooFewFields(expected: expectedFields, found: fields) }
    if fields > expectedFields { return .tooManyFields(expected: expectedFields, found: fields) }
    return nil
  }
}

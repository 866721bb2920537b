// SPDX-License-Identifier: Apache-2.0

import CZlib

/// Unpacks gzip members, one after the other; zeros may pad the end, anything else is damage.
///
/// > Source: RFC 1952 §2.2.
struct GzipDecoder: ByteDecoder, ~Copyable {
  private enum State {
    case inMember
    case betweenMembers
    case padding
  }

  /// On the heap because zlib keeps the address of its stream.
  private let stream: UnsafeMutablePointer<z_stream>
  private let output: ByteBuffer
  private let path: String
  private var state = State.inMember
  private var consumed: Int64 = 0

  init(path: String, bufferSize: Int) throws(SourceError) {
    self.path = path
    output = ByteBuffer(count: bufferSize)
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    // 15 bits of window, + 16 for gzip and nothing but gzip.
    let result = inflateInit2_(
      stream,
      15 + 16,
      ZLIB_VERSION,
      Int32(MemoryLayout<z_stream>.size)
    )
    guard result == Z_OK else {
      throw .corruptCompressed(
        path: path,
        compression: .gzip,
        atByte: 0,
        detail: "zlib does not start (\(result))"
      )
    }
  }

  deinit {
    _ = inflateEnd(stream)
    stream.deallocate()
  }

  mutating func decode(
    _ input: UnsafeRawBufferPointer,
    _ body: (UnsafeRawBufferPointer) throws(SourceError) -> Void
  ) throws(SourceError) {
    guard let base = input.baseAddress, !input.isEmpty else { return }
    // zlib reads through this pointer only, its type notwithstanding.
    let first = UnsafeMutablePointer(mutating: base.assumingMemoryBound(to: UInt8.self))
    var position = 0
    var outputIsFull = false
    while position < input.count || outputIsFull {
      if state != .inMember {
        guard position < input.count else { break }
        if input[position] == 0 {
          state = .padding
          position += 1
          continue
        }
        guard state == .betweenMembers else {
          throw damaged("data after zero padding", at: position)
        }
        guard inflateReset(stream) == Z_OK else { throw damaged("zlib reset", at: position) }
        state = .inMember
      }
      stream.pointee.next_in = first + position
      stream.pointee.avail_in = UInt32(input.count - position)
      stream.pointee.next_out = output.bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
      stream.pointee.avail_out = UInt32(output.bytes.count)
      let result = inflate(stream, Z_NO_FLUSH)
      position = input.count - Int(stream.pointee.avail_in)
      guard result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR else {
        let detail = stream.pointee.msg.map { String(cString: $0) } ?? "zlib error \(result)"
        throw damaged(detail, at: position)
      }
      let made = output.bytes.count - Int(stream.pointee.avail_out)
      outputIsFull = stream.pointee.avail_out == 0 && result == Z_OK
      if result == Z_STREAM_END { state = .betweenMembers }
      if made > 0 {
        try body(UnsafeRawBufferPointer(rebasing: output.bytes[..<made]))
      }
    }
    consumed += Int64(input.count)
  }

  func finish(size: Int64) throws(SourceError) {
    guard state != .inMember else {
      throw .truncatedCompressed(path: path, compression: .gzip, atByte: size)
    }
  }

  private func damaged(_ detail: String, at position: Int) -> SourceError {
    .corruptCompressed(
      path: path,
      compression: .gzip,
      atByte: consumed + Int64(position),
      detail: detail
    )
  }
}

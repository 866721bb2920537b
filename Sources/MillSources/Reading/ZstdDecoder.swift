// SPDX-License-Identifier: Apache-2.0

import CZstd

/// Unpacks zstd frames, one after the other, skippable ones left out.
///
/// A frame has a checksum only if its writer asked for one (the `zstd` command does, the library by
/// default does not): without it, damage inside the frame may pass as other text.
///
/// The window is bounded by zstd's own default, 128 MiB; a frame that asks for more is refused.
///
/// > Source: RFC 8878 §3.1.
struct ZstdDecoder: ByteDecoder, ~Copyable {
  private let stream: OpaquePointer
  private let output: ByteBuffer
  private let path: String
  private var isInFrame = true
  private var consumed: Int64 = 0

  init(path: String, bufferSize: Int) throws(SourceError) {
    guard let stream = ZSTD_createDStream() else {
      throw .corruptCompressed(
        path: path,
        compression: .zstd,
        atByte: 0,
        detail: "zstd does not start"
      )
    }
    self.stream = stream
    self.path = path
    output = ByteBuffer(count: bufferSize)
  }

  deinit {
    _ = ZSTD_freeDStream(stream)
  }

  mutating func decode(
    _ input: UnsafeRawBufferPointer,
    _ body: (UnsafeRawBufferPointer) throws(SourceError) -> Void
  ) throws(SourceError) {
    var source = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
    var outputIsFull = false
    while source.pos < source.size || outputIsFull {
      var target = ZSTD_outBuffer(
        dst: output.bytes.baseAddress,
        size: output.bytes.count,
        pos: 0
      )
      let result = ZSTD_decompressStream(stream, &target, &source)
      guard ZSTD_isError(result) == 0 else {
        throw .corruptCompressed(
          path: path,
          compression: .zstd,
          atByte: consumed + Int64(source.pos),
          detail: ZSTD_getErrorName(result).map { String(cString: $0) } ?? "zstd error"
        )
      }
      isInFrame = result != 0
      outputIsFull = isInFrame && target.pos == target.size
      if target.pos > 0 {
        try body(UnsafeRawBufferPointer(rebasing: output.bytes[..<target.pos]))
      }
    }
    consumed += Int64(input.count)
  }

  func finish(size: Int64) throws(SourceError) {
    guard !isInFrame else {
      throw .truncatedCompressed(path: path, compression: .zstd, atByte: size)
    }
  }
}

// SPDX-License-Identifier: Apache-2.0

internal import Crypto

/// One reading of a file: who it is, and its text handed on in chunks.
struct FileStream {
  var path: String
  /// How identity and errors name the file.
  var shownPath: String
  /// The most bytes a chunk of text has.
  var chunkBytes: Int

  /// 256 KiB stay in the second-level cache between hash, check and framing.
  static let defaultChunkBytes = 256 << 10

  /// Reads, hashes and unpacks the whole file in bounded memory.
  ///
  /// - Parameter unpacks: whether packed bytes are unpacked; otherwise no chunk is handed on.
  func run(
    unpacks: Bool = true,
    _ body: (UnsafeRawBufferPointer) throws(SourceError) -> Void
  ) throws(SourceError) -> (file: SourceFile, compression: Compression) {
    var file = try RawFile.open(path, shownPath: shownPath)
    let input = ByteBuffer(count: max(16, chunkBytes))
    let first = try file.read(into: input.bytes)
    let compression = Compression(firstBytes: input.bytes[..<first])
    if unpacks,
      let cut = Compression.cutInsideMagic(Array(input.bytes.prefix(min(4, first))), name: path),
      compression == .none, first < 4
    {
      throw .truncatedCompressed(path: shownPath, compression: cut, atByte: Int64(first))
    }
    let identity: SourceFile
    switch unpacks ? compression : .none {
    case .none where !unpacks:
      identity = try drain(&file, input, first, through: PlainDecoder()) { _ in }
    case .none:
      identity = try drain(&file, input, first, through: PlainDecoder(), body)
    case .gzip:
      let decoder = try GzipDecoder(path: shownPath, bufferSize: chunkBytes)
      identity = try drain(&file, input, first, through: decoder, body)
    case .zstd:
      let decoder = try ZstdDecoder(path: shownPath, bufferSize: chunkBytes)
      identity = try drain(&file, input, first, through: decoder, body)
    }
    return (identity, unpacks ? compression : .none)
  }

  private func drain<Decoder: ByteDecoder & ~Copyable>(
    _ file: inout RawFile,
    _ input: borrowing ByteBuffer,
    _ first: Int,
    through decoder: consuming Decoder,
    _ body: (UnsafeRawBufferPointer) throws(SourceError) -> Void
  ) throws(SourceError) -> SourceFile {
    var hash = SHA256()
    var size: Int64 = 0
    var count = first
    while count > 0 {
      let bytes = UnsafeRawBufferPointer(rebasing: input.bytes[..<count])
      size += Int64(count)
      hash.update(bufferPointer: bytes)
      try decoder.decode(bytes) { (text) throws(SourceError) in
        var start = 0
        while start < text.count {
          let end = min(text.count, start + chunkBytes)
          try body(UnsafeRawBufferPointer(rebasing: text[start..<end]))
          start = end
        }
      }
      count = count < input.bytes.count ? 0 : try file.read(into: input.bytes)
    }
    if size > 0 { try decoder.finish(size: size) }
    try file.checkUnchanged(size: size)
    return SourceFile(path: shownPath, size: size, sha256: hexadecimal(hash.finalize()))
  }
}

private func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
  let digits = Array("0123456789abcdef".utf8)
  var text: [UInt8] = []
  for byte in bytes {
    text.append(digits[Int(byte >> 4)])
    text.append(digits[Int(byte & 15)])
  }
  return String(decoding: text, as: UTF8.self)
}

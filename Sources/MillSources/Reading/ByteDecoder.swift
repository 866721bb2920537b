// SPDX-License-Identifier: Apache-2.0

/// Turns the bytes of a file into its text, a piece at a time.
protocol ByteDecoder: ~Copyable {
  /// Decodes the next bytes of the file and hands on what they yield.
  mutating func decode(
    _ input: UnsafeRawBufferPointer,
    _ body: (UnsafeRawBufferPointer) throws(SourceError) -> Void
  ) throws(SourceError)

  /// Throws if the file must not end here; `size` is that of the file.
  func finish(size: Int64) throws(SourceError)
}

/// Text that is not packed.
struct PlainDecoder: ByteDecoder {
  mutating func decode(
    _ input: UnsafeRawBufferPointer,
    _ body: (UnsafeRawBufferPointer) throws(SourceError) -> Void
  ) throws(SourceError) {
    try body(input)
  }

  func finish(size: Int64) throws(SourceError) {}
}

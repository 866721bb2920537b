// SPDX-License-Identifier: Apache-2.0

/// How the bytes of a file on disk are packed.
///
/// The first bytes decide, never the name: a `.gz` that somebody unpacked in place is read as text.
public enum Compression: String, Sendable, Hashable, CaseIterable {
  case none
  /// One or more gzip members, one after the other.
  case gzip
  /// One or more zstd frames, one after the other.
  case zstd

  /// What these first bytes of a file say it is; four are enough.
  ///
  /// > Source: RFC 1952 §2.3.1 (gzip), RFC 8878 §3.1 (zstd and skippable frames).
  public init(firstBytes: some Sequence<UInt8>) {
    let magic = Array(firstBytes.prefix(4))
    if magic.starts(with: [0x1F, 0x8B]) {
      self = .gzip
    } else if magic == [0x28, 0xB5, 0x2F, 0xFD] {
      self = .zstd
    } else if magic.count == 4, magic[0] & 0xF0 == 0x50, magic[1...] == [0x2A, 0x4D, 0x18] {
      self = .zstd
    } else {
      self = .none
    }
  }

  /// The compression that a file of these few bytes in all was going to have, if its name agrees.
  ///
  /// A file cut off inside its magic number would pass as text of one odd character.
  static func cutInsideMagic(_ bytes: [UInt8], name: String) -> Compression? {
    if bytes == [0x1F], name.hasSuffix(".gz") { return .gzip }
    let zstd: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD]
    let isPrefix = !bytes.isEmpty && bytes.count < 4 && zstd.starts(with: bytes)
    return isPrefix && (name.hasSuffix(".zst") || name.hasSuffix(".zstd")) ? .zstd : nil
  }

  var testCommand: String { self == .zstd ? "zstd -t" : "gzip -t" }
}

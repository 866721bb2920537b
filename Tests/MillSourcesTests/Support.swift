// SPDX-License-Identifier: Apache-2.0

import CZlib
import CZstd
import Foundation
import MillSources
import Testing

/// A folder that goes away with its owner.
final class Scratch: Sendable {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "mill-sources-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String, _ bytes: [UInt8]) throws -> String {
    let full = path + "/" + name
    let folder = (full as NSString).deletingLastPathComponent
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try Data(bytes).write(to: URL(fileURLWithPath: full))
    return full
  }

  func file(_ name: String, _ text: String) throws -> String {
    try file(name, Array(text.utf8))
  }
}

func contents(_ path: String) throws -> [UInt8] {
  Array(try Data(contentsOf: URL(fileURLWithPath: path)))
}

func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

/// One gzip member.
func gzipped(_ bytes: [UInt8]) throws -> [UInt8] {
  var stream = z_stream()
  let size = Int32(MemoryLayout<z_stream>.size)
  try #require(
    deflateInit2_(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size)
      == Z_OK
  )
  defer { _ = deflateEnd(&stream) }
  var input = bytes
  var output = [UInt8](repeating: 0, count: Int(deflateBound(&stream, UInt(bytes.count))) + 64)
  let result = input.withUnsafeMutableBufferPointer { source in
    output.withUnsafeMutableBufferPointer { target in
      stream.next_in = source.baseAddress
      stream.avail_in = UInt32(source.count)
      stream.next_out = target.baseAddress
      stream.avail_out = UInt32(target.count)
      return deflate(&stream, Z_FINISH)
    }
  }
  try #require(result == Z_STREAM_END)
  return Array(output.prefix(Int(stream.total_out)))
}

/// One zstd frame with a checksum, as the `zstd` command writes it.
func zstandard(_ bytes: [UInt8]) throws -> [UInt8] {
  var output = [UInt8](repeating: 0, count: ZSTD_compressBound(bytes.count))
  let context = try #require(ZSTD_createCCtx())
  defer { _ = ZSTD_freeCCtx(context) }
  let set = ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
  try #require(ZSTD_isError(set) == 0)
  let count = ZSTD_compress2(context, &output, output.count, bytes, bytes.count)
  try #require(ZSTD_isError(count) == 0)
  return Array(output.prefix(count))
}

/// SplitMix64: the same numbers from the same seed everywhere.
struct Seeded: RandomNumberGenerator {
  var state: UInt64

  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// The error of a call that must throw a ``SourceError``.
func sourceError<T>(_ body: () throws -> T) -> SourceError? {
  do {
    _ = try body()
    return nil
  } catch {
    return error as? SourceError
  }
}

/// Chunk sizes that put every boundary everywhere.
let chunkSizes = [1, 2, 3, 5, 7, 8, 9, 13, 16, 31, 64, 4096]

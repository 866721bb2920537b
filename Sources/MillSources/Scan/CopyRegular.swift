// SPDX-License-Identifier: Apache-2.0

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// Writes the text of a file to a new plain file, leaving out exactly its irregular records.
///
/// Header, blank lines, byte order mark and every regular record keep their bytes, line ends
/// included. The file is framed again by the same code, so that records which the scan counted but
/// did not keep are left out as well; if identity or counts differ from those of `scan`, nothing is
/// left at `target`. The copy is not synced.
///
/// - Parameter target: must not exist yet.
/// - Throws: `changedWhileReading` if the file is not the one that was scanned, `unwritable`, and
///   whatever ``scan(path:shownAs:options:)`` throws.
/// - Complexity: one pass over the bytes; memory is bounded by a few buffers.
public func copyRegular(
  path: String,
  options: ScanOptions,
  scan: FileScan,
  to target: String
) throws(SourceError) {
  try copyRegular(
    path: path,
    options: options,
    scan: scan,
    to: target,
    chunkBytes: FileStream.defaultChunkBytes
  )
}

/// The same with chunks of a chosen size, for tests.
package func copyRegular(
  path: String,
  options: ScanOptions,
  scan: FileScan,
  to target: String,
  chunkBytes: Int
) throws(SourceError) {
  guard options.format != .parquet else {
    throw .unusableFormat(path: scan.file.path, detail: "a Parquet file has no lines to leave out")
  }
  var copy = try RegularCopy(target)
  do throws(SourceError) {
    let again = try frameFile(path, scan.file.path, options, chunkBytes, &copy)
    guard again.file == scan.file, again.records == scan.records,
      again.irregularCount == scan.irregularCount
    else {
      throw SourceError.changedWhileReading(path: scan.file.path)
    }
    try copy.finish()
  } catch {
    copy.abandon()
    throw error
  }
}

/// Writes each chunk and takes back what turns out to belong to an irregular record.
private struct RegularCopy: RecordSink {
  private let target: String
  private var descriptor: Int32
  /// Records that ended in the chunk at hand, in order.
  private var pending: [RecordExtent] = []
  /// Bytes of the text read and left out so far.
  private var readBytes = 0
  private var leftOut = 0
  /// Bytes on disk, and those that wait to be written.
  private var written = 0
  private var buffer: [UInt8] = []

  private static let bufferBytes = 1 << 20

  init(_ target: String) throws(SourceError) {
    self.target = target
    descriptor = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw .unwritable(path: target, operation: "create", errno: errno)
    }
  }

  mutating func irregular(
    _ extent: RecordExtent,
    _ reason: IrregularReason,
    head: borrowing RecordHead,
    tail: UnsafeRawBufferPointer
  ) {
    pending.append(extent)
  }

  mutating func framed(_ chunk: UnsafeRawBufferPointer) throws(SourceError) {
    let chunkStart = readBytes
    var from = 0
    for extent in pending {
      let to = max(from, extent.start - chunkStart)
      try write(UnsafeRawBufferPointer(rebasing: chunk[from..<to]))
      try takeBack(before: chunkStart, from: extent.start)
      leftOut += extent.end - extent.start
      from = extent.end - chunkStart
    }
    pending.removeAll(keepingCapacity: true)
    try write(UnsafeRawBufferPointer(rebasing: chunk[from...]))
    readBytes += chunk.count
  }

  /// Leaves out a record that the end of the file ended, then writes the rest and closes.
  mutating func finish() throws(SourceError) {
    for extent in pending {
      try takeBack(before: readBytes, from: extent.start)
      leftOut += extent.end - extent.start
    }
    try flush()
    precondition(written == readBytes - leftOut, "a copy holds what was read but not left out")
    let result = close(descriptor)
    descriptor = -1
    guard result == 0 else { throw .unwritable(path: target, operation: "close", errno: errno) }
  }

  mutating func abandon() {
    if descriptor >= 0 { _ = close(descriptor) }
    descriptor = -1
    _ = unlink(target)
  }

  /// Removes the bytes of a record that earlier chunks held: those from `start` to `chunkStart`.
  private mutating func takeBack(before chunkStart: Int, from start: Int) throws(SourceError) {
    guard start < chunkStart else { return }
    let kept = start - leftOut
    if kept >= written {
      buffer.removeLast(buffer.count - (kept - written))
      return
    }
    buffer.removeAll(keepingCapacity: true)
    guard ftruncate(descriptor, off_t(kept)) == 0, lseek(descriptor, off_t(kept), SEEK_SET) >= 0
    else {
      throw .unwritable(path: target, operation: "truncate", errno: errno)
    }
    written = kept
  }

  private mutating func write(_ bytes: UnsafeRawBufferPointer) throws(SourceError) {
    buffer.append(contentsOf: bytes)
    if buffer.count >= Self.bufferBytes { try flush() }
  }

  private mutating func flush() throws(SourceError) {
    var done = 0
    while done < buffer.count {
      let count = buffer.withUnsafeBytes { bytes in
        systemWrite(descriptor, UnsafeRawBufferPointer(rebasing: bytes[done...]))
      }
      if count >= 0 {
        done += count
      } else if errno != EINTR {
        throw .unwritable(path: target, operation: "write", errno: errno)
      }
    }
    written += done
    buffer.removeAll(keepingCapacity: true)
  }
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
  write(descriptor, bytes.baseAddress, bytes.count)
}

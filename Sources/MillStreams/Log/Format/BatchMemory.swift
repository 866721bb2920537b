// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Memory of batches, at a multiple of 16, given back when nobody holds it any more.
///
/// `@unchecked Sendable` is true because only its maker writes into it, and only before anybody else
/// sees it; the writer of a partition, to whom an encoded batch is handed over, fills in its header
/// while nobody else looks.
package final class BatchMemory: @unchecked Sendable {
  package let bytes: UnsafeMutableRawBufferPointer

  package init(count: Int) {
    bytes = .allocate(byteCount: max(count, 16), alignment: 16)
  }

  deinit {
    bytes.deallocate()
  }

  package var readable: UnsafeRawBufferPointer { UnsafeRawBufferPointer(bytes) }
}

/// Memory of batches that were written, to be used for the next.
///
/// New memory of some MiB is handed out by the system page by page, each of which costs as much as to
/// copy two; and what was just used is still near the processor. A few pieces are kept, none of more than
/// 8 MiB.
package final class BatchMemoryPool: Sendable {
  private static let piecesMax = 4
  private static let bytesMax = 8 << 20

  private let pieces = Mutex<[BatchMemory]>([])

  package init() {}

  /// A piece of at least so many bytes.
  func take(_ count: Int) -> BatchMemory {
    let known = pieces.withLock { pieces -> BatchMemory? in
      guard let place = pieces.lastIndex(where: { $0.bytes.count >= count }) else { return nil }
      return pieces.remove(at: place)
    }
    return known ?? BatchMemory(count: count)
  }

  /// Takes a piece back that nobody reads or writes any more.
  func give(_ memory: BatchMemory) {
    guard memory.bytes.count <= Self.bytesMax else { return }
    pieces.withLock { pieces in
      if pieces.count == Self.piecesMax { pieces.removeFirst() }
      pieces.append(memory)
    }
  }
}

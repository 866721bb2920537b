// SPDX-License-Identifier: Apache-2.0

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

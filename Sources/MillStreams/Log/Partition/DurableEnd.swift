// SPDX-License-Identifier: Apache-2.0

internal import MillCore

/// How far a partition may be read: to the end of what was acknowledged.
///
/// The writer puts it into the file `durable` after each sync and before it acknowledges, so that
/// readers in other processes see acknowledged events only. The file is not synced for each of them:
/// after a power cut it may tell of an earlier end, never of a later one, and the next writer finds
/// the end in the segments.
package struct DurableEnd: Hashable, Sendable {
  /// The segment that is being written.
  package var segment: Offset
  /// Its bytes that count.
  package var position: Int64
  /// The offset that the next event will have.
  package var next: Offset
  /// The partition's own number.
  var logID: UInt64

  init(segment: Offset, position: Int64, next: Offset, logID: UInt64) {
    self.segment = segment
    self.position = position
    self.next = next
    self.logID = logID
  }

  /// Nil of numbers that no writer has written.
  init?(_ content: CheckedSlots.Content?) {
    guard let content else { return nil }
    let numbers = content.numbers
    guard numbers[0] >= 0, numbers[1] >= 0, numbers[2] >= numbers[0] else { return nil }
    self.init(
      segment: Offset(numbers[0]),
      position: numbers[1],
      next: Offset(numbers[2]),
      logID: UInt64(bitPattern: numbers[3])
    )
  }

  var numbers: [4 of Int64] {
    [segment.value, position, next.value, Int64(bitPattern: logID)]
  }
}

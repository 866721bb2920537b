// SPDX-License-Identifier: Apache-2.0

package import MillCore

/// The values of one key of one view, rendered once for all answers that are given while they stand.
///
/// ```text
/// block:  the key | end of each value's text (4) | status of each (1) | the time, quoted | the texts
/// ```
/// It is one block, so that an answer touches no more memory than it must. `@unchecked Sendable` is true
/// because the block is written before `init` returns and never again, and lives as long as the row.
package final class ServedRow: @unchecked Sendable {
  /// Which table of the store it was read from.
  let table: Int
  /// The state of the table when it was read.
  let epoch: UInt64
  /// Since when the values stand.
  let from: Int64
  /// The first moment at which they may be others.
  package let until: Int64
  /// When the newest row of the key happened, in microseconds; nil where there is none.
  package let time: Int64?
  /// From when on it was known.
  package let knowledge: Int64?
  /// The values themselves, where on-demand features are computed of them.
  let values: [Datum]
  private let count: Int
  private let keyCount: Int
  private let timeCount: Int
  private let start: UnsafeMutableRawPointer
  private let size: Int

  /// A time that Feast gives where there is none.
  package static let epochText = Array("\"1970-01-01T00:00:00Z\"".utf8)

  package init(
    table: Int,
    key: [UInt8],
    epoch: UInt64,
    from: Instant,
    _ standing: StandingValues,
    keepingValues: Bool
  ) {
    self.table = table
    self.epoch = epoch
    self.from = from.microseconds
    until = standing.until.microseconds
    let cells = standing.cells
    let version = cells.first { $0.time != nil }
    time = version?.time?.microseconds
    knowledge = version?.knowledge?.microseconds
    values = keepingValues ? cells.map(\.value) : []
    count = cells.count
    keyCount = key.count
    var texts: [UInt8] = []
    var bytes = key
    var statuses: [UInt8] = []
    for cell in cells {
      let isWritten = AnswerText.append(cell.value, to: &texts)
      withUnsafeBytes(of: UInt32(texts.count)) { bytes.append(contentsOf: $0) }
      // What JSON has no word for, such as an infinity, is no value that anybody could use.
      statuses.append(isWritten ? cell.status.number : FeatureValue.Status.invalid.number)
    }
    bytes += statuses
    let time = version?.time.map { Array("\"\($0)\"".utf8) } ?? Self.epochText
    timeCount = time.count
    bytes += time
    bytes += texts
    size = bytes.count
    start = .allocate(byteCount: size, alignment: 8)
    UnsafeMutableRawBufferPointer(start: start, count: size).copyBytes(from: bytes)
  }

  deinit { start.deallocate() }

  private var block: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: start, count: size) }

  /// The key, as ``EntityKey`` writes it.
  package var key: [UInt8] { Array(block[..<keyCount]) }

  /// Whether the row is that of a key.
  func has(_ key: UnsafeRawBufferPointer) -> Bool {
    guard keyCount == key.count else { return false }
    var place = 0
    while place < keyCount {
      guard start.load(fromByteOffset: place, as: UInt8.self) == key[place] else { return false }
      place += 1
    }
    return true
  }

  /// Whether on-demand features can be computed of it.
  var hasValues: Bool { values.count == count }

  /// What it takes in memory, with the headers of its parts.
  package var weight: Int { 176 + size + values.count * MemoryLayout<Datum>.stride }

  /// The status of a value.
  package func status(_ cell: Int) -> FeatureValue.Status {
    FeatureValue.Status(number: UInt8(view.status(cell))) ?? .invalid
  }

  /// Hands out the JSON text of a value.
  package func withText<R>(_ cell: Int, _ body: (UnsafeRawBufferPointer) -> R) -> R {
    withExtendedLifetime(self) { body(view.text(cell)) }
  }

  /// What it takes to write all of its values and their times.
  package var textCount: Int { size + count * timeCount }

  /// The row without a hold on it: whoever uses it keeps the row.
  package var view: View {
    let ends = UnsafeRawPointer(start) + keyCount
    let statuses = ends + count * 4
    return View(ends: ends, statuses: statuses, time: statuses + count, timeCount: timeCount)
  }

  /// Where the parts of a row are.
  package struct View {
    private let ends: UnsafeRawPointer
    private let statuses: UnsafeRawPointer
    /// The time of the row as quoted text.
    package let time: UnsafeRawPointer
    /// How long that is.
    package let timeCount: Int

    init(
      ends: UnsafeRawPointer,
      statuses: UnsafeRawPointer,
      time: UnsafeRawPointer,
      timeCount: Int
    ) {
      self.ends = ends
      self.statuses = statuses
      self.time = time
      self.timeCount = timeCount
    }

    /// The number of the status of a value, which is Feast's.
    package func status(_ cell: Int) -> Int {
      Int(statuses.load(fromByteOffset: cell, as: UInt8.self))
    }

    /// The JSON text of a value.
    package func text(_ cell: Int) -> UnsafeRawBufferPointer {
      let start = cell == 0 ? 0 : end(cell - 1)
      return UnsafeRawBufferPointer(start: time + timeCount + start, count: end(cell) - start)
    }

    private func end(_ cell: Int) -> Int {
      Int(ends.loadUnaligned(fromByteOffset: cell * 4, as: UInt32.self))
    }
  }
}

extension FeatureValue.Status {
  /// The number of the status in a packed row; Feast's own.
  ///
  /// > Source: Feast, protos/feast/serving/ServingService.proto, `FieldStatus`.
  var number: UInt8 {
    switch self {
    case .invalid: 0
    case .present: 1
    case .null: 2
    case .notFound: 3
    case .outsideMaxAge: 4
    }
  }

  init?(number: UInt8) {
    switch number {
    case 0: self = .invalid
    case 1: self = .present
    case 2: self = .null
    case 3: self = .notFound
    case 4: self = .outsideMaxAge
    default: return nil
    }
  }
}

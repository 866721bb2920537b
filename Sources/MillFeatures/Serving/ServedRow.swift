// SPDX-License-Identifier: Apache-2.0

package import MillCore

/// The values of one key of one view, rendered once for all answers that are given while they stand.
///
/// ```text
/// bytes:  status of each value (1) | end of its text (4) | the time, quoted | the texts
/// ```
package final class ServedRow: Sendable {
  /// Which table of the store it was read from.
  let table: Int
  /// The key, as ``EntityKey`` writes it.
  package let key: [UInt8]
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
  private let textStart: Int
  private let bytes: [UInt8]

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
    self.key = key
    self.epoch = epoch
    self.from = from.microseconds
    until = standing.until.microseconds
    let cells = standing.cells
    let version = cells.first { $0.time != nil }
    time = version?.time?.microseconds
    knowledge = version?.knowledge?.microseconds
    values = keepingValues ? cells.map(\.value) : []
    count = cells.count
    var texts: [UInt8] = []
    var ends: [UInt32] = []
    var statuses: [UInt8] = []
    for cell in cells {
      let isWritten = AnswerText.append(cell.value, to: &texts)
      ends.append(UInt32(texts.count))
      // What JSON has no word for, such as an infinity, is no value that anybody could use.
      statuses.append(isWritten ? cell.status.number : FeatureValue.Status.invalid.number)
    }
    var bytes: [UInt8] = statuses
    for end in ends { withUnsafeBytes(of: end.littleEndian) { bytes.append(contentsOf: $0) } }
    if let time = version?.time {
      bytes.append(UInt8(ascii: "\""))
      bytes.append(contentsOf: time.description.utf8)
      bytes.append(UInt8(ascii: "\""))
    } else {
      bytes += Self.epochText
    }
    textStart = bytes.count
    bytes += texts
    self.bytes = bytes
  }

  /// Whether on-demand features can be computed of it.
  var hasValues: Bool { values.count == count }

  /// What it takes in memory, with the headers of its parts.
  package var weight: Int {
    208 + key.count + bytes.count + values.count * MemoryLayout<Datum>.stride
  }

  /// The number of the status of a value, which is Feast's.
  package func statusNumber(_ cell: Int) -> Int { Int(bytes[cell]) }

  /// The status of a value.
  package func status(_ cell: Int) -> FeatureValue.Status {
    FeatureValue.Status(number: bytes[cell]) ?? .invalid
  }

  /// Hands out the JSON text of a value.
  package func withText<R>(_ cell: Int, _ body: (UnsafeRawBufferPointer) -> R) -> R {
    bytes.withUnsafeBytes { bytes in
      func end(_ cell: Int) -> Int {
        guard cell >= 0 else { return 0 }
        let place = count + cell * 4
        return Int(
          UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt32.self))
        )
      }
      let range = textStart + end(cell - 1)..<textStart + end(cell)
      return body(UnsafeRawBufferPointer(rebasing: bytes[range]))
    }
  }

  /// Hands out the time of the row as quoted text.
  package func withTimeText<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
    bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[count * 5..<textStart])) }
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

// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillSources

/// A record that could not be decoded, with its bytes, place and reason.
struct DeadLetter {
  var line: Int64
  var byteOffset: Int64?
  var length: Int64?
  var reason: String
  var column: String?
  var detail: String
  var raw: [UInt8]

  /// A record whose shape is wrong.
  init(_ record: IrregularRecord) {
    line = record.line
    byteOffset = record.byteOffset
    length = record.length
    reason = record.reason.name
    column = nil
    detail = "\(record.reason)"
    raw = record.bytes
  }

  /// A record of which one field is not what its column is.
  init(record: IrregularRecord?, number: Int64, column: String?, type: DataType?) {
    line = record?.line ?? number
    byteOffset = record?.byteOffset
    length = record?.length
    reason = column == nil ? "not-an-object" : "not-of-type"
    self.column = column
    detail =
      column.map { "\($0) is not a \(type.map(\.description) ?? "value of its type")" }
      ?? "the line is not a JSON object"
    raw = record?.bytes ?? []
  }

  /// The row of the table of dead letters.
  func row(of shownPath: String, at loadedAt: Instant, runID: String) -> [JSONValue] {
    [
      .string(shownPath),
      .int(line),
      byteOffset.map { .int($0) } ?? .null,
      length.map { .int($0) } ?? .null,
      .string(reason),
      column.map { .string($0) } ?? .null,
      .string(detail),
      // The file was found to be UTF-8, so this loses nothing; a cut inside a character is mended.
      .string(String(decoding: raw, as: UTF8.self)),
      .string(loadedAt.description),
      .string(runID),
    ]
  }
}

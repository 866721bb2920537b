// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillFeatures
internal import NIOCore

/// Writes an answer as Feast's server does: a column of values, one of statuses and one of times for
/// each key and each feature.
///
/// > Source: Feast 0.67, protos/feast/serving/ServingService.proto, `GetOnlineFeaturesResponse`.
enum FeastAnswer {
  private static let epoch: StaticString = "\"1970-01-01T00:00:00Z\""
  /// By Feast's numbers.
  private static let statuses: [StaticString] = [
    "\"INVALID\"", "\"PRESENT\"", "\"NULL_VALUE\"", "\"NOT_FOUND\"", "\"OUTSIDE_MAX_AGE\"",
  ]
  /// A comma, and the longest status.
  private static let statusMax = 20

  static func write(
    _ answer: ServedAnswer,
    _ entities: FeastRequest.Entities,
    _ request: FeastRequest
  ) -> ByteBuffer {
    let head = head(of: answer.plan, entities, answer.count, request)
    let computed = answer.plan.features.indices.map { feature -> [UInt8] in
      if case .computed(let values) = answer.column(feature) { text(of: values) } else { [] }
    }
    return answer.withViews { parts, textCount in
      // An upper bound, so that nothing is checked or moved while it is written.
      let cells = answer.count * answer.plan.features.count
      let size =
        head.count + textCount + computed.reduce(0) { $0 + $1.count }
        + cells * (statusMax + 4) + answer.plan.features.count * 64 + 16
      var buffer = ByteBuffer()
      buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: size) { bytes in
        guard let start = bytes.baseAddress else { return 0 }
        var writer = Writer(at: start)
        head.withUnsafeBytes { writer.put($0) }
        // The times of a part are the same for all of its features: written once, and copied.
        var times: [UnsafeRawBufferPointer?] = Array(repeating: nil, count: parts.count)
        for feature in answer.plan.features.indices {
          writer.put(UInt8(ascii: ","))
          if let (part, cell) = answer.place(feature) {
            put(parts[part], cell, to: &writer)
            if let written = times[part] {
              writer.put(written)
            } else {
              let start = writer.at
              putTimes(of: parts[part], to: &writer)
              times[part] = UnsafeRawBufferPointer(start: start, count: writer.at - start)
            }
          } else {
            computed[feature].withUnsafeBytes { writer.put($0) }
          }
        }
        writer.put("]}")
        return writer.at - start
      }
      return buffer
    }
  }

  /// Bytes that go where there is room for them.
  private struct Writer {
    private(set) var at: UnsafeMutableRawPointer

    init(at: UnsafeMutableRawPointer) { self.at = at }

    mutating func put(_ start: UnsafeRawPointer, _ count: Int) {
      at.copyMemory(from: start, byteCount: count)
      at += count
    }

    mutating func put(_ bytes: UnsafeRawBufferPointer) {
      guard let start = bytes.baseAddress else { return }
      put(start, bytes.count)
    }

    mutating func put(_ text: StaticString) { put(text.utf8Start, text.utf8CodeUnitCount) }

    mutating func put(_ byte: UInt8) {
      at.storeBytes(of: byte, as: UInt8.self)
      at += 1
    }
  }

  private static func put(_ rows: [ServedRow.View], _ cell: Int, to writer: inout Writer) {
    let comma = UInt8(ascii: ",")
    writer.put("{\"values\":[")
    for place in rows.indices {
      if place > 0 { writer.put(comma) }
      let value = rows[place].text(cell)
      // Feast's client cannot read an empty list, and gives up the whole answer.
      if value.count == 2, value[0] == UInt8(ascii: "[") {
        writer.put("null")
      } else {
        writer.put(value)
      }
    }
    writer.put("],\"statuses\":[")
    for place in rows.indices {
      if place > 0 { writer.put(comma) }
      writer.put(statuses[rows[place].status(cell)])
    }
  }

  private static func putTimes(of rows: [ServedRow.View], to writer: inout Writer) {
    let comma = UInt8(ascii: ",")
    writer.put("],\"event_timestamps\":[")
    for place in rows.indices {
      if place > 0 { writer.put(comma) }
      writer.put(rows[place].time, rows[place].timeCount)
    }
    writer.put("]}")
  }

  /// Everything before the columns of features.
  private static func head(
    of plan: ServingPlan,
    _ entities: FeastRequest.Entities,
    _ count: Int,
    _ request: FeastRequest
  ) -> [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity(512 + plan.features.count * 32 + count * plan.keys.count * 56)
    text += "{\"metadata\":{\"feature_names\":[".utf8
    var isFirst = true
    func comma() {
      if !isFirst { text.append(UInt8(ascii: ",")) }
      isFirst = false
    }
    for key in plan.keys {
      comma()
      AnswerText.append(quoted: key.name.utf8, to: &text)
    }
    for feature in plan.features {
      comma()
      let name = request.hasFullNames ? "\(feature.view)__\(feature.name)" : feature.name
      AnswerText.append(quoted: name.utf8, to: &text)
    }
    text += "]".utf8
    if request.hasVersions { appendVersions(of: plan, to: &text) }
    text += "},\"results\":[".utf8
    isFirst = true
    for column in entities.keys {
      comma()
      append(key: column, count, to: &text)
    }
    return text
  }

  private static func appendVersions(of plan: ServingPlan, to text: inout [UInt8]) {
    text += ",\"feature_view_metadata\":[".utf8
    var seen: [String] = []
    for view in plan.features.map(\.view) where !seen.contains(view) {
      if !seen.isEmpty { text.append(UInt8(ascii: ",")) }
      seen.append(view)
      text += "{\"name\":".utf8
      AnswerText.append(quoted: view.utf8, to: &text)
      text += "}".utf8
    }
    text += "]".utf8
  }

  private static func append(key column: KeyColumn, _ count: Int, to text: inout [UInt8]) {
    text += "{\"values\":[".utf8
    for row in 0..<count {
      if row > 0 { text.append(UInt8(ascii: ",")) }
      column.withValue(row) { _ = AnswerText.append($0, to: &text) }
    }
    text += "],\"statuses\":[".utf8
    for row in 0..<count {
      if row > 0 { text.append(UInt8(ascii: ",")) }
      append(statuses[1], to: &text)
    }
    text += "],\"event_timestamps\":[".utf8
    for row in 0..<count {
      if row > 0 { text.append(UInt8(ascii: ",")) }
      append(epoch, to: &text)
    }
    text += "]}".utf8
  }

  private static func append(_ word: StaticString, to text: inout [UInt8]) {
    word.withUTF8Buffer { text.append(contentsOf: $0) }
  }

  private static func text(of values: [FeatureValue]) -> [UInt8] {
    var text: [UInt8] = []
    var isWritten: [Bool] = []
    text += "{\"values\":[".utf8
    for (place, cell) in values.enumerated() {
      if place > 0 { text.append(UInt8(ascii: ",")) }
      isWritten.append(AnswerText.append(cell.value, to: &text))
    }
    text += "],\"statuses\":[".utf8
    for (place, cell) in values.enumerated() {
      if place > 0 { text.append(UInt8(ascii: ",")) }
      let status = isWritten[place] ? cell.status : .invalid
      AnswerText.append(quoted: status.rawValue.utf8, to: &text)
    }
    text += "],\"event_timestamps\":[".utf8
    for (place, cell) in values.enumerated() {
      if place > 0 { text.append(UInt8(ascii: ",")) }
      if let time = cell.time {
        AnswerText.append(quoted: time.description.utf8, to: &text)
      } else {
        append(epoch, to: &text)
      }
    }
    text += "]}".utf8
    return text
  }
}

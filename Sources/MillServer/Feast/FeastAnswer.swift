// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillFeatures

/// Writes an answer as Feast's server does: a column of values, one of statuses and one of times for
/// each key and each feature.
///
/// > Source: Feast 0.67, protos/feast/serving/ServingService.proto, `GetOnlineFeaturesResponse`.
enum FeastAnswer {
  private static let epoch = Array("\"1970-01-01T00:00:00Z\"".utf8)
  private static let null = Array("null".utf8)
  private static let present = Array("\"PRESENT\"".utf8)
  private static let statuses: [[UInt8]] = [
    "\"INVALID\"", "\"PRESENT\"", "\"NULL_VALUE\"", "\"NOT_FOUND\"", "\"OUTSIDE_MAX_AGE\"",
  ].map { Array($0.utf8) }

  static func write(
    _ answer: ServedAnswer,
    _ entities: FeastRequest.Entities,
    _ request: FeastRequest
  ) -> [UInt8] {
    let plan = answer.plan
    var text: [UInt8] = []
    text.reserveCapacity(512 + answer.count * plan.features.count * 56)
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
      append(key: column, answer.count, to: &text)
    }
    for feature in plan.features.indices {
      comma()
      switch answer.column(feature) {
      case .stored(let rows, let cell): append(rows, cell, to: &text)
      case .computed(let values): append(values, to: &text)
      }
    }
    text += "]}".utf8
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
      text += present
    }
    text += "],\"event_timestamps\":[".utf8
    for row in 0..<count {
      if row > 0 { text.append(UInt8(ascii: ",")) }
      text += epoch
    }
    text += "]}".utf8
  }

  private static func append(_ rows: [ServedRow], _ cell: Int, to text: inout [UInt8]) {
    text += "{\"values\":[".utf8
    for (place, row) in rows.enumerated() {
      if place > 0 { text.append(UInt8(ascii: ",")) }
      row.withText(cell) { value in
        // Feast's client cannot read an empty list, and gives up the whole answer.
        if value.count == 2, value[0] == UInt8(ascii: "[") {
          text += null
        } else {
          text.append(contentsOf: value)
        }
      }
    }
    text += "],\"statuses\":[".utf8
    for (place, row) in rows.enumerated() {
      if place > 0 { text.append(UInt8(ascii: ",")) }
      text += statuses[row.statusNumber(cell)]
    }
    text += "],\"event_timestamps\":[".utf8
    for (place, row) in rows.enumerated() {
      if place > 0 { text.append(UInt8(ascii: ",")) }
      row.withTimeText { text.append(contentsOf: $0) }
    }
    text += "]}".utf8
  }

  private static func append(_ values: [FeatureValue], to text: inout [UInt8]) {
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
        text += epoch
      }
    }
    text += "]}".utf8
  }
}

// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillFeatures

/// Writes an answer of `POST /v1/features`: entity by entity, with what is to be known of each value.
enum FeaturesAnswer {
  static func write(_ answer: ServedAnswer, _ entities: FeastRequest.Entities) -> [UInt8] {
    let plan = answer.plan
    var text: [UInt8] = []
    text.reserveCapacity(256 + answer.count * plan.features.count * 160)
    text += "{\"as_of\":".utf8
    AnswerText.append(.instant(answer.time), to: &text)
    text += ",\"store\":{\"reachable\":".utf8
    text += (answer.unreachableSince == nil ? "true" : "false").utf8
    if let since = answer.unreachableSince {
      text += ",\"unreachable_since\":".utf8
      AnswerText.append(.instant(since), to: &text)
    }
    text += "},\"entities\":[".utf8
    let columns = plan.features.indices.map { answer.column($0) }
    let names = plan.features.map(\.description)
    for entity in 0..<answer.count {
      text += (entity == 0 ? "{\"keys\":{" : ",{\"keys\":{").utf8
      for (place, key) in plan.keys.enumerated() {
        if place > 0 { text.append(UInt8(ascii: ",")) }
        AnswerText.append(quoted: key.name.utf8, to: &text)
        text.append(UInt8(ascii: ":"))
        entities.keys[place].withValue(entity) { _ = AnswerText.append($0, to: &text) }
      }
      text += "},\"features\":{".utf8
      for (place, column) in columns.enumerated() {
        if place > 0 { text.append(UInt8(ascii: ",")) }
        AnswerText.append(quoted: names[place].utf8, to: &text)
        text += ":{\"value\":".utf8
        let cell = Self.cell(column, entity, &text)
        append(cell, plan.freshness[place], answer, &text)
      }
      text += "}}".utf8
    }
    text += "]}".utf8
    return text
  }

  private struct Cell {
    var status: FeatureValue.Status
    var time: Int64?
    var knowledge: Int64?
  }

  private static func cell(
    _ column: ServedAnswer.Column,
    _ entity: Int,
    _ text: inout [UInt8]
  ) -> Cell {
    switch column {
    case .stored(let rows, let cell):
      let row = rows[entity]
      row.withText(cell) { text.append(contentsOf: $0) }
      return Cell(status: row.status(cell), time: row.time, knowledge: row.knowledge)
    case .computed(let values):
      let value = values[entity]
      let isWritten = AnswerText.append(value.value, to: &text)
      return Cell(
        status: isWritten ? value.status : .invalid,
        time: value.time?.microseconds,
        knowledge: value.knowledge?.microseconds
      )
    }
  }

  private static func append(
    _ cell: Cell,
    _ freshness: Duration?,
    _ answer: ServedAnswer,
    _ text: inout [UInt8]
  ) {
    text += ",\"status\":\"\(cell.status.rawValue)\",\"time\":".utf8
    guard let time = cell.time else {
      text += "null,\"known\":null,\"age_seconds\":null,\"freshness\":null}".utf8
      return
    }
    AnswerText.append(.instant(Instant(microseconds: time)), to: &text)
    text += ",\"known\":".utf8
    let known = cell.knowledge.map { Datum.instant(Instant(microseconds: $0)) }
    AnswerText.append(known ?? .null, to: &text)
    let age = max(0, Int128(answer.time.microseconds) - Int128(time))
    text += ",\"age_seconds\":\(age / 1_000_000),\"freshness\":".utf8
    let verdict: String =
      if answer.unreachableSince != nil {
        "\"UNVERIFIED\""
      } else if let freshness {
        age <= Int128(freshness / .microseconds(1)) ? "\"FRESH\"" : "\"STALE\""
      } else {
        "null"
      }
    text += "\(verdict)}".utf8
  }
}

// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillFeatures

/// A value of an answer as a client sees it, so that answers of both ways can be compared.
struct AnswerCell: Hashable, CustomStringConvertible {
  var text: String
  var status: FeatureValue.Status
  var time: Int64?
  var knowledge: Int64?

  var description: String {
    "\(text) \(status.rawValue)" + (time.map { " of \($0)" } ?? "")
  }

  init(_ value: FeatureValue) {
    var bytes: [UInt8] = []
    let isWritten = AnswerText.append(value.value, to: &bytes)
    text = String(decoding: bytes, as: UTF8.self)
    status = isWritten ? value.status : .invalid
    time = value.time?.microseconds
    knowledge = value.knowledge?.microseconds
  }

  init(_ row: ServedRow, _ cell: Int) {
    text = row.withText(cell) { String(decoding: $0, as: UTF8.self) }
    status = row.status(cell)
    time = row.time
    knowledge = row.knowledge
  }
}

extension OnlineAnswer {
  /// entities x features.
  var cells: [[AnswerCell]] { rows.map { $0.map(AnswerCell.init) } }
}

extension ServedAnswer {
  /// entities x features.
  var cells: [[AnswerCell]] {
    let columns = plan.features.indices.map { column($0) }
    return (0..<count).map { entity in
      columns.map { column in
        switch column {
        case .stored(let rows, let cell): AnswerCell(rows[entity], cell)
        case .computed(let values): AnswerCell(values[entity])
        }
      }
    }
  }
}

extension FeatureServing {
  /// Answers for entities whose keys are in the order of the plan's.
  func ask(
    _ plan: ServingPlan,
    _ entities: [[Datum]],
    inputs: [[Datum]] = [],
    at time: Instant
  ) async throws -> ServedAnswer {
    let keys = plan.keys.indices.map { place in
      var column = KeyColumn()
      for entity in entities { column.append(entity[place]) }
      return column
    }
    return try await answer(plan, keys: keys, inputs: inputs, count: entities.count, at: time)
  }
}

// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillTiles

extension Row {
  var eventOrder: EventOrder {
    EventOrder(
      time: Instant(microseconds: order.time),
      knowledge: Instant(microseconds: order.knowledge),
      id: order.id
    )
  }
}

/// All functions, with a few parameters.
let allAggregations: [Aggregation] = [
  .count, .sum, .mean, .min, .max, .variance, .variancePopulation, .stddev, .stddevPopulation,
  .first, .last, .distinct, .quantile(0), .quantile(0.5), .quantile(0.95), .quantile(1), .topK(1),
  .topK(3), .topK(1000),
]

/// The shapes of all kinds that a type has.
func shapes(of type: DataType) -> [TileShape] {
  TileState.Kind.allCases.compactMap { TileShape($0, of: type) }
}

func fold(_ rows: some Sequence<Row>, _ shape: TileShape) throws -> TileState {
  var state = TileState(shape)
  for row in rows { try state.add(row.value, at: row.eventOrder) }
  return state
}

/// Whether two states or answers are the same, doubles that are computed within a tolerance.
func agree(_ left: [Datum], _ right: [Datum], _ shape: TileShape) -> Bool {
  guard left.count == right.count else { return false }
  let isDouble = shape.input == .double || shape.input == .float
  switch shape.kind {
  case .sum where isDouble:
    guard case .double(let high) = left[1], case .double(let low) = left[2],
      case .double(let otherHigh) = right[1], case .double(let otherLow) = right[2],
      case .double(let size) = left[3], case .double(let otherSize) = right[3]
    else { return false }
    return left[0] == right[0] && left[4...] == right[4...]
      && near(size, otherSize, within: 1e-12 * size)
      && near(high + low, otherHigh + otherLow, within: 1e-9 * size)
  case .moments:
    guard case .double(let mean) = left[1], case .double(let otherMean) = right[1],
      case .double(let squares) = left[2], case .double(let otherSquares) = right[2]
    else { return false }
    // The mean is as good as the doubles that it lies between.
    let spread = (squares / max(1, count(left[0]))).squareRoot()
    return left[0] == right[0] && left[3] == right[3]
      && near(mean, otherMean, within: 1e-9 * (abs(mean) + spread))
      && near(squares, otherSquares, within: 1e-9 * squares + 1e-20 * mean * mean)
  default: return left == right
  }
}

func near(_ left: Double, _ right: Double, within tolerance: Double) -> Bool {
  left == right || abs(left - right) <= tolerance
}

private func count(_ value: Datum) -> Double {
  if case .integer(let count) = value { Double(count) } else { 0 }
}

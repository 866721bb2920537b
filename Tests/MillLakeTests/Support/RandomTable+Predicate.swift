// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillLake
import MillTesting

extension RandomTable {
  /// A condition on the table, nested at most so deep.
  func predicate(depth: Int) -> TablePredicate {
    if depth > 0, chance.happens(percent: 55) {
      let parts = (0..<chance.below(4)).map { _ in predicate(depth: depth - 1) }
      return switch chance.below(3) {
      case 0: .all(parts)
      case 1: .any(parts)
      default: .not(predicate(depth: depth - 1))
      }
    }
    let index = chance.below(columns.count)
    switch chance.below(20) {
    case 0: return .constant([true, false, nil][chance.below(3)])
    case 1: return chance.happens(percent: 50) ? .unknown : .compare(["nowhere"], .equal, 1)
    case 2...4: return .isNull(spelled(columns[index].path))
    case 5...7:
      let count = chance.below(4)
      return .oneOf(spelled(columns[index].path), (0..<count).map { _ in literal(index) })
    default:
      let all = TablePredicate.Comparison.allCases
      return .compare(spelled(columns[index].path), all[chance.below(all.count)], literal(index))
    }
  }

  private func spelled(_ path: [String]) -> [String] {
    chance.happens(percent: 20) ? path.map { $0 == "größe" ? $0 : $0.uppercased() } : path
  }

  /// A value near those of a column, in one of the forms that a condition may have.
  private func literal(_ index: Int) -> JSONValue {
    if chance.happens(percent: 3) { return .null }
    if chance.happens(percent: 3) {
      return ["text", 5, true, "2024-01-01", "NaN", 1.5][chance.below(6)]
    }
    let rows = files[chance.below(files.count)].rows
    let cell = rows.isEmpty ? .null : rows[chance.below(rows.count)][index]
    let type = columns[index].type
    switch cell.isNull ? self.cell(type, chance.below(20)) : cell {
    case .null: return 1
    case .exact(let value):
      let moves: [Int128] = [0, 0, Cell.unit, -Cell.unit, Cell.unit / 2, 1, -1]
      let text = PredicateOracle.text(value + moves[chance.below(moves.count)], scale: 10)
      var short = Substring(text)
      while short.hasSuffix("0") { short = short.dropLast() }
      if short.hasSuffix(".") { short = short.dropLast() }
      return number(chance.happens(percent: 80) ? String(short) : text)
    case .real(let value): return number(moved(value).description)
    case .single(let value):
      let double = moved(Double(value))
      return number(chance.happens(percent: 50) ? Float(double).description : double.description)
    case .ordinal(let value) where type == .boolean: return .bool(value == 1)
    case .ordinal(let value):
      let moves: [Int64] = type == .date ? [0, 0, 1, -1] : [0, 0, 1, -1, 999, -1_000, 1_500]
      let text = Self.logText(.ordinal(value + moves[chance.below(moves.count)]), type)
      if type == .date || chance.happens(percent: 60) { return .string(text) }
      return .string(String(text.dropLast()) + ["", "+00:00"][chance.below(2)])
    case .text(let bytes):
      let text = String(decoding: bytes, as: UTF8.self)
      return .string([text, text, text + "a", String(text.dropLast())][chance.below(4)])
    }
  }

  private func moved(_ value: Double) -> Double {
    guard value.isFinite else { return Double(chance.below(100)) }
    let moved = [value, value, value + 1, value - 0.5, value.nextUp, value.nextDown]
    return moved[chance.below(moved.count)].isFinite ? moved[chance.below(2)] : value
  }

  /// A number as text, some with an exponent, which makes a double of it.
  private func number(_ text: String) -> JSONValue {
    let hasExponent = text.contains("e")
    let written = !hasExponent && chance.happens(percent: 15) ? text + "e0" : text
    return JSONNumber(text: written).map { .number($0) } ?? 1
  }
}

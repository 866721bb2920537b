// SPDX-License-Identifier: Apache-2.0

internal import MillCore

extension ExpressionCompiler {
  /// Leaves and choices, which are alike for every kind; nil for all else.
  static func general<Value: RowValue>(
    _ node: Node,
    _ code: @escaping (Node) -> Code<Value>,
    _ unbox: @escaping @Sendable (Datum) -> Unboxed<Value>
  ) -> Code<Value>? {
    switch node.form {
    case .column(let slot, _):
      return { frame in
        switch unbox(frame.row[slot]) {
        case .value(let value): return value
        case .null: return nil
        case .mismatch:
          frame.isInvalid = true
          return nil
        }
      }
    case .literal(let datum):
      guard case .value(let value) = unbox(datum) else { return { _ in nil } }
      return { _ in value }
    case .choice(let branches, let otherwise):
      let branches = branches.map { (condition: boolean($0.condition), value: code($0.value)) }
      let otherwise = code(otherwise)
      return { frame in
        for branch in branches where branch.condition(&frame) == true {
          return branch.value(&frame)
        }
        return otherwise(&frame)
      }
    case .coalesce(let parts):
      let parts = parts.map(code)
      return { frame in
        for part in parts {
          if let value = part(&frame) { return value }
        }
        return nil
      }
    case .nullIf(let left, let right):
      let (left, right) = (code(left), code(right))
      return { frame in
        guard let value = left(&frame) else { return nil }
        guard let other = right(&frame), Value.same(value, other) else { return value }
        return nil
      }
    case .call(let function, let parts) where function == .least || function == .greatest:
      let parts = parts.map(code)
      let wantsLeast = function == .least
      return { frame in
        var best: Value?
        for part in parts {
          guard let value = part(&frame) else { continue }
          if let known = best {
            let isBetter =
              wantsLeast ? Value.precedes(value, known) : Value.precedes(known, value)
            guard isBetter else { continue }
          }
          best = value
        }
        return best
      }
    case .call(.element, let parts):
      let list = list(parts[0])
      let place = long(parts[1])
      return { frame in
        guard case .list(let values)? = list(&frame), let place = place(&frame), place != 0
        else { return nil }
        let (index, overflows) =
          place > 0
          ? (place - 1, false) : Int64(values.count).addingReportingOverflow(place)
        guard !overflows, index >= 0, index < values.count else { return nil }
        switch unbox(values[Int(index)]) {
        case .value(let value): return value
        case .null: return nil
        case .mismatch:
          frame.isInvalid = true
          return nil
        }
      }
    default: return nil
    }
  }

  enum Unboxed<Value> {
    case value(Value)
    case null
    case mismatch
  }
}

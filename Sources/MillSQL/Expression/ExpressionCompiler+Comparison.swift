// SPDX-License-Identifier: Apache-2.0

internal import MillCore

extension ExpressionCompiler {
  /// Both sides are of one kind; null where one is null, but for the two that never are.
  static func comparison(
    _ comparison: Expression.Comparison,
    _ left: Node,
    _ right: Node
  ) -> Code<Bool> {
    switch ValueKind(left.type) {
    case .boolean: compared(comparison, boolean(left), boolean(right))
    case .long: compared(comparison, long(left), long(right))
    case .double: compared(comparison, double(left), double(right))
    case .decimal: compared(comparison, decimal(left), decimal(right))
    case .text: compared(comparison, text(left), text(right))
    case .date: compared(comparison, date(left), date(right))
    case .instant: compared(comparison, instant(left), instant(right))
    case .other: compared(comparison, list(left), list(right))
    }
  }

  private static func compared<Value: RowValue>(
    _ comparison: Expression.Comparison,
    _ left: @escaping Code<Value>,
    _ right: @escaping Code<Value>
  ) -> Code<Bool> {
    switch comparison {
    case .equal: both(left, right) { Value.same($0, $1) }
    case .notEqual: both(left, right) { !Value.same($0, $1) }
    case .less: both(left, right) { Value.precedes($0, $1) }
    case .lessOrEqual: both(left, right) { !Value.precedes($1, $0) }
    case .greater: both(left, right) { Value.precedes($1, $0) }
    case .greaterOrEqual: both(left, right) { !Value.precedes($0, $1) }
    case .distinct: distinct(left, right, is: true)
    case .notDistinct: distinct(left, right, is: false)
    }
  }

  private static func distinct<Value: RowValue>(
    _ left: @escaping Code<Value>,
    _ right: @escaping Code<Value>,
    is wanted: Bool
  ) -> Code<Bool> {
    { frame in
      let (left, right) = (left(&frame), right(&frame))
      guard let left, let right else { return ((left == nil) != (right == nil)) == wanted }
      return !Value.same(left, right) == wanted
    }
  }

  static func oneOf(_ part: Node, _ values: [Node]) -> Code<Bool> {
    switch ValueKind(part.type) {
    case .boolean: among(boolean(part), values.map(boolean))
    case .long: among(long(part), values.map(long))
    case .double: among(double(part), values.map(double))
    case .decimal: among(decimal(part), values.map(decimal))
    case .text: among(text(part), values.map(text))
    case .date: among(date(part), values.map(date))
    case .instant: among(instant(part), values.map(instant))
    case .other: among(list(part), values.map(list))
    }
  }

  private static func among<Value: RowValue>(
    _ part: @escaping Code<Value>,
    _ values: [Code<Value>]
  ) -> Code<Bool> {
    { frame in
      guard let part = part(&frame) else { return nil }
      var isKnown = true
      for value in values {
        guard let value = value(&frame) else {
          isKnown = false
          continue
        }
        if Value.same(part, value) { return true }
      }
      return isKnown ? false : nil
    }
  }

  static func between(_ part: Node, _ low: Node, _ high: Node) -> Code<Bool> {
    switch ValueKind(part.type) {
    case .boolean: within(boolean(part), boolean(low), boolean(high))
    case .long: within(long(part), long(low), long(high))
    case .double: within(double(part), double(low), double(high))
    case .decimal: within(decimal(part), decimal(low), decimal(high))
    case .text: within(text(part), text(low), text(high))
    case .date: within(date(part), date(low), date(high))
    case .instant: within(instant(part), instant(low), instant(high))
    case .other: within(list(part), list(low), list(high))
    }
  }

  /// Two comparisons and their AND.
  private static func within<Value: RowValue>(
    _ part: @escaping Code<Value>,
    _ low: @escaping Code<Value>,
    _ high: @escaping Code<Value>
  ) -> Code<Bool> {
    { frame in
      let (low, high) = (low(&frame), high(&frame))
      guard let part = part(&frame) else { return nil }
      if let low, Value.precedes(part, low) { return false }
      if let high, Value.precedes(high, part) { return false }
      return low == nil || high == nil ? nil : true
    }
  }
}

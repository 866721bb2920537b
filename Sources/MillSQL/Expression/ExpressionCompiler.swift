// SPDX-License-Identifier: Apache-2.0

internal import MillCore

/// Turns typed expressions into code, one function for each kind of value.
enum ExpressionCompiler {
  static func datum(_ node: Node) -> Code<Datum> {
    switch ValueKind(node.type) {
    case .boolean: return boxed(boolean(node), Datum.boolean)
    case .long: return boxed(long(node), Datum.integer)
    case .double: return boxed(double(node), Datum.double)
    case .decimal:
      guard case .decimal(_, let scale) = node.type else { return { _ in nil } }
      return boxed(decimal(node)) { .decimal(unscaled: $0, scale: scale) }
    case .text: return boxed(text(node), Datum.text)
    case .date: return boxed(date(node)) { .date(CivilDate(daysSinceEpoch: $0)) }
    case .instant: return boxed(instant(node)) { .instant(Instant(microseconds: $0)) }
    case .other: return list(node)
    }
  }

  private static func boxed<Value>(
    _ code: @escaping Code<Value>,
    _ box: @escaping @Sendable (Value) -> Datum
  ) -> Code<Datum> {
    { frame in code(&frame).map(box) }
  }

  static func boolean(_ node: Node) -> Code<Bool> {
    let shared = general(node, boolean) { datum in
      switch datum {
      case .boolean(let value): .value(value)
      case .null: .null
      default: .mismatch
      }
    }
    if let shared { return shared }
    switch node.form {
    case .comparison(let comparison, let left, let right):
      return Self.comparison(comparison, left, right)
    case .all(let parts): return junction(parts, absorbing: false)
    case .any(let parts): return junction(parts, absorbing: true)
    case .not(let part):
      let part = boolean(part)
      return { frame in part(&frame).map { !$0 } }
    case .isNull(let part):
      let part = isNull(part)
      return { frame in part(&frame) }
    case .oneOf(let part, let values): return oneOf(part, values)
    case .between(let part, let low, let high): return between(part, low, high)
    case .call(let function, let parts):
      let (whole, piece) = (text(parts[0]), text(parts[1]))
      let test = TextArithmetic.test(function)
      return { frame in
        guard let whole = whole(&frame), let piece = piece(&frame) else { return nil }
        return test(whole, piece)
      }
    default: preconditionFailure("the checker gives no other condition")
    }
  }

  /// AND and OR: the absorbing value wins over null.
  private static func junction(_ parts: [Node], absorbing: Bool) -> Code<Bool> {
    let parts = parts.map(boolean)
    return { frame in
      var isKnown = true
      for part in parts {
        switch part(&frame) {
        case absorbing?: return absorbing
        case nil: isKnown = false
        default: break
        }
      }
      return isKnown ? !absorbing : nil
    }
  }

  private static func isNull(_ node: Node) -> @Sendable (inout Frame) -> Bool {
    func test<Value>(_ code: @escaping Code<Value>) -> @Sendable (inout Frame) -> Bool {
      { frame in code(&frame) == nil }
    }
    return switch ValueKind(node.type) {
    case .boolean: test(boolean(node))
    case .long: test(long(node))
    case .double: test(double(node))
    case .decimal: test(decimal(node))
    case .text: test(text(node))
    case .date: test(date(node))
    case .instant: test(instant(node))
    case .other: test(list(node))
    }
  }

  static func long(_ node: Node) -> Code<Int64> {
    let shared = general(node, long) { datum in
      switch datum {
      case .integer(let value): .value(value)
      case .null: .null
      default: .mismatch
      }
    }
    if let shared { return shared }
    switch node.form {
    case .negated(let part):
      return checked(long(part)) { Int64(0).subtractingReportingOverflow($0) }
    case .arithmetic(let operation, let left, let right):
      return integers(operation, long(left), long(right))
    case .cast(let part, let kind): return longCast(part, to: node.type, kind)
    case .call(let function, let parts): return longCall(function, parts)
    case .dateDiff(let unit, let earlier, let later):
      return TimeArithmetic.dateDiff(unit, instant(earlier), instant(later))
    default: preconditionFailure("the checker gives no other integer")
    }
  }

  static func double(_ node: Node) -> Code<Double> {
    let shared = general(node, double) { datum in
      switch datum {
      case .double(let value): value.isFinite ? .value(value) : .null
      case .integer(let value): .value(Double(value))
      case .null: .null
      default: .mismatch
      }
    }
    if let shared { return shared }
    switch node.form {
    case .negated(let part):
      let part = double(part)
      return { frame in part(&frame).map { -$0 } }
    case .arithmetic(let operation, let left, let right):
      return doubles(operation, double(left), double(right))
    case .cast(let part, let kind): return doubleCast(part, kind)
    case .call(.epoch, let parts):
      let part = instant(parts[0])
      return { frame in part(&frame).map { Double($0) / 1e6 } }
    case .call(let function, let parts):
      let part = double(parts[0])
      if case .integer(let digits)? = parts.dropFirst().first?.constant {
        return rounded(part, to: Int(digits))
      }
      return finite(part, unary(function))
    default: preconditionFailure("the checker gives no other double")
    }
  }

  static func decimal(_ node: Node) -> Code<Int128> {
    let type = node.type
    let scale = if case .decimal(_, let scale) = type { scale } else { 0 }
    let shared = general(node, decimal) { datum in
      switch datum {
      case .decimal(let unscaled, let from):
        from == scale
          ? .value(unscaled)
          : DecimalArithmetic.rescaled(unscaled, from: from, to: scale).map { .value($0) }
            ?? .mismatch
      case .integer(let value):
        DecimalArithmetic.rescaled(Int128(value), from: 0, to: scale).map { .value($0) }
          ?? .mismatch
      case .null: .null
      default: .mismatch
      }
    }
    if let shared { return shared }
    switch node.form {
    case .negated(let part):
      let part = decimal(part)
      return { frame in part(&frame).map { -$0 } }
    case .arithmetic(let operation, let left, let right):
      // The checker has seen to it that the digits suffice.
      let (left, right) = (decimal(left), decimal(right))
      switch operation {
      case .add: return both(left, right) { $0 &+ $1 }
      case .subtract: return both(left, right) { $0 &- $1 }
      default: return both(left, right) { $0 &* $1 }
      }
    case .cast(let part, let kind): return decimalCast(part, to: type, kind)
    case .call(_, let parts):
      let part = decimal(parts[0])
      return { frame in part(&frame).map { $0 < 0 ? -$0 : $0 } }
    default: preconditionFailure("the checker gives no other decimal")
    }
  }

  static func text(_ node: Node) -> Code<String> {
    let shared = general(node, text) { datum in
      switch datum {
      case .text(let value): .value(value)
      case .null: .null
      default: .mismatch
      }
    }
    if let shared { return shared }
    switch node.form {
    case .joined(let left, let right): return both(text(left), text(right)) { $0 + $1 }
    case .cast(let part, _): return textCast(part)
    case .call(let function, let parts): return TextArithmetic.function(function, parts)
    default: preconditionFailure("the checker gives no other text")
    }
  }

  static func date(_ node: Node) -> Code<Int32> {
    let shared = general(node, date) { datum in
      switch datum {
      case .date(let value):
        TimeArithmetic.days.contains(value.daysSinceEpoch)
          ? .value(value.daysSinceEpoch) : .null
      case .null: .null
      default: .mismatch
      }
    }
    if let shared { return shared }
    switch node.form {
    case .cast(let part, let kind): return dateCast(part, kind)
    case .dateTrunc(let unit, let part):
      let part = date(part)
      return { frame in part(&frame).map { TimeArithmetic.truncated(day: $0, unit) } }
    default: preconditionFailure("the checker gives no other date")
    }
  }

  static func instant(_ node: Node) -> Code<Int64> {
    let shared = general(node, instant) { datum in
      switch datum {
      case .instant(let value): value.isPublishable ? .value(value.microseconds) : .null
      case .null: .null
      default: .mismatch
      }
    }
    if let shared { return shared }
    switch node.form {
    case .cast(let part, let kind): return instantCast(part, kind)
    case .dateTrunc(let unit, let part):
      let part = instant(part)
      return { frame in part(&frame).map { TimeArithmetic.truncated($0, unit) } }
    default: preconditionFailure("the checker gives no other instant")
    }
  }

  static func list(_ node: Node) -> Code<Datum> {
    general(node, list) { datum in datum.isNull ? .null : .value(datum) } ?? { _ in nil }
  }
}

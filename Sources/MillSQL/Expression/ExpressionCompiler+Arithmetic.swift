// SPDX-License-Identifier: Apache-2.0

internal import MillCore

#if canImport(Darwin)
  internal import Darwin
#else
  internal import Glibc
#endif

extension ExpressionCompiler {
  static func both<Value, Result>(
    _ left: @escaping Code<Value>,
    _ right: @escaping Code<Value>,
    _ join: @escaping @Sendable (Value, Value) -> Result
  ) -> Code<Result> {
    { frame in
      guard let left = left(&frame), let right = right(&frame) else { return nil }
      return join(left, right)
    }
  }

  /// An integer step that may overflow: then it is null and invalid.
  static func checked<Value>(
    _ part: @escaping Code<Value>,
    _ step: @escaping @Sendable (Value) -> (partialValue: Int64, overflow: Bool)
  ) -> Code<Int64> {
    { frame in
      guard let part = part(&frame) else { return nil }
      let (value, overflows) = step(part)
      guard !overflows else {
        frame.isInvalid = true
        return nil
      }
      return value
    }
  }

  /// A step that is null where it is not defined or not finite.
  static func finite(
    _ part: @escaping Code<Double>,
    _ step: @escaping @Sendable (Double) -> Double
  ) -> Code<Double> {
    { frame in
      guard let part = part(&frame) else { return nil }
      let value = step(part)
      return value.isFinite ? value : nil
    }
  }

  static func integers(
    _ operation: Expression.Arithmetic,
    _ left: @escaping Code<Int64>,
    _ right: @escaping Code<Int64>
  ) -> Code<Int64> {
    let step: @Sendable (Int64, Int64) -> (partialValue: Int64, overflow: Bool)
    switch operation {
    case .add: step = { $0.addingReportingOverflow($1) }
    case .subtract: step = { $0.subtractingReportingOverflow($1) }
    case .multiply: step = { $0.multipliedReportingOverflow(by: $1) }
    case .divideWhole, .divide, .power, .remainder:
      let isRemainder = operation == .remainder
      return { frame in
        guard let left = left(&frame), let right = right(&frame), right != 0 else { return nil }
        if right == -1 {
          if isRemainder { return 0 }
          if left == .min {
            frame.isInvalid = true
            return nil
          }
        }
        return isRemainder ? left % right : left / right
      }
    }
    return { frame in
      guard let left = left(&frame), let right = right(&frame) else { return nil }
      let (value, overflows) = step(left, right)
      guard !overflows else {
        frame.isInvalid = true
        return nil
      }
      return value
    }
  }

  static func doubles(
    _ operation: Expression.Arithmetic,
    _ left: @escaping Code<Double>,
    _ right: @escaping Code<Double>
  ) -> Code<Double> {
    let step: @Sendable (Double, Double) -> Double =
      switch operation {
      case .add: { $0 + $1 }
      case .subtract: { $0 - $1 }
      case .multiply: { $0 * $1 }
      case .divide, .divideWhole: { $1 == 0 ? .nan : $0 / $1 }
      case .remainder: { $1 == 0 ? .nan : $0.truncatingRemainder(dividingBy: $1) }
      case .power: { $0 == 0 && $1 < 0 ? .nan : pow($0, $1) }
      }
    return { frame in
      guard let left = left(&frame), let right = right(&frame) else { return nil }
      let value = step(left, right)
      return value.isFinite ? value : nil
    }
  }

  static func unary(_ function: Expression.Function) -> @Sendable (Double) -> Double {
    switch function {
    case .abs: { $0.magnitude }
    case .floor: { $0.rounded(.down) }
    case .ceil: { $0.rounded(.up) }
    case .trunc: { $0.rounded(.towardZero) }
    case .round: { $0.rounded(.toNearestOrAwayFromZero) }
    case .sqrt: { $0.squareRoot() }
    case .exp: { exp($0) }
    case .ln: { $0 > 0 ? log($0) : .nan }
    case .log10: { $0 > 0 ? log10($0) : .nan }
    default: { $0 > 0 ? log2($0) : .nan }
    }
  }

  static func longCall(
    _ function: Expression.Function,
    _ parts: [Node]
  ) -> Code<Int64> {
    let part = parts[0]
    switch (function, ValueKind(part.type)) {
    case (.abs, _):
      return checked(long(part)) {
        $0 < 0 ? Int64(0).subtractingReportingOverflow($0) : ($0, false)
      }
    case (.sign, .double):
      let part = double(part)
      return { frame in part(&frame).map { $0 > 0 ? 1 : $0 < 0 ? -1 : 0 } }
    case (.sign, .decimal):
      let part = decimal(part)
      return { frame in part(&frame).map(\.signum64) }
    case (.sign, _):
      let part = long(part)
      return { frame in part(&frame).map { $0.signum() } }
    case (.length, .text):
      let part = text(part)
      return { frame in part(&frame).map { Int64($0.unicodeScalars.count) } }
    case (.length, _):
      let part = list(part)
      return { frame in
        guard case .list(let values)? = part(&frame) else { return nil }
        return Int64(values.count)
      }
    case (.strlen, _):
      let part = text(part)
      return { frame in part(&frame).map { Int64($0.utf8.count) } }
    case (_, .date):
      let part = date(part)
      let field = TimeArithmetic.field(function)
      return { frame in part(&frame).map { field(Int64($0) * TimeArithmetic.day) } }
    default:
      let part = instant(part)
      let field = TimeArithmetic.field(function)
      return { frame in part(&frame).map { field($0) } }
    }
  }
}

extension Int128 {
  fileprivate var signum64: Int64 { self > 0 ? 1 : self < 0 ? -1 : 0 }
}

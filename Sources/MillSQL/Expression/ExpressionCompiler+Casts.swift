// SPDX-License-Identifier: Apache-2.0

internal import MillCore

extension ExpressionCompiler {
  /// A step that may fail: then it is null, and invalid unless the cast is lenient.
  private static func attempted<Value, Result>(
    _ part: @escaping Code<Value>,
    _ kind: Expression.CastKind,
    _ step: @escaping @Sendable (Value) -> Result?
  ) -> Code<Result> {
    let isStrict = kind == .strict
    return { frame in
      guard let part = part(&frame) else { return nil }
      if let value = step(part) { return value }
      if isStrict { frame.isInvalid = true }
      return nil
    }
  }

  static func longCast(_ part: Node, to type: DataType, _ kind: Expression.CastKind) -> Code<Int64>
  {
    let range: ClosedRange<Int64> =
      switch type {
      case .integer: Int64(Int32.min)...Int64(Int32.max)
      case .short: Int64(Int16.min)...Int64(Int16.max)
      case .byte: Int64(Int8.min)...Int64(Int8.max)
      default: .min ... .max
      }
    let fitting: @Sendable (Int64) -> Int64? = { range.contains($0) ? $0 : nil }
    switch ValueKind(part.type) {
    case .boolean:
      let part = boolean(part)
      return { frame in part(&frame).map { $0 ? 1 : 0 } }
    case .double:
      return attempted(double(part), kind) { value in
        Int64(exactly: value.rounded(.toNearestOrEven)).flatMap(fitting)
      }
    case .decimal:
      let scale = Self.scale(of: part.type)
      return attempted(decimal(part), kind) { value in
        DecimalArithmetic.rescaled(value, from: scale, to: 0).flatMap { Int64(exactly: $0) }
          .flatMap(fitting)
      }
    case .text: return attempted(text(part), kind) { Int64($0).flatMap(fitting) }
    default: return attempted(long(part), kind, fitting)
    }
  }

  static func doubleCast(_ part: Node, _ kind: Expression.CastKind) -> Code<Double> {
    switch ValueKind(part.type) {
    case .decimal:
      let scale = Self.scale(of: part.type)
      let part = decimal(part)
      return { frame in part(&frame).map { DecimalArithmetic.double($0, scale: scale) } }
    case .text: return attempted(text(part), kind, TextArithmetic.double)
    default:
      let part = long(part)
      return { frame in part(&frame).map { Double($0) } }
    }
  }

  static func decimalCast(
    _ part: Node,
    to type: DataType,
    _ kind: Expression.CastKind
  ) -> Code<Int128> {
    guard case .decimal(let precision, let scale) = type else { return { _ in nil } }
    let from = Self.scale(of: part.type)
    let rescaled: @Sendable (Int128) -> Int128? = { value in
      guard let value = DecimalArithmetic.rescaled(value, from: from, to: scale),
        DecimalArithmetic.fits(value, precision: precision)
      else { return nil }
      return value
    }
    guard ValueKind(part.type) == .long else { return attempted(decimal(part), kind, rescaled) }
    return attempted(long(part), kind) { rescaled(Int128($0)) }
  }

  private static func scale(of type: DataType) -> Int {
    if case .decimal(_, let scale) = type { scale } else { 0 }
  }

  static func textCast(_ part: Node) -> Code<String> {
    switch ValueKind(part.type) {
    case .boolean:
      let part = boolean(part)
      return { frame in part(&frame).map { $0 ? "true" : "false" } }
    case .decimal:
      let scale = Self.scale(of: part.type)
      let part = decimal(part)
      return { frame in part(&frame).map { Datum.decimalText($0, scale: scale) } }
    case .date:
      let part = date(part)
      return { frame in part(&frame).map { CivilDate(daysSinceEpoch: $0).description } }
    default:
      let part = long(part)
      return { frame in part(&frame).map { String($0) } }
    }
  }

  static func dateCast(_ part: Node, _ kind: Expression.CastKind) -> Code<Int32> {
    guard ValueKind(part.type) == .text else {
      let part = instant(part)
      return { frame in part(&frame).map { Instant(microseconds: $0).date.daysSinceEpoch } }
    }
    return attempted(text(part), kind) { CivilDate(iso8601: $0)?.daysSinceEpoch }
  }

  static func instantCast(_ part: Node, _ kind: Expression.CastKind) -> Code<Int64> {
    guard ValueKind(part.type) == .text else {
      let part = date(part)
      return { frame in part(&frame).map { Int64($0) * TimeArithmetic.day } }
    }
    return attempted(text(part), kind, TimeArithmetic.instant)
  }

  /// To a number of digits after the point.
  static func rounded(_ part: @escaping Code<Double>, to digits: Int) -> Code<Double> {
    let power = DecimalArithmetic.doublePowers[digits]
    return finite(part) { value in
      let rounded = (value * power).rounded(.toNearestOrAwayFromZero) / power
      return rounded.isFinite ? rounded : value
    }
  }
}

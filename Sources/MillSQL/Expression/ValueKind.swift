// SPDX-License-Identifier: Apache-2.0

internal import MillCore

/// What a value is in memory.
enum ValueKind: Hashable, Sendable {
  case boolean, long, double, decimal, text, date, instant, other

  init(_ type: DataType) {
    self =
      switch type {
      case .boolean: .boolean
      case .long, .integer, .short, .byte: .long
      case .double, .float: .double
      case .decimal: .decimal
      case .string: .text
      case .date: .date
      case .timestamp: .instant
      default: .other
      }
  }
}

extension DataType {
  var isInteger: Bool { ValueKind(self) == .long }

  /// The least decimal that holds every value of an integer or a decimal: digits and scale.
  var asDecimal: (precision: Int, scale: Int)? {
    switch self {
    case .long: (19, 0)
    case .integer: (10, 0)
    case .short: (5, 0)
    case .byte: (3, 0)
    case .decimal(let precision, let scale): (precision, scale)
    default: nil
    }
  }
}

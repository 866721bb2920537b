// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// Why an expression has no meaning over some columns.
@nonexhaustive
public enum ExpressionError: Failure, Equatable {
  /// No input has this name; the nearest one, and all that there are.
  case unknownColumn(name: String, nearest: String?, columns: [String])
  /// SQL has it and expressions do not; what to write instead.
  case outsideSubset(piece: String, instead: String)
  /// A piece got a type that it does not take.
  case wrongType(piece: String, found: DataType, expected: String)
  /// Two types that have no common one met.
  case noCommonType(piece: String, left: DataType, right: DataType)
  /// A function got too few or too many values, or one that must be written out.
  case wrongArguments(piece: String, expected: String)
  /// The digits of a decimal result would be more than a decimal has.
  case tooManyDigits(piece: String, digits: Int)
  /// The whole is only NULL, which is of no type.
  case untyped
  /// More is within each other, or more pieces there are, than is read.
  case tooLarge(limit: Int, unit: String)

  /// `expression.` and the case.
  public var code: String {
    switch self {
    case .unknownColumn: "expression.unknown-column"
    case .outsideSubset: "expression.outside-subset"
    case .wrongType: "expression.wrong-type"
    case .noCommonType: "expression.no-common-type"
    case .wrongArguments: "expression.wrong-arguments"
    case .tooManyDigits: "expression.too-many-digits"
    case .untyped: "expression.untyped"
    case .tooLarge: "expression.too-large"
    }
  }

  /// Whoever wrote the expression changes it.
  public var errorClass: ErrorClass { .definition }

  /// What is wrong with which piece, and what to write.
  public var description: String {
    switch self {
    case .unknownColumn(let name, let nearest, let columns):
      "there is no column \(name); "
        + (nearest.map { "did you mean \($0)?" } ?? "there are \(Self.list(columns))")
    case .outsideSubset(let piece, let instead):
      "\(piece) is not in the subset of expressions; \(instead)"
    case .wrongType(let piece, let found, let expected):
      "\(piece) takes \(expected), and here is \(found.sqlName)"
    case .noCommonType(let piece, let left, let right):
      "\(piece) has \(left.sqlName) and \(right.sqlName), which have no common type: cast one"
    case .wrongArguments(let piece, let expected): "\(piece) takes \(expected)"
    case .tooManyDigits(let piece, let digits):
      "\(piece) would have \(digits) digits, and a decimal has 38: cast to DOUBLE or to fewer digits"
    case .untyped: "NULL alone is of no type: write CAST(NULL AS BIGINT)"
    case .tooLarge(let limit, let unit): "an expression has at most \(limit) \(unit)"
    }
  }

  private static func list(_ names: [String]) -> String {
    names.isEmpty
      ? "none" : names.prefix(20).joined(separator: ", ") + (names.count > 20 ? ", …" : "")
  }
}

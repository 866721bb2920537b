// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// An expression whose columns are found and whose types agree.
///
/// It is rendered as SQL and compiled to Swift, and both give the same value for the same row:
///
/// - an input that is NaN, infinite or outside of the years 1 to 9999 is null;
/// - a double result that is NaN or infinite is null, and so is the result of a function where it is
///   not defined, such as `ln(0)`;
/// - integers are computed as BIGINT; what does not fit is null and invalid;
/// - division by zero is null; `/` is of doubles, `//` of integers and towards zero;
/// - a cast that does not fit is null, and invalid unless it is TRY_CAST;
/// - text compares by its UTF-8 bytes; functions count its Unicode scalars;
/// - times are UTC, weeks begin on Monday.
///
/// (docs/semantics.md, 4, 5 and 29.)
public struct TypedExpression: Hashable, Sendable {
  /// The columns that values come in, in the order of the slots.
  public let inputs: Schema
  /// The type of the result.
  public let type: DataType
  let root: Node

  /// Finds the columns of an expression and its types.
  ///
  /// A column is found by its exact name, and if there is none by its name in any letter case.
  ///
  /// - Throws: `ExpressionError` that names the piece at fault.
  public init(_ expression: Expression, over inputs: Schema) throws(ExpressionError) {
    let root = try ExpressionChecker(inputs: inputs).check(expression)
    self.inputs = inputs
    self.type = root.type
    self.root = root
  }

  /// The numbers of the inputs that the value depends on, in rising order.
  public var slots: [Int] {
    var found: Set<Int> = []
    root.collect { found.insert($0) }
    return found.sorted()
  }
}

// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// A typed expression as code that computes one row at a time.
///
/// Columns are slots and types are settled, so a value costs a call for each piece and no look-up.
///
/// ```swift
/// let ratio = CompiledExpression(typed)
/// ratio.evaluate([.double(12.5), .double(0)])  // null: a division by zero
/// ```
public struct CompiledExpression: Sendable {
  /// A value, and whether it is to be trusted.
  public struct Outcome: Hashable, Sendable {
    /// The value that SQL gives for the same row.
    public var value: Datum
    /// Whether an integer overflowed or a cast failed on the way (docs/semantics.md, 5).
    ///
    /// Only what is computed counts: not the branches of a CASE that are not taken, nor what stands
    /// after the first false of an AND.
    public var isInvalid: Bool

    /// A value and its standing.
    public init(value: Datum, isInvalid: Bool = false) {
      self.value = value
      self.isInvalid = isInvalid
    }
  }

  /// What values come in, in the order of the slots.
  public let inputs: Schema
  /// The type of the result.
  public let type: DataType
  private let code: Code<Datum>

  /// Makes the code.
  public init(_ expression: TypedExpression) {
    inputs = expression.inputs
    type = expression.type
    code = ExpressionCompiler.datum(expression.root)
  }

  /// The value for one row, one value for each input in its order.
  ///
  /// A value of another kind than its column has is null, and the result invalid.
  public func evaluate(_ row: [Datum]) -> Outcome {
    precondition(row.count == inputs.fields.count, "one value for each input")
    var frame = Frame(row: row)
    let value = code(&frame)
    return Outcome(value: value ?? .null, isInvalid: frame.isInvalid)
  }
}

/// One row while it is computed.
struct Frame {
  let row: [Datum]
  var isInvalid = false
}

/// Computes one piece; nil is null.
typealias Code<Value> = @Sendable (inout Frame) -> Value?

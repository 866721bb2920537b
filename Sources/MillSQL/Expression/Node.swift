// SPDX-License-Identifier: Apache-2.0

internal import MillCore

/// A piece of a typed expression: all that types imply is spelled out.
struct Node: Hashable, Sendable {
  let form: Form
  let type: DataType

  init(_ form: Form, _ type: DataType) {
    self.form = form
    self.type = type
  }

  /// One WHEN of a CASE.
  struct Branch: Hashable, Sendable {
    let condition: Node
    let value: Node
  }

  indirect enum Form: Hashable, Sendable {
    /// The type of the node is the declared one, but a float is read as a double.
    case column(slot: Int, name: String)
    case literal(Datum)
    /// A long, a double or a decimal.
    case negated(Node)
    /// Both sides are of one kind; of doubles and longs it is that of the result.
    case arithmetic(Expression.Arithmetic, Node, Node)
    case joined(Node, Node)
    /// Both sides are of one type.
    case comparison(Expression.Comparison, Node, Node)
    case all([Node])
    case any([Node])
    case not(Node)
    case isNull(Node)
    case oneOf(Node, [Node])
    case between(Node, Node, Node)
    case choice([Branch], otherwise: Node)
    case coalesce([Node])
    case nullIf(Node, Node)
    /// To the node's type; whether a value that does not fit is invalid.
    case cast(Node, Expression.CastKind)
    case call(Expression.Function, [Node])
    /// The unit is known when the expression is read.
    case dateDiff(TimeUnit, Node, Node)
    case dateTrunc(TimeUnit, Node)

    var parts: [Node] {
      switch self {
      case .column, .literal: []
      case .negated(let part), .not(let part), .isNull(let part), .cast(let part, _),
        .dateTrunc(_, let part):
        [part]
      case .arithmetic(_, let left, let right), .joined(let left, let right),
        .comparison(_, let left, let right), .nullIf(let left, let right),
        .dateDiff(_, let left, let right):
        [left, right]
      case .all(let parts), .any(let parts), .coalesce(let parts), .call(_, let parts): parts
      case .oneOf(let part, let values): [part] + values
      case .between(let part, let low, let high): [part, low, high]
      case .choice(let branches, let otherwise):
        branches.flatMap { [$0.condition, $0.value] } + [otherwise]
      }
    }
  }

  func collect(_ take: (Int) -> Void) {
    if case .column(let slot, _) = form { take(slot) }
    for part in form.parts { part.collect(take) }
  }

  /// The literal's value, if it is one that is not null.
  var constant: Datum? {
    if case .literal(let datum) = form, !datum.isNull { datum } else { nil }
  }

  static func null(_ type: DataType) -> Node { Node(.literal(.null), type) }
}

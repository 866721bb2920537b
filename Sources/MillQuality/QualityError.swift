// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// Why rules cannot be judged as they are written.
@nonexhaustive
public enum QualityError: Failure, Equatable {
  /// A rule, `keys` or `dedupe.by` names a column that the rows do not have.
  case unknownColumn(what: String, column: String, nearest: String?, known: [String])
  /// The check does not apply to the type of its column.
  case wrongType(rule: String, column: String, type: String, wanted: String)
  /// Results are kept by rule name, and two rules share one.
  case repeatedName(rule: String)
  /// `mostly` is not above 0 and at most 1.
  case badTolerance(rule: String, mostly: Double)
  /// The rule judges the whole, so it names no rows to set aside.
  case cannotQuarantine(rule: String)

  /// `quality.` and the case.
  public var code: String {
    switch self {
    case .unknownColumn: "quality.unknown-column"
    case .wrongType: "quality.wrong-type"
    case .repeatedName: "quality.repeated-name"
    case .badTolerance: "quality.bad-tolerance"
    case .cannotQuarantine: "quality.cannot-quarantine"
    }
  }

  /// Rules are definitions, and somebody has to edit them.
  public var errorClass: ErrorClass { .definition }

  /// What is wrong with which rule, and what would be right.
  public var description: String {
    switch self {
    case .unknownColumn(let what, let column, let nearest, let known):
      if let nearest {
        "\(what) names the column \(column), which is not there: did you mean \(nearest)?"
      } else {
        "\(what) names the column \(column), which is not there: "
          + "the columns are \(known.prefix(20).joined(separator: ", "))"
      }
    case .wrongType(let rule, let column, let type, let wanted):
      "rule \(rule): column \(column) is \(type), the rule needs \(wanted)"
    case .repeatedName(let rule):
      "two rules are named \(rule): give one of them a `name`"
    case .badTolerance(let rule, let mostly):
      "rule \(rule): `mostly` is \(mostly), it must be more than 0 and at most 1"
    case .cannotQuarantine(let rule):
      "rule \(rule) judges the whole table, so no row can go to quarantine: "
        + "use `on_failure: warn` or `fail`"
    }
  }
}

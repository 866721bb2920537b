// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// Why features cannot be defined, joined or served.
@nonexhaustive
public indirect enum FeatureError: Failure, Equatable {
  /// What a name can be of.
  public enum Kind: String, Sendable {
    case entity
    case view
    case feature
    case service
    case trainingSet = "training set"

    /// The command that lists what there is.
    var command: String {
      self == .trainingSet ? "millrace features training-set list" : "millrace features list"
    }
  }

  /// A definition that makes no sense.
  case definition(SourcePlace, name: String, problem: String)
  /// A name that nobody defines.
  case unknown(Kind, String, nearest: String?)
  /// A mistake in what a service lists.
  case inService(SourcePlace, service: String, FeatureError)
  /// A column that the source does not have.
  case noColumn(SourcePlace, view: String, source: String, column: String, nearest: String?)
  /// A column whose type does not fit its use.
  case columnType(SourcePlace, view: String, column: String, found: DataType, expected: String)
  /// The view's source was never made.
  case notMade(view: String, source: String)
  /// The view's values are not in the online store, in the definition that it has now.
  case notServed(view: String)
  /// A question about a time before that of what the online store holds.
  case past(view: String, asOf: Instant, asked: Instant)
  /// Rows as of a time before that of what the online store holds were to be brought into it.
  case older(view: String, asOf: Instant, asked: Instant)
  /// Rows as of a time that has not come were to be brought into the online store.
  case ahead(view: String, asked: Instant)
  /// The table was made by another definition than the project has now.
  case outdated(view: String, source: String)
  /// Labels that cannot be joined.
  case labels(String, problem: String)
  /// Something of a training set is not as its manifest says.
  case trainingSet(String, problem: String)
  /// A request for features, or rows that were pushed, cannot be understood.
  case request(String)

  /// `features.` and the case.
  public var code: String {
    switch self {
    case .definition: "features.definition"
    case .unknown: "features.unknown"
    case .inService(_, _, let error): error.code
    case .noColumn: "features.no-column"
    case .columnType: "features.column-type"
    case .notMade: "features.not-made"
    case .notServed: "features.not-served"
    case .past: "features.past"
    case .older: "features.older"
    case .ahead: "features.ahead"
    case .outdated: "features.outdated"
    case .labels: "features.labels"
    case .trainingSet: "features.training-set"
    case .request: "features.request"
    }
  }

  /// Whose move it is.
  public var errorClass: ErrorClass {
    switch self {
    case .trainingSet: .check
    case .request: .data
    default: .definition
    }
  }

  /// Where in the user's files the mistake is, if it has a place.
  public var place: SourcePlace? {
    switch self {
    case .definition(let place, _, _), .inService(let place, _, _),
      .noColumn(let place, _, _, _, _), .columnType(let place, _, _, _, _):
      place
    default: nil
    }
  }

  /// What happened, to what, and what to do next, with the place where there is one.
  public var description: String {
    (place.map { "\($0): " } ?? "") + fact
  }

  /// The same without the place.
  public var fact: String {
    switch self {
    case .definition(_, let name, let problem):
      "\(name): \(problem)"
    case .unknown(let kind, let name, let nearest):
      "there is no \(kind.rawValue) \(name)"
        + (nearest.map { ": did you mean \($0)?" } ?? "; `\(kind.command)` shows all")
    case .inService(_, let service, let error):
      "the service \(service): \(error.fact)"
    case .noColumn(_, let view, let source, let column, let nearest):
      "\(view): \(source) has no column \(column)"
        + (nearest.map { ": did you mean \($0)?" } ?? "")
    case .columnType(_, let view, let column, let found, let expected):
      "\(view): the column \(column) has the type \(found), and \(expected) is wanted"
    case .notMade(let view, let source):
      "\(source), which the view \(view) reads, has not been made: run `millrace run +\(source)`"
    case .notServed(let view):
      "\(view), as it is defined now, is not in the online store: run "
        + "`millrace features materialize \(view)`"
    case .past(let view, let asOf, let asked):
      "the online rows of \(view) are as of \(asOf), and say nothing of \(asked): a training set or "
        + "`millrace features explain` does"
    case .older(let view, let asOf, let asked):
      "the online rows of \(view) are as of \(asOf) already; they are not made older, as of \(asked): "
        + "leave --as-of out, or give a later time"
    case .ahead(let view, let asked):
      "\(view) cannot be brought in as of \(asked), which has not come: give a time that has, or none"
    case .outdated(let view, let source):
      "\(source), which the view \(view) reads, was made by another definition than the project has "
        + "now: run `millrace run +\(source)`"
    case .labels(let source, let problem):
      "labels of \(source): \(problem)"
    case .trainingSet(let id, let problem):
      "training set \(id): \(problem)"
    case .request(let problem): problem
    }
  }
}

// SPDX-License-Identifier: Apache-2.0

public import MillCore
public import MillQuality

/// Why a pipeline cannot be planned, or one of its datasets not be made.
@nonexhaustive
public enum PipelineError: Failure {
  /// A model reads something that nobody defines.
  case unknownDataset(SourcePlace, name: String, nearest: String?)
  /// Models that wait for each other.
  case cycle([DatasetName])
  /// Two definitions of one name.
  case repeatedName(name: String, first: String, second: String)
  /// A selector that names nothing.
  case unknownSelector(String, nearest: String?)
  /// A query that the engine does not accept, where its author wrote it.
  case sql(SourcePlace, dataset: DatasetName, message: String)
  /// A definition that does not fit the data or the query it belongs to.
  case definition(path: String, dataset: DatasetName, message: String)
  /// Values that the query cannot work on.
  case data(SourcePlace, dataset: DatasetName, message: String)
  /// A dataset was to be made before what it reads.
  case notMade(dataset: DatasetName, input: DatasetName)
  /// No file is where a source says that its files are.
  case noFiles(dataset: DatasetName, patterns: [String])
  /// Rules that forbid to publish.
  case checksFailed(dataset: DatasetName, [RuleResult])
  /// So much of a file cannot be decoded that its declaration must be wrong.
  case tooManyDeadLetters(
    dataset: DatasetName,
    file: String,
    count: Int64,
    limit: Int,
    example: String
  )
  /// The books do not balance: our own mistake, so nothing is published.
  case unbalanced(dataset: DatasetName, detail: String)
  /// Another run has the project.
  case locked(owner: String)
  /// The lock could not be taken for another reason.
  case lockUnusable(path: String, message: String)

  /// `pipeline.` and the case.
  public var code: String {
    switch self {
    case .unknownDataset: "pipeline.unknown-dataset"
    case .cycle: "pipeline.cycle"
    case .repeatedName: "pipeline.repeated-name"
    case .unknownSelector: "pipeline.unknown-selector"
    case .sql: "pipeline.sql"
    case .definition: "pipeline.definition"
    case .data: "pipeline.data"
    case .notMade: "pipeline.not-made"
    case .noFiles: "pipeline.no-files"
    case .checksFailed: "pipeline.checks-failed"
    case .tooManyDeadLetters: "pipeline.too-many-dead-letters"
    case .unbalanced: "pipeline.unbalanced"
    case .locked: "pipeline.locked"
    case .lockUnusable: "pipeline.lock-unusable"
    }
  }

  /// Whose move it is.
  public var errorClass: ErrorClass {
    switch self {
    case .unknownDataset, .cycle, .repeatedName, .unknownSelector, .definition, .notMade:
      .definition
    case .sql, .data, .tooManyDeadLetters: .data
    case .checksFailed: .check
    case .unbalanced: .bug
    case .locked, .lockUnusable, .noFiles: .outside
    }
  }

  /// Where in the user's files the mistake is, if it has a place.
  public var place: SourcePlace? {
    switch self {
    case .unknownDataset(let place, _, _), .sql(let place, _, _), .data(let place, _, _): place
    default: nil
    }
  }

  /// What happened, to which dataset, where, and what to do next.
  public var description: String {
    switch self {
    case .unknownDataset(let place, let name, let nearest):
      "\(place): there is no dataset \(name)"
        + (nearest.map { ": did you mean \($0)?" } ?? "; sources are read as bronze.NAME")
    case .cycle(let path):
      "these models wait for each other: "
        + (path + path.prefix(1)).map(\.description).joined(separator: " → ")
    case .repeatedName(let name, let first, let second):
      "\(name) is defined twice, in \(first) and in \(second): rename one "
        + "(silver and gold share their quarantine by name)"
    case .unknownSelector(let text, let nearest):
      "nothing is named \(text)" + (nearest.map { ": did you mean \($0)?" } ?? "")
    case .sql(let place, let dataset, let message):
      "\(place): \(dataset): \(message)"
    case .definition(let path, let dataset, let message):
      "\(path): \(dataset): \(message)"
    case .data(let place, let dataset, let message):
      "\(place): \(dataset): \(message)"
    case .notMade(let dataset, let input):
      "\(dataset) reads \(input), which has not been made yet: `millrace run +\(dataset)` makes both"
    case .noFiles(let dataset, let patterns):
      "\(dataset): no file matches \(patterns.joined(separator: ", ")): check `files` of the source"
    case .checksFailed(let dataset, let results):
      "\(dataset): nothing was published, since "
        + results.map { "rule \($0.rule) failed (\($0.violations) of \($0.evaluated))" }
        .joined(separator: ", ")
    case .tooManyDeadLetters(let dataset, let file, let count, let limit, let example):
      "\(dataset): \(count) records of \(file) cannot be decoded, more than the \(limit) that "
        + "dead letters take from one file, so the file was left alone: check `columns`; "
        + "for example \(example)"
    case .unbalanced(let dataset, let detail):
      "\(dataset): the books do not balance (\(detail)), so nothing was published; "
        + "this is a mistake of Millrace, please report it"
    case .locked(let owner):
      "another run has this project (\(owner)): wait for it or stop it"
    case .lockUnusable(let path, let message):
      "the run lock \(path) cannot be taken: \(message)"
    }
  }
}

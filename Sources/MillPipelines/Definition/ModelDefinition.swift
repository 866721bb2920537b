// SPDX-License-Identifier: Apache-2.0

public import MillCore
public import MillQuality

/// One dataset made by one SELECT.
public struct ModelDefinition: Hashable, Sendable {
  /// How a new version comes from the one before.
  public enum Strategy: String, Sendable, CaseIterable {
    /// Everything is computed again and replaces what was there.
    case full
    /// Only new rows of the upstream are computed; anything but new rows means a full run.
    case append
  }

  /// The dataset that the SELECT makes.
  public var dataset: DatasetName
  /// One line for readers of the table.
  public var description: String?
  /// The SELECT as its author wrote it.
  public var sql: String
  /// The line of the file on which ``sql`` begins, from 1.
  public var sqlLine: Int
  /// Rows that agree in these columns are the same thing; one of them is published.
  public var keys: [String]
  /// Which of them: the greatest by these columns.
  public var newestBy: [String]
  /// Columns whose values become folders; empty for an unpartitioned table.
  public var partitionBy: [String]
  /// How a new version comes from the one before.
  public var strategy: Strategy
  /// Changes of values before the rules judge, in order.
  public var repairs: [Repair]
  /// What its rows are expected to be.
  public var rules: [Rule]
  /// How old the dataset may become.
  public var freshness: Duration?
  /// The file that defines the model, for messages.
  public var path: String

  /// A model with the defaults of everything but its name and its SELECT.
  public init(
    dataset: DatasetName,
    description: String? = nil,
    sql: String,
    sqlLine: Int = 1,
    keys: [String] = [],
    newestBy: [String] = [],
    partitionBy: [String] = [],
    strategy: Strategy = .full,
    repairs: [Repair] = [],
    rules: [Rule] = [],
    freshness: Duration? = nil,
    path: String = ""
  ) {
    self.dataset = dataset
    self.description = description
    self.sql = sql
    self.sqlLine = sqlLine
    self.keys = keys
    self.newestBy = newestBy
    self.partitionBy = partitionBy
    self.strategy = strategy
    self.repairs = repairs
    self.rules = rules
    self.freshness = freshness
    self.path = path
  }
}

/// A declared change of values, made before the rules judge.
public enum Repair: Hashable, Sendable {
  /// A value in place of null.
  case fill(column: String, value: JSONValue)
  /// A statistic of the column's other values in place of null.
  case impute(column: String, Statistic)
  /// The nearest bound in place of a value outside of the bounds.
  case clamp(column: String, minimum: JSONValue?, maximum: JSONValue?)

  /// What an imputed value is.
  public enum Statistic: String, Sendable, CaseIterable {
    case median
    case mean
    case mode
  }

  /// The column that is repaired.
  public var column: String {
    switch self {
    case .fill(let column, _), .impute(let column, _), .clamp(let column, _, _): column
    }
  }

  /// The values that the repair writes as they stand.
  var values: [JSONValue] {
    switch self {
    case .fill(_, let value): [value]
    case .impute: []
    case .clamp(_, let minimum, let maximum): [minimum, maximum].compactMap { $0 }
    }
  }

  /// The action as accounts name it, such as `impute temp`.
  public var name: String {
    switch self {
    case .fill(let column, _): "default \(column)"
    case .impute(let column, let statistic): "impute \(statistic.rawValue) \(column)"
    case .clamp(let column, _, _): "clamp \(column)"
    }
  }
}

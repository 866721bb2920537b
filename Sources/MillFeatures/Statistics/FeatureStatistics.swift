// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// What was counted of one feature's values, over the keys of its view.
public struct FeatureStatistics: Hashable, Sendable {
  /// A value below which a share of all lies.
  public struct Quantile: Hashable, Sendable {
    /// The share, from 0 to 1.
    public var fraction: Double
    /// The smallest value that has this share at or below it.
    public var value: Double
  }

  /// Values of a stretch, and how many there are.
  public struct Bin: Hashable, Sendable {
    /// The first value that belongs to it.
    public var lower: Double
    /// Where the next one begins; the last bin holds this value as well.
    public var upper: Double
    /// How many values.
    public var count: Int64
  }

  /// A value, and how often it is met.
  public struct Frequency: Hashable, Sendable {
    /// As text, cut at ``FeatureStatistics/textMax`` characters.
    public var value: String
    /// How many keys have it.
    public var count: Int64
  }

  /// How long lists are.
  public struct Lengths: Hashable, Sendable {
    /// The shortest.
    public var minimum: Int64
    /// On the average.
    public var mean: Double
    /// The longest.
    public var maximum: Int64

    /// Lengths of lists.
    public init(minimum: Int64, mean: Double, maximum: Int64) {
      self.minimum = minimum
      self.mean = mean
      self.maximum = maximum
    }
  }

  /// The quantiles that are taken of numbers.
  public static let fractions = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99]
  /// How many bins a histogram has at most.
  public static let binsMax = 20
  /// How many values are listed at most.
  public static let topMax = 20
  /// How long a listed text is at most.
  public static let textMax = 64

  /// The feature inside of its view.
  public var feature: String
  /// Its type.
  public var type: DataType
  /// Keys that were counted.
  public var rows: Int64
  /// Keys without a value.
  public var nulls: Int64
  /// How many different values there are; nil for lists.
  public var distinct: Int64?
  /// The smallest and largest value as text, cut; nil without values or an order.
  public var minimum: String?
  /// The largest.
  public var maximum: String?
  /// The mean of the finite numbers.
  public var mean: Double?
  /// The sample standard deviation of the finite numbers.
  public var deviation: Double?
  /// Of the finite numbers, at ``fractions``.
  public var quantiles: [Quantile] = []
  /// Of the finite numbers: bins of one width between the quantiles 0.01 and 0.99, of which the first
  /// and the last also hold what lies beyond.
  public var histogram: [Bin] = []
  /// The most frequent values of texts, booleans, and whole numbers and days of few values.
  public var top: [Frequency] = []
  /// Of lists.
  public var lengths: Lengths?

  /// What was counted of a feature at least.
  public init(feature: String, type: DataType, rows: Int64, nulls: Int64) {
    self.feature = feature
    self.type = type
    self.rows = rows
    self.nulls = nulls
  }
}

/// What was counted of a view's values when they were brought online.
public struct ViewStatistics: Hashable, Sendable {
  /// The view.
  public var view: String
  /// The hash of its definition.
  public var hash: String
  /// As of when the values stood.
  public var asOf: Instant
  /// When they were counted.
  public var countedAt: Instant
  /// The version of each table that they are made of.
  public var tables: [String: Int64]
  /// The rows of these tables' files; nil where the tables do not tell.
  public var sourceRows: Int64?
  /// Whether quantiles and numbers of different values are estimates, as of very many keys.
  public var isApproximate: Bool
  /// In the order of the view; windows may be counted over a part of the keys, see their rows.
  public var features: [FeatureStatistics]

  /// What was counted of a view.
  public init(
    view: String,
    hash: String,
    asOf: Instant,
    countedAt: Instant,
    tables: [String: Int64],
    sourceRows: Int64?,
    isApproximate: Bool,
    features: [FeatureStatistics]
  ) {
    self.view = view
    self.hash = hash
    self.asOf = asOf
    self.countedAt = countedAt
    self.tables = tables
    self.sourceRows = sourceRows
    self.isApproximate = isApproximate
    self.features = features
  }
}

// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillEngine
internal import MillSQL

/// Counts the values of features, one row for each key, on the engine.
///
/// One scan takes what needs no look at the values first; a second one fills the histograms of all
/// numbers; and each feature with few values is grouped by them.
struct StatisticsScan {
  /// A feature and the column of the relation that holds it.
  struct Column {
    var feature: Field
    var name: String
  }

  /// From so many keys on quantiles and numbers of different values are estimates, whose memory does
  /// not grow with the keys.
  static let exactMax: Int64 = 1_000_000
  /// Whole numbers and days of at most so many values are listed.
  private static let fewValues: Int64 = 50
  /// Beyond this, squares of numbers are no doubles.
  private static let magnitudeMax = "1e150"

  let relation: RelationName
  let columns: [Column]
  let dialect: any Dialect
  let session: any EngineSession

  private var source: String { dialect.quote(relation.name) }

  /// - Returns: One for each column, and whether some numbers are estimates.
  func run() async throws -> (features: [FeatureStatistics], isApproximate: Bool) {
    let count = try await session.rows("SELECT count(*) FROM \(source)", limit: 1).integer(0, 0)
    let rows = count ?? 0
    let isApproximate = rows > Self.exactMax
    guard !columns.isEmpty else { return ([], false) }
    let cells = columns.flatMap { self.cells($0, isApproximate) }
    let found = try await session.rows(
      "SELECT \(cells.joined(separator: ", ")) FROM \(source)",
      limit: 1
    )
    guard let first = found.rows.first, first.count == Self.width * columns.count else {
      return ([], isApproximate)
    }
    var features: [FeatureStatistics] = []
    var bounds: [(least: Double, greatest: Double)?] = []
    for (index, column) in columns.enumerated() {
      let cells = Array(first[Self.width * index..<Self.width * (index + 1)])
      features.append(Self.statistics(column, rows, cells))
      bounds.append(
        cells[10].double.flatMap { least in cells[11].double.map { (least, $0) } }
      )
    }
    try await fillHistograms(&features, bounds)
    for index in features.indices where isListed(features[index]) {
      features[index].top = try await top(columns[index])
    }
    return (features, isApproximate)
  }

  // MARK: The first scan

  private static let width = 12

  /// A finite number as a double, null for all else.
  private func number(_ column: Column) -> String {
    let double = "CAST(\(column.name) AS DOUBLE)"
    return "(CASE WHEN abs(\(double)) < \(Self.magnitudeMax) THEN \(double) END)"
  }

  /// Values without null, different ones, least, greatest, mean, deviation, quantiles, three lengths,
  /// and the least and greatest of the finite numbers.
  private func cells(_ column: Column, _ isApproximate: Bool) -> [String] {
    let (name, type) = (column.name, column.feature.type)
    var cells = Array(repeating: "NULL", count: Self.width)
    cells[0] = "count(\(name))"
    if case .array = type {
      cells[7] = "min(len(\(name)))"
      cells[8] = "CAST(avg(len(\(name))) AS DOUBLE)"
      cells[9] = "max(len(\(name)))"
      return cells
    }
    cells[1] = isApproximate ? "approx_count_distinct(\(name))" : "count(DISTINCT \(name))"
    if type.isOrdered {
      cells[2] = "left(CAST(min(\(name)) AS VARCHAR), \(FeatureStatistics.textMax))"
      cells[3] = "left(CAST(max(\(name)) AS VARCHAR), \(FeatureStatistics.textMax))"
    }
    if type.isNumeric {
      let number = number(column)
      let fractions = FeatureStatistics.fractions.map { "\($0)" }.joined(separator: ", ")
      cells[4] = "avg(\(number))"
      cells[5] = "stddev_samp(\(number))"
      cells[6] =
        isApproximate
        ? "approx_quantile(\(number), [\(fractions)])" : "quantile_disc(\(number), [\(fractions)])"
      cells[10] = "min(\(number))"
      cells[11] = "max(\(number))"
    }
    return cells
  }

  private static func statistics(
    _ column: Column,
    _ rows: Int64,
    _ cells: [JSONValue]
  ) -> FeatureStatistics {
    var statistics = FeatureStatistics(
      feature: column.feature.name,
      type: column.feature.type,
      rows: rows,
      nulls: rows - (cells[0].integer ?? 0)
    )
    statistics.distinct = cells[1].integer.map { min($0, rows - statistics.nulls) }
    statistics.minimum = cells[2].text
    statistics.maximum = cells[3].text
    statistics.mean = cells[4].double
    statistics.deviation = cells[5].double
    statistics.quantiles = zip(FeatureStatistics.fractions, cells[6].array ?? []).compactMap {
      fraction,
      value in
      value.double.map { .init(fraction: fraction, value: $0) }
    }
    if let minimum = cells[7].integer, let mean = cells[8].double, let maximum = cells[9].integer {
      statistics.lengths = .init(minimum: minimum, mean: mean, maximum: maximum)
    }
    return statistics
  }

  // MARK: Histograms

  /// Equal bins between the outer quantiles: one far value does not put all others into one bin.
  private func fillHistograms(
    _ features: inout [FeatureStatistics],
    _ bounds: [(least: Double, greatest: Double)?]
  ) async throws {
    var cells: [String] = []
    var filled: [(index: Int, low: Double, width: Double)] = []
    for (index, statistics) in features.enumerated() {
      guard let low = statistics.quantiles.first?.value,
        let high = statistics.quantiles.last?.value,
        high > low
      else { continue }
      let width = (high - low) / Double(FeatureStatistics.binsMax)
      guard width > 0, low + width > low else { continue }
      let number = number(columns[index])
      // `least` and `greatest` pass over a null, which is in no bin.
      let bin =
        "CASE WHEN \(number) IS NOT NULL THEN CAST(greatest(0, least("
        + "\(FeatureStatistics.binsMax - 1), floor((\(number) - (\(low))) / (\(width))))) "
        + "AS INTEGER) END"
      cells += ["map_keys(histogram(\(bin)))", "map_values(histogram(\(bin)))"]
      filled.append((index, low, width))
    }
    guard !cells.isEmpty else { return }
    let found = try await session.rows(
      "SELECT \(cells.joined(separator: ", ")) FROM \(source)",
      limit: 1
    )
    guard let row = found.rows.first, row.count == cells.count else { return }
    for (place, (index, low, width)) in filled.enumerated() {
      var counts = Array(repeating: Int64(0), count: FeatureStatistics.binsMax)
      for (bin, count) in zip(row[2 * place].array ?? [], row[2 * place + 1].array ?? []) {
        guard let bin = bin.integer, let count = count.integer, counts.indices.contains(Int(bin))
        else { continue }
        counts[Int(bin)] = count
      }
      let (least, greatest) = bounds[index] ?? (low, low)
      let last = FeatureStatistics.binsMax - 1
      features[index].histogram = counts.enumerated().map { bin, count in
        FeatureStatistics.Bin(
          lower: bin == 0 ? min(low, least) : low + Double(bin) * width,
          upper: bin == last
            ? max(low + Double(bin + 1) * width, greatest) : low + Double(bin + 1) * width,
          count: count
        )
      }
    }
  }

  // MARK: Frequent values

  /// Whether the values of a feature are told one by one.
  private func isListed(_ statistics: FeatureStatistics) -> Bool {
    let values = statistics.rows - statistics.nulls
    guard values > 0, let distinct = statistics.distinct else { return false }
    switch statistics.type {
    case .boolean: return true
    // Where almost every value is another one, none is frequent.
    case .string: return distinct <= max(Self.fewValues, values / 2)
    case .long, .integer, .short, .byte, .date: return distinct <= Self.fewValues
    default: return false
    }
  }

  private func top(_ column: Column) async throws -> [FeatureStatistics.Frequency] {
    let found = try await session.rows(
      """
      SELECT left(CAST(value AS VARCHAR), \(FeatureStatistics.textMax)), count FROM (
        SELECT \(column.name) AS value, count(*) AS count FROM \(source)
        WHERE \(column.name) IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1
        LIMIT \(FeatureStatistics.topMax))
      """,
      limit: FeatureStatistics.topMax
    )
    return found.rows.compactMap { row in
      guard let value = row[0].text, let count = row[1].integer else { return nil }
      return .init(value: value, count: count)
    }
  }
}

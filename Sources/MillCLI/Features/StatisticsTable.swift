// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import MillCore
internal import MillFeatures

extension ViewStatistics {
  /// The line above the table.
  var heading: String {
    let rows = features.map(\.rows).max() ?? 0
    return "values as of \(TimeText.seconds(asOf)), over \(NumberText.counted(rows, "key"))"
      + (isApproximate ? "; quantiles and DISTINCT are estimates" : "")
  }

  /// The features with what was counted of them.
  var table: FittingTable {
    var table = FittingTable([
      .init("FEATURE"), .init("NULLS", .trailing), .init("DISTINCT", .trailing, rank: 1),
      .init("MIN", .trailing, widthMax: 20), .init("P25", .trailing, rank: 3),
      .init("MEDIAN", .trailing, rank: 2), .init("P75", .trailing, rank: 3),
      .init("MAX", .trailing, widthMax: 20), .init("MEAN", .trailing, rank: 2),
      .init("STDDEV", .trailing, rank: 3), .init("VALUES", rank: 4, widthMax: 60),
    ])
    for feature in features {
      func quantile(_ fraction: Double) -> String {
        feature.quantiles.first { $0.fraction == fraction }.map { Self.short($0.value) } ?? "–"
      }
      table.append([
        .init(feature.feature),
        .init(feature.nulls == 0 ? "–" : NumberText.percentage(feature.nulls, of: feature.rows)),
        .init(feature.distinct.map { NumberText.grouped($0) } ?? "–"),
        .init(Self.bound(feature.minimum, feature.type)), .init(quantile(0.25)),
        .init(quantile(0.5)), .init(quantile(0.75)),
        .init(Self.bound(feature.maximum, feature.type)),
        .init(feature.mean.map(Self.short) ?? "–"),
        .init(feature.deviation.map(Self.short) ?? "–"), .init(feature.valuesText),
      ])
    }
    return table
  }

  private static func bound(_ text: String?, _ type: DataType) -> String {
    guard let text else { return "–" }
    if type.isWhole, let number = Int64(text) { return NumberText.grouped(number) }
    guard type == .double || type == .float, let number = Double(text) else { return text }
    return short(number)
  }

  /// Whole numbers whole, others in four digits.
  private static func short(_ number: Double) -> String {
    guard number.rounded() == number, abs(number) < 1e12 else {
      return String(format: "%.4g", number)
    }
    return NumberText.grouped(Int64(number))
  }
}

extension DataType {
  fileprivate var isWhole: Bool { [.long, .integer, .short, .byte].contains(self) }
}

extension FeatureStatistics {
  /// The frequent values with their shares, the histogram, or how long lists are.
  fileprivate var valuesText: String {
    if let lengths {
      let mean = String(format: "%.3g", lengths.mean)
      return "\(lengths.minimum) to \(lengths.maximum) items, \(mean) on average"
    }
    if !top.isEmpty {
      return top.prefix(4).map { item in
        "\(item.value) \(NumberText.percentage(item.count, of: rows - nulls))"
      }.joined(separator: ", ") + (top.count > 4 || distinct ?? 0 > 4 ? ", …" : "")
    }
    return histogramText
  }

  /// One character for each bin, the higher the more values.
  private var histogramText: String {
    guard let most = histogram.map(\.count).max(), most > 0 else { return "" }
    let steps = Array("▁▂▃▄▅▆▇█")
    return String(
      histogram.map { bin -> Character in
        guard bin.count > 0 else { return " " }
        let step = Int((Double(bin.count) / Double(most) * Double(steps.count - 1)).rounded())
        return steps[min(max(step, 0), steps.count - 1)]
      }
    )
  }
}

// SPDX-License-Identifier: Apache-2.0

public import MillCore

extension ViewStatistics {
  /// The statistics as they are kept and shown.
  public var json: JSONValue {
    [
      "view": .string(view), "hash": .string(hash), "as_of": .string(asOf.description),
      "counted_at": .string(countedAt.description),
      "tables": .object(JSONObject(tables.sorted { $0.key < $1.key }.map { ($0, .int($1)) })),
      "source_rows": sourceRows.map { .int($0) } ?? .null,
      "is_approximate": .bool(isApproximate),
      "features": .array(features.map(\.json)),
    ]
  }

  /// Reads statistics as ``json`` writes them; nil for what is none.
  public init?(json: JSONValue) {
    guard let view = json["view"]?.text, let hash = json["hash"]?.text,
      let asOf = json["as_of"]?.text.flatMap({ Instant(iso8601: $0) }),
      let countedAt = json["counted_at"]?.text.flatMap({ Instant(iso8601: $0) })
    else { return nil }
    let features = (json["features"]?.array ?? []).map(FeatureStatistics.init(json:))
    guard !features.contains(nil) else { return nil }
    var tables: [String: Int64] = [:]
    for (name, version) in json["tables"]?.object ?? [:] { tables[name] = version.integer }
    self.init(
      view: view,
      hash: hash,
      asOf: asOf,
      countedAt: countedAt,
      tables: tables,
      sourceRows: json["source_rows"]?.integer,
      isApproximate: json["is_approximate"]?.bool ?? false,
      features: features.compactMap(\.self)
    )
  }
}

extension FeatureStatistics {
  /// The statistics of one feature.
  public var json: JSONValue {
    func real(_ value: Double?) -> JSONValue { value.map { .real($0) } ?? .null }
    return [
      "feature": .string(feature), "type": type.json, "rows": .int(rows), "nulls": .int(nulls),
      "distinct": distinct.map { .int($0) } ?? .null,
      "min": minimum.map { .string($0) } ?? .null, "max": maximum.map { .string($0) } ?? .null,
      "mean": real(mean), "stddev": real(deviation),
      "quantiles": .array(
        quantiles.map { ["fraction": .real($0.fraction), "value": .real($0.value)] }
      ),
      "histogram": .array(
        histogram.map {
          ["lower": .real($0.lower), "upper": .real($0.upper), "count": .int($0.count)]
        }
      ),
      "top": .array(top.map { ["value": .string($0.value), "count": .int($0.count)] }),
      "lengths": lengths.map { lengths in
        [
          "min": .int(lengths.minimum), "mean": .real(lengths.mean), "max": .int(lengths.maximum),
        ]
      } ?? .null,
    ]
  }

  init?(json: JSONValue) {
    guard let feature = json["feature"]?.text,
      let type = json["type"].flatMap({ try? DataType(json: $0) }),
      let rows = json["rows"]?.integer, let nulls = json["nulls"]?.integer
    else { return nil }
    self.init(feature: feature, type: type, rows: rows, nulls: nulls)
    distinct = json["distinct"]?.integer
    minimum = json["min"]?.text
    maximum = json["max"]?.text
    mean = json["mean"]?.double
    deviation = json["stddev"]?.double
    quantiles = (json["quantiles"]?.array ?? []).compactMap { quantile in
      guard let fraction = quantile["fraction"]?.double, let value = quantile["value"]?.double
      else { return nil }
      return Quantile(fraction: fraction, value: value)
    }
    histogram = (json["histogram"]?.array ?? []).compactMap { bin in
      guard let lower = bin["lower"]?.double, let upper = bin["upper"]?.double,
        let count = bin["count"]?.integer
      else { return nil }
      return Bin(lower: lower, upper: upper, count: count)
    }
    top = (json["top"]?.array ?? []).compactMap { item in
      guard let value = item["value"]?.text, let count = item["count"]?.integer else { return nil }
      return Frequency(value: value, count: count)
    }
    if let minimum = json["lengths"]?["min"]?.integer, let mean = json["lengths"]?["mean"]?.double,
      let maximum = json["lengths"]?["max"]?.integer
    {
      lengths = Lengths(minimum: minimum, mean: mean, maximum: maximum)
    }
  }
}

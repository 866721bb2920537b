// SPDX-License-Identifier: Apache-2.0

import MillAssembly
import MillCore
import MillPipelines
import MillQuality
import Testing

@Suite("A project from files: types")
struct InitTypeTests {
  @Test(
    "the type is the narrowest that loses nothing",
    arguments: [
      ([.boolean: 3], .boolean),
      ([.long: 3, .null: 1], .long),
      ([.long: 3, .fraction: 1], .double),
      ([.long: 3, .exponent: 1], .double),
      ([.long: 3, .leadingZero: 1], .string),
      ([.long: 3, .longDigits: 1], .string),
      ([.long: 3, .text: 1], .string),
      ([.long: 3, .boolean: 1], .string),
      ([.date: 3], .date),
      ([.date: 3, .instant: 1], .string),
      ([.instant: 2, .localTime: 1], .timestamp),
      ([.null: 5], .string),
      ([:], .string),
    ] as [([TextCounts.Kind: Int64], DataType)]
  )
  func narrowing(counts: [TextCounts.Kind: Int64], type: DataType) {
    #expect(TypeChoice(TextCounts(counts: counts), name: "x").type == type)
  }

  @Test("texts such as N/A mean null only where they alone keep a column from being typed")
  func nullLikes() {
    let number = TypeChoice(TextCounts(counts: [.long: 9, .nullLike: 1]), name: "x")
    #expect(number == TypeChoice(type: .long, takesNullLikes: true))
    let text = TypeChoice(TextCounts(counts: [.text: 9, .nullLike: 1]), name: "x")
    #expect(text == TypeChoice(type: .string, takesNullLikes: false))
    let nothingElse = TypeChoice(TextCounts(counts: [.nullLike: 9]), name: "x")
    #expect(nothingElse == TypeChoice(type: .string, takesNullLikes: false))
  }

  @Test("amounts of money are decimals, and digits that a double has not are kept")
  func decimals() {
    let prices = TextCounts(
      counts: [.fraction: 9],
      significantDigitsMax: 6,
      fractionDigitsMax: 2,
      wholeDigitsMax: 4
    )
    #expect(TypeChoice(prices, name: "unitPrice").type == .decimal(precision: 12, scale: 2))
    #expect(TypeChoice(prices, name: "temperature").type == .double)
    let long = TextCounts(
      counts: [.fraction: 9],
      significantDigitsMax: 20,
      fractionDigitsMax: 19,
      wholeDigitsMax: 1
    )
    #expect(TypeChoice(long, name: "x").type == .decimal(precision: 24, scale: 19))
    let longExponent = TextCounts(counts: [.exponent: 9], significantDigitsMax: 20)
    #expect(TypeChoice(longExponent, name: "x").type == .string)
  }

  @Test("names are told apart by their words")
  func words() {
    #expect(ColumnWords("unitPrice").words == ["unit", "price"])
    #expect(ColumnWords("UniqueCarrier").joined == ColumnWords("unique_carrier").joined)
    #expect(ColumnWords("flight_number").isIdentity)
    #expect(!ColumnWords("number_of_rooms").isIdentity)
    #expect(ColumnWords("DayofMonth").isTemporal)
  }
}

@Suite("A project from files: bounds")
struct InitRangeTests {
  private func quantiles(_ low: Double, _ median: Double, _ high: Double) -> Quantiles {
    Quantiles(
      p01: low,
      p25: median,
      p50: median,
      p75: median,
      p99: high,
      lowTail: low,
      highTail: high,
      minimum: low,
      maximum: high
    )
  }

  @Test("a wind of 1048 mph is suspect and parted, a delay of 1126 minutes is neither")
  func flights() {
    let wind = RangeBounds.suspectLimits(quantiles(0, 10.4, 32))
    #expect(wind.high < 1048.36)
    #expect(RangeBounds.isParted(1048.36, from: 42.58, median: 10.4))
    let delay = RangeBounds.suspectLimits(quantiles(-20, -2, 300))
    #expect(delay.high > 1126)
    #expect(delay.low < -75)
  }

  @Test("a long tail without a gap is legitimate")
  func tail() {
    #expect(!RangeBounds.isParted(1000, from: 900, median: 1))
  }

  @Test("where nothing is known of the spread, nothing is suspect")
  func noSpread() {
    let limits = RangeBounds.suspectLimits(quantiles(0, 0, 0))
    #expect(limits.low == -.infinity && limits.high == .infinity)
  }

  @Test("ten values and more lie beyond the tail")
  func tailShare() {
    #expect(RangeBounds.tail(count: 100) == 0.9)
    #expect(RangeBounds.tail(count: 1_000) == 0.99)
    #expect(RangeBounds.tail(count: 1_000_000) == 0.999)
  }

  @Test(
    "bounds are friendly numbers around all values",
    arguments: [
      (-75, 1109, false, "-100", "1200"),
      (1, 31, true, "1", "31"),
      (1, 2400, false, "0", "2400"),
      (0, 1.21, false, "0", "1.3"),
      (983.8, 1042.1, false, "980", "1045"),
      (0.001, 0.0137, false, "0.001", "0.014"),
      (-3.2, -0.4, false, "-3.2", "-0.4"),
      (1_000_000, 90_000_000, false, "0", "90000000"),
    ]
  )
  func friendly(low: Double, high: Double, isDense: Bool, minimum: String, maximum: String) {
    let bounds = RangeBounds(low: low, high: high, isDense: isDense)
    #expect(bounds?.minimum == minimum)
    #expect(bounds?.maximum == maximum)
  }

  @Test("there are no bounds where a double does not tell neighbours apart")
  func tooLarge() {
    #expect(RangeBounds(low: 0, high: 9e18, isDense: false) == nil)
    #expect(RangeBounds(low: 5, high: 5, isDense: false) == nil)
    #expect(RangeBounds(low: -.infinity, high: .nan, isDense: true) == nil)
  }

  @Test("bounds hold the values they are made from, whatever these are")
  func property() {
    var seed: UInt64 = 7
    func next() -> Double {
      seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Double(seed >> 11) / Double(1 << 53)
    }
    for _ in 0..<2_000 {
      let low = (next() - 0.5) * [1e-3, 1, 1e3, 1e9][Int(next() * 4)]
      let high = low + next() * [1e-3, 1, 1e3, 1e9][Int(next() * 4)] + 1e-6
      guard let bounds = RangeBounds(low: low, high: high, isDense: false) else { continue }
      let distance = high - low
      #expect((Double(bounds.minimum) ?? .nan) <= low + distance * 1e-6, "\(low) \(high)")
      #expect((Double(bounds.maximum) ?? .nan) >= high - distance * 1e-6, "\(low) \(high)")
    }
  }
}

@Suite("A project from files: text")
struct InitTextTests {
  @Test(
    "a scalar is bare only where every YAML reads it as text",
    arguments: [
      ("carrier", "carrier"),
      ("NA", "'NA'"),
      ("yes", "'yes'"),
      ("N", "'N'"),
      ("1e3", "'1e3'"),
      ("", "''"),
      ("a: b", "'a: b'"),
      ("it's", "'it''s'"),
      ("- x", "'- x'"),
      ("Zürich", "'Zürich'"),
      ("a\tb", #""a\tb""#),
      ("\"", "'\"'"),
      ("end */ of", #""end *\x2F of""#),
      ("/*", #""/\x2A""#),
      ("a\u{2028}b\\", #""a\u2028b\\""#),
      ("\u{1F600}", "'\u{1F600}'"),
    ]
  )
  func scalars(text: String, yaml: String) {
    #expect(YAMLText.scalar(text) == yaml)
  }

  @Test("a comment stays on its line and ends no comment of SQL")
  func comments() {
    #expect(YAMLText.comment("a\nb */ c") == "# a b * / c")
    #expect(!YAMLText.comment("**/ /*/").contains("*/"))
  }

  @Test(
    "a file's name becomes a dataset's",
    arguments: [
      ("carrier-delays", "carrier_delays"),
      ("2013 flights", "data_2013_flights"),
      ("Flights (final)", "flights_final"),
      ("__x", "x"),
      ("---", "data"),
      ("flights", "flights_2"),
      ("Öl", "öl"),
    ]
  )
  func names(stem: String, name: String) {
    #expect(InputFiles.datasetName(stem, taken: ["flights"]) == name)
    #expect(DatasetName.isName(name))
  }

  @Test("endings tell the format, packed or not")
  func endings() {
    #expect(InputFiles.kind("a/b.csv.gz") == .csv)
    #expect(InputFiles.kind("b.TSV") == .tsv)
    #expect(InputFiles.kind("b.v2.ndjson.zst") == .jsonLines)
    #expect(InputFiles.kind("b.parquet") == .parquet)
    #expect(InputFiles.kind("b.xlsx") == nil)
    #expect(InputFiles.kind("csv") == nil)
    #expect(InputFiles.split("a/b.v2.csv.gz").stem == "b.v2")
  }

  @Test("files that differ in numbering alone are a series")
  func series() {
    #expect(InputFiles.seriesName("payments-2025-01") == "payments")
    #expect(InputFiles.seriesName("part0001") == "part")
    #expect(InputFiles.seriesName("payments") == nil)
    #expect(InputFiles.seriesName("2025-01") == nil)
  }

  @Test("columns are published under names that Delta takes, each once")
  func columns() {
    #expect(
      ColumnNames.published(["id", "unit price", "ID", "a=b;c", "", "_source", "id_2"])
        == ["id", "unit_price", "ID_2", "a_b_c", "column", "_source_2", "id_2_2"]
    )
    #expect(publishedColumnName("x\t(y)", taken: ["X__Y_"]) == "x__y__2")
  }

  @Test("shares are never none or all unless they are")
  func percent() {
    #expect(EvidenceText.percent(0, of: 10) == "0 %")
    #expect(EvidenceText.percent(1, of: 1_000_000) == "< 0.1 %")
    #expect(EvidenceText.percent(999_999, of: 1_000_000) == "99.9 %")
    #expect(EvidenceText.percent(5, of: 200) == "2.5 %")
    #expect(EvidenceText.count(-1_234_567) == "-1,234,567")
  }

  @Test("rules are written as headers spell them")
  func rules() {
    let range = Check.range(column: "unit price", minimum: .int(0), maximum: nil)
    #expect(
      RuleText.lines(SuggestedRule(rule: Rule(range, severity: .warn), evidence: "seen"))
        == "  # seen\n  - range: {column: 'unit price', min: 0, on_failure: warn}"
    )
    let allowed = Check.allowed(column: "dst", values: [.string("A"), .string("N")])
    #expect(
      RuleText.lines(SuggestedRule(rule: Rule(allowed), evidence: "seen"))
        == "  # seen\n  - allowed: {column: dst, values: [A, 'N']}"
    )
  }
}

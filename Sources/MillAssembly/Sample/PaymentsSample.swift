// SPDX-License-Identifier: Apache-2.0

/// Ninety days of card payments with defects of exactly known number: customers, merchants, cards
/// and payments of 2025-01-01 to 2025-03-31 UTC.
///
/// The same rows and seed give the same bytes on every platform. A dirty line has exactly one
/// defect, and a payment refers only to cards and merchants that a correct run publishes (unless
/// the reference is its defect), so the counts in the manifest follow without running anything.
///
/// ```swift
/// let manifest = try PaymentsSample(rows: 100_000, seed: 7).write(to: "/tmp/payments")
/// manifest.models.map(\.published)
/// ```
public struct PaymentsSample: Sendable, Equatable {
  /// How many payments a sample may have: enough for one of each defect per file, and few enough
  /// for ids of a fixed width.
  public static let rowsAllowed = 100...1_000_000_000

  /// How many payments there are, second copies not counted.
  public let rows: Int
  /// What the random numbers start from.
  public let seed: UInt64

  /// A sample of `rows` payments; customers are a fiftieth of that, merchants a five-hundredth and
  /// cards a fortieth, each with a minimum.
  public init(rows: Int, seed: UInt64) {
    self.rows = rows
    self.seed = seed
  }

  var customerCount: Int { max(20, rows / 50) }
  var merchantCount: Int { max(20, rows / 500) }
  var cardCount: Int { max(40, rows / 40) }

  /// Writes the files and `EXPECTED.json` into `folder/data`, replacing those of an earlier sample.
  ///
  /// - Throws: ``SampleError/badRowCount(_:)`` before anything is written, and
  ///   ``SampleError/cannotWrite(path:cause:)``.
  /// - Complexity: O(n log n) in rows; memory grows with customers, merchants and cards alone.
  public func write(to folder: String) throws(SampleError) -> SampleManifest {
    guard Self.rowsAllowed.contains(rows) else { throw .badRowCount(rows) }
    try makeSampleFolder(folder + "/data")
    var files: [SampleManifest.File] = []
    let customers = try writeCustomers(to: folder, &files)
    let merchants = try writeMerchants(to: folder, &files)
    let cards = try writeCards(of: customers, to: folder, &files)

    let january = rows * 31 / 90
    let february = rows * 28 / 90
    let months = [
      Month(name: "2025-01", firstDay: 20_089, days: 31, rows: january, format: .csv),
      Month(name: "2025-02", firstDay: 20_120, days: 28, rows: february, format: .csv),
      Month(
        name: "2025-03",
        firstDay: 20_148,
        days: 31,
        rows: rows - january - february,
        format: .json
      ),
    ]
    var firstID = 1
    let skews = (
      cards: SampleSkew(count: cards.count, fall: .gentle),
      merchants: SampleSkew(count: merchants.count, fall: .steep)
    )
    for (index, month) in months.enumerated() {
      let writer = MonthWriter(
        month: month,
        firstID: firstID,
        cards: cards,
        merchants: merchants,
        cardSkew: skews.cards,
        merchantSkew: skews.merchants,
        random: SampleRandom(seed: seed, stream: UInt64(4 + index))
      )
      files.append(try writer.write(to: folder))
      firstID += month.rows
    }
    let manifest = SampleManifest(rows: rows, seed: seed, files: files)
    try writeSampleText(manifest.json, to: folder + "/data/EXPECTED.json")
    return manifest
  }
}

extension PaymentsSample {
  /// A month of payments and the file it is written to.
  struct Month {
    enum Format { case csv, json }

    let name: String
    /// Counted from 1970-01-01.
    let firstDay: Int
    let days: Int
    let rows: Int
    let format: Format

    var source: String { format == .csv ? "payments_csv" : "payments_json" }
    var path: String { "data/payments-\(name).\(format == .csv ? "csv" : "jsonl")" }

    /// What share of the lines has which defect, in millionths.
    var millionths: [(SampleDefect, Int)] {
      var shares: [(SampleDefect, Int)] = [
        (.duplicate, 5_000), (.missingAddress, 3_000), (.missingAmount, 2_000),
        (.missingCard, 1_000), (.negativeAmount, 1_000), (.largeAmount, 500),
        (.badCurrency, 1_000), (.danglingCard, 1_500), (.danglingMerchant, 1_000),
        (.textAmount, 300), (.blankLine, 100),
      ]
      switch format {
      case .csv: shares += [(.tooFewFields, 200), (.tooManyFields, 200)]
      case .json: shares += [(.unparsable, 400)]
      }
      // The first month has no earlier one to be late from.
      if name != "2025-01" { shares.append((.late, 10_000)) }
      return shares
    }
  }

  /// A card that a correct run publishes.
  struct Card {
    let id: Int32
    /// Its customer's place in the list of countries.
    let country: UInt8
  }

  /// A merchant that a correct run publishes.
  struct Merchant {
    let id: Int32
    let country: UInt8
    let category: UInt8
  }
}

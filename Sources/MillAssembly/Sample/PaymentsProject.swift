// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A whole project to start from: the payments sample with its sources, silver and gold models and features.
///
/// ```swift
/// try PaymentsProject(rows: 100_000, seed: 7).write(to: "payments")
/// ```
public struct PaymentsProject: Sendable, Equatable {
  /// The data of the project.
  public let sample: PaymentsSample

  /// A project over `rows` payments.
  public init(rows: Int, seed: UInt64) {
    sample = PaymentsSample(rows: rows, seed: seed)
  }

  /// Writes the project; `millrace.yaml` comes last, so a folder that holds it holds everything.
  ///
  /// - Throws: ``SampleError/projectExists(folder:)`` before anything is written, and the errors of
  ///   ``PaymentsSample/write(to:)``.
  @discardableResult
  public func write(to folder: String) throws(SampleError) -> SampleManifest {
    let settings = folder + "/millrace.yaml"
    guard !FileManager.default.fileExists(atPath: settings) else {
      throw .projectExists(folder: folder)
    }
    let manifest = try sample.write(to: folder)
    for (path, text) in Self.sources + Self.silver + Self.gold + Self.features {
      try writeSampleText(text, to: folder + "/" + path)
    }
    try writeSampleText(readme(manifest), to: folder + "/README.md")
    try writeSampleText(Self.settings, to: settings)
    return manifest
  }

  private static let settings = """
    name: payments
    lake: lake
    memory: 2GiB
    temp: 20GiB
    engine: {kind: duckdb}

    """

  private func readme(_ manifest: SampleManifest) -> String {
    let sources = manifest.sources.map { source in
      "| `bronze.\(source.name)` | \(source.bronzeRows) | \(source.deadLetters) "
        + "| \(source.blankLines) |\n"
    }
    let models = manifest.models.map { model in
      "| `\(model.name)` | \(model.candidates) | \(model.quarantined.values.reduce(0, +)) "
        + "| \(model.deduplicated) | \(model.published) |\n"
    }
    return """
      # Card payments

      \(manifest.rows) payments of January to March 2025, with the customers, merchants and cards
      behind them. The data is made up (seed \(manifest.seed)) and dirty on purpose, in amounts
      that are known exactly.

      - `data/` the files as they arrived; `data/EXPECTED.json` says what is wrong with them.
      - `sources/` how each file is read. Payments came as CSV until February and as JSON lines
        since March, so they are two sources.
      - `models/silver/` cleaned tables: types, repairs and rules stand in each file's header.
      - `models/gold/` what others read: spending per card and day, trade per merchant and month,
        the worth of each customer.
      - `features/` what a model wants to know of cards and merchants, for training and serving.

      ```
      millrace validate
      millrace plan
      millrace run
      millrace quality
      ```

      ## What a run must find

      Lines = rows + dead letters + blank lines, headers left out:

      | Table | Rows | Dead letters | Blank lines |
      |---|---:|---:|---:|
      \(sources.joined())
      Candidates = quarantined + deduplicated + published:

      | Table | Candidates | Quarantined | Deduplicated | Published |
      |---|---:|---:|---:|---:|
      \(models.joined())
      """
  }
}

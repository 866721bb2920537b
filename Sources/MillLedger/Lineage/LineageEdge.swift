// SPDX-License-Identifier: Apache-2.0

/// One run read this input to write that output.
///
/// ```swift
/// LineageEdge(
///   input: "bronze.flights", output: "silver.flights", runID: run.id,
///   inputVersion: 4, outputVersion: 7, recordedAt: now
/// )
/// ```
public struct LineageEdge: Hashable, Codable, Sendable {
  /// What the name of an input begins with that is no dataset but a file.
  public static let filePrefix = "file:"

  /// A dataset, or `file:` and a path for a source.
  public var input: String
  /// The dataset that was written.
  public var output: String
  /// The run that read and wrote.
  public var runID: String
  /// The version read; nil for a file.
  public var inputVersion: Int64?
  /// The version written.
  public var outputVersion: Int64?
  /// UTC microseconds.
  public var recordedAt: Int64

  /// An edge of the lineage.
  public init(
    input: String,
    output: String,
    runID: String,
    inputVersion: Int64? = nil,
    outputVersion: Int64? = nil,
    recordedAt: Int64
  ) {
    self.input = input
    self.output = output
    self.runID = runID
    self.inputVersion = inputVersion
    self.outputVersion = outputVersion
    self.recordedAt = recordedAt
  }
}

/// Which edges a question about lineage is about.
public enum LineageScope: Sendable {
  /// How each output is made today: what the newest run that wrote it has read.
  ///
  /// Files are the exception: all that were ever loaded into an output count, for a load brings
  /// only what is new.
  case current
  /// Everything that was ever read, the newest edge for each pair of input and output.
  case ever
}

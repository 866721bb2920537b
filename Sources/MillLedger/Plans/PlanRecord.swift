// SPDX-License-Identifier: Apache-2.0

/// The bound plan of one dataset: what its definition meant when it was last planned.
public struct PlanRecord: Hashable, Codable, Sendable {
  /// Layer and name: `silver.flights`.
  public var dataset: String
  /// The hash of the definition that the plan was bound from.
  public var definitionHash: String
  /// The plan as JSON text.
  public var planJSON: String
  /// The SQL that the engine was given.
  public var sqlText: String
  /// UTC microseconds.
  public var recordedAt: Int64

  /// A plan of a dataset.
  public init(
    dataset: String,
    definitionHash: String,
    planJSON: String,
    sqlText: String,
    recordedAt: Int64
  ) {
    self.dataset = dataset
    self.definitionHash = definitionHash
    self.planJSON = planJSON
    self.sqlText = sqlText
    self.recordedAt = recordedAt
  }
}

// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// One value of an online answer, and what is to be known of it.
public struct FeatureValue: Hashable, Sendable {
  /// What a value is, or why there is none; the words are Feast's.
  ///
  /// > Source: Feast, protos/feast/serving/ServingService.proto, `FieldStatus`.
  public enum Status: String, Sendable {
    /// The value stands.
    case present = "PRESENT"
    /// The newest row has no value here.
    case null = "NULL_VALUE"
    /// Nothing is known of the key.
    case notFound = "NOT_FOUND"
    /// The newest row is older than its time to live.
    case outsideMaxAge = "OUTSIDE_MAX_AGE"
    /// The value could not be computed.
    case invalid = "INVALID"
  }

  /// The value; null unless the status is `present`.
  public var value: Datum
  /// What it is.
  public var status: Status
  /// When its newest row happened; nil where there is none.
  public var time: Instant?
  /// From when on that row was known.
  public var knowledge: Instant?

  /// A value with its status.
  public init(value: Datum, status: Status, time: Instant? = nil, knowledge: Instant? = nil) {
    self.value = value
    self.status = status
    self.time = time
    self.knowledge = knowledge
  }
}

// SPDX-License-Identifier: Apache-2.0

/// The rows that go into tiles, as SQL expressions over one relation.
///
/// The caller renders them: columns quoted, what the user wrote as it stands.
public struct TileRows: Hashable, Sendable {
  /// The value that is aggregated; nil where rows are counted.
  public var value: String?
  /// Which rows take part, where null is no; nil for all.
  public var filter: String?
  /// Event time: an instant, never null.
  public var time: String
  /// Knowledge time: an instant, never null.
  public var knowledge: String
  /// Identity: bytes, never null.
  public var id: String

  /// Rows of a relation.
  public init(value: String?, filter: String? = nil, time: String, knowledge: String, id: String) {
    self.value = value
    self.filter = filter
    self.time = time
    self.knowledge = knowledge
    self.id = id
  }
}

// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// Why a tile cannot take or give what it was asked to.
public enum TileError: Failure, Hashable {
  /// A value is not of the type that the tile was made for.
  case valueType(TileShape)
  /// Two tiles of different shapes were to be merged.
  case unlike(TileShape, TileShape)
  /// A tile does not hold what the aggregation is computed from.
  case notAnswered(Aggregation, TileShape)
  /// A stored state breaks a rule of its kind: it was damaged or written by something else.
  case damaged(TileShape, Damage)
  /// The bytes are of a version of the encoding that this program does not know.
  case unknownVersion(UInt8)

  /// What is wrong with a stored state.
  public enum Damage: Hashable, Sendable {
    /// There are fewer or more columns than the kind has.
    case columnCount(Int)
    /// A column holds another type than the kind has there.
    case columnType(String)
    /// A column holds a value that no fold of rows gives.
    case columnValue(String)
    /// The bytes end before the state does.
    case truncated
    /// At this offset the bytes are no encoding of what has to stand there.
    case encoding(Int)
    /// Bytes are left after the state.
    case trailing(Int)
    /// The bytes are those of another kind.
    case kind(UInt8)
  }

  /// `tiles.` and the case.
  public var code: String {
    switch self {
    case .valueType: "tiles.value-type"
    case .unlike: "tiles.unlike"
    case .notAnswered: "tiles.not-answered"
    case .damaged: "tiles.damaged"
    case .unknownVersion: "tiles.unknown-version"
    }
  }

  /// Wrong calls are our own mistakes, damage is of the data.
  public var errorClass: ErrorClass {
    switch self {
    case .valueType, .unlike, .notAnswered: .bug
    case .damaged, .unknownVersion: .data
    }
  }

  /// What happened, and what to do next.
  public var description: String {
    switch self {
    case .valueType(let shape):
      "a tile \(shape) was given a value of another type; this is a bug of Millrace"
    case .unlike(let left, let right):
      "a tile \(left) cannot be merged with one \(right); this is a bug of Millrace"
    case .notAnswered(let aggregation, let shape):
      "\(aggregation) cannot be read from a tile \(shape); this is a bug of Millrace"
    case .damaged(let shape, let damage):
      "a stored tile \(shape) is damaged: \(damage); make its tiles again from rows"
    case .unknownVersion(let version):
      "a stored tile has version \(version) of the encoding, which is unknown here; "
        + "use the Millrace that wrote it, or make its tiles again from rows"
    }
  }
}

extension TileError.Damage: CustomStringConvertible {
  /// The damage in words, without values of rows.
  public var description: String {
    switch self {
    case .columnCount(let count): "it has \(count) columns"
    case .columnType(let suffix): "its column \(suffix) has another type"
    case .columnValue(let suffix): "its column \(suffix) holds what no rows give"
    case .truncated: "its bytes end too soon"
    case .encoding(let offset): "its bytes make no sense before offset \(offset)"
    case .trailing(let count): "\(count) bytes follow it"
    case .kind(let code): "its bytes are of kind \(code)"
    }
  }
}

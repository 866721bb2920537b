// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// The type of a value as Feast's registry names it.
///
/// > Source: feast 0.67.0, `protos/feast/types/Value.proto`, `ValueType.Enum`.
public struct FeastType: Hashable, Sendable, CustomStringConvertible {
  /// What Feast calls it, such as `INT64_LIST`.
  public let description: String
  /// The number of the type.
  let number: Int64
  /// What a list of lists is made of, in Feast's words; nil for everything else.
  let nested: String?

  private init(_ description: String, _ number: Int64, nested: String? = nil) {
    self.description = description
    self.number = number
    self.nested = nested
  }

  /// The type that a client has for values of a column.
  ///
  /// A decimal is a double: a Feast client cannot write its own decimals to a server, and knows no
  /// precision or scale. Days are instants as well, those of their first moment in UTC.
  public init(_ type: DataType) {
    switch type {
    case .array(let element, _):
      self = Self.list(of: element)
    default:
      self = Self.scalar(type)
    }
  }

  /// The type of a key.
  ///
  /// A day is a text, since a Feast client cannot put any other form of it into a request.
  public init(key type: DataType) {
    self = type == .date ? Self.text : Self(type)
  }

  private static let text = Self("STRING", 2)

  private static func scalar(_ type: DataType) -> Self {
    switch type {
    case .string: text
    case .binary: Self("BYTES", 1)
    case .integer, .short, .byte: Self("INT32", 3)
    case .long: Self("INT64", 4)
    case .double, .decimal: Self("DOUBLE", 5)
    case .float: Self("FLOAT", 6)
    case .boolean: Self("BOOL", 7)
    case .timestamp, .timestampWithoutZone, .date: Self("UNIX_TIMESTAMP", 8)
    case .map, .structure: Self("MAP", 20)
    case .array, .void: Self("UNKNOWN", 0)
    }
  }

  private static func list(of element: DataType) -> Self {
    if case .array = element {
      return Self("VALUE_LIST", 42, nested: "Array(\(words(for: element)))")
    }
    let scalar = scalar(element)
    // Types of lists follow the scalars in the same order, from 11 on for 1.
    return switch scalar.number {
    case 1...8: Self(scalar.description + "_LIST", scalar.number + 10)
    case 20: Self("MAP_LIST", 21)
    default: scalar
    }
  }

  /// A type as Feast writes it in the definition of a list of lists.
  private static func words(for type: DataType) -> String {
    switch type {
    case .array(let element, _): "Array(\(words(for: element)))"
    case .string: "STRING"
    case .binary: "BYTES"
    case .integer, .short, .byte: "INT32"
    case .long: "INT64"
    case .double, .decimal: "FLOAT64"
    case .float: "FLOAT32"
    case .boolean: "BOOL"
    case .timestamp, .timestampWithoutZone, .date: "UNIX_TIMESTAMP"
    case .map, .structure: "MAP"
    case .void: "INVALID"
    }
  }
}

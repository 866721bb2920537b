// SPDX-License-Identifier: Apache-2.0

/// The type of a published column.
///
/// These are the types of a Delta table; an engine casts into them before it writes
/// (docs/semantics.md, 2), so every reader of a table sees the same values.
///
/// > Source: Delta transaction log protocol, "Schema Serialization Format".
public indirect enum DataType: Hashable, Sendable {
  /// UTF-8 text.
  case string
  /// 64-bit signed integer.
  case long
  /// 32-bit signed integer.
  case integer
  /// 16-bit signed integer.
  case short
  /// 8-bit signed integer.
  case byte
  /// 32-bit IEEE 754.
  case float
  /// 64-bit IEEE 754.
  case double
  /// Exact decimal of up to 38 digits, `scale` of them after the point.
  case decimal(precision: Int, scale: Int)
  /// True or false.
  case boolean
  /// A sequence of bytes.
  case binary
  /// A calendar day.
  case date
  /// An instant: UTC microseconds.
  case timestamp
  /// A date and time that name no instant; needs the table feature `timestampNtz`.
  case timestampWithoutZone
  /// Values of one type in an order.
  case array(element: DataType, containsNull: Bool)
  /// Values by key; a key is never null.
  case map(key: DataType, value: DataType, valueContainsNull: Bool)
  /// Named members of their own types.
  case structure([Field])
  /// Nothing: every row is null and no file has the column. Read, never written.
  case void

  /// Whether values have an order that minimum and maximum statistics may use.
  public var isOrdered: Bool {
    switch self {
    case .array, .map, .structure, .binary, .boolean, .void: false
    default: true
    }
  }

  /// Whether values are numbers.
  public var isNumeric: Bool {
    switch self {
    case .long, .integer, .short, .byte, .float, .double, .decimal: true
    default: false
    }
  }

  /// Whether the type may be a partition column: nested types may not.
  public var isPrimitive: Bool {
    switch self {
    case .array, .map, .structure, .void: false
    default: true
    }
  }
}

/// A named column of a ``Schema`` or member of a structure.
public struct Field: Hashable, Sendable {
  /// As it stands in the table; told apart from others by its UTF-8 bytes.
  public var name: String
  /// What its values are, once published.
  public var type: DataType
  /// Whether a row may have null here.
  public var isNullable: Bool
  /// What other writers said of the column, kept as it was.
  public var metadata: JSONValue

  /// A column that may be null and of which nothing else is said.
  public init(
    _ name: String,
    _ type: DataType,
    isNullable: Bool = true,
    metadata: JSONValue = .object([:])
  ) {
    self.name = name
    self.type = type
    self.isNullable = isNullable
    self.metadata = metadata
  }
}

/// The columns of a table in order.
public struct Schema: Hashable, Sendable {
  /// The columns, in the order that `SELECT *` gives them.
  public var fields: [Field]

  /// A schema of these columns; what names may not be is refused where a table is written.
  public init(_ fields: [Field]) {
    self.fields = fields
  }

  /// The columns' names in their order.
  public var names: [String] { fields.map(\.name) }

  /// The field of exactly this name, compared by UTF-8 bytes.
  public subscript(name name: String) -> Field? {
    fields.first { ByteKey($0.name) == ByteKey(name) }
  }

  /// Names that differ by letter case alone: Delta allows none.
  public var ambiguousNames: [String] {
    var seen: [String: String] = [:]
    return fields.compactMap { field in
      let folded = field.name.lowercased()
      defer { seen[folded] = field.name }
      return seen[folded] == nil ? nil : field.name
    }
  }
}

// SPDX-License-Identifier: Apache-2.0

/// A JSON value that loses nothing: numbers keep their text and objects keep their order.
///
/// Transaction logs, schemas and reports are read and written through this one type. Text and keys
/// are compared by their UTF-8 bytes (docs/semantics.md, 4), numbers by their literal text (so `1`
/// and `1.0` differ), objects without regard to the order of their keys.
///
/// ```swift
/// let value = try JSONValue(parsing: #"{"a": [1, 2.50]}"#)
/// value["a"]?[1]?.double   // 2.5
/// value.serialized()       // {"a":[1,2.50]}
/// ```
///
/// > Source: RFC 8259, "The JavaScript Object Notation (JSON) Data Interchange Format".
public enum JSONValue: Sendable {
  /// The literal `null`.
  case null
  /// The literals `true` and `false`.
  case bool(Bool)
  /// A number with its literal text.
  case number(JSONNumber)
  /// A text.
  case string(String)
  /// A sequence of values.
  case array([JSONValue])
  /// Named values in the order they were written.
  case object(JSONObject)

  /// An integer of any width.
  public static func int(_ value: some BinaryInteger) -> JSONValue {
    .number(JSONNumber(value))
  }

  /// A floating-point number; JSON has no NaN and no infinity, which become null.
  public static func real(_ value: Double) -> JSONValue {
    JSONNumber(value).map(JSONValue.number) ?? .null
  }
}

// MARK: - Looking inside

extension JSONValue {
  /// Whether this is the literal `null`.
  public var isNull: Bool {
    if case .null = self { true } else { false }
  }

  /// The truth value, if this is one.
  public var bool: Bool? {
    if case .bool(let value) = self { value } else { nil }
  }

  /// The text, if this is one.
  public var text: String? {
    if case .string(let value) = self { value } else { nil }
  }

  /// The number as an integer, if it is written as one and fits.
  public var integer: Int64? {
    if case .number(let value) = self { value.integer } else { nil }
  }

  /// The number as the nearest double, if this is a number within its range.
  public var double: Double? {
    if case .number(let value) = self { value.double } else { nil }
  }

  /// The elements, if this is an array.
  public var array: [JSONValue]? {
    if case .array(let value) = self { value } else { nil }
  }

  /// The named values, if this is an object.
  public var object: JSONObject? {
    if case .object(let value) = self { value } else { nil }
  }

  /// The value of a key, or nil if there is none or this is no object.
  public subscript(key: String) -> JSONValue? {
    object?[key]
  }

  /// The element at a position, or nil if there is none or this is no array.
  public subscript(position: Int) -> JSONValue? {
    guard case .array(let values) = self, values.indices.contains(position) else { return nil }
    return values[position]
  }
}

// MARK: - Equality

extension JSONValue: Hashable {
  /// Compares text by its bytes and objects without regard to order.
  public static func == (left: Self, right: Self) -> Bool {
    switch (left, right) {
    case (.null, .null): true
    case (.bool(let left), .bool(let right)): left == right
    case (.number(let left), .number(let right)): left == right
    case (.string(let left), .string(let right)): sameBytes(left, right)
    case (.array(let left), .array(let right)): left == right
    case (.object(let left), .object(let right)): left == right
    default: false
    }
  }

  /// Hashes what equality compares.
  public func hash(into hasher: inout Hasher) {
    switch self {
    case .null: hasher.combine(0)
    case .bool(let value):
      hasher.combine(1)
      hasher.combine(value)
    case .number(let value):
      hasher.combine(2)
      hasher.combine(value)
    case .string(let value):
      hasher.combine(3)
      hashBytes(of: value, into: &hasher)
    case .array(let values):
      hasher.combine(4)
      hasher.combine(values)
    case .object(let object):
      hasher.combine(5)
      hasher.combine(object)
    }
  }
}

/// Whether two texts have the same UTF-8 bytes; Swift's own equality is cheaper and says no first.
func sameBytes(_ left: String, _ right: String) -> Bool {
  left == right && left.utf8.elementsEqual(right.utf8)
}

func hashBytes(of text: String, into hasher: inout Hasher) {
  let hashed: Void? = text.utf8.withContiguousStorageIfAvailable {
    hasher.combine(bytes: UnsafeRawBufferPointer($0))
  }
  if hashed == nil {
    Array(text.utf8).withUnsafeBytes { hasher.combine(bytes: $0) }
  }
  hasher.combine(UInt8(0xFF))
}

// MARK: - Literals

extension JSONValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral,
  ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByStringLiteral,
  ExpressibleByStringInterpolation, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  /// Null, written `nil`.
  public init(nilLiteral: ()) { self = .null }

  /// A truth value, written as such.
  public init(booleanLiteral value: Bool) { self = .bool(value) }

  /// A number, written as an integer.
  public init(integerLiteral value: Int64) { self = .int(value) }

  /// A number, written with a fraction.
  public init(floatLiteral value: Double) { self = .real(value) }

  /// A text, written in quotes.
  public init(stringLiteral value: String) { self = .string(value) }

  /// An array, written in brackets.
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }

  /// An object, written in brackets with colons; of a repeated key the last value stays.
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    self = .object(JSONObject(elements))
  }
}

// SPDX-License-Identifier: Apache-2.0

extension DataType {
  /// The type as it stands in a Delta schema: a name, or an object for a nested type.
  ///
  /// > Source: Delta transaction log protocol, "Schema Serialization Format".
  public var json: JSONValue {
    switch self {
    case .array(let element, let containsNull):
      ["type": "array", "elementType": element.json, "containsNull": .bool(containsNull)]
    case .map(let key, let value, let valueContainsNull):
      [
        "type": "map", "keyType": key.json, "valueType": value.json,
        "valueContainsNull": .bool(valueContainsNull),
      ]
    case .structure(let fields):
      ["type": "struct", "fields": .array(fields.map(\.json))]
    case .decimal(let precision, let scale): .string("decimal(\(precision),\(scale))")
    default: .string(description)
    }
  }

  /// Reads a type of a Delta schema.
  ///
  /// - Throws: ``SchemaError`` if the type is unknown, out of range or not well formed.
  public init(json: JSONValue) throws(SchemaError) {
    try self.init(json: json, path: "")
  }

  init(json: JSONValue, path: String) throws(SchemaError) {
    switch json {
    case .string(let name): self = try DataType(name: name, path: path)
    case .object(let object):
      guard let kind = object["type"]?.text else {
        throw .malformed(path: path, problem: "a type has no name")
      }
      switch kind {
      case "array":
        self = .array(
          element: try Self.member("elementType", of: object, path: path, step: "element"),
          containsNull: try flag("containsNull", of: object, path: path)
        )
      case "map":
        self = .map(
          key: try Self.member("keyType", of: object, path: path, step: "key"),
          value: try Self.member("valueType", of: object, path: path, step: "value"),
          valueContainsNull: try flag("valueContainsNull", of: object, path: path)
        )
      case "struct":
        guard let members = object["fields"]?.array else {
          throw .malformed(path: path, problem: "a struct has no list of fields")
        }
        var fields: [Field] = []
        for member in members {
          fields.append(try Field(json: member, path: path))
        }
        self = .structure(fields)
      default: throw .unsupportedType(name: kind, path: path)
      }
    default: throw .malformed(path: path, problem: "a type is neither a name nor an object")
    }
  }

  private static func member(
    _ key: String,
    of object: JSONObject,
    path: String,
    step: String
  ) throws(SchemaError) -> DataType {
    guard let json = object[key] else {
      throw .malformed(path: path, problem: "\(key) is missing")
    }
    return try DataType(json: json, path: joined(path, step))
  }

  private init(name: String, path: String) throws(SchemaError) {
    switch name {
    case "string": self = .string
    case "long": self = .long
    case "integer": self = .integer
    case "short": self = .short
    case "byte": self = .byte
    case "float": self = .float
    case "double": self = .double
    case "boolean": self = .boolean
    case "binary": self = .binary
    case "date": self = .date
    case "timestamp": self = .timestamp
    case "timestamp_ntz": self = .timestampWithoutZone
    case "void", "null": self = .void
    // Spark's own default, which old writers leave out.
    case "decimal": self = .decimal(precision: 10, scale: 0)
    default:
      guard name.hasPrefix("decimal("), name.hasSuffix(")") else {
        throw .unsupportedType(name: name, path: path)
      }
      let numbers = name.dropFirst("decimal(".count).dropLast().split(
        separator: ",",
        omittingEmptySubsequences: false
      ).map { Int($0.drop { $0 == " " }) }
      guard numbers.count == 2, let precision = numbers[0], let scale = numbers[1],
        (1...38).contains(precision), (0...precision).contains(scale)
      else { throw .invalidDecimal(text: name, path: path) }
      self = .decimal(precision: precision, scale: scale)
    }
  }
}

extension Field {
  /// The field as it stands in a Delta schema.
  public var json: JSONValue {
    [
      "name": .string(name), "type": type.json, "nullable": .bool(isNullable),
      "metadata": metadata,
    ]
  }

  /// Reads a field of a Delta schema; missing metadata is empty.
  ///
  /// - Throws: ``SchemaError`` if its type is unknown or the field is not well formed.
  public init(json: JSONValue) throws(SchemaError) {
    try self.init(json: json, path: "")
  }

  init(json: JSONValue, path: String) throws(SchemaError) {
    guard let object = json.object else {
      throw .malformed(path: path, problem: "a field is no object")
    }
    guard let name = object["name"]?.text else {
      throw .malformed(path: path, problem: "a field has no name")
    }
    let path = joined(path, name)
    guard let type = object["type"] else {
      throw .malformed(path: path, problem: "the type is missing")
    }
    let metadata = object["metadata"] ?? .object([:])
    guard metadata.object != nil else {
      throw .malformed(path: path, problem: "metadata is no object")
    }
    self.init(
      name,
      try DataType(json: type, path: path),
      isNullable: try flag("nullable", of: object, path: path),
      metadata: metadata
    )
  }
}

extension Schema {
  /// The schema as Delta writes it: a struct.
  public var json: JSONValue { DataType.structure(fields).json }

  /// Reads a Delta schema.
  ///
  /// - Throws: ``SchemaError`` naming the column at fault.
  public init(json: JSONValue) throws(SchemaError) {
    guard case .structure(let fields) = try DataType(json: json) else {
      throw .malformed(path: "", problem: "a schema must be a struct")
    }
    self.init(fields)
  }

  /// The schema as the text that stands in a table's metadata.
  public var schemaString: String { json.serialized() }

  /// Reads the text that stands in a table's metadata.
  ///
  /// - Throws: ``SchemaError`` naming the column at fault, or `notJSON`.
  public init(schemaString: String) throws(SchemaError) {
    let json: JSONValue
    do {
      json = try JSONValue(parsing: schemaString)
    } catch {
      throw .notJSON(error)
    }
    try self.init(json: json)
  }
}

extension DataType: CustomStringConvertible {
  /// The type in a line, such as `long`, `decimal(10,2)` or `struct<a: long>`.
  public var description: String {
    switch self {
    case .string: "string"
    case .long: "long"
    case .integer: "integer"
    case .short: "short"
    case .byte: "byte"
    case .float: "float"
    case .double: "double"
    case .decimal(let precision, let scale): "decimal(\(precision),\(scale))"
    case .boolean: "boolean"
    case .binary: "binary"
    case .date: "date"
    case .timestamp: "timestamp"
    case .timestampWithoutZone: "timestamp_ntz"
    case .void: "void"
    case .array(let element, _): "array<\(element)>"
    case .map(let key, let value, _): "map<\(key), \(value)>"
    case .structure(let fields):
      "struct<" + fields.map { "\($0.name): \($0.type)" }.joined(separator: ", ") + ">"
    }
  }
}

private func joined(_ path: String, _ step: String) -> String {
  path.isEmpty ? step : "\(path).\(step)"
}

private func flag(
  _ key: String,
  of object: JSONObject,
  path: String
) throws(SchemaError) -> Bool {
  guard let value = object[key]?.bool else {
    throw .malformed(path: path, problem: "\(key) is neither true nor false")
  }
  return value
}

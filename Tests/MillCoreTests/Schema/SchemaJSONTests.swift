// SPDX-License-Identifier: Apache-2.0

import MillCore
import Testing

@Suite("Schemas in Delta's JSON")
struct SchemaJSONTests {
  static let every = Schema([
    Field("a", .string), Field("b", .long, isNullable: false), Field("c", .integer),
    Field("d", .short), Field("e", .byte), Field("f", .float), Field("g", .double),
    Field("h", .decimal(precision: 38, scale: 18)), Field("i", .boolean), Field("j", .binary),
    Field("k", .date), Field("l", .timestamp), Field("m", .timestampWithoutZone),
    Field("n", .array(element: .structure([Field("x", .long)]), containsNull: false)),
    Field(
      "o",
      .map(
        key: .string,
        value: .array(element: .date, containsNull: true),
        valueContainsNull: true
      )
    ),
    Field("p", .string, metadata: ["comment": "kept", "n": 1.0]),
  ])

  @Test("every type reads back as it was written")
  func roundTrip() throws {
    #expect(try Schema(schemaString: Self.every.schemaString) == Self.every)
    for field in Self.every.fields {
      #expect(try DataType(json: field.type.json) == field.type)
    }
  }

  @Test("a schema is written as Spark writes it")
  func format() {
    let schema = Schema([Field("id", .long), Field("amount", .decimal(precision: 10, scale: 2))])
    let expected =
      #"{"type":"struct","fields":[{"name":"id","type":"long","nullable":true,"metadata":{}},"#
      + #"{"name":"amount","type":"decimal(10,2)","nullable":true,"metadata":{}}]}"#
    #expect(schema.schemaString == expected)
  }

  @Test("a type that is not published is refused with its name and place")
  func unsupported() {
    let nested = #"{"type":"array","elementType":"variant","containsNull":true}"#
    let text = #"{"type":"struct","fields":[{"name":"a","type":"# + nested + #","nullable":true}]}"#
    #expect(throws: SchemaError.unsupportedType(name: "variant", path: "a.element")) {
      try Schema(schemaString: text)
    }
    #expect(throws: SchemaError.unsupportedType(name: "variant", path: "")) {
      try DataType(json: "variant")
    }
    #expect(throws: SchemaError.unsupportedType(name: "udt", path: "")) {
      try DataType(json: ["type": "udt"])
    }
  }

  @Test(
    "a decimal out of range is refused",
    arguments: [
      "decimal(39,0)", "decimal(0,0)", "decimal(5,6)", "decimal(5,-1)", "decimal()",
      "decimal(5)", "decimal(1,2,3)", "decimal(a,b)",
    ]
  )
  func decimals(text: String) {
    #expect(throws: SchemaError.invalidDecimal(text: text, path: "")) {
      try DataType(json: .string(text))
    }
  }

  @Test("decimals are read with a space and without their numbers")
  func lenientDecimals() throws {
    #expect(try DataType(json: "decimal(10, 2)") == .decimal(precision: 10, scale: 2))
    #expect(try DataType(json: "decimal") == .decimal(precision: 10, scale: 0))
  }

  @Test(
    "JSON of another shape is refused",
    arguments: [
      #"[]"#, #""long""#, #"{}"#, #"{"type":"struct"}"#, #"{"type":"struct","fields":[1]}"#,
      #"{"type":"struct","fields":[{"type":"long","nullable":true}]}"#,
      #"{"type":"struct","fields":[{"name":"a","nullable":true}]}"#,
      #"{"type":"struct","fields":[{"name":"a","type":"long"}]}"#,
      #"{"type":"struct","fields":[{"name":"a","type":"long","nullable":"yes"}]}"#,
      #"{"type":"struct","fields":[{"name":"a","type":"long","nullable":true,"metadata":1}]}"#,
      #"{"type":"array","elementType":"long"}"#, #"{"type":"map","keyType":"long"}"#, "{",
    ]
  )
  func malformed(text: String) {
    let error = #expect(throws: SchemaError.self) { try Schema(schemaString: text) }
    #expect(error?.code == (text == "{" ? "schema.not-json" : "schema.malformed"))
    #expect(error?.errorClass == .data)
  }

  @Test("a type is described in a line")
  func description() {
    #expect(DataType.long.description == "long")
    #expect(DataType.decimal(precision: 10, scale: 2).description == "decimal(10,2)")
    #expect(DataType.array(element: .string, containsNull: true).description == "array<string>")
    let type = DataType.map(
      key: .string,
      value: .structure([Field("a", .long), Field("b", .timestampWithoutZone)]),
      valueContainsNull: true
    )
    #expect(type.description == "map<string, struct<a: long, b: timestamp_ntz>>")
  }
}

// SPDX-License-Identifier: Apache-2.0

import MillCore
import Testing

@Suite("JSON values")
struct JSONValueTests {
  @Test(
    "the text of a number is kept exactly",
    arguments: [
      "0", "-0", "1.0", "1.50", "1e5", "1E+05", "-2.5e-300", "12345678901234567890123456789",
      "0.1000000000000000055511151231257827",
    ]
  )
  func numberText(text: String) throws {
    #expect(try JSONValue(parsing: text).serialized() == text)
    #expect(JSONNumber(text: text)?.text == text)
  }

  @Test(
    "what is no JSON number makes no number",
    arguments: ["", " 1", "1 ", "01", "+1", "1.", ".1", "NaN", "inf", "0x10", "1e", "--1", "1,2"]
  )
  func notNumbers(text: String) {
    #expect(JSONNumber(text: text) == nil)
  }

  @Test("a number is an integer only if it is written as one and fits")
  func integers() {
    #expect(JSONNumber(text: "9223372036854775807")?.integer == .max)
    #expect(JSONNumber(text: "9223372036854775808")?.integer == nil)
    #expect(JSONNumber(text: "-9223372036854775808")?.integer == .min)
    #expect(JSONNumber(text: "1.0")?.integer == nil)
    #expect(JSONNumber(text: "1e2")?.double == 100)
    #expect(JSONNumber(text: "1e999")?.double == nil)
  }

  @Test("a double is written with the fewest digits that read back the same")
  func shortestDoubles() throws {
    for value in [0.1, -0.0, 1e16, .leastNonzeroMagnitude, .greatestFiniteMagnitude, 1 / 3] {
      let text = JSONValue.real(value).serialized()
      #expect(try JSONValue(parsing: text).double?.bitPattern == value.bitPattern)
    }
    #expect(JSONValue.real(0.1).serialized() == "0.1")
    #expect(JSONValue.real(.nan).isNull)
    #expect(JSONValue.real(-.infinity).isNull)
    #expect(JSONNumber(Double.infinity) == nil)
  }

  @Test("keys keep their order, and of a repeated key the last value stays")
  func repeatedKeys() throws {
    let value = try JSONValue(parsing: #"{"b":1,"a":2,"b":3}"#)
    #expect(value.serialized() == #"{"b":3,"a":2}"#)
    #expect(value.serialized(sortedKeys: true) == #"{"a":2,"b":3}"#)
  }

  @Test("texts that only Swift calls equal are different keys and values")
  func canonicalEquivalence() throws {
    let value = try JSONValue(parsing: #"{"é":1,"e\u0301":2}"#)
    #expect(value.object?.count == 2)
    #expect(value["é"]?.integer == 1)
    #expect(value["e\u{301}"]?.integer == 2)
    #expect(JSONValue.string("é") != .string("e\u{301}"))
  }

  @Test("an object with many keys finds, replaces and removes like one with few")
  func manyKeys() {
    var object = JSONObject()
    for number in 0..<100 {
      object["key\(number)"] = .int(number)
    }
    object["key50"] = "replaced"
    #expect(object.removeValue(forKey: "key0") == 0)
    #expect(object.removeValue(forKey: "key0") == nil)
    object["key99"] = .some(nil)
    object["key98"] = nil as JSONValue?
    #expect(object.count == 98)
    #expect(object["key50"] == "replaced")
    #expect(object["key51"]?.integer == 51)
    #expect(object["key99"]?.isNull == true)
    #expect(object["key98"] == nil)
    #expect(object.keys.first == "key1")
    for number in 1..<95 {
      object.removeValue(forKey: "key\(number)")
    }
    #expect(object.keys == ["key95", "key96", "key97", "key99"])
    #expect(object["key96"]?.integer == 96)
  }

  @Test("objects are equal in whatever order, arrays only in the same")
  func equality() {
    let left: JSONValue = ["a": 1, "b": [1, 2]]
    let right: JSONValue = ["b": [1, 2], "a": 1]
    #expect(left == right)
    #expect(left.hashValue == right.hashValue)
    #expect(left != ["a": 1, "b": [2, 1]])
    #expect(left != ["a": 1])
    #expect(JSONValue.int(1) != .real(1))
  }

  @Test("looking into the wrong kind of value finds nothing")
  func access() {
    let value: JSONValue = ["a": [1.5, "x", true, nil]]
    #expect(value["a"]?[0]?.double == 1.5)
    #expect(value["a"]?[1]?.text == "x")
    #expect(value["a"]?[2]?.bool == true)
    #expect(value["a"]?[3]?.isNull == true)
    #expect(value["a"]?[4] == nil)
    #expect(value["a"]?[-1] == nil)
    #expect(value["a"]?["b"] == nil)
    #expect(value[0] == nil)
    #expect(value.text == nil)
  }

  @Test("control characters, quotes and backslashes are escaped, all else is not")
  func escaping() throws {
    let text = "\u{0}\u{1F}\u{8}\t\n\u{C}\r\"\\/é\u{7F}\u{2028}😀"
    let written = JSONValue.string(text).serialized()
    #expect(written == "\"\\u0000\\u001f\\b\\t\\n\\f\\r\\\"\\\\/é\u{7F}\u{2028}😀\"")
    #expect(try JSONValue(parsing: written) == .string(text))
  }

  @Test("pretty text is indented by two spaces, and empty containers stay on their line")
  func pretty() throws {
    let value: JSONValue = ["a": [1, [:]], "b": [], "c": ["d": nil]]
    let expected = """
      {
        "a": [
          1,
          {}
        ],
        "b": [],
        "c": {
          "d": null
        }
      }
      """
    #expect(value.serialized(pretty: true) == expected)
    #expect(try JSONValue(parsing: expected) == value)
  }

  @Test("any value reads back as it was written", arguments: 0..<30 as Range<UInt64>)
  func roundTrip(seed: UInt64) throws {
    let random = SeededRandom(seed: seed)
    let value = sample(random, depth: 5)
    #expect(try JSONValue(parsing: value.serialized()) == value)
    #expect(try JSONValue(parsing: value.serialized(pretty: true, sortedKeys: true)) == value)
  }

  private func sample(_ random: SeededRandom, depth: Int) -> JSONValue {
    switch random.next() % (depth > 0 ? 7 : 5) {
    case 0: return .null
    case 1: return .bool(random.next() % 2 == 0)
    case 2: return .int(Int64(bitPattern: random.next()))
    case 3: return .real(Double(bitPattern: random.next()))
    case 4: return .string(text(random))
    case 5:
      return .array((0..<random.next() % 5).map { _ in sample(random, depth: depth - 1) })
    default:
      return .object(
        JSONObject(
          (0..<random.next() % 25).map { _ in (text(random), sample(random, depth: depth - 3)) }
        )
      )
    }
  }

  private func text(_ random: SeededRandom) -> String {
    var text = ""
    for _ in 0..<random.next() % 12 {
      let range: UInt64 = [0x30, 0x80, 0x1000, 0x110000][Int(random.next() % 4)]
      text.unicodeScalars.append(Unicode.Scalar(UInt32(random.next() % range)) ?? "?")
    }
    return text
  }
}

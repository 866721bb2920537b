// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillLake
import MillTesting
import Testing

@Suite("Single values out of the text of statistics")
struct StatisticsScanTests {
  private func records(_ stats: String?) -> Int64? {
    AddFile(path: "f", size: 1, modificationTime: 0, stats: stats).numRecords
  }

  // MARK: The count of rows

  @Test(
    "the count of rows is found wherever it stands, however it is spaced",
    arguments: [
      #"{"numRecords":57}"#, #"{"numRecords":57,"minValues":{}}"#, " { \"numRecords\" : 57 } ",
      "\t{\r\n\"numRecords\"\t:\n57\r\n}\n", #"{"minValues":{"a":1},"numRecords":57}"#,
      #"{"a":[1,[2,{"b":"]"}]],"b":null,"c":true,"d":-1.5e3,"numRecords":57,"e":{}}"#,
      #"{"":0,"numRecords ":1,"numrecords":2,"NumRecords":3,"numRecord":4,"numRecords":57}"#,
    ]
  )
  func found(text: String) {
    #expect(records(text) == 57)
  }

  @Test(
    "a count of rows inside of something else is not the file's",
    arguments: [
      #"{"minValues":{"numRecords":3},"numRecords":57}"#,
      #"{"a":{"numRecords":3,"b":{"numRecords":4}},"numRecords":57}"#,
      #"{"a":[{"numRecords":3}],"numRecords":57}"#,
      #"{"a":"{\"numRecords\":3}","numRecords":57}"#,
      #"{"a\":{\"numRecords\":3":1,"numRecords":57}"#,
      #"{"a":"numRecords","b":":3","numRecords":57}"#,
    ]
  )
  func nested(text: String) throws {
    #expect(records(text) == 57)
    #expect(try JSONValue(parsing: text)["numRecords"] == 57)
  }

  @Test(
    "quotes, backslashes and brackets in texts and keys do not end them",
    arguments: [
      #"{"a":"\"","numRecords":57}"#, #"{"a":"\\","numRecords":57}"#,
      #"{"a":"\\\"}","numRecords":57}"#, #"{"a\"":1,"\\":2,"numRecords":57}"#,
      #"{"{":"}","[":"]",",":":","numRecords":57}"#, #"{"a":["\"]","]"],"numRecords":57}"#,
      #"{"a":{"}":"{\"}"},"numRecords":57}"#, #"{"a":"\u0022}","numRecords":57}"#,
      #"{"größe":"日本 \ud83d\ude00","numRecords":57}"#,
    ]
  )
  func escaped(text: String) throws {
    #expect(records(text) == 57)
    #expect(try JSONValue(parsing: text)["numRecords"] == 57)
  }

  @Test("a key that is spelled by escapes is not known again, which says nothing wrong")
  func escapedKey() throws {
    let text = #"{"num\u0052ecords":57}"#
    #expect(try JSONValue(parsing: text)["numRecords"] == 57)
    #expect(records(text) == nil)
    #expect(records(#"{"num\u0052ecords":57,"numRecords":58}"#) == 58)
  }

  @Test("of a repeated key the first counts, since nothing behind it is read")
  func repeated() {
    #expect(records(#"{"numRecords":57,"numRecords":58}"#) == 57)
    #expect(records(#"{"numRecords":null,"numRecords":58}"#) == nil)
    #expect(records(#"{"a":1,"a":2,"numRecords":57}"#) == 57)
  }

  @Test(
    "a count that a file can have is read, to its last digit, and no other",
    arguments: [0, 1, -1, 1 << 42, 1 << 42 + 1, .max, .min] as [Int64]
  )
  func range(number: Int64) {
    let isCount = (0...(1 << 42)).contains(number)
    #expect(records(#"{"numRecords":\#(number)}"#) == (isCount ? number : nil))
  }

  @Test(
    "a count that is no whole number of 64 bits says nothing",
    arguments: [
      "null", "true", "\"57\"", "57.0", "5e1", "1.5", "{}", "[57]", "9223372036854775808",
      "-9223372036854775809", "99999999999999999999", "-", "", "+57", "0x39", "57x", "NaN", "5 7",
    ]
  )
  func noCount(value: String) {
    let text = #"{"numRecords":\#(value)}"#
    // What follows a number after a space is not looked at.
    #expect(records(text) == (value == "5 7" ? 5 : nil))
    #expect((try? JSONValue(parsing: text))?["numRecords"]?.integer == nil)
  }

  @Test(
    "a text that is not well formed up to the count says nothing",
    arguments: [
      "", " ", "null", "57", "\"numRecords\"", "[]", #"["numRecords",57]"#, "{", "{}", "{ ",
      #"{"numRecords"#, #"{"numRecords""#, #"{"numRecords":"#, #"{"numRecords": "#,
      #"{"numRecords" 57}"#, #"{"numRecords"=57}"#, #"{numRecords:57}"#, #"{'numRecords':57}"#,
      #"{"a":1 "numRecords":57}"#, #"{"a":1;"numRecords":57}"#, #"{"a":"b";"numRecords":57}"#,
      #"{"a":{}:"numRecords":57}"#, #"{"a":[]]"numRecords":57}"#, #"{"a" "numRecords":57}"#,
      #"{,"numRecords":57}"#, #"{"a":"b\"#, #"{"a":"b\","numRecords":57}"#, #"{"a\"#,
      #"{"a":{"b":1,"numRecords":57"#, #"{"a":[1,"numRecords":57}"#, #"x{"numRecords":57}"#,
      #"{"a":{}}{"numRecords":57}"#, #"{}"numRecords":57}"#, #"{1:2,"numRecords":57}"#,
    ]
  )
  func malformed(text: String) {
    #expect(records(text) == nil)
  }

  @Test("a number that the text breaks off in says nothing, since digits may be missing")
  func brokenOff() {
    #expect(records(#"{"numRecords":5"#) == nil)
    #expect(records(#"{"numRecords":57"#) == nil)
  }

  @Test("a file without statistics has no count")
  func absent() {
    #expect(records(nil) == nil)
  }

  @Test("very deep and very long texts are passed over")
  func deep() {
    let depth = 200_000
    let brackets = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    #expect(records(#"{"a":\#(brackets),"numRecords":57}"#) == 57)
    #expect(records(#"{"a":\#(brackets.dropLast()),"numRecords":57}"#) == nil)
    let long = String(repeating: #"\""#, count: depth)
    #expect(records(#"{"a":"\#(long)","numRecords":57}"#) == 57)
  }

  // MARK: Against a parser

  @Test("random statistics have the count that a parser finds", arguments: 0..<40)
  func parsed(seed: UInt64) throws {
    let chance = SeededRandom(seed: seed)
    var counts = 0
    for _ in 0..<50 {
      let text = Self.spelled(.object(Self.statistics(chance)), chance)
      // A count that no file can have is none.
      let expected = try JSONValue(parsing: text)["numRecords"]?.integer
        .flatMap { (0...(1 << 42)).contains($0) ? $0 : nil }
      if expected != nil { counts += 1 }
      #expect(records(text) == expected, "seed \(seed): \(text)")
    }
    #expect(counts > 3, "seed \(seed): hardly anything was compared")
  }

  @Test(
    "statistics with a character too many, too few or another never say a wrong count",
    arguments: 0..<40
  )
  func mutated(seed: UInt64) {
    let chance = SeededRandom(seed: seed)
    let characters = Array(#"{}[]",:\ -05x"#.unicodeScalars)
    for _ in 0..<100 {
      var scalars = Array(Self.spelled(.object(Self.statistics(chance)), chance).unicodeScalars)
      for _ in 0..<(1 + chance.below(3)) where !scalars.isEmpty {
        let place = chance.below(scalars.count)
        switch chance.below(4) {
        case 0: scalars.remove(at: place)
        case 1: scalars.insert(characters[chance.below(characters.count)], at: place)
        case 2: scalars[place] = characters[chance.below(characters.count)]
        default: scalars.removeLast(scalars.count - place)
        }
      }
      var text = ""
      text.unicodeScalars.append(contentsOf: scalars)
      guard let found = records(text) else { continue }
      if let parsed = try? JSONValue(parsing: text) {
        #expect(parsed["numRecords"]?.integer == found, "seed \(seed): \(text)")
      } else {
        // Damage behind the count is not seen, so the count is one that stands there.
        let digits = #""numRecords"[\x00-\x20]*:[\x00-\x20]*-?0*\#(found.magnitude)(?![0-9])"#
        let isThere = (try? Regex(digits)).map { text.contains($0) } ?? false
        #expect(isThere, "seed \(seed): \(found) in \(text)")
      }
    }
  }

  // MARK: Bounds

  @Test("bounds and null counts are found under exactly their paths", arguments: 0..<40)
  func bounds(seed: UInt64) throws {
    let chance = SeededRandom(seed: seed)
    // The same few names on every level, so that a search on the wrong one finds something.
    let names = ["a", "b", "numRecords", "minValues", "x\"y", "ü"]
    let members = names.map { Field($0, .long) }
    let schema = Schema(
      names.map { Field($0, chance.happens(percent: 50) ? .structure(members) : .long) }
    )
    for _ in 0..<10 {
      var object = JSONObject()
      for kind in ["minValues", "maxValues", "nullCount", "numRecords", "a"] {
        object[kind] = .object(Self.values(schema.fields, chance))
      }
      object["numRecords"] = 1_000
      let text = Self.spelled(.object(object), chance)
      let file = AddFile(path: "f", size: 1, modificationTime: 0, stats: text)
      let parsed = try JSONValue(parsing: text)
      for path in Self.leaves(schema.fields) {
        func value(_ kind: String) -> Int64? {
          path.reduce(parsed[kind]) { $0?[$1] }?.integer
        }
        func mayMatch(_ predicate: TablePredicate) -> Bool {
          FileSkipping(predicate, schema: schema, partitionColumns: [], mapping: .none)
            .mayMatch(file)
        }
        let what: Comment = "seed \(seed): \(path) in \(text)"
        if let minimum = value("minValues") {
          #expect(!mayMatch(.compare(path, .less, .int(minimum))), what)
          #expect(mayMatch(.compare(path, .lessOrEqual, .int(minimum))), what)
        } else {
          #expect(mayMatch(.compare(path, .less, -1_000)), what)
        }
        if let maximum = value("maxValues") {
          #expect(!mayMatch(.compare(path, .greater, .int(maximum))), what)
          #expect(mayMatch(.compare(path, .greaterOrEqual, .int(maximum))), what)
        } else {
          #expect(mayMatch(.compare(path, .greater, 1_000)), what)
        }
        let nulls = value("nullCount")
        #expect(mayMatch(.isNull(path)) == (nulls != 0), what)
        #expect(mayMatch(.not(.isNull(path))) == ((nulls ?? 0) < 1_000), what)
      }
    }
  }

  private static func leaves(_ fields: [Field]) -> [[String]] {
    fields.flatMap { field -> [[String]] in
      guard case .structure(let members) = field.type else { return [[field.name]] }
      return members.map { [field.name, $0.name] }
    }
  }

  /// Whole numbers for some of the columns.
  private static func values(_ fields: [Field], _ chance: SeededRandom) -> JSONObject {
    var object = JSONObject()
    for field in fields where chance.happens(percent: 80) {
      if case .structure(let members) = field.type {
        object[field.name] = .object(values(members, chance))
      } else {
        object[field.name] = .int(chance.happens(percent: 30) ? 0 : chance.below(1_001))
      }
    }
    return object
  }

  // MARK: Random texts

  private static func statistics(_ chance: SeededRandom) -> JSONObject {
    var entries: [(String, JSONValue)] = []
    for _ in 0..<chance.below(5) { entries.append((text(chance), value(chance, depth: 3))) }
    if chance.happens(percent: 80) {
      let counts: [JSONValue] = [
        .int(chance.below(100)), .int(Int64(bitPattern: chance.next())), 57, 0, -3, nil, "57", 5.5,
      ]
      let place = chance.below(entries.count + 1)
      entries.insert(("numRecords", counts[chance.below(counts.count)]), at: place)
    }
    return JSONObject(entries.filter { $0.0 != "numRecords" || !$0.1.isNull })
  }

  private static func value(_ chance: SeededRandom, depth: Int) -> JSONValue {
    switch chance.below(depth > 0 ? 7 : 5) {
    case 0: .null
    case 1: .bool(chance.happens(percent: 50))
    case 2: .int(Int64(bitPattern: chance.next()))
    case 3: .real(Double(chance.below(1_000)) / 8)
    case 4: .string(text(chance))
    case 5: .array((0..<chance.below(4)).map { _ in value(chance, depth: depth - 1) })
    default:
      .object(
        JSONObject(
          (0..<chance.below(4)).map { _ in (text(chance), value(chance, depth: depth - 1)) }
        )
      )
    }
  }

  private static func text(_ chance: SeededRandom) -> String {
    let pieces = [
      "numRecords", "minValues", "a", "\"", "\\", "{", "}", "[", "]", ":", ",", "5", "ü", "\u{1}",
      "\n", "😀",
    ]
    if chance.happens(percent: 15) { return "minValues" }
    let text = (0..<chance.below(4)).map { _ in pieces[chance.below(pieces.count)] }.joined()
    return text == "numRecords" ? "numRecords " : text
  }

  /// A value as JSON with spaces wherever they may be.
  private static func spelled(_ value: JSONValue, _ chance: SeededRandom) -> String {
    func space() -> String {
      chance.happens(percent: 85) ? "" : [" ", "\n", "\t", "\r", "  "][chance.below(5)]
    }
    func write(_ value: JSONValue) -> String {
      switch value {
      case .array(let values):
        let items = values.map { space() + write($0) + space() }
        return "[" + (items.isEmpty ? space() : items.joined(separator: ",")) + "]"
      case .object(let object):
        let items = object.map { entry in
          space() + JSONValue.string(entry.key).serialized() + space() + ":" + space()
            + write(entry.value) + space()
        }
        return "{" + (items.isEmpty ? space() : items.joined(separator: ",")) + "}"
      default: return value.serialized()
      }
    }
    return space() + write(value) + space()
  }
}

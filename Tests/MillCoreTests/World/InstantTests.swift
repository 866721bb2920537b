// SPDX-License-Identifier: Apache-2.0

import MillCore
import Testing

@Suite("Instants and days")
struct InstantTests {
  @Test(
    "an ISO 8601 text is read",
    arguments: [
      ("1970-01-01", 0), ("1970-01-01T00:00:00Z", 0), ("1970-01-01 00:01", 60_000_000),
      ("2013-01-01T10:00:00Z", 1_357_034_400_000_000),
      ("2013-01-01 12:00:00+02:00", 1_357_034_400_000_000),
      ("2013-01-01T04:30-05:30", 1_357_034_400_000_000),
      ("1969-12-31T23:59:59.999999Z", -1), ("1970-01-01T00:00:00.5", 500_000),
      ("1970-01-01T00:00:00.000001000Z", 1), ("0001-01-01", -62_135_596_800_000_000),
      ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999),
      ("2000-02-29", 951_782_400_000_000),
    ]
  )
  func reading(text: String, microseconds: Int64) {
    #expect(Instant(iso8601: text)?.microseconds == microseconds)
  }

  @Test(
    "what is no instant is refused",
    arguments: [
      "", "1970", "1970-1-1", "1970-01-01T", "1970-01-01T10", "1970-01-01T1:00",
      "1970-01-01T24:00", "1970-01-01T10:60", "1970-01-01T10:00:60", "1970-01-01T10:00:00.",
      "1970-01-01T10:00:00.1234567", "1970-01-01T10:00:00ZZ", "1970-01-01T10:00+2",
      "1970-01-01T10:00+19:00", "1970-01-01T10:00+01:60", "1970-01-01Z", "1900-02-29",
      "2013-02-29", "2013-04-31", "2013-13-01", "2013-00-01", "2013-01-00", "0000-12-31",
      "0001-01-01T00:00+00:01", "9999-12-31T23:59:59-00:01", " 1970-01-01", "1970-01-01 ",
      "1970-01-01T10:00:00,5", "+1970-01-01", "١٩٧٠-01-01", "1970-01-01x10:00",
    ]
  )
  func refusing(text: String) {
    #expect(Instant(iso8601: text) == nil)
  }

  @Test("the fraction is written with six digits or not at all")
  func writing() {
    #expect(Instant(microseconds: 1_357_034_400_000_000).description == "2013-01-01T10:00:00Z")
    #expect(Instant(microseconds: 1_120_000).description == "1970-01-01T00:00:01.120000Z")
    #expect(Instant(microseconds: -1).description == "1969-12-31T23:59:59.999999Z")
    #expect(Instant.earliest.description == "0001-01-01T00:00:00Z")
    #expect(Instant.latest.description == "9999-12-31T23:59:59.999999Z")
  }

  @Test("any instant reads back as it was written", arguments: 0..<10 as Range<UInt64>)
  func roundTrip(seed: UInt64) {
    let random = SeededRandom(seed: seed)
    let width = UInt64(Instant.latest.microseconds - Instant.earliest.microseconds + 1)
    for _ in 0..<500 {
      let microseconds = Instant.earliest.microseconds + Int64(random.next() % width)
      let instant = Instant(microseconds: microseconds)
      #expect(Instant(iso8601: instant.description) == instant)
      #expect(instant.date.start <= instant)
      #expect(instant - instant.date.start < .seconds(86_400))
    }
  }

  @Test("the days from year 1 to 9999 follow each other without a gap")
  func everyDay() {
    var days = Int32(-719_162)
    var mismatches = 0
    for year in 1...9999 {
      let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
      let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
      for (index, length) in lengths.enumerated() {
        let first = CivilDate(year: year, month: index + 1, day: 1)
        let last = CivilDate(year: year, month: index + 1, day: length)
        let beyond = CivilDate(year: year, month: index + 1, day: length + 1)
        if first?.daysSinceEpoch != days || last?.daysSinceEpoch != days + Int32(length) - 1
          || last?.components.day != length || last?.month != index + 1 || last?.year != year
          || beyond != nil
        {
          mismatches += 1
        }
        days += Int32(length)
      }
    }
    #expect(mismatches == 0)
    #expect(days == 2_932_897)
  }

  @Test("a day is read and written")
  func days() {
    #expect(CivilDate(iso8601: "0001-01-01")?.daysSinceEpoch == -719_162)
    #expect(CivilDate(daysSinceEpoch: 0).description == "1970-01-01")
    #expect(CivilDate(iso8601: "2024-02-29")?.description == "2024-02-29")
    #expect(CivilDate(iso8601: "2023-02-29") == nil)
    #expect(CivilDate(iso8601: "2023-02-28T") == nil)
    for days in [Int32.min, .max] {
      #expect(!CivilDate(daysSinceEpoch: days).description.isEmpty)
    }
  }

  @Test("milliseconds round towards the past, on either side of 1970")
  func milliseconds() {
    #expect(Instant(microseconds: 1999).milliseconds == 1)
    #expect(Instant(microseconds: -1).milliseconds == -1)
    #expect(Instant(microseconds: -1000).milliseconds == -1)
    #expect(Instant(milliseconds: 5)?.microseconds == 5000)
    #expect(Instant(milliseconds: .max) == nil)
    #expect(Instant(milliseconds: 253_402_300_800_000) == nil)
  }

  @Test("arithmetic is exact and stops at the ends of Int64")
  func arithmetic() {
    let start = Instant(microseconds: 10)
    #expect((start + .microseconds(5)).microseconds == 15)
    #expect((start - .seconds(1)).microseconds == -999_990)
    #expect((start + .nanoseconds(-1)).microseconds == 9)
    #expect((start + .nanoseconds(999)).microseconds == 10)
    #expect(Instant.latest - .earliest == .microseconds(315_537_897_599_999_999))
    #expect((start + .seconds(Int64.max)).microseconds == .max)
    #expect(!(start + .seconds(Int64.max)).isPublishable)
    #expect(!Instant(microseconds: .min).description.isEmpty)
  }
}

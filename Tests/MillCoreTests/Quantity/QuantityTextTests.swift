// SPDX-License-Identifier: Apache-2.0

import MillCore
import Testing

@Suite("Quantities as text")
struct QuantityTextTests {
  @Test(
    "an amount of bytes is read",
    arguments: [
      ("0", 0), ("1024", 1024), ("7B", 7), ("2GiB", 2_147_483_648), ("512MB", 512_000_000),
      ("100 kB", 100_000), ("1.5 GiB", 1_610_612_736), ("0.5kib", 512), ("1.0001 kB", 1000),
      ("3tb", 3_000_000_000_000), ("8191PiB", 9_222_246_136_947_933_184),
    ] as [(String, Int64)]
  )
  func readingBytes(text: String, bytes: Int64) {
    #expect(ByteCount(text)?.bytes == bytes)
  }

  @Test(
    "what is no amount of bytes is refused",
    arguments: [
      "", "B", "-1", "1.", ".5", "1..5", "1 ", " 1", "1  kB", "1 XB", "1k", "8192PiB", "1e3",
      "99999999999999999999", "1,5 GB", "0.00000000000000000001 kB",
    ]
  )
  func refusingBytes(text: String) {
    #expect(ByteCount(text) == nil)
  }

  @Test(
    "an amount of bytes is written in the unit that it fills",
    arguments: [
      (0, "0 B"), (1023, "1023 B"), (1024, "1 KiB"), (1536, "1.5 KiB"), (1_610_612_736, "1.5 GiB"),
      (1_048_575, "1 MiB"), (-1536, "-1.5 KiB"), (.max, "8192 PiB"), (.min, "-8192 PiB"),
    ] as [(Int64, String)]
  )
  func writingBytes(bytes: Int64, text: String) {
    #expect(ByteCount(bytes: bytes).description == text)
  }

  @Test(
    "a duration is read",
    arguments: [
      ("10s", .seconds(10)), ("5m", .seconds(300)), ("5min", .seconds(300)),
      ("24h", .seconds(86_400)), ("7d", .seconds(604_800)), ("500ms", .milliseconds(500)),
      ("250us", .microseconds(250)), ("1.5h", .seconds(5400)), ("0s", .zero),
      ("10 s", .seconds(10)), ("0.0000000019s", .nanoseconds(1)),
    ] as [(String, Duration)]
  )
  func readingDurations(text: String, duration: Duration) {
    #expect(Duration(text: text) == duration)
  }

  @Test(
    "what is no duration is refused",
    arguments: ["", "10", "s", "-1s", "1h30m", "10S", "1w", "10 s ", "1e3s", "200000d", "ms5"]
  )
  func refusingDurations(text: String) {
    #expect(Duration(text: text) == nil)
  }

  @Test(
    "a duration is written for a reader",
    arguments: [
      (.zero, "0 s"), (.nanoseconds(400), "0 s"), (.microseconds(5), "5 µs"),
      (.milliseconds(340), "340 ms"), (.microseconds(999_700), "1 s"), (.seconds(1), "1 s"),
      (.milliseconds(1234), "1.2 s"), (.milliseconds(59_960), "1 min"),
      (.seconds(185), "3 min 5 s"), (.milliseconds(3_599_600), "1 h"),
      (.seconds(7500), "2 h 5 min"), (.seconds(86_400), "1 d"), (.seconds(100_800), "1 d 4 h"),
      (.milliseconds(-1500), "-1.5 s"), (.nanoseconds(-400), "0 s"),
    ] as [(Duration, String)]
  )
  func writingDurations(duration: Duration, text: String) {
    #expect(duration.text == text)
  }
}

// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillTiles
import Testing

@Suite("The canonical text of values and its digest")
struct DigestTests {
  private struct Known {
    let type: DataType
    let value: Datum
    /// The first eight bytes of what `printf TEXT | md5sum` prints.
    let prefix: UInt64
  }

  @Test("prefixes are those of md5sum over the documented text")
  func known() throws {
    let known = [
      Known(type: .string, value: .text("abc"), prefix: 0x9001_5098_3cd2_4fb0),
      // -42
      Known(type: .long, value: .integer(-42), prefix: 0x8dfc_b89f_d862_0e3e),
      // 0000000000000000
      Known(type: .double, value: .double(-0.0), prefix: 0x1e4a_1b03_d1b6_cd8a),
      // 3FF8000000000000
      Known(type: .double, value: .double(1.5), prefix: 0xd1d7_416d_16a2_29e7),
      // -0.05
      Known(
        type: .decimal(precision: 9, scale: 2),
        value: .decimal(unscaled: -5, scale: 2),
        prefix: 0xe927_fe5f_5ad4_5bcd
      ),
      // 0.50
      Known(
        type: .decimal(precision: 2, scale: 2),
        value: .decimal(unscaled: 50, scale: 2),
        prefix: 0xc605_7632_8429_9b9a
      ),
      // 7
      Known(
        type: .decimal(precision: 9, scale: 0),
        value: .decimal(unscaled: 7, scale: 0),
        prefix: 0x8f14_e45f_ceea_167a
      ),
      // true
      Known(type: .boolean, value: .boolean(true), prefix: 0xb326_b506_2b2f_0e69),
      // 0AFF
      Known(type: .binary, value: .bytes([10, 255]), prefix: 0xe77d_997c_7675_fa3f),
      // 1970-01-01
      Known(type: .date, value: .date(CivilDate(daysSinceEpoch: 0)), prefix: 0x0c0f_b6b2_ee7d_bb23),
      // -1
      Known(
        type: .timestamp,
        value: .instant(Instant(microseconds: -1)),
        prefix: 0x6bb6_1e3b_7bce_0931
      ),
    ]
    for sample in known {
      let shape = try #require(TileShape(.distinct, of: sample.type))
      var state = TileState(shape)
      try state.add(sample.value, at: EventOrder(time: .earliest, knowledge: .earliest, id: []))
      let expected = Int64(bitPattern: sample.prefix ^ 1 << 63)
      #expect(state.columns() == [.list([.integer(expected)])], "\(sample.value)")
    }
  }
}

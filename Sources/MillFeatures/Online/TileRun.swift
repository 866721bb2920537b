// SPDX-License-Identifier: Apache-2.0

internal import MillCore

/// Tiles of one level of one key as bytes, in the order of their hops, none of them decoded.
struct TileRun {
  /// Where each tile begins: its hop, and the place of its first byte.
  var places: [(hop: Int64, start: Int)] = []
  /// The tiles, one behind the other, each with its hop before it.
  var bytes: [UInt8] = []
  /// The first moment of which all rows are there, for exact windows.
  var wholeFrom = Int64.min

  func tile(_ index: Int) -> ArraySlice<UInt8> {
    let end = index + 1 < places.count ? places[index + 1].start : bytes.count
    return bytes[places[index].start..<end]
  }

  mutating func append(_ index: Int, of other: TileRun) {
    places.append((other.places[index].hop, bytes.count))
    bytes += other.tile(index)
  }

  /// The tiles of both; where both have one, that of the newer.
  ///
  /// - Parameter from: Tiles that begin before it are left out.
  func replaced(by newer: TileRun, from: Int64) -> TileRun {
    var merged = TileRun()
    merged.wholeFrom = max(wholeFrom, newer.wholeFrom)
    var (left, right) = (0, 0)
    while left < places.count || right < newer.places.count {
      let old = left < places.count ? places[left].hop : .max
      let new = right < newer.places.count ? newer.places[right].hop : .max
      if right < newer.places.count, new <= old {
        if new >= from { merged.append(right, of: newer) }
        right += 1
        if new == old, left < places.count { left += 1 }
      } else {
        if old >= from { merged.append(left, of: self) }
        left += 1
      }
    }
    return merged
  }

  /// The newest tiles, so many at most: what is left out is no longer there.
  func newest(_ count: Int) -> TileRun {
    guard places.count > count else { return self }
    var kept = TileRun()
    let first = places.count - count
    let (after, isOver) = places[first - 1].hop.addingReportingOverflow(1)
    kept.wholeFrom = max(wholeFrom, isOver ? .max : after)
    for index in first..<places.count { kept.append(index, of: self) }
    return kept
  }
}

extension TileLayout {
  /// The bytes of a key's tiles.
  func bytes(of runs: [TileRun]) -> [UInt8] {
    var bytes: [UInt8] = [Self.format]
    for (level, run) in zip(levels, runs) {
      let kept = level.isExact ? run.newest(momentsMax) : run
      PackedCells.append(fixed: UInt64(kept.places.count), to: &bytes)
      if level.isExact {
        PackedCells.append(fixed: UInt64(bitPattern: kept.wholeFrom), to: &bytes)
      }
      bytes += kept.bytes
    }
    return bytes
  }

  /// The tiles of a key's bytes, level by level; nil for bytes that are none of this layout.
  func runs(of bytes: [UInt8]) -> [TileRun]? {
    var reader = PackedCells.Reader(bytes: bytes)
    guard reader.byte() == Self.format else { return nil }
    var runs: [TileRun] = []
    for (index, level) in levels.enumerated() {
      var run = TileRun()
      guard let count = reader.fixed(), count <= UInt64(bytes.count) else { return nil }
      if level.isExact {
        guard let from = reader.fixed() else { return nil }
        run.wholeFrom = Int64(bitPattern: from)
      }
      let first = reader.position
      for _ in 0..<count {
        let start = reader.position
        guard let hop = reader.fixed() else { return nil }
        for _ in 0..<stateCount(of: index) {
          guard reader.skip() else { return nil }
        }
        run.places.append((Int64(bitPattern: hop), start - first))
      }
      run.bytes = Array(bytes[first..<reader.position])
      runs.append(run)
    }
    return reader.isAtEnd ? runs : nil
  }

  /// A key's row with the tiles of some hops made anew.
  ///
  /// - Parameter asOf: Tiles that no window reaches from then on are left out.
  /// - Returns: nil when the row that was there is none of this layout.
  func row(_ old: OnlineRow, replacedBy new: OnlineRow, asOf: Instant) -> OnlineRow? {
    guard let before = runs(of: old.payload), let after = runs(of: new.payload) else { return nil }
    var merged: [TileRun] = []
    for (index, level) in levels.enumerated() {
      let from = asOf.microseconds - reach(of: level)
      merged.append(before[index].replaced(by: after[index], from: from))
    }
    return OnlineRow(
      key: old.key,
      version: RowVersion(
        time: max(old.version.time, new.version.time),
        knowledge: max(old.version.knowledge, new.version.knowledge)
      ),
      payload: bytes(of: merged)
    )
  }
}

// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillTiles

/// What an online store keeps of a key for windows: which states, over which hops, and their bytes.
///
/// ```text
/// format (1)
/// for each hop of the layout, the smallest first:
///   count (8), then for each tile: start of the hop (8), and each state behind its length (4)
/// ```
struct TileLayout {
  /// The hops, the smallest first, with the groups that have a window answered by it.
  let levels: [(hop: Hop, groups: [TileGroup])]

  static let format: UInt8 = 1

  init(_ bound: BoundView) {
    let groups = TileGroup.of(bound, wanted: nil)
    levels = Hop.allCases.compactMap { hop in
      let of = groups.filter { group in
        group.windowed.windows.contains { WindowJoin.hop(for: $0.window) == hop }
      }
      return of.isEmpty ? nil : (hop, of)
    }
  }

  /// How far back the tiles of a hop are needed.
  func reach(of hop: Hop) -> Int64 {
    let windows = levels.filter { $0.hop == hop }.flatMap(\.groups).flatMap(\.windowed.windows)
      .map(\.window).filter { WindowJoin.hop(for: $0) == hop }
    return (windows.map(\.length.microsecondsWhole).max() ?? 0) + hop.microseconds
  }

  // MARK: Reading

  /// The value of every feature of the view at a time.
  ///
  /// - Returns: nil for bytes that are none of this layout.
  func values(_ bytes: [UInt8], at query: Instant) -> [String: Datum]? {
    var merged: [String: TileState] = [:]
    let isWhole = bytes.withUnsafeBytes { bytes in fold(bytes, query, &merged) }
    guard isWhole else { return nil }
    return finish(merged)
  }

  /// The values of a key of which there are no tiles.
  func emptyValues() -> [String: Datum] { finish([:]) ?? [:] }

  private func finish(_ merged: [String: TileState]) -> [String: Datum]? {
    var values: [String: Datum] = [:]
    for (hop, groups) in levels {
      for group in groups {
        for feature in group.windowed.features where WindowJoin.hop(for: feature.window) == hop {
          guard let shape = group.shape(for: feature.aggregation) else { return nil }
          let state = merged[key(group, shape, feature.window)] ?? TileState(shape)
          guard let value = try? state.finish(feature.aggregation) else { return nil }
          values[feature.name] = value
        }
      }
    }
    return values
  }

  private func key(_ group: TileGroup, _ shape: TileShape, _ window: Window) -> String {
    "\(group.index) \(shape.kind.rawValue) \(window.length.microsecondsWhole)"
  }

  private func fold(
    _ bytes: UnsafeRawBufferPointer,
    _ query: Instant,
    _ merged: inout [String: TileState]
  ) -> Bool {
    guard bytes.first == Self.format else { return false }
    var offset = 1
    func fixed() -> Int64? {
      guard bytes.count - offset >= 8 else { return nil }
      defer { offset += 8 }
      return Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Int64.self))
    }
    func length() -> Int? {
      guard bytes.count - offset >= 4 else { return nil }
      defer { offset += 4 }
      let length = UInt32(
        littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
      )
      return Int(length) <= bytes.count - offset - 4 ? Int(length) : nil
    }
    for (hop, groups) in levels {
      guard let count = fixed(), count >= 0, count <= bytes.count else { return false }
      for _ in 0..<count {
        guard let start = fixed() else { return false }
        for group in groups {
          let windows = Set(group.windowed.windows.map(\.window)).filter { window in
            WindowJoin.hop(for: window) == hop
              && window.lowerBound(at: query).microseconds <= start
              && start < query.microseconds
          }
          for shape in group.shapes {
            guard let length = length() else { return false }
            let part = UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + length])
            offset += length
            if windows.isEmpty { continue }
            guard let state = try? TileState(shape, decoding: part.bytes) else { return false }
            for window in windows {
              let key = key(group, shape, window)
              if merged[key] == nil {
                merged[key] = state
              } else if (try? merged[key]?.merge(state)) == nil {
                return false
              }
            }
          }
        }
      }
    }
    return offset == bytes.count
  }

  // MARK: Writing

  /// Gathers the tiles of one key, level by level and hop by hop, into its bytes.
  struct Builder {
    private var levels: [(count: Int64, bytes: [UInt8])]

    init(_ layout: TileLayout) {
      levels = layout.levels.map { _ in (0, []) }
    }

    mutating func begin(level: Int, hop: Int64) {
      levels[level].count += 1
      PackedCells.append(fixed: UInt64(bitPattern: hop), to: &levels[level].bytes)
    }

    mutating func append(_ state: TileState, level: Int) {
      var encoded: [UInt8] = []
      state.encode(into: &encoded)
      withUnsafeBytes(of: UInt32(encoded.count).littleEndian) {
        levels[level].bytes.append(contentsOf: $0)
      }
      levels[level].bytes += encoded
    }

    consuming func finish() -> [UInt8] {
      var bytes: [UInt8] = [TileLayout.format]
      for level in levels {
        PackedCells.append(fixed: UInt64(bitPattern: level.count), to: &bytes)
        bytes += level.bytes
      }
      return bytes
    }
  }
}

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
struct TileLayout: Sendable {
  /// The hops, the smallest first, with the groups that have a window answered by it.
  let levels: [(hop: Hop, groups: [TileGroup])]

  /// A state as it is read: its shape, and the windows that it goes into.
  private struct Source: Sendable {
    var shape: TileShape
    /// A window and where its merged state is.
    var targets: [(window: Window, slot: Int)]
  }

  /// A feature and the merged state that it is read from.
  private struct Target: Sendable {
    var aggregation: Aggregation
    var slot: Int
  }

  /// For each level the states of a tile, in the order of their bytes.
  private let sources: [[Source]]
  /// In the order of the view's windowed features.
  private let targets: [Target]
  /// The state of no rows, for each merged state.
  private let empty: [TileState]

  static let format: UInt8 = 1

  init(_ bound: BoundView) {
    let groups = TileGroup.of(bound, wanted: nil)
    let levels: [(hop: Hop, groups: [TileGroup])] = Hop.allCases.compactMap { hop in
      let of = groups.filter { group in
        group.windowed.windows.contains { WindowJoin.hop(for: $0.window) == hop }
      }
      return of.isEmpty ? nil : (hop, of)
    }
    self.levels = levels
    var empty: [TileState] = []
    var targets: [String: Target] = [:]
    sources = levels.map { hop, groups in
      groups.flatMap { group in
        let features = group.windowed.features.filter { WindowJoin.hop(for: $0.window) == hop }
        return group.shapes.map { shape in
          var source = Source(shape: shape, targets: [])
          for feature in features where group.shape(for: feature.aggregation) == shape {
            let slot: Int
            if let known = source.targets.first(where: { $0.window == feature.window }) {
              slot = known.slot
            } else {
              slot = empty.count
              empty.append(TileState(shape))
              source.targets.append((feature.window, slot))
            }
            targets[feature.name] = Target(aggregation: feature.aggregation, slot: slot)
          }
          return source
        }
      }
    }
    self.empty = empty
    self.targets = bound.view.windowed.flatMap(\.features).compactMap { targets[$0.name] }
  }

  /// How far back the tiles of a hop are needed.
  func reach(of hop: Hop) -> Int64 {
    let windows = levels.filter { $0.hop == hop }.flatMap(\.groups).flatMap(\.windowed.windows)
      .map(\.window).filter { WindowJoin.hop(for: $0) == hop }
    return (windows.map(\.length.microsecondsWhole).max() ?? 0) + hop.microseconds
  }

  // MARK: Reading

  /// The value of every windowed feature of the view at a time, in their order, and the first later
  /// moment at which one may be another although no row came.
  ///
  /// - Returns: nil for bytes that are none of this layout.
  /// - Complexity: O(tiles of the key): each is looked at, those of no window are not decoded.
  func values(_ bytes: [UInt8], at query: Instant) -> (values: [Datum], until: Instant)? {
    var merged = empty
    var until = Int64.max
    let isWhole = bytes.withUnsafeBytes { bytes in fold(bytes, query, &merged, &until) }
    guard isWhole, let values = finish(merged) else { return nil }
    return (values, Instant(microseconds: until))
  }

  /// The values of a key of which there are no tiles.
  func emptyValues() -> [Datum] { finish(empty) ?? targets.map { _ in .null } }

  private func finish(_ merged: [TileState]) -> [Datum]? {
    var values: [Datum] = []
    values.reserveCapacity(targets.count)
    for target in targets {
      guard let value = try? merged[target.slot].finish(target.aggregation) else { return nil }
      values.append(value)
    }
    return values
  }

  private func fold(
    _ bytes: UnsafeRawBufferPointer,
    _ query: Instant,
    _ merged: inout [TileState],
    _ until: inout Int64
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
      let length = UInt32(
        littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
      )
      offset += 4
      return Int(length) <= bytes.count - offset ? Int(length) : nil
    }
    for (level, states) in zip(levels, sources) {
      let bounds = states.map { source in
        source.targets.map { $0.window.lowerBound(at: query).microseconds }
      }
      guard let count = fixed(), count >= 0, count <= bytes.count else { return false }
      for _ in 0..<count {
        guard let start = fixed() else { return false }
        for (index, source) in states.enumerated() {
          guard let length = length() else { return false }
          let part = UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + length])
          offset += length
          guard start < query.microseconds else {
            // A hop that has not begun for the question is there a microsecond after its start.
            until = min(until, start == .max ? start : start + 1)
            continue
          }
          guard bounds[index].contains(where: { $0 <= start }) else { continue }
          guard let state = try? TileState(source.shape, decoding: part.bytes) else {
            return false
          }
          for (target, low) in zip(source.targets, bounds[index]) where low <= start {
            guard (try? merged[target.slot].merge(state)) != nil else { return false }
            // It leaves as soon as the window begins with the hop after it.
            until = min(
              until,
              (Instant(microseconds: start) + level.hop.length + target.window.length).microseconds
            )
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

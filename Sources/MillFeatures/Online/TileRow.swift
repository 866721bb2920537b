// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillTiles

/// What an online store keeps of a key for windows: which states, over which hops, and their bytes.
///
/// ```text
/// format (1)
/// for each level of the layout, the finest first:
///   count (8), for exact windows the first moment of which all rows are there (8),
///   then for each tile: start of the hop (8), and each state behind its length (4)
/// ```
/// Exact windows are answered by tiles of one microsecond: the rows of a moment.
struct TileLayout: Sendable {
  /// Tiles of one size, with the groups that have a window answered by them.
  struct Level: Sendable {
    /// Microseconds of a tile.
    var size: Int64
    var groups: [TileGroup]
    /// Whether the tiles are moments, of which a bounded number is kept.
    var isExact: Bool { size == 1 }
  }

  /// The levels, the finest first.
  let levels: [Level]
  /// How many moments of a key are kept for exact windows.
  let momentsMax: Int

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
    let sizes = Set(groups.flatMap { $0.windowed.windows.map { Self.size(of: $0.window) } })
    let levels = sizes.sorted().map { size in
      Level(
        size: size,
        groups: groups.filter { group in
          group.windowed.windows.contains { Self.size(of: $0.window) == size }
        }
      )
    }
    self.levels = levels
    momentsMax = bound.view.eventsPerKeyMax ?? 0
    var empty: [TileState] = []
    var targets: [String: Target] = [:]
    sources = levels.map { level in
      level.groups.flatMap { group in
        let features = group.windowed.features.filter { Self.size(of: $0.window) == level.size }
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

  /// Microseconds of the tiles that answer for a window.
  static func size(of window: Window) -> Int64 {
    switch window.edge {
    case .exact: 1
    case .hop(let hop): hop.microseconds
    }
  }

  /// The windows that are answered by a level's tiles, each once.
  static func windows(of level: Level) -> [Window] {
    var windows: [Window] = []
    for window in level.groups.flatMap(\.windowed.windows).map(\.window)
    where size(of: window) == level.size && !windows.contains(window) {
      windows.append(window)
    }
    return windows
  }

  /// How far back the tiles of a level are needed.
  func reach(of level: Level) -> Int64 {
    (Self.windows(of: level).map(\.length.microsecondsWhole).max() ?? 0) + level.size
  }

  /// How far back tiles are needed at all.
  var reach: Int64 { levels.map { reach(of: $0) }.max() ?? 0 }

  /// How many states each tile of a level has.
  func stateCount(of level: Int) -> Int { sources[level].count }

  // MARK: Reading

  /// The value of every windowed feature of the view at a time, in their order, and the first later
  /// moment at which one may be another although no row came.
  ///
  /// - Returns: nil for bytes that are none of this layout; a value is nil where rows of its window
  ///   were more than are kept.
  /// - Complexity: O(tiles of the key): each is looked at, those of no window are not decoded.
  func values(_ bytes: [UInt8], at query: Instant) -> (values: [Datum?], until: Instant)? {
    var merged = empty
    var isCut = empty.map { _ in false }
    var until = Int64.max
    let isWhole = bytes.withUnsafeBytes { bytes in fold(bytes, query, &merged, &isCut, &until) }
    guard isWhole, let values = finish(merged) else { return nil }
    let whole = zip(values, targets).map { value, target in isCut[target.slot] ? nil : value }
    return (whole, Instant(microseconds: until))
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
    _ isCut: inout [Bool],
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
      if level.isExact {
        guard let from = fixed() else { return false }
        for (source, lows) in zip(states, bounds) {
          for (target, low) in zip(source.targets, lows) where low < from {
            isCut[target.slot] = true
            // It has a value again when the window begins with the first row that is there.
            until = min(until, (Instant(microseconds: from) + target.window.length).microseconds)
          }
        }
      }
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
              (Instant(microseconds: start) + .microseconds(level.size) + target.window.length)
                .microseconds
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
    private let layout: TileLayout
    private var levels: [TileRun]

    init(_ layout: TileLayout) {
      self.layout = layout
      levels = layout.levels.map { _ in TileRun() }
    }

    mutating func begin(level: Int, hop: Int64) {
      levels[level].places.append((hop, levels[level].bytes.count))
      PackedCells.append(fixed: UInt64(bitPattern: hop), to: &levels[level].bytes)
    }

    mutating func append(_ state: TileState, level: Int) {
      let start = levels[level].bytes.count
      levels[level].bytes += [0, 0, 0, 0]
      state.encode(into: &levels[level].bytes)
      let count = UInt32(levels[level].bytes.count - start - 4).littleEndian
      withUnsafeBytes(of: count) { count in
        levels[level].bytes.withUnsafeMutableBytes { bytes in
          for (place, byte) in count.enumerated() { bytes[start + place] = byte }
        }
      }
    }

    consuming func finish() -> [UInt8] { layout.bytes(of: levels) }
  }
}

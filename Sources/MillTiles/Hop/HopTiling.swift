// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// How a stretch of event time is answered: by runs of whole hops, and by rows where no hop fits.
///
/// All pieces together cover the stretch once, without holes. Rows are needed at its two ends at
/// most, each for less than the smallest hop.
///
/// ```swift
/// // 10:58:30 to 13:00:10 with tiles of a minute and an hour: rows for 30 s, 1 tile of a minute,
/// // 2 tiles of an hour, rows for 10 s
/// HopTiling(from: start, to: end, levels: [.minute, .hour])
/// ```
/// - Complexity: O(levels) pieces, whatever the length of the stretch.
public struct HopTiling: Hashable, Sendable {
  /// One piece of the stretch.
  public enum Piece: Hashable, Sendable {
    /// Hops of one size, one behind the other.
    case tiles(Hop, Range<Instant>)
    /// Rows are folded one by one.
    case rows(Range<Instant>)

    /// The time that the piece covers.
    public var range: Range<Instant> {
      switch self {
      case .tiles(_, let range), .rows(let range): range
      }
    }
  }

  /// The pieces in the order of time.
  public let pieces: [Piece]

  /// Cuts the time from a moment on and before another by the sizes of tiles that there are.
  public init(from start: Instant, to end: Instant, levels: [Hop]) {
    var head: [Piece] = []
    var tail: [Piece] = []
    var range = start..<max(start, end)
    // From the smallest size to the largest, both ends move inwards to multiples of the next.
    let sizes = Set(levels).sorted()
    for (position, hop) in sizes.enumerated() {
      let inner = Self.whole(hop, in: range)
      guard let inner else { break }
      let smaller = position == 0 ? nil : sizes[position - 1]
      head.append(contentsOf: Self.piece(smaller, range.lowerBound..<inner.lowerBound))
      tail.append(contentsOf: Self.piece(smaller, inner.upperBound..<range.upperBound))
      range = inner
      if position == sizes.count - 1 {
        head.append(contentsOf: Self.piece(hop, range))
        range = range.upperBound..<range.upperBound
      }
    }
    if !range.isEmpty {
      // The next size does not fit: what is left is made of the size before it.
      let fitting = sizes.last { Self.whole($0, in: range) == range }
      head.append(contentsOf: Self.piece(fitting, range))
    }
    pieces = head + tail.reversed()
  }

  /// How many tiles are read.
  public var tileCount: Int64 {
    pieces.reduce(0) { count, piece in
      guard case .tiles(let hop, let range) = piece else { return count }
      let span = range.upperBound.microseconds - range.lowerBound.microseconds
      return count + span / hop.microseconds
    }
  }

  /// The part of a range that whole hops cover, unless it is nothing.
  private static func whole(_ hop: Hop, in range: Range<Instant>) -> Range<Instant>? {
    let first = hop.ceiling(range.lowerBound)
    let last = hop.floor(range.upperBound)
    return first < last ? first..<last : nil
  }

  private static func piece(_ hop: Hop?, _ range: Range<Instant>) -> [Piece] {
    guard !range.isEmpty else { return [] }
    return [hop.map { .tiles($0, range) } ?? .rows(range)]
  }
}

// SPDX-License-Identifier: Apache-2.0

/// One component of a pattern, between two slashes.
///
/// `*` is any run of characters, `?` one character, `[a-z]` one of a set and `[!a-z]` one outside
/// of it. To match a bracket or a star itself, put it in a set: `[[]`, `[*]`. A leading dot is only
/// matched by a dot.
struct GlobPattern {
  fileprivate enum Piece {
    case one(Unicode.Scalar)
    case anyOne
    case anyRun
    case set([ClosedRange<UInt32>], isNegated: Bool)
  }

  private let pieces: [Piece]
  private let matchesHidden: Bool

  static func hasWildcard(_ component: String) -> Bool {
    component.unicodeScalars.contains { $0 == "*" || $0 == "?" || $0 == "[" }
  }

  init(_ component: String) {
    let scalars = Array(component.unicodeScalars)
    matchesHidden = scalars.first == "."
    var pieces: [Piece] = []
    var index = 0
    while index < scalars.count {
      switch scalars[index] {
      case "*":
        pieces.append(.anyRun)
      case "?":
        pieces.append(.anyOne)
      case "[":
        if let (set, end) = Self.set(scalars, after: index) {
          pieces.append(set)
          index = end
        } else {
          pieces.append(.one("["))
        }
      default:
        pieces.append(.one(scalars[index]))
      }
      index += 1
    }
    self.pieces = pieces
  }

  func matches(_ name: String) -> Bool {
    let scalars = Array(name.unicodeScalars)
    if scalars.first == ".", !matchesHidden { return false }
    // One star is remembered at a time: a later star makes going back to an earlier one pointless.
    var piece = 0
    var position = 0
    var star: (piece: Int, position: Int)?
    while position < scalars.count {
      if piece < pieces.count, case .anyRun = pieces[piece] {
        star = (piece, position)
        piece += 1
      } else if piece < pieces.count, pieces[piece].matches(scalars[position]) {
        piece += 1
        position += 1
      } else if let last = star {
        star = (last.piece, last.position + 1)
        piece = last.piece + 1
        position = last.position + 1
      } else {
        return false
      }
    }
    return pieces[piece...].allSatisfy {
      if case .anyRun = $0 { true } else { false }
    }
  }

  /// The set that opens at `start`, and the index of its closing bracket; nil if it never closes.
  private static func set(_ scalars: [Unicode.Scalar], after start: Int) -> (Piece, Int)? {
    var index = start + 1
    let isNegated = index < scalars.count && (scalars[index] == "!" || scalars[index] == "^")
    if isNegated { index += 1 }
    var ranges: [ClosedRange<UInt32>] = []
    let first = index
    while index < scalars.count {
      // A bracket right after the opening stands for itself.
      if scalars[index] == "]", index > first { return (.set(ranges, isNegated: isNegated), index) }
      let low = scalars[index].value
      if index + 2 < scalars.count, scalars[index + 1] == "-", scalars[index + 2] != "]" {
        let high = scalars[index + 2].value
        if low <= high { ranges.append(low...high) }
        index += 3
      } else {
        ranges.append(low...low)
        index += 1
      }
    }
    return nil
  }
}

extension GlobPattern.Piece {
  fileprivate func matches(_ scalar: Unicode.Scalar) -> Bool {
    switch self {
    case .one(let expected): scalar == expected
    case .anyOne: true
    case .anyRun: false
    case .set(let ranges, let isNegated):
      ranges.contains { $0.contains(scalar.value) } != isNegated
    }
  }
}

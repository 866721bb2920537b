// SPDX-License-Identifier: Apache-2.0

internal import MillFeatures

/// What of our own work on tables is not ended yet, so that a server which lost a part of it is found out.
///
/// A server that is restarted without its last seconds, or without anything, takes the rest of a pass
/// as if nothing had happened, and the end of the pass would say that all is there. So each piece says
/// how many pieces were acknowledged before it, and the server compares that with its own count, which
/// lies beside the rows and is lost with them. A piece of which no answer came may count or not.
///
/// Only what was begun here is held to a count. It is bounded: 64 passes for each table.
struct OpenWork: Sendable {
  /// A pass, or an addition of newer rows.
  struct Item: Hashable, Sendable {
    /// 8 bytes by which the server knows it.
    let token: [UInt8]
    /// Pieces that were acknowledged.
    fileprivate(set) var pieces = 0
  }

  enum Kind: Hashable, Sendable {
    case pass(Int64)
    case addition
  }

  private static let passesMax = 64
  private var items: [OnlineTable: [Kind: Item]] = [:]

  subscript(table: OnlineTable, kind: Kind) -> Item? { items[table]?[kind] }

  mutating func begin(_ kind: Kind, of table: OnlineTable, token: [UInt8]) -> Item {
    let item = Item(token: token)
    items[table, default: [:]][kind] = item
    let passes = items[table, default: [:]].keys.compactMap { kind in
      if case .pass(let number) = kind { number } else { nil }
    }
    if passes.count > Self.passesMax, let least = passes.min() {
      items[table]?[.pass(least)] = nil
    }
    return item
  }

  mutating func acknowledge(_ kind: Kind, of table: OnlineTable) {
    items[table]?[kind]?.pieces += 1
  }

  /// Forgets an addition; a new one counts anew.
  mutating func endAddition(to table: OnlineTable) {
    items[table]?[.addition] = nil
  }

  /// Forgets a pass, those before it, and what was added meanwhile.
  mutating func endPass(_ number: Int64, of table: OnlineTable) {
    items[table] = items[table]?.filter { kind, _ in
      if case .pass(let other) = kind { other > number } else { false }
    }
  }
}

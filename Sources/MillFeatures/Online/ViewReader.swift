// SPDX-License-Identifier: Apache-2.0

package import MillCore

/// The values of one key of a view, and for how long they stand when no row comes.
package struct StandingValues: Hashable, Sendable {
  /// In the order of the view's latest or windowed features.
  package var cells: [FeatureValue]
  /// The first moment at which a value may be another: a row becomes visible, its time to live ends,
  /// or a hop leaves a window.
  ///
  /// > Source: docs/semantics.md, 28.
  package var until: Instant

  /// Values that stand until a moment.
  package init(cells: [FeatureValue], until: Instant) {
    self.cells = cells
    self.until = until
  }
}

/// Turns the rows of an online store into the values of one view: the one place that does.
struct ViewReader: Sendable {
  let bound: BoundView
  let latestTable: OnlineTable
  let tileTable: OnlineTable
  private let layout: TileLayout
  private let empty: [Datum]

  init(_ bound: BoundView, hash: String) {
    self.bound = bound
    latestTable = OnlineTable(view: bound.view.name, hash: hash, content: .latest)
    tileTable = OnlineTable(view: bound.view.name, hash: hash, content: .tiles)
    layout = TileLayout(bound)
    empty = layout.emptyValues()
  }

  var name: String { bound.view.name }

  private static let never = Instant(microseconds: .max)

  /// The newest values of a key whose row was read, or has none.
  func latest(of row: OnlineRow?, at time: Instant) -> StandingValues {
    let count = bound.view.latest.count
    func all(_ status: FeatureValue.Status, until: Instant) -> StandingValues {
      StandingValues(
        cells: Array(repeating: FeatureValue(value: .null, status: status), count: count),
        until: until
      )
    }
    guard let row else { return all(.notFound, until: Self.never) }
    let seenFrom = max(row.version.time, row.version.knowledge)
    guard seenFrom <= time else { return all(.notFound, until: seenFrom) }
    guard let values = PackedCells.unpack(row.payload, count: count) else {
      return all(.invalid, until: Self.never)
    }
    let ends = bound.view.ttl.map { row.version.time + $0 } ?? Self.never
    let isExpired = ends < time
    let cells = values.map { value in
      FeatureValue(
        value: isExpired ? .null : value,
        status: isExpired ? .outsideMaxAge : value.isNull ? .null : .present,
        time: row.version.time,
        knowledge: row.version.knowledge
      )
    }
    // A value stands at the last moment of its time to live, and no longer.
    let until = isExpired || ends == Self.never ? Self.never : ends + .microseconds(1)
    return StandingValues(cells: cells, until: until)
  }

  /// The aggregates of a key whose tiles were read, or has none.
  func windowed(of row: OnlineRow?, at time: Instant) -> StandingValues {
    guard let row else {
      let cells = empty.map { FeatureValue(value: $0, status: .notFound) }
      return StandingValues(cells: cells, until: Self.never)
    }
    guard let found = layout.values(row.payload, at: time) else {
      let cells = empty.map { _ in FeatureValue(value: .null, status: .invalid) }
      return StandingValues(cells: cells, until: Self.never)
    }
    let cells = found.values.map { value in
      FeatureValue(
        value: value ?? .null,
        status: value.map { $0.isNull ? .null : .present } ?? .invalid,
        time: row.version.time,
        knowledge: row.version.knowledge
      )
    }
    return StandingValues(cells: cells, until: found.until)
  }
}

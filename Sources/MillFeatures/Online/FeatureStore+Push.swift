// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillEngine
internal import MillSQL

extension FeatureStore {
  /// How many rows may be pushed at a time.
  public static let pushedMax = 10_000

  /// Takes rows of a view that its source does not have yet, so that answers see them at once.
  ///
  /// The rows go the way that rows of the source go, on the engine, so that the same row is the same
  /// value whether it was pushed or materialized. An older row never replaces a newer one. What was
  /// pushed stays until a newer row of the key comes, from wherever.
  ///
  /// - Throws: `FeatureError.request` for rows of another shape, without a key or a time, and for rows
  ///   that have not happened or are not known yet; then none was taken.
  public func push(
    _ rows: PushedRows,
    to name: String,
    into store: any OnlineStore
  ) async throws -> PushReport {
    guard let view = definitions.view(name) else { throw noRows(of: name) }
    guard view.windowed.isEmpty else {
      throw FeatureError.request(
        "\(name) has windows, which are made of all rows of its source: append the rows there, and "
          + "`millrace features materialize \(name)` brings them in"
      )
    }
    guard let count = rows.count else {
      throw FeatureError.request("the columns of the rows for \(name) are not equally long")
    }
    guard count <= Self.pushedMax else {
      throw FeatureError.request(
        "\(count) rows were pushed to \(name) at a time, and \(Self.pushedMax) is the most"
      )
    }
    guard count > 0 else { return PushReport(rows: 0, newer: 0) }
    let now = environment.world.clock.now()
    return try await withSession("push \(name)") { session in
      let bound = try await bind(view, try await sources(of: view, at: [:]), session)
      let columns = try typed(rows, for: bound)
      let relation = ViewRelation(
        name: RelationName("mill_pushed"),
        place: "mill_number",
        bound: bound,
        dialect: dialect
      )
      try await session.define(relation.name, as: select(columns, count), keeping: .stored)
      if let early = try await later(than: now, relation, session) {
        throw FeatureError.request(
          "\(early.count) of \(count) rows for \(name) happen, or are known, after \(now), which is now: "
            + "none was taken"
        )
      }
      var report = MaterializationReport(view: name, kind: .added)
      let table = onlineTable(view, .latest)
      guard try await store.state(of: table) != nil else {
        throw FeatureError.notServed(view: name)
      }
      let newest = RelationName("mill_rows")
      try await defineNewest(newest, of: relation, now, session)
      try await write(
        newest,
        relation.keyNames.count,
        into: store,
        table,
        as: .newest(generation: nil),
        &report,
        session
      )
      return PushReport(rows: count, newer: report.changed)
    }
  }

  /// The columns of a view's source, with the values that were given for them.
  private func typed(
    _ rows: PushedRows,
    for bound: BoundView
  ) throws(FeatureError) -> [(field: Field, values: [Datum])] {
    let view = bound.view
    // What a column of the source may be called besides.
    var names: [String: String] = [:]
    for (key, column) in bound.keys { names[key.name] = column }
    for latest in view.latest where names[latest.name] == nil { names[latest.name] = latest.column }
    if rows.isFrame {
      names["event_timestamp"] = names["event_timestamp"] ?? view.time
      if case .column(let column) = view.knowledge { names["created"] = names["created"] ?? column }
    }
    var given: [String: [JSONValue]] = [:]
    for (name, values) in rows.columns {
      // Feast's client always sends it, all nulls where the view has no such time.
      if rows.isFrame, name == "created", names[name] == nil, bound.source[name: name] == nil {
        continue
      }
      let column = bound.source[name: name] != nil ? name : names[name] ?? name
      guard bound.source[name: column] != nil else {
        let known = bound.source.names + names.keys.sorted()
        let nearest = nearestName(to: name, among: known)
        throw .request(
          "\(view.name) has no column \(name)" + (nearest.map { ": did you mean \($0)?" } ?? "")
        )
      }
      guard given.updateValue(values, forKey: column) == nil else {
        throw .request("the column \(column) of \(view.name) is given twice")
      }
    }
    var required = bound.keys.map(\.column) + [view.time]
    if case .column(let column) = view.knowledge { required.append(column) }
    for column in required {
      guard let values = given[column] else {
        throw .request("the rows for \(view.name) lack the column \(column)")
      }
      if let row = values.firstIndex(of: .null) {
        throw .request("row \(row) for \(view.name) has no \(column)")
      }
    }
    // What tells rows of one time apart may be null, and still must be said.
    for column in view.latest.map(\.column) + [view.id].compactMap({ $0 })
    where given[column] == nil {
      throw .request(
        "the rows for \(view.name) lack the column \(column): give null where there is no value"
      )
    }
    var columns: [(field: Field, values: [Datum])] = []
    for field in bound.source.fields {
      guard let values = given[field.name] else { continue }
      var typed: [Datum] = []
      typed.reserveCapacity(values.count)
      for (row, value) in values.enumerated() {
        guard let datum = Datum(value, as: field.type, countsSeconds: rows.isFrame) else {
          throw .request(
            "row \(row) for \(view.name): the value of \(field.name) is no \(field.type)"
          )
        }
        typed.append(datum)
      }
      columns.append((field, typed))
    }
    return columns
  }

  /// The rows as a query: text first, whose columns are cast once and not cell by cell, which takes an
  /// engine longer to plan.
  private func select(_ columns: [(field: Field, values: [Datum])], _ count: Int) -> String {
    let names = columns.map { dialect.quote($0.field.name) }
    let rows = (0..<count).map { row in
      let cells = columns.map { literal($0.values[row]) }
      return "(\(([String(row)] + cells).joined(separator: ", ")))"
    }
    let casts = zip(columns, names).map { column, name in
      "CAST(\(name) AS \(dialect.typeName(column.field.type))) AS \(name)"
    }
    return "SELECT \((["mill_number"] + casts).joined(separator: ", ")) "
      + "FROM (VALUES \(rows.joined(separator: ", "))) "
      + "AS mill_given (\((["mill_number"] + names).joined(separator: ", ")))"
  }

  private func literal(_ value: Datum) -> String {
    switch value {
    case .null: return "NULL"
    case .list(let values): return "[\(values.map { literal($0) }.joined(separator: ", "))]"
    case .text(let text) where text.utf8.contains(0):
      // A statement ends at its first NUL, also inside of a literal.
      let pieces = text.split(separator: "\0", omittingEmptySubsequences: false)
      return "(\(pieces.map { dialect.literal(String($0)) }.joined(separator: " || chr(0) || ")))"
    case .bytes: return "from_hex(\(dialect.literal(value.text)))"
    default: return dialect.literal(value.text)
    }
  }
}

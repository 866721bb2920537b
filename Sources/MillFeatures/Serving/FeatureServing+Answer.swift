// SPDX-License-Identifier: Apache-2.0

public import MillCore
internal import MillSQL
internal import Synchronization

extension FeatureServing {
  /// The features of entities as of a time, which is now for whoever serves a model.
  ///
  /// While the store does not answer, the values are the last that were known, and the answer says so; a
  /// value that nobody knows then has the status `invalid`.
  ///
  /// - Parameters:
  ///   - keys: One column for each of the plan's keys, all as long as there are entities.
  ///   - inputs: entities x inputs, in the order of the plan's; empty where all are null.
  ///   - count: How many entities there are.
  ///   - wanted: nil for now, which is never before the rows: the clock of whoever brought them in may be
  ///     ahead of this one.
  /// - Throws: `OnlineStoreError`; `FeatureError.notServed`, and `.past` for a time before that of
  ///   the rows.
  public func answer(
    _ plan: ServingPlan,
    keys: [KeyColumn],
    inputs: [[Datum]] = [],
    count: Int,
    at wanted: Instant? = nil
  ) async throws -> ServedAnswer {
    guard keys.count == plan.keys.count, keys.allSatisfy({ $0.count == count }) else {
      throw FeatureError.request(
        "\(count) entities need \(count) values of each of "
          + plan.keys.map(\.name).joined(separator: ", ")
      )
    }
    var (askedAt, unreachableSince, isBusy) = state.withLock { $0.standing }
    // Whoever does not watch is not served with old values either.
    let now = wanted ?? world.clock.now()
    if askedAt.map({ $0 > now || now - $0 > settings.staleness + settings.staleness }) ?? true {
      await refresh()
      (askedAt, unreachableSince, isBusy) = state.withLock { $0.standing }
    }
    let time =
      wanted ?? plan.parts.compactMap { $0.table.state?.asOf }.reduce(world.clock.now(), max)
    var answer = ServedAnswer(plan: plan, count: count, time: time, rows: [])
    answer.rows.reserveCapacity(plan.parts.count)
    var isAnythingKnown = plan.parts.isEmpty
    for part in plan.parts {
      guard let state = part.table.state else {
        if let problem = self.state.withLock(\.problem) { throw problem }
        throw FeatureError.notServed(view: part.view.reader.name)
      }
      guard state.asOf <= time else {
        throw FeatureError.past(view: part.view.reader.name, asOf: state.asOf, asked: time)
      }
      let columns = part.keyPlaces.map { keys[$0] }
      var own = columns.count == 1 ? columns[0] : KeyColumn()
      if columns.count != 1 {
        for row in 0..<count { own.append(joining: columns, row) }
      }
      let found = try await find(part, own, count, time, isNow: wanted == nil, &unreachableSince)
      isAnythingKnown = isAnythingKnown || found.isAnythingKnown
      answer.rows.append(found.rows)
    }
    if let unreachableSince {
      answer.unreachableSince = unreachableSince
      if !isAnythingKnown, let problem = state.withLock(\.problem) { throw problem }
    } else if isBusy {
      // It does not come to say what changed, so that nobody knows whether what is in memory still is so.
      answer.unreachableSince = now
    }
    answer.computed = plan.computed.map { compute($0, plan, answer.rows, inputs, count) }
    return answer
  }

  private func find(
    _ part: ServingPlan.Part,
    _ keys: KeyColumn,
    _ count: Int,
    _ time: Instant,
    isNow: Bool,
    _ unreachableSince: inout Instant?
  ) async throws -> (rows: [ServedRow], isAnythingKnown: Bool) {
    let number = part.table.number
    let epoch = part.table.epoch.load(ordering: .acquiring)
    let nobody = part.nobody
    var found = Array(repeating: nobody, count: count)
    var missing: [(row: Int, hash: UInt, removals: UInt64)] = []
    var isAnythingKnown = false
    let isUnreachable = unreachableSince != nil
    keys.bytes.withUnsafeBytes { bytes in
      var wanted: [ServedRows.Wanted] = []
      wanted.reserveCapacity(count)
      for row in 0..<count {
        let range = keys.range(row)
        guard !range.isEmpty else { continue }
        let hash = ServedRows.hash(number, UnsafeRawBufferPointer(rebasing: bytes[range]))
        wanted.append(ServedRows.Wanted(row: row, range: range, hash: hash))
      }
      rows.find(number, wanted, in: bytes) { key, row, removals in
        // A row from before on-demand features came has no values for them.
        if let row, part.canUse(row) {
          if row.epoch == epoch, row.from <= time.microseconds, time.microseconds < row.until {
            found[key.row] = row
            isAnythingKnown = true
            return
          }
          if isUnreachable { found[key.row] = row }
        }
        missing.append((key.row, key.hash, removals))
      }
    }
    guard !missing.isEmpty else { return (found, isAnythingKnown) }
    if unreachableSince == nil {
      let wanted = missing.map { Array(keys.bytes[keys.range($0.row)]) }
      do {
        let read = try await online.read(wanted, of: part.table.online)
        for (index, place) in missing.enumerated() {
          // A row may have come while this was asked, or by a clock that is ahead: whoever wants to know
          // what is now gets it, and not that there is nothing.
          let seenFrom = read[index].map { max($0.version.time, $0.version.knowledge) } ?? time
          let asOf = isNow ? max(time, seenFrom) : time
          let row = part.row(of: read[index], key: wanted[index], epoch: epoch, at: asOf)
          rows.insert(row, place.hash, since: place.removals)
          found[place.row] = row
        }
        return (found, true)
      } catch let error as OnlineStoreError {
        switch error {
        case .unavailable, .busy, .full: lost(error, at: time)
        default: throw error
        }
        unreachableSince = time
        keys.bytes.withUnsafeBytes { bytes in
          for place in missing {
            let key = UnsafeRawBufferPointer(rebasing: bytes[keys.range(place.row)])
            if let known = rows.find(number, key, place.hash), part.canUse(known) {
              found[place.row] = known
            }
          }
        }
      }
    }
    // The last that was known; a latest value's own end is known as well.
    let invalid = part.invalid(epoch: epoch, at: time)
    for place in missing {
      let known = found[place.row]
      if known === nobody || known.from > time.microseconds {
        found[place.row] = invalid
      } else {
        isAnythingKnown = true
        if part.content == .latest, known.until <= time.microseconds {
          found[place.row] = part.expired(known, epoch: epoch, at: time)
        }
      }
    }
    return (found, isAnythingKnown)
  }

  private func compute(
    _ group: ServingPlan.Computed,
    _ plan: ServingPlan,
    _ rows: [[ServedRow]],
    _ inputs: [[Datum]],
    _ count: Int
  ) -> [[FeatureValue]] {
    (0..<count).map { entity in
      let request = inputs.indices.contains(entity) ? inputs[entity] : []
      // As the column of a label is cast: what its type does not hold is null.
      let given = group.inputPlaces.map { place in
        request.indices.contains(place)
          ? request[place].held(by: plan.inputs[place].type) : Datum.null
      }
      let used = group.uses.map { part, cell -> Datum in
        let values = rows[part][entity].values
        return values.indices.contains(cell) ? values[cell] : .null
      }
      // Of what nobody knows nothing is computed, not even by `coalesce`.
      let isUnknown = group.uses.contains { part, cell in
        rows[part][entity].status(cell) == .invalid
      }
      // The oldest of what a value is made of says how old it is.
      let oldest = group.uses.compactMap { rows[$0.part][entity].time }.min()
      return group.expressions.map { expression in
        guard !isUnknown else { return FeatureValue(value: .null, status: .invalid) }
        let outcome = expression.evaluate(given + used)
        return FeatureValue(
          value: outcome.value,
          status: outcome.isInvalid ? .invalid : outcome.value.isNull ? .null : .present,
          time: oldest.map { Instant(microseconds: $0) }
        )
      }
    }
  }
}

extension FeatureServing.State {
  /// When the store was asked, since when it is gone, and whether it is too busy to say what changed.
  fileprivate var standing: (askedAt: Instant?, unreachableSince: Instant?, isBusy: Bool) {
    guard case .busy = problem else { return (askedAt, unreachableSince, false) }
    return (askedAt, unreachableSince, true)
  }
}

extension ServingPlan.Part {
  /// Whether a row in memory has what the plan needs.
  func canUse(_ row: ServedRow) -> Bool { !view.keepsValues || row.hasValues }

  /// A row as it was read, rendered.
  func row(of row: OnlineRow?, key: [UInt8], epoch: UInt64, at time: Instant) -> ServedRow {
    let standing =
      switch content {
      case .latest: view.reader.latest(of: row, at: time)
      case .tiles: view.reader.windowed(of: row, at: time)
      }
    return render(standing, key, epoch, time)
  }

  /// A row of which nothing is known, not even whether there is one.
  func invalid(epoch: UInt64, at time: Instant) -> ServedRow {
    let count = cellCount
    let cell = FeatureValue(value: .null, status: .invalid)
    let cells = Array(repeating: cell, count: count)
    return render(StandingValues(cells: cells, until: time), [], epoch, time)
  }

  /// A row that outlived its time to live while nobody could look for a newer one.
  func expired(_ row: ServedRow, epoch: UInt64, at time: Instant) -> ServedRow {
    let newest = row.time.map { Instant(microseconds: $0) }
    let cell = FeatureValue(
      value: .null,
      status: newest == nil ? .invalid : .outsideMaxAge,
      time: newest,
      knowledge: row.knowledge.map { Instant(microseconds: $0) }
    )
    let cells = Array(repeating: cell, count: cellCount)
    return render(StandingValues(cells: cells, until: time), row.key, epoch, time)
  }

  private var cellCount: Int {
    let definition = view.reader.bound.view
    return content == .latest
      ? definition.latest.count : definition.featureNames.count - definition.latest.count
  }

  private func render(
    _ standing: StandingValues,
    _ key: [UInt8],
    _ epoch: UInt64,
    _ time: Instant
  ) -> ServedRow {
    ServedRow(
      table: table.number,
      key: key,
      epoch: epoch,
      from: time,
      standing,
      keepingValues: view.keepsValues
    )
  }
}

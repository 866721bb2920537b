// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillFeatures
import MillLake
import MillTables
import MillTiles
import Testing

/// Random rows of two hundred entities around a moment of materialization, and a view over them.
///
/// Times lie at that moment, at the ends of hops and lives, and one microsecond to either side.
struct OnlineHistory: Sendable {
  static let keyCount = 200
  static let hour: Int64 = 3_600_000_000
  static let day: Int64 = 24 * hour

  let seed: UInt64
  /// As of when the view is materialized: seldom at the end of a hop.
  let asOf: Int64
  let ttl: Int64
  /// Whether the entity has two keys.
  let hasShop: Bool
  let spans: [(length: Int64, hop: Hop)]
  /// How many moments of a key are kept for exact windows, and of how long before the materialization.
  let kept: (moments: Int, reach: Int64)
  private(set) var rows: [HistoryRow] = []
  private(set) var features: [(name: String, wanted: Wanted)] = []
  private(set) var definitions = FeatureDefinitions()
  private var chance: Chance

  init(_ seed: UInt64) throws {
    self.seed = seed
    chance = Chance(seed &* 31 &+ 7)
    hasShop = seed % 2 == 1
    let noon = 19_845 * Self.day + Self.day / 2
    asOf = [noon, noon + 1, noon - 17 * 60_000_000 - 3, -5 * Self.day - 1][Int(seed) % 4]
    ttl = [2 * Self.hour, Self.day + 7][Int(seed) % 2]
    spans =
      [
        [(Self.hour, .fiveMinutes), (Self.day, .hour)],
        [(3 * Self.hour, .hour), (600_000_000, .tenSeconds)],
        [(12 * Self.day, .day), (45 * 60_000_000, .minute)],
        [(Self.hour, .fiveMinutes), (3 * Self.hour, .fiveMinutes)],
      ][Int(seed) % 4]
    kept = ([5, 100, 9, 7][Int(seed) % 4], spans[0].length + 1)
    for number in 0..<Self.keyCount { makeRows(number) }
    rows.shuffle(using: &chance)
    let ids = Array(0..<rows.count).shuffled(using: &chance)
    for (index, id) in ids.enumerated() { rows[index].id = .integer(Int64(id)) }
    try makeView()
  }

  func key(_ number: Int) -> [Datum] {
    hasShop
      ? [.integer(Int64(number % 14)), .text("s\(number / 14)")] : [.integer(Int64(number) - 3)]
  }

  // MARK: Rows

  private mutating func near(_ moment: Int64) -> Int64 {
    moment + Int64.random(in: -1...1, using: &chance)
  }

  private mutating func makeRows(_ number: Int) {
    // A few entities have nothing but what is old, or what is to come.
    let kind = number % 10
    for _ in 0..<Int.random(in: 1...12, using: &chance) {
      let t: Int64 =
        switch kind {
        case 0: asOf - 40 * Self.day - Int64.random(in: 0...Self.day, using: &chance)
        case 1: asOf + Int64.random(in: 1...Self.day, using: &chance)
        default: time()
        }
      let k: Int64 =
        switch Int.random(in: 0..<8, using: &chance) {
        case 0: near(asOf)
        case 1: asOf + Self.hour
        case 2: t - Self.hour
        case 3: t + Int64.random(in: 0...Self.hour, using: &chance)
        default: t
        }
      var row = HistoryRow(key: key(number), t: t, k: k, id: .null, values: values())
      if let twin = rows.last, twin.key == row.key, chance.one(in: 4) {
        row.t = twin.t
        row.k = chance.one(in: 2) ? twin.k : row.k
      }
      rows.append(row)
    }
  }

  private mutating func time() -> Int64 {
    let span = spans.randomElement(using: &chance) ?? spans[0]
    let hop = span.hop.microseconds
    switch Int.random(in: 0..<8, using: &chance) {
    case 0: return near(asOf)
    case 1: return near(asOf - ttl)
    case 2: return near(asOf - span.length)
    case 3: return near(floor(asOf - span.length, hop))
    case 4: return near(floor(asOf, hop))
    case 5: return near(floor(asOf - Int64.random(in: 0...span.length, using: &chance), hop))
    default: return asOf - Int64.random(in: 0...(span.length + 2 * hop), using: &chance)
    }
  }

  private mutating func values() -> [String: Datum] {
    func some(_ value: Datum) -> Datum { chance.one(in: 5) ? .null : value }
    return [
      "n": some(.integer(Int64.random(in: -5...30, using: &chance))),
      "amount": some(
        .decimal(unscaled: Int128(Int64.random(in: -300...900, using: &chance)), scale: 2)
      ),
      "score": some(.double(Double(Int.random(in: -40...400, using: &chance)) / 8)),
      "word": some(.text(["a", "A", "é", "e\u{301}", ""].randomElement(using: &chance) ?? "")),
    ]
  }

  func floor(_ time: Int64, _ size: Int64) -> Int64 {
    time - ((time % size) + size) % size
  }

  /// Moments from the materialization on: right then, at the ends of hops, and long after all.
  func moments() -> [Int64] {
    var chance = Chance(seed &+ 1000)
    var found = [asOf, asOf + 1, asOf + 4000 * Self.day]
    for span in spans {
      let hop = span.hop.microseconds
      found.append(floor(asOf, hop) + hop)
      found.append(
        floor(asOf + Int64.random(in: 0...span.length, using: &chance), hop) + hop
          + Int64.random(in: -1...1, using: &chance)
      )
      found.append(asOf + Int64.random(in: 0...(span.length + hop), using: &chance))
    }
    return found.filter { $0 >= asOf }
  }

  // MARK: The view

  private mutating func makeView() throws {
    let windows = try spans.enumerated().map { index, span in
      FeatureViewDefinition.Span(
        word: "w\(index)",
        window: try #require(
          Window(length: .microseconds(span.length), edge: .hop(span.hop))
        )
      )
    }
    let groups: [(column: String?, above: Int64?, functions: [Aggregation])] = [
      (nil, nil, [.count]), ("n", nil, [.sum, .mean, .min, .last]), ("amount", 10, [.sum, .count]),
      ("word", nil, [.distinct, .topK(2), .first]), ("score", 3, [.stddev, .quantile(0.5)]),
    ]
    let latest = ["n", "amount", "score", "word"]
    features = latest.map { ($0, .latest(column: $0, ttl: ttl)) }
    var windowed: [FeatureViewDefinition.Windowed] = []
    for group in groups {
      let made = FeatureViewDefinition.Windowed(
        name: (group.column ?? "rows") + (group.above.map { "_above_\($0)" } ?? ""),
        column: group.column,
        filter: group.above.map { "n > \($0)" },
        aggregations: group.functions,
        windows: windows
      )
      windowed.append(made)
      for (position, feature) in made.features.enumerated() {
        let span = spans[position % spans.count]
        features.append(
          (
            feature.name,
            .window(
              column: group.column,
              above: group.above,
              feature.aggregation,
              length: span.length,
              hop: span.hop.microseconds
            )
          )
        )
      }
    }
    let exact = FeatureViewDefinition.Windowed(
      name: "exact_n",
      column: "n",
      aggregations: [.sum, .first],
      windows: [
        .init(
          word: "e",
          window: try #require(Window(length: .microseconds(spans[0].length), edge: .exact))
        )
      ]
    )
    windowed.append(exact)
    for feature in exact.features {
      features.append(
        (
          feature.name,
          .window(column: "n", above: nil, feature.aggregation, length: spans[0].length, hop: nil)
        )
      )
    }
    let keys: [EntityDefinition.Key] =
      [.init("card", .long)] + (hasShop ? [.init("shop", .string)] : [])
    definitions = FeatureDefinitions(
      entities: [EntityDefinition(name: "card", keys: keys)],
      views: [
        FeatureViewDefinition(
          name: "facts",
          entities: ["card"],
          source: .dataset(try #require(DatasetName("silver.events"))),
          time: "happened",
          knowledge: .column("known"),
          id: "id",
          ttl: .microseconds(ttl),
          latest: latest.map { .init(name: $0, column: $0) },
          windowed: windowed,
          eventsPerKeyMax: kept.moments
        )
      ]
    )
  }

  // MARK: In a lake

  private var schema: Schema {
    Schema(
      [Field("card", .long)] + (hasShop ? [Field("shop", .string)] : []) + [
        Field("happened", .timestamp), Field("known", .timestamp), Field("id", .long),
        Field("n", .long), Field("amount", .decimal(precision: 12, scale: 2)),
        Field("score", .double), Field("word", .string),
      ]
    )
  }

  func append(_ rows: some Sequence<HistoryRow>, to project: FeatureProject) async throws {
    let writer = try project.writer("silver.events")
    try await writer.table.prepare()
    let cells = rows.map { row in
      let moments = [row.t, row.k].map { moment -> Datum in
        moment.map { .instant(Instant(microseconds: $0)) } ?? .null
      }
      let values = ["n", "amount", "score", "word"].map { row.values[$0] ?? .null }
      return (row.key + moments + [row.id] + values).map(Self.json)
    }
    try await writer.append(.rows(cells, schema: schema))
  }

  private static func json(_ value: Datum) -> JSONValue {
    switch value {
    case .null: .null
    case .integer(let number): .int(number)
    case .double(let number): .real(number)
    default: .string(value.text)
    }
  }

  // MARK: What is to be answered

  /// What is wrong with an answer; nothing where it is as the oracle says.
  ///
  /// - Parameter known: The rows that were there when the view was materialized as of a moment.
  static func mistakes(
    _ answer: OnlineAnswer,
    _ keys: [[Datum]],
    _ features: [(name: String, wanted: Wanted)],
    from known: [HistoryRow],
    asOf: Int64,
    ttl: Int64?,
    kept: (moments: Int, reach: Int64),
    at q: Int64
  ) -> [String] {
    let taken = known.filter { ($0.k ?? .max) <= asOf && ($0.t ?? .max) <= asOf }
    let latest = Oracle(taken)
    // A window ends before its moment, and so do the tiles that are taken.
    let windows = Oracle(taken.filter { ($0.t ?? .max) < asOf })
    let byKey = Dictionary(grouping: taken, by: \.key)
    var wrong: [String] = []
    for (entity, cells) in zip(keys, answer.rows) {
      let question = Question(key: entity, q: q)
      let rows = entity.contains(.null) ? [] : byKey[entity] ?? []
      for (feature, cell) in zip(features, cells) {
        var status: [FeatureValue.Status]
        var expected: Expected
        switch feature.wanted {
        case .latest:
          expected = latest.answer(feature.wanted, question, knowledge: true)
          let newest = rows.compactMap(\.t).max()
          if let newest {
            let isExpired = ttl.map { newest < q - $0 } ?? false
            status = [isExpired ? .outsideMaxAge : cell.value.isNull ? .null : .present]
          } else {
            status = [.notFound]
          }
        case .window(_, _, _, let length, let hop):
          expected = windows.answer(feature.wanted, question, knowledge: true)
          let here: FeatureValue.Status = cell.value.isNull ? .null : .present
          // Of an entity whose rows are beyond all windows, a store need not know.
          status = rows.contains { ($0.t ?? .max) < asOf } ? [here, .notFound] : [.notFound]
          let moments = Set(rows.compactMap(\.t).filter { asOf - kept.reach <= $0 && $0 < asOf })
          if hop == nil, moments.count > kept.moments,
            q - length <= moments.sorted(by: >)[kept.moments]
          {
            // The window reaches back to a row that was not kept.
            (expected, status) = (.exactly(.null), [.invalid])
          }
        }
        if expected.accepts(cell.value), status.contains(cell.status) { continue }
        wrong.append(
          "\(feature.name) of \(entity) at \(q): \(cell.value) \(cell.status.rawValue), "
            + "expected \(expected) \(status.map(\.rawValue))"
        )
      }
    }
    return wrong
  }
}

// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillFeatures
import MillTiles
import Testing

/// Random histories of fifty entities in one table, the labels that ask about them, and the view
/// that answers: all from one seed.
///
/// Times lie where mistakes show: at labels, at the ends of windows, hops and lives, and one
/// microsecond to either side; many are equal.
struct Scenario: Sendable {
  /// What keys are.
  enum Keys: CaseIterable {
    case long
    case string
    case date
    /// An entity of integers over a column of longs.
    case narrow
    /// One entity of two keys, or two entities of one key.
    case pair
    case crossed
  }

  /// What says when a row happened.
  enum Times: CaseIterable {
    case timestamp
    case date
    /// Without a zone, in one that is five and a half hours ahead.
    case naive
  }

  enum Knowledge: CaseIterable {
    case none
    case delay
    case column
  }

  static let keyCount = 50
  /// How far the zone of naive times is ahead.
  static let zone: Int64 = 19_800_000_000

  let seed: UInt64
  let keys: Keys
  let times: Times
  let knowledge: Knowledge
  let respectsKnowledge: Bool
  let isRenamed: Bool
  let idIsText: Bool
  /// Where time is cut: a day in 2024, the epoch, or long before it.
  let base: Int64
  let ttl: Int64?
  let delay: Int64
  let windows: [(length: Int64, hop: Hop?)]
  private(set) var rows: [HistoryRow] = []
  private(set) var questions: [Question] = []
  private(set) var features: [(name: String, type: DataType, wanted: Wanted)] = []
  private var chance: Chance

  init(_ seed: UInt64) {
    self.seed = seed
    var chance = Chance(seed &* 7919 &+ 17)
    // The first seeds go through all combinations that matter, whatever chance says.
    keys = Keys.allCases[Int(seed) % 6]
    knowledge = Knowledge.allCases[Int(seed / 2) % 3]
    times = seed % 5 == 4 ? .date : seed % 5 == 3 ? .naive : .timestamp
    respectsKnowledge = seed % 4 != 3
    isRenamed = chance.one(in: 2)
    idIsText = chance.one(in: 2)
    let day: Int64 = 86_400_000_000
    // The zone had another offset long ago.
    let past = times == .naive ? -20 * day : -330_000 * day
    base = [19_845 * day + day / 2, 0, -7 * day + 1, past][Int(seed) % 4]
    let hour: Int64 = 3_600_000_000
    let minute: Int64 = 60_000_000
    let short: [(length: Int64, hop: Hop?)] = [
      (hour, .fiveMinutes), (hour, nil), (90_000_000, nil), (30_000_000, nil),
      (600_000_000, .minute), (45 * minute, .tenSeconds), (day, .hour), (day, nil),
      (7 * hour, .hour), (hour, .hour),
    ]
    let long: [(length: Int64, hop: Hop?)] = [
      (day, .hour), (day, nil), (12 * day, .day), (3 * day, nil), (2 * day, .day),
    ]
    let palette = times == .date ? long : short
    windows = [
      palette[Int(seed) % palette.count], palette.randomElement(using: &chance) ?? long[0],
    ]
    ttl = chance.one(in: 4) ? nil : times == .date ? 3 * day : windows[0].length / 2 + 7
    delay =
      times == .date ? 2 * hour : [1, windows[0].length / 3].randomElement(using: &chance) ?? 1
    self.chance = chance
    makeFeatures()
    for key in 0..<Self.keyCount { makeHistory(key) }
    makeStrangers()
    questions.shuffle(using: &self.chance)
    rows.shuffle(using: &self.chance)
    distinguish()
  }

  // MARK: Histories

  var day: Int64 { 86_400_000_000 }

  private mutating func key(_ number: Int) -> [Datum] {
    let text = ["a", "A", "é", "e\u{301}", "O'Hara", " a", ""]
    return switch keys {
    case .long: [.integer(Int64(number) - 3)]
    case .narrow: [.integer(Int64(Int32.max) - Int64(number))]
    case .string: [.text(number < text.count ? text[number] : "k\(number)")]
    case .date: [.date(CivilDate(daysSinceEpoch: Int32(number * 40 - 200)))]
    // Pairs that read alike when they are joined without a separator.
    case .pair: [.integer(Int64(number % 12)), .text(String(number / 12 + number % 2 * 10))]
    case .crossed: [.integer(Int64(number / 6)), .integer(Int64(number % 6))]
    }
  }

  private mutating func near(_ moment: Int64) -> Int64 {
    moment + ([-1, 0, 0, 1].randomElement(using: &chance) ?? 0)
  }

  private mutating func makeHistory(_ number: Int) {
    let key = key(number)
    let reach = windows.map(\.length).max() ?? 1
    let step = windows.compactMap { $0.hop?.microseconds }.max() ?? 10_000_000
    var moments: [Int64] = []
    for _ in 0..<Int.random(in: 2...4, using: &chance) {
      var q = base + Int64.random(in: -reach...reach, using: &chance)
      if chance.one(in: 3) { q = near(q - q % step) }
      moments.append(q)
    }
    var history: [HistoryRow] = []
    for _ in 0..<Int.random(in: 4...16, using: &chance) {
      let q = moments.randomElement(using: &chance) ?? base
      let window = windows.randomElement(using: &chance) ?? windows[0]
      var t = moment(near: q, window)
      if times == .date { t = floor(t, day) }
      var row = HistoryRow(key: key, t: t, k: nil, id: .null, values: values())
      row.k = known(t, q)
      if let twin = history.randomElement(using: &chance), chance.one(in: 4) {
        row.t = twin.t
        row.k = chance.one(in: 2) ? twin.k : known(twin.t ?? t, q)
      }
      if chance.one(in: 40) { row.t = nil }
      if chance.one(in: 40) { row.key[Int.random(in: 0..<key.count, using: &chance)] = .null }
      history.append(row)
    }
    if knowledge != .column {
      for index in history.indices {
        history[index].k = history[index].t.map { $0 + (knowledge == .delay ? delay : 0) }
      }
    }
    rows += history
    // Labels of days ask at midnights too.
    for q in moments {
      let asked = times == .date && chance.one(in: 2) ? near(floor(q, day)) : q
      questions.append(Question(key: key, q: asked))
      if chance.one(in: 5) { questions.append(Question(key: key, q: asked)) }
      if chance.one(in: 5) { questions.append(Question(key: key, q: near(asked))) }
    }
  }

  private mutating func moment(near q: Int64, _ window: (length: Int64, hop: Hop?)) -> Int64 {
    let hop = window.hop?.microseconds ?? 10_000_000
    switch Int.random(in: 0..<9, using: &chance) {
    case 0: return near(q)
    case 1: return near(q - window.length)
    case 2: return near(floor(q - window.length, hop))
    case 3: return near(floor(q, hop))
    case 4: return near(q - (ttl ?? window.length))
    case 5: return near(q - delay)
    case 6: return near(floor(q - window.length, hop) + hop)
    default:
      return q + Int64.random(in: -(window.length + hop)...(window.length / 8), using: &chance)
    }
  }

  private mutating func known(_ t: Int64, _ q: Int64) -> Int64? {
    switch Int.random(in: 0..<8, using: &chance) {
    case 0, 1: t
    case 2: near(q)
    case 3: t + Int64.random(in: 0...(windows[0].length), using: &chance)
    // Announced before it happened.
    case 4: t - Int64.random(in: 0...(windows[0].length), using: &chance)
    case 5: near(t)
    case 6: max(t, q) + windows[0].length
    default: respectsKnowledge && chance.one(in: 4) ? nil : t
    }
  }

  private mutating func values() -> [String: Datum] {
    func some(_ value: Datum) -> Datum { chance.one(in: 5) ? .null : value }
    let n = some(.integer(Int64.random(in: -5...30, using: &chance)))
    let cents = Int128(Int64.random(in: -300...900, using: &chance))
    let score = Double(Int.random(in: -40...400, using: &chance)) / 8
    let words = ["a", "A", "é", "e\u{301}", "", "zz"]
    return [
      "n": n, "amount": some(.decimal(unscaled: cents, scale: 2)), "score": some(.double(score)),
      "word": some(.text(words.randomElement(using: &chance) ?? "")),
    ]
  }

  /// Keys that no row has, keys that are null.
  private mutating func makeStrangers() {
    let moments = questions.map(\.q)
    for _ in 0..<6 {
      let q = moments.randomElement(using: &chance) ?? base
      var unknown = key(Self.keyCount + 50)
      questions.append(Question(key: unknown, q: q))
      unknown = key(1)
      unknown[Int.random(in: 0..<unknown.count, using: &chance)] = .null
      questions.append(Question(key: unknown, q: q))
    }
  }

  /// Gives every row an id of its own, in no order; now and then one is null.
  private mutating func distinguish() {
    let numbers = Array(0..<rows.count).shuffled(using: &chance)
    for (index, number) in numbers.enumerated() {
      let id = Int64(number - rows.count / 2)
      rows[index].id = idIsText ? .text("i\(number)") : .integer(id)
    }
    var without: Set<[Datum]> = []
    for index in rows.indices where chance.one(in: 15) {
      if without.insert(rows[index].key).inserted { rows[index].id = .null }
    }
  }

  func floor(_ time: Int64, _ size: Int64) -> Int64 {
    time - ((time % size) + size) % size
  }

  // MARK: Features

  /// The aggregates of the view: column, condition, functions.
  private static let palette: [(column: String?, above: Int64?, functions: [Aggregation])] = [
    (nil, nil, [.count]),
    ("n", nil, [.count, .sum, .mean, .min, .max, .distinct, .first, .last]),
    ("amount", nil, [.sum, .mean, .variance, .stddev, .topK(2), .last]),
    ("score", nil, [.sum, .mean, .variancePopulation, .quantile(0.5), .quantile(0.9), .min]),
    ("word", nil, [.count, .distinct, .first, .last, .max, .topK(3)]),
    ("amount", 10, [.count, .sum, .first]),
    ("score", 3, [.mean, .stddevPopulation, .count, .max]),
  ]

  private static let types: [String: DataType] = [
    "n": .long, "amount": .decimal(precision: 12, scale: 2), "score": .double, "word": .string,
  ]

  private var spans: [FeatureViewDefinition.Span] {
    windows.enumerated().compactMap { index, window in
      Window(
        length: .microseconds(window.length),
        edge: window.hop.map { .hop($0) } ?? .exact
      ).map { .init(word: "w\(index)", window: $0) }
    }
  }

  private var groups: [FeatureViewDefinition.Windowed] {
    let first = Int(seed) % Self.palette.count
    return [0, 1].map { step in
      let group = Self.palette[(first + step) % Self.palette.count]
      return .init(
        name: (group.column ?? "rows") + (group.above.map { "_above_\($0)" } ?? ""),
        column: group.column,
        filter: group.above.map { "n > \($0)" },
        aggregations: group.functions,
        windows: spans
      )
    }
  }

  private mutating func makeFeatures() {
    for column in ["n", "amount", "score", "word"] {
      features.append(
        (column, Self.types[column] ?? .void, .latest(column: column, ttl: ttl))
      )
    }
    let first = Int(seed) % Self.palette.count
    for (group, step) in zip(groups, [0, 1]) {
      let above = Self.palette[(first + step) % Self.palette.count].above
      for (position, feature) in group.features.enumerated() {
        let window = windows[position % windows.count]
        let input = group.column.flatMap { Self.types[$0] }
        features.append(
          (
            feature.name, feature.aggregation.outputType(of: input) ?? .void,
            .window(
              column: group.column,
              above: above,
              feature.aggregation,
              length: window.length,
              hop: window.hop?.microseconds
            )
          )
        )
      }
    }
  }

  var entities: [EntityDefinition] {
    switch keys {
    case .long: [.init(name: "card", keys: [.init("card", .long)])]
    case .narrow: [.init(name: "card", keys: [.init("card", .integer)])]
    case .string: [.init(name: "card", keys: [.init("card", .string)])]
    case .date: [.init(name: "card", keys: [.init("card", .date)])]
    case .pair: [.init(name: "card", keys: [.init("card", .long), .init("shop", .string)])]
    case .crossed:
      [
        .init(name: "shop", keys: [.init("shop", .short)]),
        .init(name: "card", keys: [.init("card", .long)]),
      ]
    }
  }

  var definitions: FeatureDefinitions {
    get throws {
      let keyNames = entities.flatMap(\.keys).map(\.name)
      let view = FeatureViewDefinition(
        name: "facts",
        entities: entities.map(\.name),
        source: .dataset(try #require(DatasetName("silver.events"))),
        keyColumns: isRenamed
          ? Dictionary(uniqueKeysWithValues: keyNames.map { ($0, "the-\($0)") }) : [:],
        time: "happened",
        timeZone: times == .naive ? "Asia/Kolkata" : "UTC",
        knowledge: knowledge == .column
          ? .column("known") : .delay(knowledge == .delay ? .microseconds(delay) : .zero),
        id: "id",
        ttl: ttl.map { .microseconds($0) },
        latest: ["n", "amount", "score", "word"].map { .init(name: $0, column: $0) },
        windowed: groups
      )
      return FeatureDefinitions(entities: entities, views: [view])
    }
  }
}

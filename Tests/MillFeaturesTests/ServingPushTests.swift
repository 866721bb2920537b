// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillFeatures
import MillSQLite
import MillTesting
import Testing

/// A view over a column of each type, brought into a store with one row, and another row to come.
private struct PushStage {
  let project: FeatureProject
  let store: FeatureStore
  /// Into which rows are pushed, and into which they are materialized.
  let pushed: SQLiteOnlineStore
  let materialized: SQLiteOnlineStore

  /// Column, type, SQL of the row to come, and JSON of the same.
  typealias Cell = (name: String, type: String, sql: String, json: JSONValue)

  static let noon = "2024-05-02T12:00:00"

  static func cells(_ time: String = noon + "Z", text: String = "a") -> [Cell] {
    let quoted =
      "'" + text.replacing("'", with: "''").replacing("\0", with: "' || chr(0) || '") + "'"
    return [
      ("card", "BIGINT", "9007199254740993", .int(9_007_199_254_740_993)),
      ("at", "TIMESTAMPTZ", "'\(time)'", .string(time)),
      ("known", "TIMESTAMPTZ", "'\(time)'", .string(time)),
      ("id", "BIGINT", "7", 7),
      ("i", "INTEGER", "-5", -5), ("s", "SMALLINT", "3", 3), ("b", "BOOLEAN", "true", true),
      ("x", "DOUBLE", "0.1", .real(0.1)), ("y", "FLOAT", "0.1", .real(0.1)),
      (
        "d", "DECIMAL(38,9)", "12345678901234567890123456789.123456789",
        .string("12345678901234567890123456789.123456789")
      ),
      ("t", "VARCHAR", quoted, .string(text)),
      ("day", "DATE", "'2024-02-29'", "2024-02-29"),
      ("naive", "TIMESTAMP", "'2024-05-02 11:00:00.000001'", "2024-05-02T11:00:00.000001"),
      ("l", "BIGINT[]", "[1, NULL, 3]", [1, nil, 3]),
      ("w", "VARCHAR[]", "['a''b', '', 'é']", ["a'b", "", "é"]),
      ("none", "VARCHAR", "NULL", nil),
    ]
  }

  init() async throws {
    project = try FeatureProject()
    pushed = try SQLiteOnlineStore(path: project.folder.path("pushed.sqlite"))
    materialized = try SQLiteOnlineStore(path: project.folder.path("materialized.sqlite"))
    let cells = Self.cells("2024-05-01T00:00:00Z")
    let view = FeatureViewDefinition(
      name: "facts",
      entities: ["card"],
      source: .dataset(try #require(DatasetName("silver.facts"))),
      time: "at",
      knowledge: .column("known"),
      id: "id",
      latest: cells.dropFirst(4).map { .init(name: $0.name, column: $0.name) }
    )
    store = project.store(
      FeatureDefinitions(
        entities: [EntityDefinition(name: "card", keys: [.init("card", .long)])],
        views: [view]
      )
    )
    try await append([cells])
    for online in [pushed, materialized] {
      _ = try await store.materialize("facts", into: online)
    }
  }

  func append(_ rows: [[Cell]]) async throws {
    let selects = rows.map { cells in
      let list = cells.map { "CAST(\($0.sql) AS \($0.type)) AS \"\($0.name)\"" }
      return "SELECT \(list.joined(separator: ", "))"
    }
    try await project.append("silver.facts", selects.joined(separator: " UNION ALL "))
  }

  func push(_ cells: [Cell], isFrame: Bool = false) async throws -> PushReport {
    let rows = PushedRows(columns: cells.map { ($0.name, [$0.json]) }, isFrame: isFrame)
    return try await store.push(rows, to: "facts", into: pushed)
  }

  func push(_ columns: [(String, [JSONValue])], isFrame: Bool = false) async throws -> PushReport {
    let rows = PushedRows(columns: columns, isFrame: isFrame)
    return try await store.push(rows, to: "facts", into: pushed)
  }

  func row(in online: SQLiteOnlineStore, card: Int64 = 9_007_199_254_740_993) async throws
    -> OnlineRow?
  {
    let view = try #require(store.definitions.views.first)
    let table = OnlineTable(view: "facts", hash: store.hash(of: view), content: .latest)
    let key = try #require(EntityKey.encode([.integer(card)]))
    return try await online.read([key], of: table)[0]
  }

  func values(card: Int64 = 9_007_199_254_740_993) async throws -> [Datum]? {
    try await row(in: pushed, card: card).flatMap { PackedCells.unpack($0.payload, count: 12) }
  }
}

@Suite("Pushing rows")
struct ServingPushTests {
  private static let texts = [
    "a", "", "it''s", "'; DROP TABLE x; --", "\u{0}in\u{0}side", "🦀 e\u{301} \u{1F468}\u{200D}",
    "\\n\n\r\t\u{1}\u{7F}", "\"{}[]", "CHR(0)", "\u{FEFF}bom", "%s {{x}} $1 ?",
  ]

  @Test("a row is the same value whether it was pushed or materialized, whatever its text")
  func same() async throws {
    let stage = try await PushStage()
    let rows = Self.texts.enumerated().map { card, text -> [PushStage.Cell] in
      var cells = PushStage.cells(text: text)
      (cells[0].sql, cells[0].json) = ("\(card)", .int(Int64(card)))
      return cells
    }
    let columns = rows[0].indices.map { place in
      (rows[0][place].name, rows.map { $0[place].json })
    }
    let count = rows.count
    #expect(try await stage.push(columns) == PushReport(rows: count, newer: count))
    try await stage.append(rows)
    let brought = try await stage.store.materialize("facts", into: stage.materialized)
    #expect(brought.changed == count)
    for (card, text) in Self.texts.enumerated() {
      let expected = try #require(try await stage.row(in: stage.materialized, card: Int64(card)))
      #expect(try await stage.row(in: stage.pushed, card: Int64(card)) == expected)
      #expect(try await stage.values(card: Int64(card))?[6] == .text(text))
    }
    // The same row, when its source has it, is no newer one.
    let again = try await stage.store.materialize("facts", into: stage.pushed)
    #expect(again.changed == 0)
    #expect(try await stage.push(columns).newer == 0)
  }

  @Test("an older row never replaces a newer one, and among rows of one time the greatest id wins")
  func order() async throws {
    let stage = try await PushStage()
    func push(_ time: String, id: Int64, _ i: Int64) async throws -> Int {
      var cells = PushStage.cells(time)
      cells[3].json = .int(id)
      cells[4].json = .int(i)
      return try await stage.push(cells).newer
    }
    #expect(try await push("2024-05-02T12:00:00Z", id: 7, 1) == 1)
    #expect(try await push("2024-05-02T11:59:59.999999Z", id: 9, 2) == 0)
    #expect(try await push("2024-05-02T12:00:00Z", id: 6, 3) == 0)
    #expect(try await stage.values()?[0] == .integer(1))
    #expect(try await push("2024-05-02T12:00:00Z", id: 10, 4) == 1)
    #expect(try await stage.values()?[0] == .integer(4))
    #expect(try await push("2024-05-02T12:00:00.000001Z", id: -1, 5) == 1)
    #expect(try await stage.values()?[0] == .integer(5))
    // Of several of a key at once the newest counts.
    let base = PushStage.cells()
    let columns = base.map { cell -> (String, [JSONValue]) in
      switch cell.name {
      case "at", "known":
        (cell.name, ["2025-01-01T00:00:00Z", "2025-01-03T00:00:00Z", "2025-01-02T00:00:00Z"])
      case "i": ("i", [1, 2, 3])
      case "l": ("l", [[], [1, nil], nil])
      default: (cell.name, [cell.json, cell.json, cell.json])
      }
    }
    #expect(try await stage.push(columns) == PushReport(rows: 3, newer: 1))
    #expect(try await stage.values()?[0] == .integer(2))
    #expect(try await stage.values()?[9] == .list([.integer(1), .null]))
  }

  @Test("rows of the future are refused with all that came with them")
  func future() async throws {
    let stage = try await PushStage()
    let later = stage.project.clock.now() + .microseconds(1)
    let now = stage.project.clock.now()
    for name in ["at", "known"] {
      let columns = PushStage.cells().map { cell -> (String, [JSONValue]) in
        switch cell.name {
        case "card": ("card", [1, 2])
        case name: (name, [.string(now.description), .string(later.description)])
        default: (cell.name, [cell.json, cell.json])
        }
      }
      let refused = await failure { _ = try await stage.push(columns) }
      #expect(refused?.code == "features.request")
      #expect(refused?.text.contains("1 of 2 rows") == true, "\(refused?.text ?? "")")
      #expect(try await stage.row(in: stage.pushed, card: 1) == nil)
    }
    var cells = PushStage.cells()
    cells[1].json = .string(now.description)
    #expect(try await stage.push(cells).newer == 1)
  }

  /// A number as it is written.
  private static func number(_ text: String) -> JSONValue {
    JSONNumber(text: text).map { .number($0) } ?? .null
  }

  /// What is wrong with a value: the column, the value, and what a message says.
  private static let wrong: [(String, JSONValue)] = [
    ("card", "x"), ("card", .real(1.5)), ("card", true), ("card", []), ("card", nil),
    ("card", number("9223372036854775808")),
    ("card", number("9007199254740993.5")), ("card", ""),
    ("i", 2_147_483_648), ("s", 40_000), ("s", .real(0.5)), ("b", 1), ("b", "true"),
    ("x", "0.1"), ("x", number("1e400")),
    ("y", number("1e39")),
    ("d", "1.0000000001"), ("d", ""), ("d", "-"), ("d", "."), ("d", "e5"), ("d", "+"), ("d", " 1"),
    ("d", "0x10"), ("d", "NaN"), ("d", "1e-60"), ("d", "1.2.3"), ("d", "1e99999999999999999999"),
    ("d", "100000000000000000000000000000000000000e-58"),
    ("d", "1000000000000000000000000000000"), ("d", "123456789012345678901234567890"),
    ("t", 1), ("t", []), ("day", "2023-02-29"), ("day", "2024-02-29T01:00:00Z"), ("day", 7),
    ("naive", 1), ("naive", "yesterday"), ("at", "2024-05-02T25:00:00Z"), ("at", nil), ("at", 5),
    ("at", "0000-01-01T00:00:00Z"), ("at", "2024-05-02T12:00:00.0000001Z"), ("known", nil),
    ("l", 1), ("l", ["x"]), ("l", [[1]]), ("w", "a"), ("w", [["a"]]),
  ]

  @Test("a value that a column does not hold as it is, is refused by name, and nothing is taken")
  func wrongTypes() async throws {
    let stage = try await PushStage()
    for (name, json) in Self.wrong {
      var cells = PushStage.cells()
      let place = try #require(cells.firstIndex { $0.name == name })
      cells[place].json = json
      let before = try await stage.row(in: stage.pushed)
      let refused = await failure { _ = try await stage.push(cells) }
      #expect(refused?.code == "features.request", "\(name) \(json): \(refused?.text ?? "taken")")
      #expect(refused?.text.contains(name) == true, "\(name) \(json): \(refused?.text ?? "taken")")
      #expect(try await stage.row(in: stage.pushed) == before)
    }
  }

  /// What is taken, and as what: the column and the value.
  private static let right: [(String, JSONValue, Datum)] = [
    ("i", number("7.0"), .integer(7)), ("i", "-8", .integer(-8)),
    ("i", number("7e2"), .integer(700)),
    ("d", 5, .decimal(unscaled: 5_000_000_000, scale: 9)),
    ("d", "-0.000000001", .decimal(unscaled: -1, scale: 9)),
    ("d", number("1.5e-3"), .decimal(unscaled: 1_500_000, scale: 9)),
    ("d", "1.5E3", .decimal(unscaled: 1_500_000_000_000, scale: 9)),
    (
      "d", "-99999999999999999999999999999.999999999",
      .decimal(unscaled: -99_999_999_999_999_999_999_999_999_999_999_999_999, scale: 9)
    ),
    ("x", number("-0"), .double(0)),
    ("x", number("5e-324"), .double(.leastNonzeroMagnitude)),
    (
      "x", number("1.7976931348623157e308"),
      .double(1.797_693_134_862_315_7e308)
    ),
    ("day", "0001-01-01", .date(CivilDate(daysSinceEpoch: -719_162))),
    ("l", [], .list([])), ("l", nil, .null),
  ]

  @Test("numbers come in any writing of the same amount, and with all their digits")
  func rightTypes() async throws {
    let stage = try await PushStage()
    for (step, (name, json, value)) in Self.right.enumerated() {
      var cells = PushStage.cells("2025-01-01T00:00:\(10 + step)Z")
      let place = try #require(cells.firstIndex { $0.name == name })
      cells[place].json = json
      #expect(try await stage.push(cells).newer == 1, "\(name) \(json)")
      #expect(try await stage.values()?[place - 4] == value, "\(name) \(json)")
    }
  }

  @Test("times have any zone, and none means UTC")
  func zones() async throws {
    let stage = try await PushStage()
    for (step, text) in ["15:00:00+03:00", "12:00:00", "12:00:00z", "06:30:00-05:30"].enumerated() {
      var cells = PushStage.cells("2024-05-02T\(text)")
      cells[0].json = .int(Int64(step))
      _ = try await stage.push(cells)
      let row = try await stage.row(in: stage.pushed, card: Int64(step))
      #expect(row?.version.time == Instant(iso8601: "2024-05-02T12:00:00Z"), "\(text)")
    }
  }

  @Test("columns that are missing, unknown, given twice or of other lengths are refused by name")
  func columns() async throws {
    let stage = try await PushStage()
    for name in ["card", "at", "known", "id", "i", "none"] {
      let cells = PushStage.cells().filter { $0.name != name }
      let refused = await failure { _ = try await stage.push(cells) }
      #expect(refused?.code == "features.request", "\(name): \(refused?.text ?? "taken")")
      #expect(refused?.text.contains("lack the column \(name)") == true, "\(refused?.text ?? "")")
    }
    var cells = PushStage.cells()
    cells.append(("knwon", "", "", 1))
    var refused = await failure { _ = try await stage.push(cells) }
    #expect(refused?.text.contains("did you mean known?") == true)
    cells[cells.count - 1].name = "t"
    refused = await failure { _ = try await stage.push(cells) }
    #expect(refused?.text.contains("given twice") == true)
    refused = await failure {
      _ = try await stage.push([("card", [1]), ("at", [JSONValue]())])
    }
    #expect(refused?.text.contains("not equally long") == true)
    refused = await failure { _ = try await stage.push([(String, [JSONValue])]()) }
    #expect(refused?.code == "features.request")
    #expect(try await stage.push(PushStage.cells().map { ($0.name, []) }).rows == 0)
  }

  @Test("more than 10,000 rows are refused; 10,000 are taken")
  func bound() async throws {
    let stage = try await ServingStage()
    try await stage.begin()
    let store = stage.store([try stage.last])
    func push(_ count: Int) async throws -> PushReport {
      let time = JSONValue.string("2025-01-01T00:00:00Z")
      let rows = PushedRows(
        columns: [
          ("card", (0..<count).map { .int(Int64($0)) }),
          ("paid_at", Array(repeating: time, count: count)),
          ("known_at", Array(repeating: time, count: count)),
          ("amount", (0..<count).map { .int(Int64($0)) }),
        ]
      )
      return try await store.push(rows, to: "last", into: stage.serving.store)
    }
    let refused = await failure { _ = try await push(10_001) }
    #expect(refused?.text.contains("10001 rows") == true)
    #expect(try await push(10_000) == PushReport(rows: 10_000, newer: 10_000))
    #expect(try await stage.ask([0, 9_999, 10_000]) == ["0.00", "9999.00", "NOT_FOUND"])
  }

  @Test(
    "a view with windows, one that is computed, one that is unknown or not in the store takes none"
  )
  func views() async throws {
    let shop = try await Shop()
    let online = try SQLiteOnlineStore(path: shop.project.folder.path("online.sqlite"))
    var last = try shop.spend
    last.name = "last"
    last.windowed = []
    let store = shop.project.store(
      FeatureDefinitions(
        entities: [shop.card],
        views: [try shop.spend, last],
        onDemand: [OnDemandDefinition(name: "made", inputs: [], uses: [], features: [])]
      )
    )
    let columns: [(String, [JSONValue])] = [
      ("card", [1]), ("paid_at", ["2024-05-02T12:00:00Z"]), ("known_at", ["2024-05-02T12:00:00Z"]),
      ("amount", ["1.00"]),
    ]
    for (name, code) in [
      ("spend", "features.request"), ("made", "features.definition"), ("lasst", "features.unknown"),
      ("last", "features.not-served"),
    ] {
      let rows = PushedRows(columns: columns)
      let refused = await failure { _ = try await store.push(rows, to: name, into: online) }
      #expect(refused?.code == code, "\(name): \(refused?.text ?? "taken")")
    }
  }

  @Test("a data frame of Feast's client has its own names for times, and seconds for moments")
  func frames() async throws {
    let stage = try await PushStage()
    var cells = PushStage.cells()
    cells[1] = ("event_timestamp", "", "", "2024-05-02T12:00:00")
    cells[2] = ("created", "", "", "2024-05-02T12:00:00")
    let place = try #require(cells.firstIndex { $0.name == "naive" })
    cells[place].json = 1_714_647_600
    #expect(try await stage.push(cells, isFrame: true).newer == 1)
    #expect(try await stage.values()?[8] == .instant(Instant(microseconds: 1_714_647_600_000_000)))
    // The last is what Feast makes of a missing moment.
    for json in [JSONValue.int(Int64.min), .int(Int64.max), .real(0.5)] {
      cells[place].json = json
      let refused = await failure { _ = try await stage.push(cells, isFrame: true) }
      #expect(refused?.code == "features.request", "\(json)")
    }
    let refused = await failure { _ = try await stage.push(cells) }
    #expect(refused?.code == "features.request")
  }

  @Test("a data frame says nothing of when a row was known where the view does not ask")
  func frameWithoutKnowledge() async throws {
    let shop = try await Shop()
    let online = try SQLiteOnlineStore(path: shop.project.folder.path("online.sqlite"))
    var view = try shop.spend
    view.windowed = []
    view.knowledge = .delay(.zero)
    let store = shop.project.store(FeatureDefinitions(entities: [shop.card], views: [view]))
    _ = try await store.materialize("spend", into: online)
    let rows = PushedRows(
      columns: [
        ("card", [1]), ("last_amount", [.real(3.25)]),
        ("event_timestamp", ["2024-06-01T00:00:00"]), ("created", [nil]),
      ],
      isFrame: true
    )
    #expect(try await store.push(rows, to: "spend", into: online).newer == 1)
    let reader = try await store.reader(
      of: [FeatureReference(view: "spend", feature: nil)],
      from: online
    )
    let answer = try await reader.read([[.integer(1)]], at: shop.project.clock.now())
    #expect(answer.rows[0][0].value == .decimal(unscaled: 325, scale: 2))
  }
}

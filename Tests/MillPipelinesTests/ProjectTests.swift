// SPDX-License-Identifier: Apache-2.0

import Foundation
import MillAssembly
import MillCore
import MillPipelines
import MillQuality
import Testing

@Suite("Loading a project")
struct ProjectTests {
  @Test("the payments project loads without problems")
  func payments() throws {
    try inProjectFolder { folder in
      try PaymentsProject(rows: 1_000, seed: 7).write(to: folder)
      let project = try Project.load(folder: folder)
      #expect(project.settings.name == "payments")
      #expect(project.settings.memory == ByteCount("2GiB"))
      #expect(project.settings.temp == ByteCount("20GiB"))
      #expect(project.lakeFolder == project.folder + "/lake")
      #expect(project.stateFolder == project.folder + "/.millrace")
      let definition = project.definition
      #expect(definition.sources.count == 5)
      #expect(definition.models.count == 7)
      let payments = try #require(definition.models.first { $0.dataset.name == "payments" })
      #expect(payments.rules.count == 15)
      #expect(payments.newestBy == ["paid_at"])
      #expect(payments.freshness == .seconds(86_400))
      #expect(payments.sql.hasPrefix("WITH arrived AS ("))
      let file = try String(contentsOfFile: folder + "/" + payments.path, encoding: .utf8)
      #expect(file.components(separatedBy: "\n")[payments.sqlLine - 1] == "WITH arrived AS (")
      let source = try #require(definition.sources.first { $0.dataset.name == "payments_csv" })
      #expect(source.format == .csv(delimiter: ",", hasHeader: true))
      #expect(source.columns[3] == .init("amount", .decimal(precision: 12, scale: 2)))
      #expect(Project.find(from: folder + "/models/silver") == project.folder)
    }
  }

  @Test("settings that are left out have their defaults")
  func defaults() throws {
    let project = try loadProject([:])
    #expect(project.settings == ProjectSettings(name: "shop"))
    #expect(project.settings.maxRecordBytes == ByteCount("16MiB"))
    #expect(project.definition == PipelineDefinition(name: "shop", sources: [], models: []))
  }

  @Test("a folder without millrace.yaml is no project")
  func notFound() throws {
    try inProjectFolder { folder in
      let error = #expect(throws: ProjectError.self) { try Project.load(folder: folder) }
      #expect(error?.code == "project.not-found")
      #expect(error?.errorClass == .definition)
      #expect(error?.problems.first?.hint?.contains("millrace init") == true)
    }
  }

  @Test("hidden files and the folders of other rooms are left alone")
  func ignored() throws {
    let project = try loadProject([
      "sources/.swp": "\u{0}", "models/.DS_Store": "x", "models/gold/.x.sql": "",
      "features/.a.yaml": "[", "drift/b.yaml": "[", "products/c.yaml": "[", "README.md": "#",
    ])
    #expect(project.definition.datasets.isEmpty)
  }

  @Test("mistakes of all files are told at once, one per line")
  func all() throws {
    let error = try projectProblems([
      "millrace.yaml": "name: shop\nmemmory: 1GiB\n",
      "sources/a.yaml": "files: 3\nformat: csvv\n",
      "models/gold/b.sql": "/*\nkeys: {}\n*/\nSELECT 1",
      "models/copper/c.sql": "SELECT 1",
      "models/silver/d.txt": "SELECT 1",
      "models/silver/e-f.sql": "SELECT 1",
    ])
    #expect(error.code == "project.invalid")
    #expect(
      error.description.split(separator: "\n").map { $0.prefix { $0 != " " } } == [
        "millrace.yaml:2:1:", "sources/a.yaml:1:8:", "sources/a.yaml:2:9:", "models/copper:",
        "models/gold/b.sql:2:7:", "models/silver/d.txt:", "models/silver/e-f.sql:",
      ]
    )
  }

  @Test("a rule may look up only what is defined, whatever else is wrong")
  func references() throws {
    let header = "/*\nexpect:\n  - reference: {column: a, to: silver.card}\nfresh: 1h\n*/\nSELECT 1"
    let error = try projectProblems([
      "models/silver/cards.sql": "SELECT 1", "models/gold/b.sql": header,
    ])
    #expect(error.problems.map(\.place.line) == [3, 4])
    #expect(error.problems.first?.hint == "did you mean `silver.cards`?")
  }

  @Test("text that is not UTF-8 is refused where it begins")
  func notUTF8() throws {
    try inProjectFolder { folder in
      let bytes = Data("name: shop\nlake: l".utf8) + [0xFF]
      try bytes.write(to: URL(fileURLWithPath: folder + "/millrace.yaml"))
      let error = #expect(throws: ProjectError.self) { try Project.load(folder: folder) }
      #expect(error?.problems.first?.place.description == "millrace.yaml:2:8")
      #expect(error?.problems.first?.message == "this is not UTF-8")
    }
  }

  @Test("every accepted key is listed once, with its meaning")
  func reference() {
    let paths = YAMLReference.keys.map(\.path)
    #expect(Set(paths).count == paths.count)
    #expect(YAMLReference.keys.allSatisfy { !$0.meaning.isEmpty })
    #expect(paths.contains("millrace.engine.kind"))
    #expect(paths.contains("source.csv.delimiter"))
    #expect(paths.contains("model.expect.range.on_failure"))
  }

  @Test("every accepted key stands in the reference documentation")
  func documented() throws {
    let root = URL(fileURLWithPath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let page = root.appendingPathComponent("docs/reference/project-files.md")
    let text = try String(contentsOf: page, encoding: .utf8)
    for (path, _) in YAMLReference.keys {
      #expect(text.contains("`\(path)`"), "\(path) is not documented")
    }
  }
}

// MARK: - What is read

extension ProjectTests {
  @Test(
    "the online store is SQLite unless the settings name a Redis",
    arguments: [
      ("", .sqlite), ("online: {kind: sqlite}", .sqlite),
      (
        "online: {kind: redis, url: redis://a:1/2}",
        .redis(ProjectSettings.OnlineRedis(url: "redis://a:1/2"))
      ),
      (
        "online: {kind: redis, url: 'unix:///a', password_env: PW_1, prefix: 'a:b', timeout: 2s, "
          + "connections: 9}",
        .redis(
          ProjectSettings.OnlineRedis(
            url: "unix:///a",
            passwordVariable: "PW_1",
            prefix: "a:b",
            timeout: .seconds(2),
            connections: 9
          )
        )
      ),
    ] as [(String, ProjectSettings.OnlineKind)]
  )
  func online(text: String, expected: ProjectSettings.OnlineKind) throws {
    try inProjectFolder { folder in
      try Data("name: shop\n\(text)\n".utf8)
        .write(to: URL(fileURLWithPath: folder + "/millrace.yaml"))
      #expect(try Project.load(folder: folder).settings.online == expected)
    }
  }

  @Test("values keep their text")
  func values() throws {
    let model = try model(
      """
      /*
      repair:
        - default: {column: a, value: NO}
        - default: {column: b, value: false}
        - default: {column: c, value: '007'}
        - clamp: {column: d, max: 1.50}
      expect:
        - allowed: {column: a, values: [no, 1.0, '1', true, 2024-01-01]}
        - range: {column: b, min: -1e2, max: 100.00, mostly: 0.5, on_failure: fail}
        - range: {column: c, min: 2024-01-01, max: '2024-01-01 00:00:00'}
        - reference: {columns: [a, b], to: silver.a, keys: [c, d], name: pair}
        - reference: {column: a, to: silver.a}
        - complete: a
      */
      SELECT 1
      """
    )
    let number = { JSONNumber(text: $0).map(JSONValue.number) }
    #expect(
      model.repairs == [
        .fill(column: "a", value: "NO"), .fill(column: "b", value: false),
        .fill(column: "c", value: "007"),
        .clamp(column: "d", minimum: nil, maximum: number("1.50")),
      ]
    )
    let one = try #require(number("1.0"))
    let pair = try reference(["a", "b"], ["c", "d"])
    let single = try reference(["a"], ["a"])
    #expect(
      model.rules == [
        Rule(.allowed(column: "a", values: ["no", one, "1", true, "2024-01-01"])),
        Rule(
          .range(column: "b", minimum: number("-1e2"), maximum: number("100.00")),
          severity: .fail,
          mostly: 0.5
        ),
        Rule(.range(column: "c", minimum: "2024-01-01", maximum: "2024-01-01 00:00:00")),
        Rule(name: "pair", check: pair),
        Rule(single),
        Rule(.complete(columns: ["a"])),
      ]
    )
  }

  private func reference(_ columns: [String], _ keys: [String]) throws -> Check {
    let table = try #require(DatasetName("silver.a"))
    return .reference(columns: columns, table: table, keys: keys)
  }

  @Test(
    "the SQL keeps its lines and columns",
    arguments: [
      ("SELECT 1\n", "SELECT 1\n", 1),
      ("-- one\n\nSELECT 1", "-- one\n\nSELECT 1", 1),
      ("/* keys: a */ SELECT 1", "              SELECT 1", 1),
      ("/*\nkeys: a\n*/\n\n  SELECT\n1", "  SELECT\n1", 5),
      ("/*\r\nkeys: a\r\n*/\r\nSELECT 1\r\n", "SELECT 1\r\n", 4),
      ("-- c\n/* keys: a */\n/* more */\nFROM a", "/* more */\nFROM a", 3),
      ("/* */\n(SELECT 1)", "(SELECT 1)", 2),
    ]
  )
  func sql(text: String, sql: String, line: Int) throws {
    let model = try model(text)
    #expect(model.sql == sql)
    #expect(model.sqlLine == line)
  }

  @Test(
    "the format is told by the extension",
    arguments: [
      ("a.csv", "csv"), ("x/*.CSV.gz", "csv"), ("a.json", "jsonl"), ("a.ndjson.zst", "jsonl"),
      ("a.b.parquet", "parquet"),
    ]
  )
  func format(file: String, format: String) throws {
    let project = try loadProject(["sources/a.yaml": "files: ['\(file)', b]\n"])
    #expect(project.definition.sources.first?.format.name == format)
    // An empty field of CSV is no value; JSON has a null of its own.
    #expect(project.definition.sources.first?.nullTexts == (format == "jsonl" ? [] : [""]))
  }

  @Test("texts that mean null are taken as they stand")
  func nulls() throws {
    let text = "files: a.jsonl\nnulls: [null, -999, '', ~]\n"
    let project = try loadProject(["sources/a.yaml": text])
    #expect(project.definition.sources.first?.nullTexts == ["null", "-999", "", "~"])
  }

  @Test("an absolute lake may be anywhere, a relative one is made plain")
  func lake() throws {
    #expect(try loadProject(["millrace.yaml": "name: a\nlake: /x/y\n"]).lakeFolder == "/x/y")
    #expect(try loadProject(["millrace.yaml": "name: a\nlake: ./x/../y/\n"]).settings.lake == "y")
  }
}

private func model(_ text: String) throws -> ModelDefinition {
  try #require(try loadProject(["models/silver/a.sql": text]).definition.models.first)
}

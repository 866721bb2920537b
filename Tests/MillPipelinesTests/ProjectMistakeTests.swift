// SPDX-License-Identifier: Apache-2.0

import Foundation
import MillAssembly
import MillCore
import MillPipelines
import Testing

/// A text with one mistake in it.
struct Mistake: Sendable, CustomTestStringConvertible {
  var text: String
  /// Line and column.
  var place: String
  var message: String
  /// Part of the hint.
  var hint: String?

  init(_ text: String, _ place: String, _ message: String, _ hint: String? = nil) {
    self.text = text
    self.place = place
    self.message = message
    self.hint = hint
  }

  var testDescription: String { text }

  func check(_ path: String) throws {
    let error = try projectProblems([path: text])
    #expect(error.problems.count == 1, "\(error)")
    let problem = try #require(error.problems.first)
    #expect(problem.place.description == path + (place.isEmpty ? "" : ":" + place))
    #expect(problem.message.contains(message), "\(problem)")
    if let hint { #expect(problem.hint?.contains(hint) == true, "\(problem)") }
  }
}

@Suite("Mistakes in a project")
struct ProjectMistakeTests {
  @Test(
    "a mistake in the settings has its place",
    arguments: [
      Mistake("", "", "empty", "name"),
      Mistake("lake: lake\n", "1:1", "`name` is missing"),
      Mistake("name: 3\n", "1:7", "expected a name, found the number 3", "quotes"),
      Mistake("name: my-shop\n", "1:7", "`my-shop` is no name", "underscores"),
      Mistake("name: a\nname: b\n", "2:1", "`name` is there twice", "line 1"),
      Mistake("name: a\n\"name\": b\n", "2:1", "`name` is there twice", "line 1"),
      Mistake("{name: a, lake: b, name: c}\n", "1:20", "`name` is there twice", "line 1"),
      Mistake("- name\n", "1:1", "expected a mapping", nil),
      Mistake("name: a\nengine: duckdb\n", "2:9", "expected a mapping with the keys kind"),
      Mistake("name: a\nengine: {kind: spark}\n", "2:16", "`spark` is no engine", "duckdb"),
      Mistake("name: a\nonline: redis\n", "2:9", "expected a mapping with the keys kind, url"),
      Mistake("name: a\nonline: {url: redis://a}\n", "2:9", "`kind` is missing"),
      Mistake("name: a\nonline: {kind: redys}\n", "2:16", "`redys` is no online store", "redis"),
      Mistake("name: a\nonline: {kind: redis}\n", "2:9", "`url` is missing"),
      Mistake(
        "name: a\nonline: {kind: sqlite, timeout: 1s}\n",
        "2:24",
        "`timeout` is for Redis alone"
      ),
      Mistake("name: a\nonline: {kind: redis, url: a}\n", "2:28", "redis://127.0.0.1:6379/0"),
      Mistake("name: a\nonline: {kind: redis, url: 'rediss://a'}\n", "2:28", "TLS is not"),
      Mistake(
        "name: a\nonline: {kind: redis, url: 'redis://:pw@a'}\n",
        "2:28",
        "a password does not belong into a file",
        "password_env"
      ),
      Mistake(
        "name: a\nonline: {kind: redis, url: 'redis://a', password_env: 'p-w'}\n",
        "2:55",
        "this is no name of an environment variable",
        "REDIS_PASSWORD"
      ),
      Mistake(
        "name: a\nonline: {kind: redis, url: 'redis://a', prefix: 'a{b}'}\n",
        "2:49",
        "`a{b}` is no prefix"
      ),
      Mistake(
        "name: a\nonline: {kind: redis, url: 'redis://a', timeout: 2m}\n",
        "2:50",
        "not waited for longer than 60s"
      ),
      Mistake(
        "name: a\nonline: {kind: redis, url: 'redis://a', connections: 0}\n",
        "2:54",
        "0 is too small"
      ),
      Mistake("name: a\nlake: ../lake\n", "2:7", "outside of the project", "absolute"),
      Mistake("name: a\nlake: x/../../y\n", "2:7", "outside of the project", "absolute"),
      Mistake("name: a\nlake: .millrace/x\n", "2:7", "needs for itself"),
      Mistake("name: a\nlake: .\n", "2:7", "needs for itself"),
      Mistake("name: a\nlake: s3://b/c\n", "2:7", "no path of this computer"),
      Mistake("name: a\nlake: !env LAKE\n", "2:7", "expected a path, found the tag !env"),
      Mistake("name: a\nmemory: 100MiB\n", "2:9", "100 MiB is too small: at least 256 MiB"),
      Mistake("name: a\nmemory: lots\n", "2:9", "`lots` is no amount", "2GiB"),
      Mistake("name: a\nthreads: 0\n", "2:10", "0 is too small: at least 1"),
      Mistake("name: a\nthreads: '4'\n", "2:10", "expected a whole number, found text"),
      Mistake("name: a\nparallel: 1.5\n", "2:11", "found the number 1.5"),
      Mistake("name: a\nparallel:\n", "2:10", "expected a whole number, found nothing"),
      Mistake("name: a\nparalel: 2\n", "2:1", "unknown key `paralel`", "did you mean `parallel`"),
      Mistake("name: a\nowner: me\n", "2:1", "unknown key `owner`", "name, lake, engine"),
      Mistake("name: [a\n", "2:1", "not YAML", "bracket"),
      Mistake("name: a\n\tlake: b\n", "2:1", "not YAML", "spaces"),
      Mistake("name: a: b\n", "1:8", "not YAML", "quotes"),
      Mistake("name: *a\n", "1:7", "not YAML", "* or &"),
      Mistake("name: a\u{7}\n", "1:8", "not YAML: control characters"),
      Mistake("name: a\n---\nname: b\n", "2:1", "another document", "---"),
      Mistake("? [a]\n: b\nname: a\n", "1:3", "expected a key, found a list"),
      Mistake("name: a\r\nlakes: b\r\n", "2:1", "unknown key `lakes`", "`lake`"),
      Mistake("\u{FEFF}names: b\nname: a\n", "1:1", "unknown key `names`", "`name`"),
    ]
  )
  func settingsMistakes(mistake: Mistake) throws {
    try mistake.check("millrace.yaml")
  }

  @Test(
    "a mistake in a source has its place",
    arguments: [
      Mistake("format: csv\n", "1:1", "`files` is missing", "glob"),
      Mistake("files: []\nformat: csv\n", "1:8", "the list is empty"),
      Mistake("files: [a.csv, 3]\n", "1:16", "expected text, found the number 3"),
      Mistake("files: a.csv\nowner: me\n", "2:1", "unknown key `owner`", "keys here are"),
      Mistake("files: a.xlsx\n", "1:8", "format cannot be told", "format: csv"),
      Mistake("files: a\nformat: jsonlines\n", "2:9", "`jsonlines` is no format", "csv, jsonl"),
      Mistake("files: a.csv\ncsv: {delimiter: ';;'}\n", "2:18", "one ASCII character"),
      Mistake("files: a.csv\ncsv: {delimeter: ';'}\n", "2:7", "unknown key", "`delimiter`"),
      Mistake("files: a.csv\ncsv: {header: yes}\n", "2:15", "true or false, found text"),
      Mistake("files: a.jsonl\ncsv: {header: true}\n", "2:1", "`csv` is for CSV files"),
      Mistake("files: a.parquet\nnulls: ['']\n", "2:1", "`nulls` is for text"),
      Mistake("files: a.csv\nnulls: NA\ncsv: {nulls: NA}\n", "2:1", "`nulls` is there twice"),
      Mistake("files: a.csv\ncolumns:\n  ä: int\n", "3:6", "`int` is no type", "`integer`"),
      Mistake("files: a.csv\ncolumns: {🇩🇪: varchar(9)}\n", "2:14", "no type", "`string`"),
      Mistake("files: a.csv\ncolumns: {a: STRING}\n", "2:14", "no type", "`string`"),
      Mistake("files: a.csv\ncolumns: {a: dobule}\n", "2:14", "no type", "mean `double`"),
      Mistake("files: a.csv\ncolumns:\n  a: decimal(3,4)\n", "3:6", "no type", "1 to 38"),
      Mistake("files: a.csv\ncolumns:\n  a: decimal(3)\n", "3:6", "no type", "and scale"),
      Mistake("files: a.csv\ncolumns:\n  a: date\n  A: date\n", "4:3", "letter case alone"),
      Mistake("files: a.csv\ncolumns: [a, b]\n", "2:10", "expected a mapping with column names"),
      Mistake("files: a.csv\ntime_zone: Europe/Berlni\n", "2:12", "zone", "`Europe/Berlin`"),
      Mistake("files: a.csv\non_change: raplace\n", "2:12", "`raplace`", "`replace`"),
      Mistake("files: *.csv\n", "1:9", "not YAML", "* or &"),
      Mistake("# nothing\n", "", "the file is empty", "files"),
    ]
  )
  func sourceMistakes(mistake: Mistake) throws {
    try mistake.check("sources/a.yaml")
  }

  @Test(
    "a mistake in a model's header has its place in the SQL file",
    arguments: [
      Mistake("/*\nkeys: [a, a]\n*/\nSELECT 1", "2:11", "`a` is listed twice"),
      Mistake("-- ours\n\n/* kees: [a] */ SELECT 1", "3:4", "unknown key `kees`", "`keys`"),
      Mistake("/* keys: a\n   tags: b */ SELECT 1", "2:4", "unknown key `tags`"),
      Mistake("/*\nkeys: a\nfreshness: 1y\n*/\nSELECT 1", "3:12", "`1y` is no duration", "24h"),
      Mistake("/*\ndedupe: {by: a}\n*/\nSELECT 1", "2:1", "there are no `keys`", "keys"),
      Mistake("/*\nkeys: a\ndedupe: {}\n*/\nSELECT 1", "3:9", "`by` is missing"),
      Mistake(
        "/*\nincremental: {strategy: upsert}\n*/\nSELECT 1",
        "2:25",
        "strategy upsert is not available yet: use full or append"
      ),
      Mistake("/*\nincremental: {strategy: ful}\n*/\nSELECT 1", "2:25", "`ful`", "`full`"),
      Mistake("/*\nincremental: {}\n*/\nSELECT 1", "2:14", "`strategy` is missing"),
      Mistake("/*\na: [b\n*/\nSELECT 1", "3:1", "not YAML", "bracket"),
      Mistake("/*\nkeys: a\nkeys: b\n*/\nSELECT 1", "3:1", "`keys` is there twice", "line 2"),
      Mistake("/* Copyright */\nSELECT 1", "1:4", "the header holds no keys", "--"),
      Mistake("\n  /* keys: [a]\nSELECT 1", "2:3", "not closed", "*/"),
      Mistake("-- keys: [a]\nSELECT 1", "1:1", "not a block comment", "/* and */"),
      Mistake("---\nkeys: [a]\n---\nSELECT 1", "2:1", "not a block comment", "/* and */"),
      Mistake("keys: [a]\nSELECT 1", "1:1", "not a block comment"),
      Mistake("SELECT '/*' /*\nkeys: a\n*/", "1:13", "too late", "before the SELECT"),
      Mistake("", "1:1", "the model has no SELECT"),
      Mistake("/*\nkeys: [a]\n*/\n-- later\n", "3:3", "the model has no SELECT", "below"),
      Mistake("/* */ CREATE TABLE a (b INT)", "1:7", "this begins with `CREATE`"),
      Mistake("/*\nrepair:\n  - clam: {}\n*/\nSELECT 1", "3:5", "unknown key", "`clamp`"),
      Mistake(
        "/*\nrepair:\n  - default: {column: a, value: }\n*/\nSELECT 1",
        "3:33",
        "expected a single value, found nothing"
      ),
      Mistake(
        "/*\nrepair:\n  - impute: {column: a, with: avg}\n*/\nSELECT 1",
        "3:31",
        "`avg`",
        "median"
      ),
      Mistake(
        "/*\nrepair:\n  - clamp: {column: a, min: 2, max: 1}\n*/\nSELECT 1",
        "3:29",
        "greater"
      ),
    ]
  )
  func modelMistakes(mistake: Mistake) throws {
    try mistake.check("models/silver/a.sql")
  }

  /// Rules begin in column 5 of line 3.
  @Test(
    "a mistake in a rule has its place",
    arguments: [
      Mistake("unique", "3:5", "query, found text"),
      Mistake("uniqe: [a]", "3:5", "unknown key `uniqe`", "`unique`"),
      Mistake("unique: []", "3:13", "the list is empty"),
      Mistake("complete: {column: a, columns: a}", "3:16", "unknown key `column`", "`columns`"),
      Mistake("complete: {mostly: 0.5}", "3:15", "`columns` is missing"),
      Mistake("complete: {columns: a, mostly: 98}", "3:36", "`mostly` is 98", "0.98"),
      Mistake("complete: {columns: a, mostly: 0}", "3:36", "more than 0"),
      Mistake("complete: {columns: a, mostly: all}", "3:36", "expected a share"),
      Mistake("unique: {columns: a, on_failure: wran}", "3:38", "no severity", "`warn`"),
      Mistake("unique: {columns: a, name: a b}", "3:32", "`a b` is no name"),
      Mistake("unique: [a]\n    mostly: 0.9", "4:5", "unknown key `mostly`", "own braces"),
      Mistake("unique: [a]\n    complete: [a]", "3:5", "one item holds one rule", "dash"),
      Mistake("unique: [a]\n  - unique: {columns: a}", "4:5", "named unique_a", "`name`"),
      Mistake("range: {column: a}", "3:12", "there is no bound", "`min`"),
      Mistake("range: {column: a, min: 2, max: 1.5}", "3:29", "greater than `max`"),
      Mistake("range: {column: a, min: 2, max: 2024-01-01}", "3:37", "different kinds"),
      Mistake("range: {column: a, min: 2024-13-01}", "3:29", "a day or an instant, found text"),
      Mistake("range: {column: a, min: '5'}", "3:29", "found text", "remove the quotes"),
      Mistake("range: {column: a, min: 1_000}", "3:29", "found text", "such as 10"),
      Mistake("range: {min: 1}", "3:12", "`column` is missing"),
      Mistake("range: {column: a, min: 2024-02-01, max: 2024-01-01}", "3:29", "greater"),
      Mistake("pattern: {column: a}", "3:14", "`regex` is missing"),
      Mistake("pattern: {column: a, regexp: b, regex: b}", "3:26", "unknown", "`regex`"),
      Mistake("allowed: {column: a, values: [b, ~]}", "3:38", "single value, found nothing"),
      Mistake("reference: {column: a, to: cards}", "3:32", "`cards` is no dataset", "silver.NAME"),
      Mistake("reference: {column: a}", "3:16", "`to` is missing"),
      Mistake("reference: {to: silver.a}", "3:16", "`column` is missing"),
      Mistake("reference: {column: a, columns: [a], to: silver.a}", "3:28", "mean the same"),
      Mistake("reference: {columns: [a, b], to: silver.a, key: c}", "3:48", "cannot be found in 1"),
      Mistake("rows: {}", "3:11", "there is no bound"),
      Mistake("rows: {min: -1}", "3:17", "-1 is too small"),
      Mistake("rows: {min: 2, max: 1}", "3:17", "greater than `max`"),
      Mistake("rows: {min: 1, on_failure: quarantine}", "3:32", "whole table", "warn or fail"),
      Mistake("sql: {predicate: a > b}", "3:10", "`name` is missing"),
      Mistake("sql: a > b", "3:10", "expected a mapping with the keys predicate"),
      Mistake("query: {name: a, sql: ''}", "3:27", "expected SQL, found empty text"),
    ]
  )
  func ruleMistakes(mistake: Mistake) throws {
    var mistake = mistake
    mistake.text = "/*\nexpect:\n  - \(mistake.text)\n*/\nSELECT 1"
    try mistake.check("models/silver/a.sql")
  }

  @Test("a text cut off anywhere either loads or is refused with a place")
  func cut() throws {
    try inProjectFolder { folder in
      try PaymentsProject(rows: 1_000, seed: 7).write(to: folder)
      for path in ["millrace.yaml", "sources/cards.yaml", "models/silver/payments.sql"] {
        let file = URL(fileURLWithPath: folder + "/" + path)
        let whole = try Data(contentsOf: file)
        for count in stride(from: 0, to: whole.count, by: 29) {
          // A byte is left out, and everything from some other byte on.
          for text in [whole.prefix(count), whole.prefix(count) + whole.dropFirst(count + 1)] {
            try text.write(to: file)
            do throws(ProjectError) {
              _ = try Project.load(folder: folder)
            } catch {
              #expect(error.problems.allSatisfy { $0.place.path.contains(".") })
            }
          }
        }
        try whole.write(to: file)
      }
    }
  }

  @Test("deep nesting is refused")
  func deep() throws {
    let text = "name: " + String(repeating: "[", count: 100_000)
    let error = try projectProblems(["millrace.yaml": text])
    #expect(error.problems.count == 1)
  }
}

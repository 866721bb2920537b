// SPDX-License-Identifier: Apache-2.0

/// Every key that a project's files may hold.
///
/// The reference documentation is checked against this list, and so is every file that is read.
public enum YAMLReference {
  /// The keys in the order of the files: `millrace.…` of `millrace.yaml`, `source.…` of
  /// `sources/*.yaml`, `model.…` of the headers of models, `features.…` of `features/*.yaml`.
  public static let keys: [(path: String, meaning: String)] = KnownKeys.all.flatMap { table in
    table.keys.map { (path: "\(table.path).\($0.name)", meaning: $0.meaning) }
  }
}

/// The keys of one kind of mapping; a mapping with any other is refused.
struct KnownKeys: Sendable {
  /// Where the mapping stands, such as `source.csv`.
  let path: String
  let keys: [(name: String, meaning: String)]

  var names: [String] { keys.map(\.name) }

  init(_ path: String, _ keys: [(name: String, meaning: String)]) {
    self.path = path
    self.keys = keys
  }

  func meaning(of name: String) -> String? {
    keys.first { $0.name == name }?.meaning
  }

  static let all: [KnownKeys] = [
    settings, engine, online, lifecycle, aged, storage, server, tls, token, source, csv, model,
    dedupe, incremental, repair, fill, impute, clamp, rule,
    complete, unique, range, pattern, allowed, reference, rows, predicate, query,
    features, entity, view, aggregate, onDemand, service,
  ]
}

// MARK: - millrace.yaml

extension KnownKeys {
  static let settings = KnownKeys(
    "millrace",
    [
      ("name", "the name of the pipeline, required"),
      ("lake", "the folder of the tables, relative to the project or absolute (lake)"),
      ("engine", "what runs the SQL"),
      ("online", "where features are kept for being asked for by key (SQLite)"),
      ("threads", "threads of the engine (one per processor)"),
      ("memory", "what the engine may keep in memory, at least 256MiB (2GiB)"),
      ("temp", "what the engine may spill to disk (50GiB)"),
      ("parallel", "datasets that are made at the same time (2)"),
      ("max_record_bytes", "the longest record that is read from a raw file (16MiB)"),
      ("max_dead_letters", "undecodable records that one file may hold (100000)"),
      (
        "lifecycle", "what becomes of tables as they grow old, by dataset; `default` for all others"
      ),
      ("storage", "what storage costs, for the report of `millrace maintain`"),
      ("server", "how `millrace serve` serves"),
    ]
  )

  static let server = KnownKeys(
    "millrace.server",
    [
      ("listen", "the address and the port, 0 for one that is free (127.0.0.1:6566)"),
      ("tls", "the files of TLS (plain HTTP)"),
      ("tokens", "who may do what (whoever reaches the server may do everything)"),
      ("open", "true: no tokens although other machines reach the server (false)"),
      ("max_body", "the longest body of a request (4MiB)"),
      ("max_entities", "the most entities of a request (10000)"),
      ("max_connections", "connections at a time (1024)"),
      ("timeout", "how long a request may take to arrive, and then its answer (10s)"),
      ("idle", "how long a connection may be without a request (60s)"),
      ("memory", "what values that are ready to be sent may take (256MiB)"),
      ("staleness", "how long a change by another process may go unseen (100ms)"),
      ("refresh", "how often sources and definitions are looked at, or `never` (5s)"),
      ("keep", "the share of answers for services whose values are kept in served.SERVICE (0)"),
      ("access_log", "where a line for each request goes: stderr or none (stderr)"),
    ]
  )

  static let tls = KnownKeys(
    "millrace.server.tls",
    [
      ("certificate", "the file of the certificate and those above it, in PEM; required"),
      ("key", "the file of its private key, in PEM; required"),
    ]
  )

  static let token = KnownKeys(
    "millrace.server.tokens",
    [
      ("name", "whose it is, for the log; required"),
      ("sha256", "the SHA-256 of the token in hexadecimal digits; required"),
      ("scopes", "read, read:SERVICE, push, push:VIEW and admin; required"),
    ]
  )

  static let lifecycle = KnownKeys(
    "millrace.lifecycle",
    [
      ("keep", "for how long older versions stay readable (7d)"),
      ("keep_versions", "how many versions stay readable whatever their age (none)"),
      ("keep_log", "for how long commits are kept behind a checkpoint (30d)"),
      ("compact_to", "the size that small files are put together to (256MiB)"),
      ("cluster_by", "columns that rows are clustered by when files are put together (none)"),
      ("archive", "rows that move to a table in a colder folder"),
      ("delete", "rows that are deleted for their age"),
    ]
  )

  static let aged = KnownKeys(
    "millrace.lifecycle.archive",
    [
      ("by", "the column of days or instants that tells a row's age, required"),
      ("after", "from which age on, required"),
      (
        "to", "the folder of the archives, relative to the project or absolute; for `archive` alone"
      ),
    ]
  )

  static let storage = KnownKeys(
    "millrace.storage",
    [
      ("price_per_gib_month", "what a GiB costs in a month where tables lie, required"),
      ("archive_price_per_gib_month", "the same where archives lie (as tables)"),
      ("currency", "the money of the prices (USD)"),
    ]
  )

  static let engine = KnownKeys("millrace.engine", [("kind", "duckdb, the one there is")])
}

extension KnownKeys {
  static let online = KnownKeys(
    "millrace.online",
    [
      ("kind", "sqlite or redis, required"),
      ("url", "where Redis listens, such as redis://127.0.0.1:6379/0; required for redis"),
      ("password_env", "the environment variable that holds the password (no password)"),
      ("prefix", "what the names of all keys begin with (millrace)"),
      ("timeout", "how long a read may take (250ms)"),
      ("connections", "connections at most, each with a thread (4)"),
    ]
  )
}

// MARK: - sources/*.yaml

extension KnownKeys {
  static let source = KnownKeys(
    "source",
    [
      ("description", "what the data is, for readers"),
      ("files", "a path or glob, or a list of them, relative to the project; required"),
      ("format", "csv, jsonl or parquet (told by the extension of the first file pattern)"),
      ("csv", "how CSV files are written"),
      ("columns", "column names with their types (found in the first file)"),
      ("nulls", "texts that mean null, for csv and jsonl (empty and NA)"),
      ("time_zone", "the zone of times that name none (UTC)"),
      ("on_change", "what to do with a known file that has other bytes: report, replace (report)"),
    ]
  )

  static let csv = KnownKeys(
    "source.csv",
    [
      ("delimiter", "one ASCII character (found in the first file)"),
      ("header", "whether the first line names the columns (true)"),
      ("nulls", "texts that mean null (empty and NA)"),
    ]
  )
}

// MARK: - models/*/*.sql

extension KnownKeys {
  static let model = KnownKeys(
    "model",
    [
      ("description", "what one row is, for readers"),
      ("keys", "columns in which rows that are the same thing agree; one of them is published"),
      ("dedupe", "which of the rows with one key is published"),
      ("partition_by", "columns by whose values the files are split"),
      ("incremental", "how a new version comes from the one before"),
      ("freshness", "how old the dataset may become, such as 24h"),
      ("repair", "changes of values before the rules judge, in this order"),
      ("expect", "rules that the rows are judged by"),
    ]
  )

  static let dedupe = KnownKeys(
    "model.dedupe",
    [("by", "columns of which the greatest values win; required")]
  )

  static let incremental = KnownKeys(
    "model.incremental",
    [("strategy", "full or append (full); required")]
  )

  static let repair = KnownKeys(
    "model.repair",
    [
      ("default", "a value in place of null"),
      ("impute", "a statistic of the other values in place of null"),
      ("clamp", "the nearest bound in place of a value outside of the bounds"),
    ]
  )

  static let fill = KnownKeys(
    "model.repair.default",
    [("column", "the column, required"), ("value", "the value, required")]
  )

  static let impute = KnownKeys(
    "model.repair.impute",
    [("column", "the column, required"), ("with", "median, mean or mode; required")]
  )

  static let clamp = KnownKeys(
    "model.repair.clamp",
    [
      ("column", "the column, required"),
      ("min", "the lower bound, a number, a day or an instant"),
      ("max", "the upper bound, a number, a day or an instant"),
    ]
  )
}

// MARK: - features/*.yaml

extension KnownKeys {
  static let features = KnownKeys(
    "features",
    [
      ("entities", "what features are about, by name"),
      ("views", "features of one source each, by name"),
      ("on_demand", "features that are computed of others when they are asked for, by name"),
      ("services", "the features of one model each, by name"),
    ]
  )

  private static let notes = [
    (name: "description", meaning: "what it is, for readers"),
    (name: "owner", meaning: "who answers for it"),
    (name: "tags", meaning: "words that it is found by"),
    (name: "deprecated", meaning: "what to use instead; said to whoever uses it"),
  ]

  static let entity = KnownKeys(
    "features.entities",
    [("keys", "key columns with their types, required")] + notes
  )

  static let view = KnownKeys(
    "features.views",
    [
      ("entity", "the entity that the features are about, or a list of them; required"),
      ("source", "the table that holds the rows, such as silver.payments; or `sql`"),
      ("sql", "one SELECT over tables, in place of `source`"),
      ("keys", "the source's columns for entity keys, where they are called otherwise"),
      ("time", "the column that says when a row happened, required"),
      ("time_zone", "the zone of times that name none (UTC)"),
      ("knowledge", "the column that says when a row came to be known (the time of the row)"),
      ("delay", "how long after it happened every row is known, in place of `knowledge`"),
      ("id", "a column that tells rows of one key and time apart; the greatest is the newest"),
      ("ttl", "for how long a latest value may be used (for ever)"),
      ("materialize", "when a server brings rows in: commit, manual, or how often (commit)"),
      ("freshness", "how old the newest row of a key may be before answers call it stale"),
      ("features", "columns whose newest value is a feature: a list, or names with their columns"),
      ("aggregates", "functions over windows that end at the time of the question"),
      (
        "max_events_per_key",
        "how many rows of a key are kept online for exact windows (none: for training alone)"
      ),
      ("statistics", "false: values are not counted when they are materialized (true)"),
    ] + notes
  )

  static let aggregate = KnownKeys(
    "features.views.aggregates",
    [
      ("of", "the column; left out to count rows"),
      ("by", "a function, or a list of them, such as sum, mean, distinct or p95; required"),
      ("over", "a window, or a list of them, such as 1h or 7d; required"),
      ("where", "which rows count, as a condition in SQL (all)"),
      ("name", "the first part of the features' names (the column)"),
      ("edge", "hop: windows begin with a hop; exact: to the microsecond (hop)"),
      ("hop", "10s, 1min, 5min, 1h or 1d (the largest of which the window holds 12)"),
    ]
  )

  static let onDemand = KnownKeys(
    "features.on_demand",
    [
      ("inputs", "what a request says, and labels have as columns: names and types"),
      ("uses", "features of views that expressions name: a list, or names with their features"),
      ("features", "names and expressions in SQL over inputs and uses; required"),
    ] + notes
  )

  static let service = KnownKeys(
    "features.services",
    [("features", "features as `view.feature`, or whole views; required")] + notes
  )
}

// MARK: - Rules

extension KnownKeys {
  static let rule = KnownKeys(
    "model.expect",
    [
      ("complete", "no nulls in these columns"),
      ("unique", "no two rows have the same values in these columns"),
      ("range", "values lie within bounds, both included"),
      ("pattern", "text contains an RE2 pattern"),
      ("allowed", "values are among those listed"),
      ("reference", "values are found in a column of another dataset"),
      ("rows", "bounds of the number of rows published"),
      ("sql", "an expression that is true or null for a good row"),
      ("query", "a query that returns violations"),
    ]
  )

  static let complete = ofRule("complete", columns)
  static let unique = ofRule("unique", columns)
  static let range = ofRule(
    "range",
    [
      column, ("min", "the lower bound, a number, a day or an instant"),
      ("max", "the upper bound, a number, a day or an instant"),
    ]
  )
  static let pattern = ofRule(
    "pattern",
    [column, ("regex", "an RE2 pattern, anchored with ^ and $ only; required")]
  )
  static let allowed = ofRule("allowed", [column, ("values", "the list of values, required")])
  static let reference = ofRule(
    "reference",
    [
      ("column", "the column"),
      ("columns", "the columns, in place of `column`"),
      ("to", "the dataset that holds the values, such as silver.cards; required"),
      ("key", "the column over there (the same name)"),
      ("keys", "the columns over there, in place of `key`"),
    ]
  )
  static let rows = ofRule(
    "rows",
    [("min", "the least number of rows"), ("max", "the greatest number of rows")]
  )
  static let predicate = ofRule(
    "sql",
    [("predicate", "the SQL expression, required")],
    name: "the name of the rule, required"
  )
  static let query = ofRule(
    "query",
    [("sql", "a SELECT over the new rows, under the dataset's own name; required")],
    name: "the name of the rule, required"
  )

  private static let column = (name: "column", meaning: "the column, required")
  private static let columns = [
    (name: "columns", meaning: "the columns, required; a bare list means the same")
  ]

  private static func ofRule(
    _ kind: String,
    _ keys: [(name: String, meaning: String)],
    name: String = "the name of the rule (its kind and columns)"
  ) -> KnownKeys {
    let common = [
      (name: "name", meaning: name),
      (name: "mostly", meaning: "the share of rows that must pass, more than 0, at most 1 (1)"),
      (
        name: "on_failure",
        meaning: kind == "rows" || kind == "query"
          ? "warn or fail (fail)" : "warn, quarantine or fail (quarantine)"
      ),
    ]
    return KnownKeys("model.expect.\(kind)", keys + common)
  }
}

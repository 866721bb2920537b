// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import MillDuckDB

/// What a careful engineer would write by hand for DuckDB to do the sample's work once: bronze
/// columns, dead letters, each SELECT to Parquet, bad rows split off with their rules.
///
/// It finds repeated keys before it ranks them, as Millrace does: the textbook `QUALIFY
/// row_number()` over everything would cost it more. It keeps no accounts, no statistics and no
/// history, and cannot be run twice.
struct SampleScript: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sample-script",
    shouldDisplay: false
  )

  @Argument var folder: String

  func run() throws {
    let out = "\(folder)/script"
    for layer in ["bronze", "dead_letters", "silver", "quarantine", "gold"] {
      try FileManager.default.createDirectory(
        atPath: "\(out)/\(layer)",
        withIntermediateDirectories: true
      )
    }
    let database = try Database(configuration: [
      "memory_limit": "1536MiB", "temp_directory": "\(out)/tmp",
    ])
    let connection = try database.connect()
    try connection.execute("SET TimeZone = 'UTC'")
    for statement in Self.bronze(folder, out) + Self.silver(out) + (try Self.gold(folder, out)) {
      try connection.execute(statement)
    }
  }

  private static let reserved = """
    NULL::INTEGER AS _partition, NULL::BIGINT AS _offset, NULL::VARCHAR AS _event_id,
    NULL::TIMESTAMPTZ AS _appended_at, now() AS _loaded_at, NULL::TIMESTAMPTZ AS _watermark,
    NULL::VARCHAR AS _rescued
    """

  private static func bronze(_ folder: String, _ out: String) -> [String] {
    let tables = [
      (
        "customers", "customers.csv",
        "{'customer_id':'VARCHAR','name':'VARCHAR','email':'VARCHAR','country':'VARCHAR','birth_date':'DATE','signed_up_at':'TIMESTAMPTZ'}"
      ),
      (
        "merchants", "merchants.csv",
        "{'merchant_id':'VARCHAR','name':'VARCHAR','category':'VARCHAR','country':'VARCHAR','risk_score':'DOUBLE'}"
      ),
      (
        "cards", "cards.csv",
        "{'card_id':'VARCHAR','customer_id':'VARCHAR','network':'VARCHAR','issued_on':'DATE','credit_limit':'BIGINT','status':'VARCHAR'}"
      ),
      (
        "payments_csv", "payments-2025-*.csv",
        "{'payment_id':'VARCHAR','card_id':'VARCHAR','merchant_id':'VARCHAR','amount':'DECIMAL(12,2)','currency':'VARCHAR','status':'VARCHAR','paid_at':'TIMESTAMPTZ','channel':'VARCHAR','country':'VARCHAR','ip':'VARCHAR'}"
      ),
    ]
    var statements = tables.flatMap { name, files, columns in
      [
        """
        COPY (SELECT * EXCLUDE (filename), filename AS _source, \(reserved)
          FROM read_csv('\(folder)/data/\(files)', auto_detect = false, header = true, delim = ',',
            quote = '"', escape = '"', nullstr = ['', 'NA'], columns = \(columns),
            store_rejects = true, rejects_table = 'errors_\(name)', rejects_scan = 'scans_\(name)',
            filename = true))
        TO '\(out)/bronze/\(name).parquet' (FORMAT parquet)
        """,
        """
        COPY (SELECT file_path, line, line_byte_position, error_type, column_name, error_message,
            csv_line, now() AS _loaded_at
          FROM errors_\(name) JOIN scans_\(name) USING (scan_id, file_id))
        TO '\(out)/dead_letters/\(name).parquet' (FORMAT parquet)
        """,
      ]
    }
    statements += [
      """
      CREATE VIEW lines AS SELECT line, filename, CASE WHEN json_valid(line) THEN TRY(
          json_transform_strict(line, '{"payment_id":"VARCHAR","card_id":"VARCHAR",
          "merchant_id":"VARCHAR","amount":"DECIMAL(12,2)","currency":"VARCHAR",
          "status":"VARCHAR","paid_at":"TIMESTAMPTZ","channel":"VARCHAR","country":"VARCHAR",
          "ip":"VARCHAR"}')) END AS p
        FROM read_csv('\(folder)/data/payments-2025-03.jsonl', auto_detect = false,
          header = false, delim = e'\\x01', quote = '', escape = '',
          columns = {'line': 'VARCHAR'}, filename = true) WHERE line <> ''
      """,
      """
      COPY (SELECT p.*, filename AS _source, \(reserved) FROM lines WHERE p IS NOT NULL)
      TO '\(out)/bronze/payments_json.parquet' (FORMAT parquet)
      """,
      """
      COPY (SELECT filename, line, now() AS _loaded_at FROM lines WHERE p IS NULL)
      TO '\(out)/dead_letters/payments_json.parquet' (FORMAT parquet)
      """,
    ]
    return statements
  }

  private struct Model {
    var name: String
    var select: String
    var key: String
    var rules: [(name: String, violation: String)]
    var order = ""
    var partition = ""
  }

  private static func write(_ model: Model, _ out: String) -> [String] {
    let broken = model.rules.map { "coalesce(\($0.violation), false)" }.joined(separator: " OR ")
    let names = model.rules
      .map { "CASE WHEN \($0.violation) THEN '\($0.name)' END" }
      .joined(separator: ", ")
    let survivors = "SELECT * FROM \(model.name)_rows WHERE NOT (\(broken))"
    return [
      "CREATE VIEW \(model.name)_rows AS \(model.select)",
      """
      CREATE TABLE \(model.name)_twice AS SELECT \(model.key) FROM (\(survivors))
      GROUP BY \(model.key) HAVING count(*) > 1
      """,
      """
      COPY (SELECT * FROM (\(survivors)) WHERE \(model.key) NOT IN (FROM \(model.name)_twice)
        UNION ALL
        SELECT * FROM (\(survivors)) WHERE \(model.key) IN (FROM \(model.name)_twice)
        QUALIFY row_number() OVER (PARTITION BY \(model.key) \(model.order)) = 1)
      TO '\(out)/silver/\(model.name)\(model.partition.isEmpty ? ".parquet" : "")'
      (FORMAT parquet\(model.partition))
      """,
      """
      COPY (SELECT *, list_filter([\(names)], lambda x: x IS NOT NULL) AS _rules
        FROM \(model.name)_rows WHERE \(broken))
      TO '\(out)/quarantine/\(model.name).parquet' (FORMAT parquet)
      """,
      "CREATE VIEW \(model.name) AS FROM read_parquet('\(out)/silver/\(model.name)\(model.partition.isEmpty ? ".parquet" : "/*/*.parquet")')",
    ]
  }

  private static func silver(_ out: String) -> [String] {
    let bronze = { (name: String) in "read_parquet('\(out)/bronze/\(name).parquet')" }
    let customers = Model(
      name: "customers",
      select: """
        SELECT customer_id, name, lower(email) AS email, coalesce(country, 'ZZ') AS country,
          birth_date, signed_up_at FROM \(bronze("customers"))
        """,
      key: "customer_id",
      rules: [
        ("complete", "customer_id IS NULL OR name IS NULL OR email IS NULL"),
        ("id", "NOT regexp_matches(customer_id, '^C[0-9]{8}$')"),
        ("email", "NOT regexp_matches(email, '^[^@ ]+@[^@ ]+[.][a-z]+$')"),
        ("country", "NOT regexp_matches(country, '^[A-Z]{2}$')"),
      ],
      order: "ORDER BY signed_up_at DESC"
    )
    let merchants = Model(
      name: "merchants",
      select: """
        SELECT merchant_id, name, category, country, coalesce(risk_score,
          (SELECT median(risk_score) FROM \(bronze("merchants")))) AS risk_score
        FROM \(bronze("merchants"))
        """,
      key: "merchant_id",
      rules: [
        ("complete", "merchant_id IS NULL OR name IS NULL OR country IS NULL"),
        ("id", "NOT regexp_matches(merchant_id, '^M[0-9]{7}$')"),
        (
          "category",
          "category NOT IN ('groceries','restaurants','fuel','fashion','electronics','travel','health','entertainment','utilities','digital')"
        ),
        ("risk", "risk_score < 0 OR risk_score > 1"),
      ]
    )
    let cards = Model(
      name: "cards",
      select: """
        SELECT card_id, customer_id, network, issued_on,
          least(greatest(credit_limit, 0), 100000) AS credit_limit, status
        FROM \(bronze("cards"))
        """,
      key: "card_id",
      rules: [
        ("complete", "card_id IS NULL OR customer_id IS NULL OR issued_on IS NULL"),
        ("id", "NOT regexp_matches(card_id, '^K[0-9]{8}$')"),
        ("network", "network NOT IN ('visa','mastercard','amex','maestro')"),
        ("status", "status NOT IN ('active','blocked','expired')"),
        ("customer", "customer_id NOT IN (SELECT customer_id FROM customers)"),
      ]
    )
    let columns =
      "payment_id, card_id, merchant_id, amount, currency, status, paid_at, channel, country, ip"
    let payments = Model(
      name: "payments",
      select: """
        SELECT payment_id, card_id, merchant_id, amount, currency, status,
          status IN ('captured', 'refunded') AS is_settled, paid_at,
          CAST(paid_at AS DATE) AS paid_on, strftime(CAST(paid_at AS DATE), '%Y-%m') AS paid_month,
          channel, country, ip
        FROM (SELECT \(columns) FROM \(bronze("payments_csv"))
          UNION ALL BY NAME SELECT \(columns) FROM \(bronze("payments_json")))
        """,
      key: "payment_id",
      rules: [
        (
          "complete",
          "payment_id IS NULL OR merchant_id IS NULL OR status IS NULL OR paid_at IS NULL"
        ),
        ("amount_present", "amount IS NULL"),
        ("card_present", "card_id IS NULL"),
        ("id", "NOT regexp_matches(payment_id, '^P[0-9]{10}$')"),
        ("amount", "amount < 0 OR amount > 50000"),
        ("currency", "NOT regexp_matches(currency, '^[A-Z]{3}$')"),
        ("country", "NOT regexp_matches(country, '^[A-Z]{2}$')"),
        ("status", "status NOT IN ('authorized','captured','declined','refunded')"),
        ("channel", "channel NOT IN ('chip','online','contactless')"),
        ("card", "card_id NOT IN (SELECT card_id FROM cards)"),
        ("merchant", "merchant_id NOT IN (SELECT merchant_id FROM merchants)"),
        ("quarter", "NOT paid_on BETWEEN DATE '2025-01-01' AND DATE '2025-03-31'"),
      ],
      order: "ORDER BY paid_at DESC",
      partition: ", PARTITION_BY (paid_month)"
    )
    return [customers, merchants, cards, payments].flatMap { write($0, out) }
  }

  /// The gold SELECTs are the project's own; only the names of tables are the script's.
  private static func gold(_ folder: String, _ out: String) throws -> [String] {
    let models: [(name: String, key: String, partition: String, rules: [(String, String)])] = [
      (
        "card_day", "(card_id, paid_on)", ", PARTITION_BY (paid_month)",
        [
          ("complete", "card_id IS NULL OR paid_on IS NULL OR spend IS NULL"),
          ("merchants", "merchants > payments"),
        ]
      ),
      (
        "merchant_month", "(merchant_id, paid_month, currency)", ", PARTITION_BY (paid_month)",
        [
          (
            "complete",
            "merchant_id IS NULL OR paid_month IS NULL OR currency IS NULL OR category IS NULL"
          ),
          ("refunds", "refund_share < 0 OR refund_share > 1"),
        ]
      ),
      (
        "customer_value", "customer_id", "",
        [
          ("complete", "customer_id IS NULL OR payments IS NULL OR spend IS NULL"),
          ("first", "first_paid_at > last_paid_at"),
        ]
      ),
    ]
    return try models.flatMap { name, key, partition, rules in
      let text = try String(contentsOfFile: "\(folder)/models/gold/\(name).sql", encoding: .utf8)
      var select = text.components(separatedBy: "*/").dropFirst().joined(separator: "*/")
      for table in ["payments", "cards", "customers", "merchants"] {
        select = select.replacingOccurrences(of: "silver.\(table)", with: table)
      }
      let broken = rules.map { "coalesce(\($0.1), false)" }.joined(separator: " OR ")
      let names = rules.map { "CASE WHEN \($0.1) THEN '\($0.0)' END" }.joined(separator: ", ")
      let target = "\(out)/gold/\(name)\(partition.isEmpty ? ".parquet" : "")"
      return [
        "CREATE TABLE \(name)_rows AS \(select)",
        "SELECT count(*) FROM (SELECT 1 FROM \(name)_rows GROUP BY \(key) HAVING count(*) > 1)",
        "COPY (FROM \(name)_rows WHERE NOT (\(broken))) TO '\(target)' (FORMAT parquet\(partition))",
        """
        COPY (SELECT *, list_filter([\(names)], lambda x: x IS NOT NULL) AS _rules
          FROM \(name)_rows WHERE \(broken)) TO '\(out)/quarantine/\(name).parquet' (FORMAT parquet)
        """,
        "DROP TABLE \(name)_rows",
      ]
    }
  }
}

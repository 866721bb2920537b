// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillEngine
internal import MillSQL

/// The rows of a view's source in a session, under columns that every query here knows.
///
/// ```text
/// k0, k1, …   the keys, in the types of the entity
/// t           when the row happened, in UTC microseconds
/// k           from when on it could be known, in UTC microseconds
/// place       the row's number in the source
/// (columns)   the source's own, under `s.`
/// ```
struct ViewRelation {
  /// The name of the relation in the session.
  let name: RelationName
  /// An expression over the relation that numbers its rows.
  let place: String
  let bound: BoundView
  let dialect: any Dialect

  /// More files than this are not told apart by their number; their rows are copied instead.
  static let filesMax = 2048

  /// The keys as `k0`, `k1`, ….
  var keyNames: [String] { bound.keys.indices.map { "k\($0)" } }

  /// The columns that every query wants: keys, `t`, `k`, `place`.
  var header: String {
    let keys = zip(keys, keyNames).map { "\($0) AS \($1)" }
    let parts = keys + ["\(time) AS t", "\(knowledge) AS k", "\(place) AS place"]
    return parts.joined(separator: ", ")
  }

  /// The keys in the types of the entity, as expressions over the relation.
  var keys: [String] {
    bound.keys.map { cast(dialect.quote($0.column), $0.key.type) }
  }

  /// When a row happened, in microseconds.
  var time: String { microseconds(bound.view.time, bound.timeType) }

  /// From when on a row could be known, in microseconds.
  var knowledge: String {
    switch bound.view.knowledge {
    case .column(let column): microseconds(column, bound.knowledgeType ?? .timestamp)
    case .delay(let delay) where delay == .zero: time
    // Of a time that no table can hold, nobody asks when it was known.
    case .delay(let delay):
      "CASE WHEN \(time) <= \(Instant.latest.microseconds) "
        + "THEN \(time) + \(delay.microsecondsWhole) END"
    }
  }

  /// Whether a row may be known at another time than its own event time says.
  var hasKnowledge: Bool {
    if case .column = bound.view.knowledge { true } else { false }
  }

  /// What tells rows of one key, t and k apart, as bytes of which the greatest is the last.
  ///
  /// It is the declared id, then a digest of what the view takes from the row: neither the order of
  /// files nor a column that nobody asked for decides.
  var identity: String {
    let cells = bound.valueColumns.map { column -> String in
      let name = dialect.quote(column)
      let isPlain = bound.source[name: column]?.type.isPrimitive ?? true
      let text = isPlain ? "CAST(\(name) AS VARCHAR)" : "CAST(to_json(\(name)) AS VARCHAR)"
      // With its length before it, no value can be taken for two, nor for null.
      return "coalesce(strlen(\(text)) || ':' || \(text), '-')"
    }
    let digest = cells.isEmpty ? "''" : "md5(concat(\(cells.joined(separator: ", "))))"
    guard let id = bound.view.id, let type = bound.source[name: id]?.type else {
      return "encode(\(digest))"
    }
    let name = dialect.quote(id)
    let text: String =
      switch type {
      case .string: "coalesce(\(name), '')"
      // Of one length, so that numbers compare as numbers.
      case _ where type.isWhole: numeral(name)
      case .decimal(_, let scale): decimal(name, scale: scale)
      case .double, .float: sortable(name)
      case .timestamp, .timestampWithoutZone: numeral("epoch_us(\(name))")
      default: "coalesce(CAST(\(name) AS VARCHAR), '')"
      }
    // A byte that comes before all others ends the id.
    return "encode(\(text) || chr(1) || \(digest))"
  }

  private func decimal(_ number: String, scale: Int) -> String {
    // Beyond all decimals, so that the sum is above zero and of one length.
    let shift = "CAST(1" + String(repeating: "0", count: 37) + " AS HUGEINT)"
    let digits = "CAST(replace(CAST(\(number) AS VARCHAR), '.', '') AS HUGEINT)"
    return "coalesce(lpad(CAST(\(digits) + \(shift) AS VARCHAR), 39, '0'), '')"
  }

  /// The bits of a double as digits that are in the order of numbers.
  private func sortable(_ number: String) -> String {
    let bits = "hex(CAST(CAST(CAST(\(number) AS DOUBLE) AS BIT) AS BLOB))"
    let turned = "translate(\(bits), '0123456789ABCDEF', 'FEDCBA9876543210')"
    return "coalesce(CASE WHEN \(number) < 0 THEN '0' || \(turned) ELSE '1' || \(bits) END, '')"
  }

  private func numeral(_ number: String) -> String {
    "coalesce(lpad(CAST(CAST(\(number) AS HUGEINT) + 9223372036854775808 AS VARCHAR), 20, '0'), '')"
  }

  private func cast(_ column: String, _ type: DataType) -> String {
    "CAST(\(column) AS \(dialect.typeName(type)))"
  }

  private func microseconds(_ column: String, _ type: DataType) -> String {
    let name = dialect.quote(column)
    switch type {
    case .timestampWithoutZone where bound.view.timeZone != "UTC":
      return "epoch_us(\(dialect.instant(ofNaive: name, in: bound.view.timeZone)))"
    case .date: return "epoch_us(CAST(\(name) AS TIMESTAMP))"
    default: return "epoch_us(\(name))"
    }
  }
}

extension Duration {
  /// Microseconds, what is finer cut off.
  var microsecondsWhole: Int64 {
    let (seconds, attoseconds) = components
    return seconds * 1_000_000 + attoseconds / 1_000_000_000_000
  }
}

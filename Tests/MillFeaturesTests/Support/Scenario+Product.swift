// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillFeatures
import MillLake
import MillTables
import Testing

/// The histories as a lake has them, and what the product makes of them.
extension Scenario {
  private var keyNames: [String] { entities.flatMap(\.keys).map(\.name) }

  /// The source's columns; narrow keys are stored wider than their entity has them.
  private var keyTypes: [DataType] {
    keys == .narrow ? [.long] : entities.flatMap(\.keys).map(\.type)
  }

  private func json(_ value: Datum) -> JSONValue {
    switch value {
    case .integer(let number): .int(number)
    case .double(let number): .real(number)
    case .decimal(let number, _):
      .string(
        (number < 0 ? "-" : "") + "\(number.magnitude / 100)."
          + "\(number.magnitude % 100 / 10)\(number.magnitude % 10)"
      )
    case .text(let text): .string(text)
    case .date(let date): .string("\(date)")
    case .instant(let instant): .string("\(instant)")
    default: .null
    }
  }

  private func moment(_ microseconds: Int64?) -> JSONValue {
    microseconds.map { .string("\(Instant(microseconds: $0))") } ?? .null
  }

  private var schema: Schema {
    let names = keyNames.map { isRenamed ? "the-\($0)" : $0 }
    return Schema(
      zip(names, keyTypes).map { Field($0, $1) } + [
        Field(
          "happened",
          times == .date ? .date : times == .naive ? .timestampWithoutZone : .timestamp
        ),
        Field("known", .timestamp), Field("id", idIsText ? .string : .long), Field("n", .long),
        Field("amount", .decimal(precision: 12, scale: 2)), Field("score", .double),
        Field("word", .string),
      ]
    )
  }

  /// As the rows come: a moment of a zone is cut to one without when it is written.
  private var arrivals: Schema {
    var schema = schema
    for index in schema.fields.indices where schema.fields[index].type == .timestampWithoutZone {
      schema.fields[index].type = .timestamp
    }
    return schema
  }

  private func cells(_ row: HistoryRow) -> [JSONValue] {
    let happened: JSONValue =
      switch times {
      case .date:
        row.t.map { .string("\(CivilDate(daysSinceEpoch: Int32(floor($0, day) / day)))") } ?? .null
      case .naive: moment(row.t.map { $0 + Self.zone })
      case .timestamp: moment(row.t)
      }
    return row.key.map(json) + [happened, moment(row.k), json(row.id)]
      + ["n", "amount", "score", "word"].map { json(row.values[$0] ?? .null) }
  }

  private var labelSchema: Schema {
    Schema(
      entities.flatMap(\.keys).map { Field("who-\($0.name)", $0.type) } + [
        Field("moment", .timestamp), Field("mark", .long),
      ]
    )
  }

  private var labelRows: [[JSONValue]] {
    questions.enumerated().map { index, question in
      question.key.map(json) + [moment(question.q), .int(index)]
    }
  }

  /// A lake that holds some of the rows, in three files, and the request for all features.
  func project(holding rows: ArraySlice<HistoryRow>) async throws -> (
    FeatureProject, TrainingSetRequest
  ) {
    let project = try FeatureProject(seed: seed + 1)
    let writer = try project.writer("silver.events")
    try await writer.table.prepare()
    try await writer.create(schema)
    let third = rows.count / 3
    for part in [
      rows.prefix(third), rows.dropFirst(third).prefix(third), rows.dropFirst(2 * third),
    ] { try await append(part, to: project) }
    let labels = try project.writer("gold.labels")
    try await labels.table.prepare()
    try await labels.append(.rows(labelRows, schema: labelSchema))
    let source: Labels.Source =
      seed % 2 == 0
      ? .sql("SELECT * FROM gold.labels ORDER BY mark")
      : .dataset(try #require(DatasetName("gold.labels")), nil)
    let request = TrainingSetRequest(
      name: "set",
      labels: Labels(
        source,
        time: "moment",
        keyColumns: Dictionary(uniqueKeysWithValues: keyNames.map { ($0, "who-\($0)") })
      ),
      features: [FeatureReference(view: "facts", feature: nil)],
      fullNames: hasFullNames,
      respectsKnowledge: respectsKnowledge
    )
    return (project, request)
  }

  private var hasFullNames: Bool { seed % 3 == 0 }

  func append(_ rows: ArraySlice<HistoryRow>, to project: FeatureProject) async throws {
    try await project.writer("silver.events").append(.rows(rows.map(cells), schema: arrivals))
  }

  /// A history and what the product says of it.
  typealias Answered = Task<(scenario: Scenario, answers: [[Datum]]), any Error>

  /// All histories, each worked out once and one after the other.
  static let answered: [Answered] = {
    var all: [Answered] = []
    for seed in UInt64(0)..<21 {
      let before = all.last
      all.append(
        Task {
          _ = await before?.result
          let scenario = Scenario(seed)
          return (scenario, try await scenario.answers())
        }
      )
    }
    return all
  }()

  /// What the product says: labels x features.
  private func answers() async throws -> [[Datum]] {
    let (project, request) = try await project(holding: rows[...])
    let (manifest, isNew) = try await project.store(definitions).makeTrainingSet(request)
    #expect(isNew)
    let columns = features.map { feature in
      (name: (hasFullNames ? "facts__" : "") + feature.name, type: feature.type)
    }
    let cells = try await project.cells(of: manifest, [("mark", .long)] + columns)
    #expect(
      cells.map { $0[0] } == questions.indices.map { .integer(Int64($0)) },
      "labels are out of order"
    )
    return cells.map { Array($0.dropFirst()) }
  }
}

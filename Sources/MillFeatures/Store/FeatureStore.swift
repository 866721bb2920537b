// SPDX-License-Identifier: Apache-2.0

public import MillCore
internal import MillEngine
internal import MillLake
internal import MillSQL

/// Features defined once: joined to labels as of their time, and looked up by their definitions.
///
/// ```swift
/// let store = FeatureStore(project.features, in: environment)
/// let set = try await store.makeTrainingSet("fraud", labels: labels, features: [.init("card_spend")!])
/// set.rows  // as many as there are labels
/// ```
public struct FeatureStore: Sendable {
  /// What is defined.
  public let definitions: FeatureDefinitions
  let environment: FeatureEnvironment
  /// What the SELECT of a view reads, as far as it was looked into.
  let inputs: [String: [DatasetName]]

  /// A store of definitions that ``FeatureDefinitions/check()`` found nothing wrong with.
  ///
  /// - Parameter inputs: What the SELECT of a view reads, by the view; what makes these is then part
  ///   of the view's hash. ``open(_:in:)`` finds it out.
  public init(
    _ definitions: FeatureDefinitions,
    in environment: FeatureEnvironment,
    inputs: [String: [DatasetName]] = [:]
  ) {
    self.definitions = definitions
    self.environment = environment
    self.inputs = inputs
  }

  /// A store whose hashes know what the SELECTs of views read.
  ///
  /// A SELECT that cannot be parsed is left for ``check()`` to report.
  ///
  /// - Throws: `EngineError` when the engine cannot be asked.
  public static func open(
    _ definitions: FeatureDefinitions,
    in environment: FeatureEnvironment
  ) async throws -> FeatureStore {
    var inputs: [String: [DatasetName]] = [:]
    for view in definitions.views {
      guard case .sql(let sql) = view.source else { continue }
      let references: [TableReference]
      do {
        references = try await environment.engine.references(in: sql)
      } catch let error as EngineError where error.code == "engine.sql" {
        continue
      }
      inputs[view.name] = references.compactMap { reference in
        reference.schema.flatMap { DatasetName("\($0).\(reference.name)") }
      }
    }
    return FeatureStore(definitions, in: environment, inputs: inputs)
  }

  var dialect: any Dialect { SQLDialects.named(environment.engine.dialect) }

  /// The hash of a view's definition and of what it depends on.
  public func hash(of view: FeatureViewDefinition) -> String {
    DefinitionHash.of(
      view,
      keys: definitions.keys(of: view),
      inputs: inputs[view.name] ?? [],
      upstream: environment.definitionHash ?? { _ in nil }
    )
  }

  /// The hash of on-demand features and of the views that they use.
  public func hash(of definition: OnDemandDefinition) -> String {
    DefinitionHash.of(definition) { name in definitions.view(name).map { hash(of: $0) } }
  }

  /// What is wrong with the definitions, and what could not be looked into.
  ///
  /// - Returns: All mistakes, and the views whose source has not been made yet.
  public func check() async throws -> (mistakes: [any Failure], unchecked: [String]) {
    let mistakes = definitions.check()
    guard mistakes.isEmpty else { return (mistakes, []) }
    var found: [any Failure] = []
    var unchecked: [String] = []
    var types: [ResolvedFeature: DataType] = [:]
    try await withSession("check features") { session in
      for view in definitions.views {
        do {
          let sources = try await sources(of: view, at: [:])
          for field in try await bind(view, sources, session).features {
            types[ResolvedFeature(view: view.name, name: field.name)] = field.type
          }
        } catch FeatureError.outdated(let name, let source) {
          unchecked.append("\(name), since \(source) was made by another definition")
        } catch FeatureError.notMade(let name, let source) {
          if let dataset = DatasetName(source), let hash = environment.definitionHash,
            hash(dataset) == nil
          {
            found.append(
              FeatureError.definition(
                view.place,
                name: name,
                problem: "there is no dataset \(source)"
              )
            )
            continue
          }
          let view = name
          unchecked.append("\(view), since \(source) has not been made")
        } catch let error as FeatureError {
          found.append(error)
        } catch let error as EngineError {
          found.append(
            FeatureError.definition(view.place, name: view.name, problem: error.description)
          )
        }
      }
    }
    for definition in definitions.onDemand {
      guard definition.uses.allSatisfy({ types[$0.feature] != nil }) else {
        unchecked.append("\(definition.name), since the types of what it uses are not known yet")
        continue
      }
      do {
        _ = try await bind(definition) { types[$0] }
      } catch let error as FeatureError {
        found.append(error)
      }
    }
    return (found, unchecked)
  }

  /// A view with the types of its features.
  ///
  /// - Throws: `FeatureError.notMade`, `.noColumn`, `.columnType`.
  public func bind(_ view: FeatureViewDefinition) async throws -> BoundView {
    try await withSession("bind \(view.name)") { session in
      try await bind(view, try await sources(of: view, at: [:]), session)
    }
  }

  // MARK: Sources

  /// The tables that a view reads, each in one version.
  ///
  /// - Parameter versions: By dataset; others are read as they are now.
  func sources(
    of view: FeatureViewDefinition,
    at versions: [String: Int64]
  ) async throws -> [DatasetName: Snapshot] {
    var names: [DatasetName] = []
    switch view.source {
    case .dataset(let dataset): names = [dataset]
    case .sql(let sql): names = try await datasets(in: sql, of: view.name)
    }
    var found: [DatasetName: Snapshot] = [:]
    for name in names {
      let version = versions[name.description].map { TableVersion($0) }
      guard let snapshot = try await snapshot(name, version) else {
        throw FeatureError.notMade(view: view.name, source: name.description)
      }
      // A hash of the definition of now would stand for rows of another one.
      if version == nil, let isPresent = environment.isPresent, !isPresent(snapshot, name) {
        throw FeatureError.outdated(view: view.name, source: name.description)
      }
      found[name] = snapshot
    }
    return found
  }

  func snapshot(_ name: DatasetName, _ version: TableVersion?) async throws -> Snapshot? {
    let table = environment.lake.table(name)
    guard let version else { return try await table.snapshotIfExists() }
    return try await table.snapshot(at: version)
  }

  /// The datasets that a query names.
  func datasets(in sql: String, of reader: String) async throws -> [DatasetName] {
    try await environment.engine.references(in: sql).map { reference in
      let text = [reference.schema, reference.name].compactMap { $0 }.joined(separator: ".")
      guard let name = DatasetName(text) else {
        throw FeatureError.unknown(.view, "\(text), which \(reader) reads", nearest: nil)
      }
      return name
    }
  }

  /// Holds a view against its source.
  func bind(
    _ view: FeatureViewDefinition,
    _ sources: [DatasetName: Snapshot],
    _ session: any EngineSession
  ) async throws -> BoundView {
    let schema: Schema
    switch view.source {
    case .dataset(let dataset):
      guard let snapshot = sources[dataset] else {
        throw FeatureError.notMade(view: view.name, source: dataset.description)
      }
      schema = snapshot.schema
    case .sql(let sql):
      try await define(sources, session)
      schema = try await session.published(sql).schema
    }
    return try BoundView(
      view,
      keys: definitions.keys(of: view),
      source: schema,
      conditions: try await conditions(of: view, over: schema)
    )
  }

  /// The conditions of aggregates, in SQL that looks at one row and nothing else.
  ///
  /// A window, a subquery or a clock in a condition would see other rows, and the future with them.
  private func conditions(
    of view: FeatureViewDefinition,
    over schema: Schema
  ) async throws -> [BoundView.Condition?] {
    var conditions: [BoundView.Condition?] = []
    for windowed in view.windowed {
      guard let text = windowed.filter else {
        conditions.append(nil)
        continue
      }
      func problem(_ reason: String) -> FeatureError {
        .definition(windowed.place, name: view.name, problem: "`where: \(text)`: \(reason)")
      }
      do {
        let expression = try await environment.engine.expression(of: text)
        let typed = try TypedExpression(expression, over: schema)
        guard typed.type == .boolean else {
          throw problem("it is no condition but a value of the type \(typed.type)")
        }
        conditions.append(
          .init(sql: typed.rendered(DuckDBDialect()), columns: expression.columns)
        )
      } catch let error as ExpressionError {
        throw problem(error.description)
      } catch let error as EngineError where error.code == "engine.sql" {
        throw problem(error.description)
      }
    }
    return conditions
  }

  /// A query with its times that name no zone as instants of one.
  ///
  /// To publish them would take them for UTC.
  func zoned(
    _ query: String,
    in zone: String,
    _ session: any EngineSession
  ) async throws -> String {
    guard zone != "UTC" else { return query }
    let rows = try await session.rows(
      "SELECT column_name, column_type FROM (DESCRIBE (\n\(query)\n))",
      limit: 100_000
    ).rows
    let naive = rows.filter { $0[1].text?.hasPrefix("TIMESTAMP") == true }
      .filter { $0[1].text?.contains("ZONE") == false }.compactMap(\.first?.text)
    guard !naive.isEmpty else { return query }
    let cells = rows.compactMap(\.first?.text).map { name in
      let column = dialect.quote(name)
      guard naive.contains(name) else { return column }
      return "\(dialect.instant(ofNaive: "CAST(\(column) AS TIMESTAMP)", in: zone)) AS \(column)"
    }
    return "SELECT \(cells.joined(separator: ", ")) FROM (\n\(query)\n)"
  }

  /// Defines tables under the names that users have for them.
  func define(_ sources: [DatasetName: Snapshot], _ session: any EngineSession) async throws {
    for (name, snapshot) in sources.sorted(by: { $0.key < $1.key }) {
      try await session.define(RelationName(name), as: try snapshot.contents)
    }
  }

  /// Defines the rows of a view's source in a session.
  ///
  /// - Parameter files: Of the one table that is read, only these; nil for all.
  func relation(
    of bound: BoundView,
    _ sources: [DatasetName: Snapshot],
    only files: [AddFile]? = nil,
    named name: String,
    _ session: any EngineSession
  ) async throws -> ViewRelation {
    let relation = RelationName(name)
    if case .dataset(let dataset) = bound.view.source, let snapshot = sources[dataset] {
      let contents = try files.map { try snapshot.contents(of: $0) } ?? snapshot.contents
      if contents.files.count <= ViewRelation.filesMax {
        try await session.define(relation, as: contents, withPlaces: true)
        let files = contents.files.map { dialect.literal($0.location) }.joined(separator: ", ")
        let file = dialect.quote(RowPlace.file)
        // The file's number is looked up once for a stretch of its rows, which all have one name.
        let number = contents.files.count < 2 ? "0" : "list_position([\(files)], \(file))"
        return ViewRelation(
          name: relation,
          place: "(CAST(\(number) AS BIGINT) << 40) + \(dialect.quote(RowPlace.row))",
          bound: bound,
          dialect: dialect
        )
      }
    }
    for (name, snapshot) in sources.sorted(by: { $0.key < $1.key }) {
      try await session.define(
        RelationName(name),
        as: try files.map { try snapshot.contents(of: $0) } ?? snapshot.contents
      )
    }
    let query: String
    switch bound.view.source {
    case .dataset(let dataset):
      query = "SELECT * FROM \(dialect.quote([dataset.layer.rawValue, dataset.name]))"
    case .sql(let sql): query = try await zoned(sql, in: bound.view.timeZone, session)
    }
    try await session.define(
      relation,
      as: "SELECT *, row_number() OVER () AS mill_number FROM (\n\(query)\n)",
      keeping: .stored
    )
    return ViewRelation(name: relation, place: "mill_number", bound: bound, dialect: dialect)
  }

  // MARK: Sessions

  func withSession<T>(
    _ name: String,
    _ body: (any EngineSession) async throws -> T
  ) async throws -> T {
    let session = try await environment.engine.session(named: name)
    do {
      let result = try await body(session)
      await session.close()
      return result
    } catch {
      await session.close()
      throw error
    }
  }
}

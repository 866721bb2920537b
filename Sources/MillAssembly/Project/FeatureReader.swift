// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillFeatures
internal import MillTiles

extension ProjectFile {
  /// Reads the entities, views and services of a file in `features`; nil if there is nothing to read.
  func features() -> FeatureDefinitions? {
    guard let root = root(of: text) else {
      if problems.isEmpty {
        report("the file is empty", at: place, hint: "begin with `entities:` or `views:`")
      }
      return nil
    }
    guard let keys = root.mapping(.features) else { return nil }
    return FeatureDefinitions(
      entities: named(keys["entities"], "entities by name") { $0.entity($1, $2) },
      views: named(keys["views"], "feature views by name") { $0.view($1, $2) },
      onDemand: named(keys["on_demand"], "on-demand views by name") { $0.onDemand($1, $2) },
      services: named(keys["services"], "services by name") { $0.service($1, $2) }
    )
  }

  private func named<Definition>(
    _ value: YAMLValue?,
    _ what: String,
    _ read: (YAMLValue, String, SourcePlace) -> Definition?
  ) -> [Definition] {
    guard let value else { return [] }
    return (value.entries(what) ?? []).compactMap { key, place, value in
      guard DatasetName.isName(key) else {
        report("`\(key)` is no name", at: place, hint: nameHint)
        return nil
      }
      return read(value, key, place)
    }
  }
}

extension YAMLValue {
  fileprivate func entity(_ name: String, _ place: SourcePlace) -> EntityDefinition? {
    guard let keys = mapping(.entity), let listed = keys.required("keys"),
      let entries = listed.entries("key columns and their types")
    else { return nil }
    guard !entries.isEmpty else {
      listed.report("the entity has no key", hint: "write `keys: {card_id: string}`")
      return nil
    }
    let found = entries.compactMap { key, place, value -> EntityDefinition.Key? in
      guard DatasetName.isName(key) else {
        file.report("`\(key)` is no name", at: place, hint: nameHint)
        return nil
      }
      return value.columnType().map { EntityDefinition.Key(key, $0) }
    }
    return EntityDefinition(name: name, keys: found, notes: keys.notes(), place: place)
  }

  fileprivate func view(_ name: String, _ place: SourcePlace) -> FeatureViewDefinition? {
    guard let keys = mapping(.view) else { return nil }
    if keys["entity"] == nil { _ = keys.required("entity") }
    let entities = keys["entity"]?.texts("entities") ?? []
    let time = keys.required("time")?.text("a column")
    guard let source = keys.source(), let time else { return nil }
    var view = FeatureViewDefinition(
      name: name,
      entities: entities,
      source: source,
      time: time,
      notes: keys.notes(),
      place: place
    )
    for (key, _, value) in keys["keys"]?.entries("entity keys and their columns") ?? [] {
      view.keyColumns[key] = value.text("a column")
    }
    if let zone = keys["time_zone"]?.timeZone() { view.timeZone = zone }
    if let column = keys["knowledge"]?.text("a column") { view.knowledge = .column(column) }
    if let value = keys["delay"], let delay = value.duration() {
      view.knowledge = .delay(delay)
      if keys["knowledge"] != nil {
        value.report(
          "`knowledge` and `delay` are both there",
          hint: "a column says when a row was known, or a delay does: remove one"
        )
      }
    }
    view.id = keys["id"]?.text("a column")
    view.ttl = keys["ttl"]?.duration()
    view.freshness = keys["freshness"]?.duration()
    if let value = keys["materialize"] {
      switch value.exactText() {
      case "commit": view.schedule = .commit
      case "manual": view.schedule = .manual
      default:
        guard let time = value.duration() else { break }
        view.schedule = .every(time)
      }
    }
    if let keeps = keys["statistics"]?.bool() { view.keepsStatistics = keeps }
    view.latest = keys["features"]?.latest() ?? []
    view.windowed = keys["aggregates"]?.list("aggregates")?.compactMap { $0.windowed() } ?? []
    view.eventsPerKeyMax = keys["max_events_per_key"]?.integer(1...1_000_000).map { Int($0) }
    if let value = keys["max_events_per_key"], !view.hasExactWindows {
      value.report(
        "`max_events_per_key` is for exact windows, and the view has none",
        hint: "write `edge: exact` at an aggregate, or remove `max_events_per_key`"
      )
    }
    if view.latest.isEmpty, let ttl = keys["ttl"] {
      ttl.report(
        "`ttl` is for latest values, and the view has none",
        hint: "a window is forgotten by itself: remove `ttl`"
      )
    }
    return view
  }

  fileprivate func onDemand(_ name: String, _ place: SourcePlace) -> OnDemandDefinition? {
    guard let keys = mapping(.onDemand), let computed = keys.required("features") else {
      return nil
    }
    let inputs = (keys["inputs"]?.entries("request values and their types") ?? []).compactMap {
      key,
      place,
      value -> Field? in
      guard DatasetName.isName(key) else {
        file.report("`\(key)` is no name", at: place, hint: nameHint)
        return nil
      }
      return value.columnType().map { Field(key, $0) }
    }
    return OnDemandDefinition(
      name: name,
      inputs: inputs,
      uses: keys["uses"]?.uses() ?? [],
      features: (computed.entries("features and their expressions") ?? []).compactMap {
        key,
        place,
        value in
        guard DatasetName.isName(key) else {
          file.report("`\(key)` is no name", at: place, hint: nameHint)
          return nil
        }
        return value.text("an expression").map { .init(name: key, sql: $0, place: value.place) }
      },
      notes: keys.notes(),
      place: place
    )
  }

  /// Features by their names in expressions, or a list of features that are called as they are.
  private func uses() -> [OnDemandDefinition.Use] {
    func feature(_ value: YAMLValue) -> ResolvedFeature? {
      guard let text = value.text("a feature") else { return nil }
      guard let reference = FeatureReference(text), let name = reference.feature else {
        value.report("`\(text)` is no feature", hint: "write `view.feature`")
        return nil
      }
      return ResolvedFeature(view: reference.view, name: name)
    }
    guard case .mapping = content else {
      return (list("features") ?? []).compactMap { value in
        feature(value).map { .init(name: $0.name, feature: $0) }
      }
    }
    return (entries("names and features") ?? []).compactMap { key, place, value in
      guard DatasetName.isName(key) else {
        file.report("`\(key)` is no name", at: place, hint: nameHint)
        return nil
      }
      return feature(value).map { .init(name: key, feature: $0) }
    }
  }

  fileprivate func service(_ name: String, _ place: SourcePlace) -> FeatureServiceDefinition? {
    guard let keys = mapping(.service),
      let values = keys.required("features")?.list("features")
    else { return nil }
    let references = values.compactMap { value -> FeatureReference? in
      guard let text = value.text("a feature") else { return nil }
      guard let reference = FeatureReference(text) else {
        value.report("`\(text)` is no feature", hint: "write `view.feature`, or a view's name")
        return nil
      }
      return reference
    }
    return FeatureServiceDefinition(
      name: name,
      features: references,
      notes: keys.notes(),
      place: place
    )
  }

  /// Columns by the feature's name, or a list of columns that are called as they are.
  private func latest() -> [FeatureViewDefinition.Latest] {
    guard case .mapping = content else {
      return (texts("columns") ?? []).map { .init(name: $0, column: $0) }
    }
    return (entries("features and their columns") ?? []).compactMap { key, place, value in
      guard DatasetName.isName(key) else {
        file.report("`\(key)` is no name", at: place, hint: nameHint)
        return nil
      }
      return value.text("a column").map { .init(name: key, column: $0) }
    }
  }

  private func windowed() -> FeatureViewDefinition.Windowed? {
    guard let keys = mapping(.aggregate) else { return nil }
    let column = keys["of"]?.text("a column")
    let functions = keys.required("by")?.functions() ?? []
    let words = keys.required("over")?.texts("windows") ?? []
    let name = keys["name"]?.name() ?? column ?? ""
    guard !functions.isEmpty, !words.isEmpty else { return nil }
    if column == nil, let function = functions.first(where: { $0 != .count }) {
      keys.value.report(
        "`\(function)` needs a column",
        hint: "add `of: COLUMN`; only `count` counts rows"
      )
      return nil
    }
    let edge = keys["edge"]?.choice(EdgeName.self, "edge")
    let hop = keys["hop"].flatMap { $0.hop() }
    if edge == .exact, let value = keys["hop"] {
      value.report("an exact window has no `hop`", hint: "remove it, or write `edge: hop`")
    }
    let windows = words.compactMap { word in
      keys["over"]?.window(word, edge ?? .hop, hop)
    }
    guard windows.count == words.count else { return nil }
    return FeatureViewDefinition.Windowed(
      name: name,
      column: column,
      filter: keys["where"]?.text("a condition"),
      aggregations: functions,
      windows: windows,
      place: place
    )
  }

  private func functions() -> [Aggregation] {
    (texts("functions") ?? []).compactMap { text in
      if let function = Aggregation(name: text) { return function }
      report(
        "`\(text)` is no aggregate",
        hint: suggestion(for: text, among: Aggregation.names, label: "there are")
      )
      return nil
    }
  }

  private func hop() -> Hop? {
    guard let text = text("a hop") else { return nil }
    if let hop = Hop(text: text) { return hop }
    report("`\(text)` is no hop", hint: "there are 10s, 1min, 5min, 1h and 1d")
    return nil
  }

  private func window(
    _ word: String,
    _ edge: EdgeName,
    _ hop: Hop?
  ) -> FeatureViewDefinition.Span? {
    guard let length = Duration(text: word), length > .zero else {
      report("`\(word)` is no window", hint: "write a number and a unit, such as 1h, 24h or 7d")
      return nil
    }
    guard word.utf8.allSatisfy({ $0 != UInt8(ascii: ".") && $0 != UInt8(ascii: " ") }) else {
      report("`\(word)` cannot be part of a name", hint: "write whole numbers, such as 90m")
      return nil
    }
    let window: Window?
    switch edge {
    case .exact: window = Window(length: length, edge: .exact)
    case .hop:
      guard let hop = hop ?? Hop.default(for: length) else {
        report(
          "no hop suits a window of \(word)",
          hint: "add `hop: 10s`, `1min`, `5min`, `1h` or `1d`, or `edge: exact`"
        )
        return nil
      }
      window = Window(length: length, edge: .hop(hop))
    }
    guard let window else {
      report("the window \(word) is shorter than its hop", hint: "choose a smaller hop")
      return nil
    }
    return FeatureViewDefinition.Span(word: word, window: window)
  }
}

/// Where windows begin.
private enum EdgeName: String, CaseIterable {
  case exact, hop
}

extension YAMLMapping {
  fileprivate func notes() -> DefinitionNotes {
    DefinitionNotes(
      description: self["description"]?.text(),
      owner: self["owner"]?.text(),
      tags: self["tags"]?.texts("tags") ?? [],
      deprecated: self["deprecated"]?.text("what to use instead")
    )
  }

  fileprivate func source() -> FeatureViewDefinition.Source? {
    if let sql = self["sql"] {
      if self["source"] != nil {
        sql.report("`source` and `sql` are both there", hint: "remove one")
      }
      return sql.text("one SELECT").map { .sql($0) }
    }
    guard let value = required("source"), let text = value.text("a table") else { return nil }
    guard let dataset = DatasetName(text) else {
      value.report("`\(text)` is no table", hint: "write its layer and name, such as silver.cards")
      return nil
    }
    return .dataset(dataset)
  }
}

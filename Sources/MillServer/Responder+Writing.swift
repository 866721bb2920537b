// SPDX-License-Identifier: Apache-2.0

internal import HTTPTypes
internal import MillAssembly
internal import MillCore
internal import MillFeatures
internal import NIOCore

/// Requests that change what is served.
extension Responder {
  /// How many columns rows may have: each takes room for a value of every row.
  private static let columnsMax = 512

  // MARK: Rows

  /// `POST /push`: rows of a source, by the name of a push source, which is the name of a view.
  func push(_ body: ByteBuffer, _ header: String?) async throws -> Answer {
    let object = try object(body)
    let source = try text("push_source_name", object)
    let target = object["to"]?.text ?? "online"
    guard ["online", "offline", "online_and_offline"].contains(target) else {
      throw FeaturesRequest.mistake("`to` is online, offline or online_and_offline")
    }
    guard target == "online" else {
      throw FeaturesRequest.mistake(
        "rows go to the online store alone here: append them to the source of \(source) as well, and "
          + "it is materialized from there"
      )
    }
    _ = try tokens.require([.push(view: source)], header)
    guard state.features.definitions.view(source) != nil else {
      let names = state.features.definitions.views.map(\.name)
      var failure = HTTPFailure(
        .unprocessableContent,
        "features.unknown",
        "Unable to find push source '\(source)'.",
        feastClass: "PushSourceNotFoundException"
      )
      failure.nearest = nearestName(to: source, among: names)
      throw failure
    }
    _ = try await write(rows(object), to: source)
    return Answer()
  }

  /// `POST /write-to-online-store`: rows of a view.
  func writeToOnlineStore(_ body: ByteBuffer, _ header: String?) async throws -> Answer {
    let object = try object(body)
    let view = try text("feature_view_name", object)
    _ = try tokens.require([.push(view: view)], header)
    _ = try await write(rows(object), to: view)
    return Answer(body: ByteBuffer(string: "null"))
  }

  /// `POST /v1/push`: the same with an answer that says what became of the rows.
  func pushRows(_ body: ByteBuffer, _ header: String?) async throws -> Answer {
    let object = try object(body)
    let view = try text("view", object)
    _ = try tokens.require([.push(view: view)], header)
    guard let list = object["rows"]?.array else {
      throw FeaturesRequest.mistake("`rows` is no list of objects")
    }
    guard list.count <= FeatureStore.pushedMax else {
      throw FeaturesRequest.mistake(
        "\(list.count) rows were pushed to \(view) at a time, and \(FeatureStore.pushedMax) is the most"
      )
    }
    var names: [String] = []
    // By their bytes, as objects tell their keys apart.
    var columns: [ByteKey: [JSONValue]] = [:]
    for (index, row) in list.enumerated() {
      guard let row = row.object else { throw FeaturesRequest.mistake("row \(index) is no object") }
      for name in row.keys where columns[ByteKey(name)] == nil {
        names.append(name)
        columns[ByteKey(name)] = Array(repeating: .null, count: index)
      }
      guard names.count <= Self.columnsMax else {
        throw FeaturesRequest.mistake("the rows have more than \(Self.columnsMax) columns")
      }
      for name in names { columns[ByteKey(name)]?.append(row[name] ?? .null) }
    }
    let rows = PushedRows(columns: names.map { ($0, columns[ByteKey($0)] ?? []) })
    let report =
      list.isEmpty ? PushReport(rows: 0, newer: 0) : try await write(rows, to: view)
    let json: JSONValue = [
      "view": .string(view), "rows": .int(report.rows), "newer": .int(report.newer),
    ]
    return Answer(body: ByteBuffer(string: json.serialized()), entities: report.rows)
  }

  private func write(_ rows: PushedRows, to view: String) async throws -> PushReport {
    try await state.pushes.pass {
      try await state.features.push(rows, to: view, into: state.serving.store)
    }
  }

  /// A data frame as Feast's client sends it.
  ///
  /// It calls the time of a row `event_timestamp` and that of its making `created`, whatever the source
  /// calls them, and counts moments in seconds.
  private func rows(_ object: JSONObject) throws -> PushedRows {
    guard let frame = object["df"]?.object else {
      throw FeaturesRequest.mistake("`df` is no object of columns")
    }
    return PushedRows(
      columns: try frame.map { name, value in
        guard let values = value.array else {
          throw FeaturesRequest.mistake("the column \(name) of `df` is no list")
        }
        return (name, values)
      },
      isFrame: true
    )
  }

  // MARK: Materialization

  /// `POST /materialize` and `/materialize-incremental`.
  ///
  /// Which rows are taken is a matter of what the store has, not of a range: `start_ts` is read and
  /// bounds nothing, `end_ts` is as of when rows are taken, at the latest now.
  func materialize(
    _ body: ByteBuffer,
    _ header: String?,
    isIncremental: Bool,
    query: [String]
  ) async throws -> Answer {
    _ = try tokens.require([.admin], header)
    let object = try object(body)
    func moment(_ key: String) throws -> Instant? {
      guard let value = object[key], value != .null else { return nil }
      guard let text = value.text, let time = Instant(iso8601: text) else {
        throw FeaturesRequest.mistake("`\(key)` is no time such as 2025-03-31T12:00:00Z")
      }
      return time
    }
    let start = try moment("start_ts")
    let end = try moment("end_ts")
    if !isIncremental, object["disable_event_timestamp"] != .bool(true) {
      guard let start, let end else {
        throw FeaturesRequest.mistake("`start_ts` and `end_ts` are missing")
      }
      guard start < end else { throw FeaturesRequest.mistake("`start_ts` is not before `end_ts`") }
    }
    let now = state.world.clock.now()
    let views = try names(object["feature_views"])
    if query.contains("async=true") {
      try requireIdle(views)
      state.materializeLater(views, asOf: end.map { min($0, now) })
      let json: JSONValue = [
        "status": "accepted", "feature_views": .array(views.map { .string($0) }),
      ]
      return Answer(status: .accepted, body: ByteBuffer(string: json.serialized()))
    }
    _ = try await bring(views, asOf: end.map { min($0, now) })
    return Answer(body: ByteBuffer(string: "null"))
  }

  /// `POST /v1/materialize`: the same with an answer that says what was done.
  func materializeViews(_ body: ByteBuffer, _ header: String?) async throws -> Answer {
    _ = try tokens.require([.admin], header)
    let object = try object(body)
    let reports = try await bring(try names(object["views"]), asOf: nil)
    let json: JSONValue = [
      "views": .array(
        reports.map { report in
          [
            "view": .string(report.view), "read": .string(report.kind.rawValue),
            "keys": .int(report.keys), "changed": .int(report.changed),
            "removed": .int(report.removed),
          ]
        }
      )
    ]
    return Answer(body: ByteBuffer(string: json.serialized()))
  }

  private func bring(
    _ views: [String],
    asOf: Instant?
  ) async throws -> [MaterializationReport] {
    var reports: [MaterializationReport] = []
    for view in views {
      reports.append(try await state.materialize(view, asOf: asOf))
    }
    await state.refreshDefinitions()
    return reports
  }

  private func requireIdle(_ views: [String]) throws(HTTPFailure) {
    for view in views where state.isBusy(view) { throw Self.busy(view) }
  }

  private static func busy(_ view: String) -> HTTPFailure {
    HTTPFailure(.conflict, "server.busy", "\(view) is being materialized already")
  }

  /// The views that are named, or all that can be served.
  private func names(_ value: JSONValue?) throws -> [String] {
    let features = state.features
    guard let value, value != .null else {
      return features.definitions.views.filter { features.isServable($0) }.map(\.name)
    }
    guard let list = value.array else { throw FeaturesRequest.mistake("the views are no list") }
    return try list.map { item in
      guard let name = item.text else { throw FeaturesRequest.mistake("a view is no text") }
      guard features.definitions.view(name) != nil else {
        throw FeatureError.unknown(
          .view,
          name,
          nearest: nearestName(to: name, among: features.definitions.views.map(\.name))
        )
      }
      return name
    }
  }

  // MARK: Bodies

  private func object(_ body: ByteBuffer) throws -> JSONObject {
    let json = try body.withSpan { bytes throws(JSONError) in
      try JSONValue(parsing: bytes, depthMax: 32)
    }
    guard let object = json.object else {
      throw FeaturesRequest.mistake("the body is no JSON object")
    }
    return object
  }

  private func text(_ key: String, _ object: JSONObject) throws -> String {
    guard let text = object[key]?.text else { throw FeaturesRequest.mistake("`\(key)` is no text") }
    return text
  }
}

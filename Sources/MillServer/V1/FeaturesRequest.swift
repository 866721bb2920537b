// SPDX-License-Identifier: Apache-2.0

internal import HTTPTypes
internal import MillCore
internal import MillFeatures

/// The body of `POST /v1/features`.
///
/// ```json
/// {"service": "fraud", "entities": [{"card_id": "K1", "amount": 12.5}]}
/// ```
/// An entity says its keys, and what on-demand features want to know of the request.
struct FeaturesRequest {
  var service: String?
  var features: [FeatureReference]
  var entities: [JSONObject]

  init(_ bytes: Span<UInt8>) throws {
    let json = try JSONValue(parsing: bytes, depthMax: 32)
    guard let body = json.object else { throw Self.mistake("the body is no JSON object") }
    for key in body.keys where !["service", "features", "entities"].contains(key) {
      let near = nearestName(to: key, among: ["service", "features", "entities"])
      throw Self.mistake(
        "the body has a key \(key)"
          + (near.map { ": did you mean \($0)?" } ?? ", which means nothing")
      )
    }
    if let value = body["service"], value != .null {
      guard let name = value.text else { throw Self.mistake("`service` is no text") }
      service = name
    }
    var references: [FeatureReference] = []
    if let value = body["features"], value != .null {
      guard let list = value.array else { throw Self.mistake("`features` is no list") }
      try FeastRequest.requireFew(list.count)
      for item in list {
        guard let text = item.text, let reference = FeatureReference(text) else {
          throw Self.mistake("a feature is written as `view.feature`, or as `view` for all of one")
        }
        references.append(reference)
      }
    }
    features = references
    guard (service == nil) == !references.isEmpty else {
      throw Self.mistake("say which features: either `service` or `features`")
    }
    guard let list = body["entities"]?.array else { throw Self.mistake("`entities` is no list") }
    entities = try list.map { item in
      guard let entity = item.object else { throw Self.mistake("an entity is no object") }
      return entity
    }
  }

  static func mistake(_ text: String) -> HTTPFailure {
    HTTPFailure(.unprocessableContent, "server.body", text)
  }

  /// Keys and request values, as a plan wants them.
  func columns(for plan: ServingPlan, limit: Int) throws -> FeastRequest.Entities {
    guard entities.count <= limit else { throw KeyReader.tooMany(limit) }
    var columns = plan.keys.map { _ in KeyColumn() }
    var inputs: [[Datum]] = []
    let known = plan.keys.map(\.name) + plan.inputs.map(\.name)
    for (row, entity) in entities.enumerated() {
      for name in entity.keys where !known.contains(name) {
        let near = nearestName(to: name, among: known)
        var failure = HTTPFailure(
          .unprocessableContent,
          "server.unknown-key",
          "entity \(row) says \(name), which none of these features asks for"
            + (near.map { ": did you mean \($0)?" } ?? "")
        )
        failure.nearest = near
        throw failure
      }
      for (place, key) in plan.keys.enumerated() {
        guard let value = entity[key.name] else {
          throw HTTPFailure(
            .unprocessableContent,
            "server.missing-key",
            "entity \(row) lacks the key \(key.name)"
          )
        }
        columns[place].append(try Self.datum(value, key.type, key.name, row))
      }
      if !plan.inputs.isEmpty {
        inputs.append(
          try plan.inputs.map { field in
            guard let value = entity[field.name] else { return .null }
            return try Self.datum(value, field.type, field.name, row)
          }
        )
      }
    }
    return FeastRequest.Entities(count: entities.count, keys: columns, inputs: inputs)
  }

  private static func datum(
    _ value: JSONValue,
    _ type: DataType,
    _ name: String,
    _ row: Int
  ) throws -> Datum {
    guard let datum = Datum(value, as: type) else {
      throw HTTPFailure(
        .unprocessableContent,
        "server.value-type",
        "\(name) of entity \(row) is no \(type)"
      )
    }
    return datum
  }
}

// SPDX-License-Identifier: Apache-2.0

internal import HTTPTypes
internal import MillCore
internal import MillFeatures

/// The body of `POST /get-online-features`, taken apart as far as its entities.
///
/// ```json
/// {"features": ["view:feature"], "entities": {"driver_id": [1, 2]}, "full_feature_names": false}
/// ```
/// > Source: Feast 0.67, sdk/python/feast/feature_server.py, `GetOnlineFeaturesRequest`.
struct FeastRequest {
  /// The bytes that say which features are wanted: a plan is found by them.
  var words: [UInt8] = []
  /// Whether features are called `view__feature`.
  var hasFullNames = false
  /// Whether the answer names the versions of views.
  var hasVersions = false
  private var features: Range<Int>?
  private var service: Range<Int>?
  private var entities: Int?

  static let depthMax = 32

  /// Reads a whole body once; it is well-formed UTF-8 JSON afterwards.
  init(_ bytes: Span<UInt8>) throws {
    do {
      _ = try UTF8Span(validating: bytes)
    } catch {
      throw JSONError(offset: error.byteOffsets.lowerBound, reason: .invalidUTF8)
    }
    var parser = JSONParser(depthMax: Self.depthMax)
    guard try parser.beginning(bytes) == .object else {
      throw HTTPFailure(.unprocessableContent, "server.body", "the body is no JSON object")
    }
    try parser.enter()
    var isFirst = true
    while let key = try parser.nextKey(bytes, &isFirst) {
      let kind = try parser.beginning(bytes)
      let start = parser.offset
      try parser.skip(bytes)
      let range = start..<parser.offset
      switch (key, kind) {
      case ("features", .array): features = range
      case ("feature_service", .string): service = range
      case ("entities", .object): entities = start
      case ("full_feature_names", .boolean):
        hasFullNames = bytes[start] == UInt8(ascii: "t")
      case ("include_feature_view_version_metadata", .boolean):
        hasVersions = bytes[start] == UInt8(ascii: "t")
      case ("features", .null), ("feature_service", .null): break
      case ("features", _), ("feature_service", _), ("entities", _), ("full_feature_names", _),
        ("include_feature_view_version_metadata", _):
        throw HTTPFailure(
          .unprocessableContent,
          "server.body",
          "\(key) has another type than it must have"
        )
      default: break
      }
    }
    try parser.end(bytes)
    // As with Feast, a service comes before a list.
    guard let wanted = service ?? features else {
      throw HTTPFailure(
        .unprocessableContent,
        "server.body",
        "the body says neither `features` nor `feature_service`"
      )
    }
    guard entities != nil else {
      throw HTTPFailure(
        .unprocessableContent,
        "server.body",
        "the body has no `entities`"
      )
    }
    words.reserveCapacity(wanted.count + 1)
    words.append(hasFullNames ? 1 : 0)
    bytes.extracting(wanted).withUnsafeBufferPointer { words.append(contentsOf: $0) }
  }

  /// The service that is asked for; nil for a list of features.
  func serviceName(_ bytes: Span<UInt8>) throws -> String? {
    guard let service else { return nil }
    var parser = JSONParser(depthMax: Self.depthMax, from: service.lowerBound)
    return try parser.string(bytes)
  }

  /// The features that are asked for, `view:feature`.
  func references(_ bytes: Span<UInt8>) throws -> [FeatureReference] {
    guard let features else { return [] }
    var parser = JSONParser(depthMax: Self.depthMax, from: features.lowerBound)
    guard case .array(let values) = try parser.value(bytes) else { return [] }
    try Self.requireFew(values.count)
    guard !values.isEmpty else {
      throw HTTPFailure(.unprocessableContent, "server.body", "the list of `features` is empty")
    }
    return try values.map { value in
      guard let text = value.text,
        case let parts = text.split(separator: ":", omittingEmptySubsequences: false),
        parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty
      else {
        throw HTTPFailure(
          .unprocessableContent,
          "server.body",
          "a feature is written as `view:feature`"
        )
      }
      return FeatureReference(view: String(parts[0]), feature: String(parts[1]))
    }
  }

  /// Features that one request may name.
  static let featuresMax = 2_000

  static func requireFew(_ count: Int) throws(HTTPFailure) {
    guard count <= featuresMax else {
      throw HTTPFailure(
        .contentTooLarge,
        "server.too-many-features",
        "\(count) features are named, and \(featuresMax) is the most: send several requests"
      )
    }
  }

  /// The entities of a request, as a plan wants them.
  struct Entities {
    var count = 0
    /// One for each of the plan's keys.
    var keys: [KeyColumn] = []
    /// entities x inputs.
    var inputs: [[Datum]] = []
  }

  private func requireList(
    _ parser: inout JSONParser,
    _ bytes: Span<UInt8>,
    _ name: String
  ) throws {
    guard try parser.beginning(bytes) == .array else {
      throw HTTPFailure(
        .unprocessableContent,
        "server.body",
        "the values of \(name) are no list"
      )
    }
  }

  /// Reads keys and request values, column by column.
  func entities(
    _ bytes: Span<UInt8>,
    for plan: ServingPlan,
    limit: Int
  ) throws -> Entities {
    var parser = JSONParser(depthMax: Self.depthMax, from: entities ?? 0)
    try parser.enter()
    var keys: [KeyColumn?] = plan.keys.map { _ in nil }
    var inputs: [[Datum]?] = plan.inputs.map { _ in nil }
    var counts: [(name: String, count: Int)] = []
    var others: [String] = []
    var isFirst = true
    while let name = try parser.nextKey(bytes, &isFirst) {
      if let place = plan.keys.firstIndex(where: { $0.name == name }) {
        try requireList(&parser, bytes, name)
        let column = try KeyReader(type: plan.keys[place].type, name: name, limit: limit)
          .read(&parser, bytes)
        counts.append((name, column.count))
        keys[place] = column
      } else if let place = plan.inputs.firstIndex(where: { $0.name == name }) {
        try requireList(&parser, bytes, name)
        let field = plan.inputs[place]
        guard case .array(let values) = try parser.value(bytes) else { continue }
        guard values.count <= limit else { throw KeyReader.tooMany(limit) }
        inputs[place] = try values.enumerated().map { row, value in
          guard let datum = Datum(value, as: field.type) else {
            throw HTTPFailure(
              .unprocessableContent,
              "server.value-type",
              "value \(row) of \(name) is no \(field.type)"
            )
          }
          return datum
        }
        counts.append((name, values.count))
      } else {
        // As with Feast, what these features do not ask for is left aside; a key that is misspelled is
        // missing below.
        others.append(name)
        try parser.skip(bytes)
      }
    }
    for (key, column) in zip(plan.keys, keys) where column == nil {
      let near = nearestName(to: key.name, among: others)
      throw HTTPFailure(
        .unprocessableContent,
        "server.missing-key",
        "the entities lack the key \(key.name)"
          + (near.map { ": is it what is called \($0)?" } ?? "")
      )
    }
    let count = counts.first?.count ?? 0
    if let other = counts.first(where: { $0.count != count }), let first = counts.first {
      throw HTTPFailure(
        .unprocessableContent,
        "server.ragged",
        "\(first.name) has \(first.count) values and \(other.name) has \(other.count)"
      )
    }
    var entities = Entities(count: count, keys: keys.compactMap { $0 })
    if !plan.inputs.isEmpty {
      let nulls = Array(repeating: Datum.null, count: count)
      let columns = inputs.map { $0 ?? nulls }
      entities.inputs = (0..<count).map { row in columns.map { $0[row] } }
    }
    return entities
  }
}

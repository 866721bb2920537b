// SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import MillCore
internal import MillTiles

/// The identity of a view: everything that decides its values, and nothing that does not.
///
/// Descriptions, owners, tags and the order of files do not; the keys of entities and what makes the
/// source do.
enum DefinitionHash {
  /// SHA-256 as 64 lower-case hexadecimal digits.
  static func sha256(_ text: String) -> String { sha256(Array(text.utf8)) }

  /// The same of bytes.
  static func sha256(_ bytes: [UInt8]) -> String {
    SHA256.hash(data: bytes).map { byte in
      let digits = String(byte, radix: 16)
      return digits.count == 1 ? "0" + digits : digits
    }.joined()
  }

  /// The hash of a view.
  ///
  /// - Parameters:
  ///   - inputs: The datasets that the view's SELECT reads.
  ///   - upstream: The hash of what makes a dataset.
  static func of(
    _ view: FeatureViewDefinition,
    keys: [EntityDefinition.Key],
    inputs: [DatasetName],
    upstream: (DatasetName) -> String?
  ) -> String {
    sha256(canonical(view, keys, inputs, upstream).serialized())
  }

  /// The hash of on-demand features.
  ///
  /// - Parameter view: The hash of a view that is used.
  static func of(
    _ definition: OnDemandDefinition,
    view: (String) -> String?
  ) -> String {
    sha256(canonical(definition, view: view).serialized())
  }

  /// Everything that decides on-demand features.
  static func canonical(
    _ definition: OnDemandDefinition,
    view: (String) -> String?
  ) -> JSONValue {
    [
      "inputs": .array(
        definition.inputs.map { ["name": .string($0.name), "type": $0.type.json] }
      ),
      "uses": .array(
        definition.uses.map { use in
          [
            "name": .string(use.name), "feature": .string(use.feature.description),
            "view": view(use.feature.view).map { .string($0) } ?? .null,
          ]
        }
      ),
      "features": .array(
        definition.features.map { ["name": .string($0.name), "sql": .string($0.sql)] }
      ),
    ]
  }

  /// Everything that an entity is.
  static func canonical(_ entity: EntityDefinition) -> JSONValue {
    [
      "keys": .array(entity.keys.map { ["name": .string($0.name), "type": $0.type.json] })
    ]
  }

  /// The features of a service, in order, with the hashes of what defines them.
  static func canonical(
    _ features: [ResolvedFeature],
    view: (String) -> String?
  ) -> JSONValue {
    [
      "features": .array(
        features.map { feature in
          [
            "feature": .string(feature.description),
            "view": view(feature.view).map { .string($0) } ?? .null,
          ]
        }
      )
    ]
  }

  /// Everything that decides the values of a view.
  static func canonical(
    _ view: FeatureViewDefinition,
    _ keys: [EntityDefinition.Key],
    _ inputs: [DatasetName],
    _ upstream: (DatasetName) -> String?
  ) -> JSONValue {
    var json = JSONObject()
    json["keys"] = .array(
      keys.map { key in
        [
          "name": .string(key.name), "type": key.type.json,
          "column": .string(view.keyColumns[key.name] ?? key.name),
        ]
      }
    )
    switch view.source {
    case .dataset(let dataset):
      json["source"] = .string(dataset.description)
      json["made_by"] = upstream(dataset).map { .string($0) } ?? .null
    case .sql(let sql):
      json["sql"] = .string(sql)
      json["made_by"] = .array(
        inputs.sorted().map { upstream($0).map { .string($0) } ?? .null }
      )
    }
    json["time"] = .string(view.time)
    json["time_zone"] = .string(view.timeZone)
    switch view.knowledge {
    case .column(let column): json["knowledge"] = .string(column)
    case .delay(let delay): json["delay"] = .int(delay.microsecondsWhole)
    }
    json["id"] = view.id.map { .string($0) } ?? .null
    json["ttl"] = view.ttl.map { .int($0.microsecondsWhole) } ?? .null
    if let events = view.eventsPerKeyMax { json["max_events_per_key"] = .int(events) }
    json["latest"] = .array(
      view.latest.map { ["name": .string($0.name), "column": .string($0.column)] }
    )
    json["windowed"] = .array(
      view.windowed.flatMap { windowed in
        windowed.features.map { feature in
          [
            "name": .string(feature.name),
            "column": windowed.column.map { .string($0) } ?? .null,
            "filter": windowed.filter.map { .string($0) } ?? .null,
            "function": .string(feature.aggregation.description),
            "window": .int(feature.window.length.microsecondsWhole),
            "edge": feature.window.edgeJSON,
          ]
        }
      }
    )
    return .object(json)
  }
}

extension Window {
  /// The edge, for a hash.
  fileprivate var edgeJSON: JSONValue {
    switch edge {
    case .exact: "exact"
    case .hop(let hop): .int(hop.microseconds)
    }
  }
}

// SPDX-License-Identifier: Apache-2.0

internal import MillCore

/// Why a line of a commit is not an action.
package struct ActionError: Error, Equatable {
  package var reason: String
}

extension Action {
  /// The action as one line of a commit, without the line's end.
  package var line: String {
    let (name, body): (String, JSONValue) =
      switch self {
      case .add(let file): ("add", file.json)
      case .remove(let file): ("remove", file.json)
      case .metadata(let metadata): ("metaData", metadata.json)
      case .protocol(let version): ("protocol", version.json)
      case .transaction(let identifier): ("txn", identifier.json)
      case .commitInfo(let info): ("commitInfo", .object(info))
      case .other(let name, let body): (name, body)
      }
    var object = JSONObject()
    object[name] = body
    return JSONValue.object(object).serialized()
  }

  /// Reads one line of a commit.
  package init(line: [UInt8]) throws(ActionError) {
    let value: JSONValue
    do {
      value = try JSONValue(parsing: line)
    } catch {
      throw ActionError(reason: "\(error)")
    }
    guard let object = value.object else { throw ActionError(reason: "a line is not an object") }
    // A line holds one action; fields that are null are as good as absent.
    let present = object.filter { !$0.value.isNull }
    guard let (name, body) = present.first else {
      throw ActionError(reason: "a line holds no action")
    }
    guard present.count == 1 else {
      throw ActionError(reason: "a line holds \(present.count) actions")
    }
    do {
      switch name {
      case "add": self = .add(try AddFile(json: body))
      case "remove": self = .remove(try RemoveFile(json: body))
      case "metaData": self = .metadata(try TableMetadata(json: body))
      case "protocol": self = .protocol(try TableProtocol(json: body))
      case "txn": self = .transaction(try TransactionIdentifier(json: body))
      case "commitInfo": self = .commitInfo(body.object ?? JSONObject())
      default: self = .other(name: name, body)
      }
    } catch {
      throw ActionError(reason: "\(name): \(error.reason)")
    }
  }
}

extension JSONValue {
  fileprivate func required<T>(_ key: String, _ value: T?) throws(ActionError) -> T {
    guard let value else { throw ActionError(reason: "field \(key) is missing or of another type") }
    return value
  }

  /// An object whose values are text or null; nil when the field is absent or null.
  fileprivate func textMap(_ key: String) throws(ActionError) -> [String: String?]? {
    guard let value = self[key], !value.isNull else { return nil }
    guard let object = value.object else { throw ActionError(reason: "\(key) is not an object") }
    var map: [String: String?] = [:]
    for (name, value) in object {
      guard value.isNull || value.text != nil else {
        throw ActionError(reason: "\(key).\(name) is not text")
      }
      map[name] = .some(value.text)
    }
    return map
  }
}

extension [String: String?] {
  fileprivate var json: JSONValue {
    var object = JSONObject()
    for key in keys.sorted() {
      object[key] = self[key].flatMap { $0 }.map { .string($0) } ?? .null
    }
    return .object(object)
  }
}

extension AddFile {
  fileprivate init(json: JSONValue) throws(ActionError) {
    self.init(
      path: try json.required("path", json["path"]?.text),
      partitionValues: try json.textMap("partitionValues") ?? [:],
      size: try json.required("size", json["size"]?.integer),
      modificationTime: json["modificationTime"]?.integer ?? 0,
      dataChange: json["dataChange"]?.bool ?? true,
      stats: json["stats"]?.text,
      tags: (try json.textMap("tags") ?? [:]).compactMapValues { $0 }
    )
    if let vector = json["deletionVector"], !vector.isNull {
      throw ActionError(reason: "deletion vectors are not supported")
    }
  }

  fileprivate var json: JSONValue {
    var object = JSONObject()
    object["path"] = .string(path)
    object["partitionValues"] = partitionValues.json
    object["size"] = .int(size)
    object["modificationTime"] = .int(modificationTime)
    object["dataChange"] = .bool(dataChange)
    if let stats { object["stats"] = .string(stats) }
    if !tags.isEmpty { object["tags"] = tags.mapValues { Optional($0) }.json }
    return .object(object)
  }
}

extension RemoveFile {
  fileprivate init(json: JSONValue) throws(ActionError) {
    self.init(
      path: try json.required("path", json["path"]?.text),
      deletionTimestamp: json["deletionTimestamp"]?.integer,
      dataChange: json["dataChange"]?.bool ?? true,
      partitionValues: try json.textMap("partitionValues"),
      size: json["size"]?.integer
    )
  }

  fileprivate var json: JSONValue {
    var object = JSONObject()
    object["path"] = .string(path)
    if let deletionTimestamp { object["deletionTimestamp"] = .int(deletionTimestamp) }
    object["dataChange"] = .bool(dataChange)
    if let partitionValues, let size {
      object["extendedFileMetadata"] = .bool(true)
      object["partitionValues"] = partitionValues.json
      object["size"] = .int(size)
    }
    return .object(object)
  }
}

extension TableMetadata {
  fileprivate init(json: JSONValue) throws(ActionError) {
    let provider = json["format"]?["provider"]?.text ?? "parquet"
    guard provider == "parquet" else { throw ActionError(reason: "format \(provider)") }
    let schema: Schema
    do {
      let text = try json.required("schemaString", json["schemaString"]?.text)
      schema = try Schema(schemaString: text)
    } catch let error as ActionError {
      throw error
    } catch {
      throw ActionError(reason: "\(error)")
    }
    self.init(
      id: try json.required("id", json["id"]?.text),
      name: json["name"]?.text,
      description: json["description"]?.text,
      schema: schema,
      partitionColumns: json["partitionColumns"]?.array?.compactMap(\.text) ?? [],
      createdTime: json["createdTime"]?.integer,
      configuration: (try json.textMap("configuration") ?? [:]).compactMapValues { $0 }
    )
  }

  fileprivate var json: JSONValue {
    var object = JSONObject()
    object["id"] = .string(id)
    if let name { object["name"] = .string(name) }
    if let description { object["description"] = .string(description) }
    object["format"] = .object(["provider": .string("parquet"), "options": .object([:])])
    object["schemaString"] = .string(schema.schemaString)
    object["partitionColumns"] = .array(partitionColumns.map { .string($0) })
    if let createdTime { object["createdTime"] = .int(createdTime) }
    object["configuration"] = configuration.mapValues { Optional($0) }.json
    return .object(object)
  }
}

extension TableProtocol {
  fileprivate init(json: JSONValue) throws(ActionError) {
    self.init(
      minReaderVersion: Int(
        try json.required("minReaderVersion", json["minReaderVersion"]?.integer)
      ),
      minWriterVersion: Int(
        try json.required("minWriterVersion", json["minWriterVersion"]?.integer)
      ),
      readerFeatures: json["readerFeatures"]?.array?.compactMap(\.text),
      writerFeatures: json["writerFeatures"]?.array?.compactMap(\.text)
    )
  }

  fileprivate var json: JSONValue {
    var object = JSONObject()
    object["minReaderVersion"] = .int(Int64(minReaderVersion))
    object["minWriterVersion"] = .int(Int64(minWriterVersion))
    if let readerFeatures {
      object["readerFeatures"] = .array(readerFeatures.map { .string($0) })
    }
    if let writerFeatures {
      object["writerFeatures"] = .array(writerFeatures.map { .string($0) })
    }
    return .object(object)
  }
}

extension TransactionIdentifier {
  fileprivate init(json: JSONValue) throws(ActionError) {
    self.init(
      appID: try json.required("appId", json["appId"]?.text),
      version: try json.required("version", json["version"]?.integer),
      lastUpdated: json["lastUpdated"]?.integer
    )
  }

  fileprivate var json: JSONValue {
    var object = JSONObject()
    object["appId"] = .string(appID)
    object["version"] = .int(version)
    if let lastUpdated { object["lastUpdated"] = .int(lastUpdated) }
    return .object(object)
  }
}

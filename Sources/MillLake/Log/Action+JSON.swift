// SPDX-License-Identifier: Apache-2.0

internal import MillCore

/// Why a line of a commit is not an action.
package struct ActionError: Error, Equatable {
  package var reason: String
  /// The feature that is missing here, when the action is well formed.
  package var feature: String?

  package init(reason: String, feature: String? = nil) {
    self.reason = reason
    self.feature = feature
  }
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
      case .domain(let domain): ("domainMetadata", domain.json)
      case .change(let file): ("cdc", file.json)
      case .sidecar(let file): ("sidecar", file.json)
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
      case "domainMetadata": self = .domain(try DomainMetadata(json: body))
      case "cdc": self = .change(try ChangeFile(json: body))
      case "sidecar": self = .sidecar(try SidecarFile(json: body))
      default: self = .other(name: name, body)
      }
    } catch {
      throw ActionError(reason: "\(name): \(error.reason)", feature: error.feature)
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
      tags: (try json.textMap("tags") ?? [:]).compactMapValues { $0 },
      deletionVector: try json.deletionVector()
    )
    guard AddFile.sizes.contains(size) else {
      throw ActionError(reason: "the size \(size) is none that a file has")
    }
    guard let object = json.object, object.count > 5 else { return }
    for (key, value) in object where !Self.knownKeys.contains(key) && !value.isNull {
      others[key] = value
    }
  }

  private static let knownKeys: Set<String> = [
    "path", "partitionValues", "size", "modificationTime", "dataChange", "stats", "tags",
    "deletionVector",
  ]

  fileprivate var json: JSONValue {
    var object = JSONObject()
    object["path"] = .string(path)
    object["partitionValues"] = partitionValues.json
    object["size"] = .int(size)
    object["modificationTime"] = .int(modificationTime)
    object["dataChange"] = .bool(dataChange)
    if let stats { object["stats"] = .string(stats) }
    if !tags.isEmpty { object["tags"] = tags.mapValues { Optional($0) }.json }
    if let deletionVector { object["deletionVector"] = deletionVector.json }
    for (key, value) in others { object[key] = value }
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
      size: json["size"]?.integer,
      deletionVector: try json.deletionVector()
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
    if let deletionVector { object["deletionVector"] = deletionVector.json }
    return .object(object)
  }
}

extension JSONValue {
  fileprivate func deletionVector() throws(ActionError) -> DeletionVectorReference? {
    guard let json = self["deletionVector"], !json.isNull else { return nil }
    guard let kind = json["storageType"]?.text,
      let storage = DeletionVectorReference.StorageType(rawValue: kind)
    else { throw ActionError(reason: "the storage type of a deletion vector is unknown") }
    return DeletionVectorReference(
      storageType: storage,
      pathOrInlineDv: try json.required("pathOrInlineDv", json["pathOrInlineDv"]?.text),
      offset: json["offset"]?.integer.flatMap { Int(exactly: $0) },
      sizeInBytes: Int(try json.required("sizeInBytes", json["sizeInBytes"]?.integer)),
      cardinality: try json.required("cardinality", json["cardinality"]?.integer)
    )
  }
}

extension AddFile {
  /// Sizes and counts that a file can have; sums of them over any table fit.
  static let sizes: ClosedRange<Int64> = 0...(1 << 42)
}

extension DeletionVectorReference {
  var json: JSONValue {
    var object = JSONObject()
    object["storageType"] = .string(storageType.rawValue)
    object["pathOrInlineDv"] = .string(pathOrInlineDv)
    if let offset { object["offset"] = .int(Int64(offset)) }
    object["sizeInBytes"] = .int(Int64(sizeInBytes))
    object["cardinality"] = .int(cardinality)
    return .object(object)
  }
}

extension DomainMetadata {
  fileprivate init(json: JSONValue) throws(ActionError) {
    self.init(
      domain: try json.required("domain", json["domain"]?.text),
      configuration: json["configuration"]?.text ?? "",
      isRemoved: json["removed"]?.bool ?? false
    )
  }

  fileprivate var json: JSONValue {
    [
      "domain": .string(domain), "configuration": .string(configuration),
      "removed": .bool(isRemoved),
    ]
  }
}

extension ChangeFile {
  fileprivate init(json: JSONValue) throws(ActionError) {
    self.init(
      path: try json.required("path", json["path"]?.text),
      partitionValues: try json.textMap("partitionValues") ?? [:],
      size: json["size"]?.integer ?? 0
    )
  }

  fileprivate var json: JSONValue {
    [
      "path": .string(path), "partitionValues": partitionValues.json, "size": .int(size),
      "dataChange": false,
    ]
  }
}

extension SidecarFile {
  fileprivate init(json: JSONValue) throws(ActionError) {
    self.init(
      path: try json.required("path", json["path"]?.text),
      sizeInBytes: json["sizeInBytes"]?.integer ?? 0
    )
  }

  fileprivate var json: JSONValue {
    ["path": .string(path), "sizeInBytes": .int(sizeInBytes)]
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
    } catch SchemaError.unsupportedType(let name, let path) {
      throw ActionError(
        reason: "a type is unknown",
        feature: "columns of type \(name) (\(path))"
      )
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

// MARK: - Parts for checkpoints

extension Action {
  /// The action's name in a log and its body as JSON text.
  package var kindAndBody: (kind: String, body: String) {
    let line = line
    // A line is `{"kind":body}`.
    let kind = line.dropFirst(2).prefix { $0 != "\"" }
    return (String(kind), String(line.dropFirst(kind.count + 4).dropLast()))
  }
}

extension AddFile {
  /// The partition values as a JSON object.
  package var partitionValuesText: String { partitionValues.json.serialized() }
  /// The tags as a JSON object.
  package var tagsText: String { tags.mapValues { Optional($0) }.json.serialized() }
  /// The deletion vector as a JSON object.
  package var deletionVectorText: String? { deletionVector?.json.serialized() }
}

extension FileBlock.Builder {
  /// The deletion vector of the newest file, from JSON text.
  package mutating func setVector(_ text: String) throws(ActionError) {
    var object = JSONObject()
    do throws(JSONError) {
      object["deletionVector"] = try JSONValue(parsing: text)
    } catch {
      throw ActionError(reason: "\(error)")
    }
    setRare(deletionVector: try JSONValue.object(object).deletionVector())
  }
}

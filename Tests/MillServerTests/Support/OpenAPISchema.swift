// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillServer

/// As much of JSON Schema as the server's own description uses.
enum OpenAPISchema {
  private static let document = OpenAPIDescription.json

  /// What is wrong with an answer by the description; nil where nothing is.
  static func problem(_ reply: HTTPReply, _ method: String, _ path: String) -> String? {
    guard let operation = document["paths"]?[path]?[method.lowercased()] else {
      return "\(method) \(path) is not described"
    }
    guard var answer = operation["responses"]?[String(reply.status)] else {
      return "\(method) \(path) may not answer \(reply.status)"
    }
    if let name = answer["$ref"]?.text { answer = resolve(name) }
    guard let schema = answer["content"]?["application/json"]?["schema"] else {
      return reply.body.isEmpty ? nil : "\(path) has a body, and none is described"
    }
    guard let json = reply.json else { return "\(path): the body is no JSON: \(reply.text)" }
    return problem(json, schema, at: path)
  }

  private static func resolve(_ reference: String) -> JSONValue {
    reference.split(separator: "/").dropFirst().reduce(document) { value, name in
      value[String(name)] ?? .null
    }
  }

  private static func problem(_ value: JSONValue, _ schema: JSONValue, at place: String) -> String?
  {
    if let name = schema["$ref"]?.text { return problem(value, resolve(name), at: place) }
    if let choices = schema["enum"]?.array, !choices.contains(value) {
      return "\(place) is \(value.serialized())"
    }
    if let type = schema["type"] {
      let names = type.array?.compactMap(\.text) ?? [type.text ?? ""]
      guard names.contains(where: { isOne(value, $0) }) else {
        return "\(place) is no \(names.joined(separator: " or "))"
      }
    }
    if let object = value.object {
      for name in schema["required"]?.array ?? [] where object[name.text ?? ""] == nil {
        return "\(place) lacks \(name.text ?? "")"
      }
      for (name, value) in object {
        let schema = schema["properties"]?[name] ?? schema["additionalProperties"]
        if let schema, let found = problem(value, schema, at: "\(place).\(name)") { return found }
      }
    }
    if let items = schema["items"], let values = value.array {
      for (index, value) in values.enumerated() {
        if let found = problem(value, items, at: "\(place)[\(index)]") { return found }
      }
    }
    return nil
  }

  private static func isOne(_ value: JSONValue, _ type: String) -> Bool {
    switch (value, type) {
    case (.null, "null"), (.bool, "boolean"), (.number, "number"), (.string, "string"),
      (.array, "array"), (.object, "object"):
      true
    case (.number(let number), "integer"): number.integer != nil
    default: false
    }
  }
}

extension HTTPReply {
  /// What is wrong with an error as the clients of a path want it; nil where nothing is.
  func errorProblem(_ path: String) -> String? {
    guard status >= 400 else { return "\(status) is no error" }
    guard let json else { return "the body of \(status) is no JSON: \(text)" }
    if path.hasPrefix("/v1/") {
      guard let error = json["error"], error["code"]?.text?.contains(".") == true,
        error["message"]?.text?.isEmpty == false
      else { return "the error has no code or message: \(text)" }
      return nil
    }
    guard let inner = json.text, let detail = try? JSONValue(parsing: inner),
      detail["module"] == "feast.errors", detail["class"]?.text?.isEmpty == false,
      detail["message"]?.text?.isEmpty == false, detail.object?.count == 3
    else { return "the error is none of Feast: \(text)" }
    return nil
  }
}

// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillEngine

/// DuckDB's parse tree of one SELECT.
struct ParseTree {
  private let tree: JSONValue
  private let text: String

  init(_ tree: JSONValue, text: String) {
    self.tree = tree
    self.text = text
  }

  /// The one statement.
  var root: JSONValue { tree["statements"]?[0] ?? .null }

  /// The tables that the query names, names of its own common table expressions left out.
  ///
  /// - Throws: `EngineError.sql` when the text is not exactly one SELECT or reads files by itself.
  func references() throws(EngineError) -> [TableReference] {
    if tree["error"]?.bool == true {
      let message = tree["error_message"]?.text ?? "this is not SQL"
      let offset = tree["position"]?.text.flatMap { Int($0) }
      if tree["error_type"]?.text == "not implemented" {
        throw .sql(message: "a model is one SELECT: \(message)", line: nil, column: nil)
      }
      throw error(message, at: offset)
    }
    guard let statements = tree["statements"]?.array, statements.count == 1 else {
      let count = tree["statements"]?.array?.count ?? 0
      throw .sql(
        message: count == 0 ? "there is no SELECT" : "a model is one SELECT, here are \(count)",
        line: nil,
        column: nil
      )
    }
    var found: [TableReference] = []
    try visit(statements[0], visible: [], into: &found)
    return found
  }

  private func visit(
    _ value: JSONValue,
    visible: Set<String>,
    into found: inout [TableReference]
  ) throws(EngineError) {
    if let items = value.array {
      for item in items { try visit(item, visible: visible, into: &found) }
      return
    }
    guard let object = value.object else { return }
    var visible = visible
    if let expressions = value["cte_map"]?["map"]?.array {
      // A common table expression sees those before it, and itself only if it is recursive.
      for expression in expressions {
        let name = expression["key"]?.text?.lowercased() ?? ""
        let body = expression["value"] ?? .null
        let isRecursive = body["query_node"]?["type"]?.text == "RECURSIVE_CTE_NODE"
        try visit(body, visible: isRecursive ? visible.union([name]) : visible, into: &found)
        visible.insert(name)
      }
    }
    switch value["type"]?.text {
    case "BASE_TABLE":
      let name = value["table_name"]?.text ?? ""
      let location = value["query_location"]?.integer.flatMap { Int(exactly: $0) }
      if let catalog = value["catalog_name"]?.text, !catalog.isEmpty {
        throw error(
          "there is no dataset \(catalog).\(name): names have a layer and a word",
          at: location
        )
      }
      let schema = value["schema_name"]?.text.flatMap { $0.isEmpty ? nil : $0 }
      if schema != nil || !visible.contains(name.lowercased()) {
        found.append(
          TableReference(
            schema: schema,
            name: name,
            offset: value["query_location"]?.integer.flatMap { Int(exactly: $0) } ?? 0
          )
        )
      }
    case "TABLE_FUNCTION":
      let function = value["function"]?["function_name"]?.text ?? ""
      if !Self.pureFunctions.contains(function.lowercased()) {
        throw error(
          "\(function) reads from outside of the lake: declare a source and read bronze.NAME",
          at: value["query_location"]?.integer.flatMap { Int(exactly: $0) }
        )
      }
    case "SHOW_REF":
      throw error(
        "a model is made from datasets, not from what the engine tells of itself",
        at: nil
      )
    default: break
    }
    for (key, member) in object where key != "cte_map" {
      try visit(member, visible: visible, into: &found)
    }
  }

  private static let pureFunctions: Set<String> = [
    "range", "generate_series", "unnest", "json_each", "json_tree", "repeat_row",
    "generate_subscripts", "values",
  ]

  private func error(_ message: String, at offset: Int?) -> EngineError {
    guard let offset else { return .sql(message: message, line: nil, column: nil) }
    let before = text.utf8.prefix(max(0, offset))
    let line = before.reduce(1) { $0 + ($1 == UInt8(ascii: "\n") ? 1 : 0) }
    let start = before.lastIndex(of: UInt8(ascii: "\n")).map { before.index(after: $0) }
    let column = text[(start ?? text.startIndex)..<before.endIndex].count + 1
    return .sql(message: message, line: line, column: column)
  }
}

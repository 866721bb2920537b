// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillEngine

/// Reads from DuckDB's bound plan what a query does with rows.
///
/// Only what is known to keep rows apart passes; an operator that is not known here combines.
struct PlanShape {
  private var driving: RelationName?
  private var hasLookup = false
  private var hasUnion = false
  private var lookups: Set<RelationName> = []
  private var reason: String?

  /// - Parameter plan: The answer of `json_serialize_plan`.
  static func of(_ plan: JSONValue) -> QueryShape {
    var walk = PlanShape()
    guard let root = plan["plans"]?[0] else {
      return .combining(reason: "the engine gave no plan for it")
    }
    walk.visit(root)
    if let driving = walk.driving, walk.lookups.contains(driving) {
      // New rows would meet only each other, and change what old rows meet.
      walk.combine("it joins \(driving.name) with itself")
    }
    if let reason = walk.reason { return .combining(reason: reason) }
    if walk.hasUnion {
      return walk.hasLookup ? .combining(reason: "it stacks joined tables") : .stacked
    }
    guard let driving = walk.driving else { return .combining(reason: "it reads no table") }
    return walk.hasLookup ? .lookup(driving: driving) : .rowLocal
  }

  /// Whether a function in the plan gives another value each time that the query runs.
  static func isVolatile(_ node: JSONValue) -> Bool {
    if let items = node.array { return items.contains(where: isVolatile) }
    guard let object = node.object else { return false }
    if let name = node["qname"]?["path"]?.array?.last?.text, volatile.contains(name) { return true }
    return object.contains { isVolatile($0.value) }
  }

  /// Functions of chance, of the clock and of sequences.
  private static let volatile: Set<String> = [
    "random", "uuid", "gen_random_uuid", "uuidv4", "uuidv7", "setseed", "nextval", "currval",
    "now", "get_current_timestamp", "transaction_timestamp", "current_date", "today",
    "get_current_time", "current_localtime", "current_localtimestamp", "age", "txid_current",
  ]

  private mutating func visit(_ node: JSONValue) {
    let children = node["children"]?.array ?? []
    switch node["type"]?.text {
    case "LOGICAL_PROJECTION", "LOGICAL_FILTER":
      if let child = children.first { visit(child) }
      if children.count != 1 { combine("it has an operator of several inputs") }
    case "LOGICAL_GET":
      let data = node["function_data"]
      guard let name = data?["table"]?.text else { return combine("it reads a table function") }
      if driving == nil { driving = RelationName(schema: data?["schema"]?.text, name) }
    case "LOGICAL_COMPARISON_JOIN", "LOGICAL_ANY_JOIN":
      let kind = node["join_type"]?.text ?? ""
      guard ["INNER", "LEFT", "SEMI", "ANTI"].contains(kind) else {
        return combine("it has a \(kind) join")
      }
      hasLookup = true
      // The first input drives; the others are looked up, whatever they do with their rows.
      if let child = children.first { visit(child) }
      for child in children.dropFirst() { collectLookups(child) }
    case "LOGICAL_UNION":
      hasUnion = true
      for child in children { visit(child) }
    case "LOGICAL_AGGREGATE_AND_GROUP_BY": combine("it groups rows")
    case "LOGICAL_WINDOW": combine("it has a window function")
    case "LOGICAL_DISTINCT": combine("it has DISTINCT")
    case "LOGICAL_LIMIT", "LOGICAL_TOP_N": combine("it has LIMIT")
    case "LOGICAL_ORDER_BY": combine("it has ORDER BY")
    case let other:
      let name = (other ?? "an unknown operator").replacing("LOGICAL_", with: "")
      combine("it has \(name.replacing("_", with: " "))")
    }
  }

  /// The tables of a part of the plan, whatever it does with them.
  private mutating func collectLookups(_ node: JSONValue) {
    if node["type"]?.text == "LOGICAL_GET", let name = node["function_data"]?["table"]?.text {
      lookups.insert(RelationName(schema: node["function_data"]?["schema"]?.text, name))
    }
    for child in node["children"]?.array ?? [] { collectLookups(child) }
  }

  private mutating func combine(_ reason: String) {
    if self.reason == nil { self.reason = reason }
  }
}

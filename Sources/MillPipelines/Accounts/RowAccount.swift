// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// Where every row of one step went; a step whose books do not balance does not publish.
///
/// Both sides of each equation are counted apart: lines by the scan of the file, bronze rows by the
/// statistics of the files written, candidates by a query, published rows by the files again.
///
/// > Source: docs/semantics.md, 9.
public enum RowAccount: Hashable, Sendable {
  /// Raw files into bronze.
  case load(Load)
  /// A SELECT into silver or gold.
  case model(Model)

  /// lines = bronze + dead letters + blank.
  public struct Load: Hashable, Sendable {
    /// Files that were read.
    public var files: Int64 = 0
    /// Records and blank lines in them, as the scan counted; headers are not among them.
    public var lines: Int64 = 0
    /// Rows in the written files.
    public var bronze: Int64 = 0
    /// Records that did not decode.
    public var deadLetters: Int64 = 0
    /// Lines without content.
    public var blank: Int64 = 0

    /// An account of nothing.
    public init() {}

    /// Whether both sides of the equation agree.
    public var isBalanced: Bool { lines == bronze + deadLetters + blank }
  }

  /// candidates = published + quarantined + deduplicated.
  public struct Model: Hashable, Sendable {
    /// Rows of each input that was read.
    public var inputs: [String: Int64] = [:]
    /// Rows that the SELECT gave.
    public var candidates: Int64 = 0
    /// Rows in the files of the table.
    public var published: Int64 = 0
    /// Rows in the files of the quarantine.
    public var quarantined: Int64 = 0
    /// Rows that repeat the key of a published one.
    public var deduplicated: Int64 = 0
    /// Rows that the SELECT left out; only where it keeps rows one to one.
    public var filtered: Int64?
    /// Cells that declared repairs changed.
    public var repaired: [String: Int64] = [:]
    /// Whether only new rows were read.
    public var isIncremental = false

    /// An account of nothing.
    public init() {}

    /// Whether both sides of the equation agree.
    public var isBalanced: Bool {
      candidates == published + quarantined + deduplicated && (filtered ?? 0) >= 0
    }
  }

  /// Whether both sides of the equation agree.
  public var isBalanced: Bool {
    switch self {
    case .load(let load): load.isBalanced
    case .model(let model): model.isBalanced
    }
  }

  /// The account as commits and the ledger keep it.
  public var json: JSONValue {
    switch self {
    case .load(let load):
      return [
        "files": .int(load.files), "lines": .int(load.lines), "bronze": .int(load.bronze),
        "deadLetters": .int(load.deadLetters), "blank": .int(load.blank),
      ]
    case .model(let model):
      var object = JSONObject()
      object["inputs"] = .object(Self.counts(model.inputs))
      object["candidates"] = .int(model.candidates)
      object["published"] = .int(model.published)
      object["quarantined"] = .int(model.quarantined)
      object["deduplicated"] = .int(model.deduplicated)
      if let filtered = model.filtered { object["filtered"] = .int(filtered) }
      if !model.repaired.isEmpty { object["repaired"] = .object(Self.counts(model.repaired)) }
      object["incremental"] = .bool(model.isIncremental)
      return .object(object)
    }
  }

  /// Reads what ``json`` wrote; nil for anything else.
  public init?(json: JSONValue) {
    if let lines = json["lines"]?.integer, let bronze = json["bronze"]?.integer {
      var load = Load()
      load.files = json["files"]?.integer ?? 0
      load.lines = lines
      load.bronze = bronze
      load.deadLetters = json["deadLetters"]?.integer ?? 0
      load.blank = json["blank"]?.integer ?? 0
      self = .load(load)
    } else if let candidates = json["candidates"]?.integer {
      var model = Model()
      for (name, count) in json["inputs"]?.object ?? [:] { model.inputs[name] = count.integer }
      model.candidates = candidates
      model.published = json["published"]?.integer ?? 0
      model.quarantined = json["quarantined"]?.integer ?? 0
      model.deduplicated = json["deduplicated"]?.integer ?? 0
      model.filtered = json["filtered"]?.integer
      for (name, count) in json["repaired"]?.object ?? [:] { model.repaired[name] = count.integer }
      model.isIncremental = json["incremental"]?.bool ?? false
      self = .model(model)
    } else {
      return nil
    }
  }

  private static func counts(_ counts: [String: Int64]) -> JSONObject {
    var object = JSONObject()
    for name in counts.keys.sorted() { object[name] = .int(counts[name] ?? 0) }
    return object
  }
}

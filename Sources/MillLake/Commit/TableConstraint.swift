// SPDX-License-Identifier: Apache-2.0

package import MillCore

/// A condition that every row of a table must satisfy, as the table's log has it.
///
/// > Source: Delta transaction log protocol, "CHECK Constraints", "Column Invariants".
public struct TableConstraint: Hashable, Sendable {
  /// The constraint's own name, or `invariant COLUMN`.
  public var name: String
  /// A condition in SQL, in the dialect of whoever made the table.
  public var expression: String

  /// A condition by its name.
  public init(name: String, expression: String) {
    self.name = name
    self.expression = expression
  }
}

extension Snapshot {
  /// The conditions that new rows must satisfy, in the order of their names.
  ///
  /// - Throws: `LakeError.unsupported` for an invariant that is not of the simple kind.
  public var constraints: [TableConstraint] {
    get throws(LakeError) {
      var found: [TableConstraint] = []
      if tableProtocol.supports(.checkConstraints) {
        for (key, expression) in metadata.configuration
        where key.hasPrefix(TableConstraint.settingPrefix) {
          let name = String(key.dropFirst(TableConstraint.settingPrefix.count))
          found.append(TableConstraint(name: name, expression: expression))
        }
      }
      if tableProtocol.supports(.invariants) {
        for field in schema.fields {
          try collectInvariants(of: field, at: field.name, into: &found)
        }
      }
      return found.sorted { $0.name < $1.name }
    }
  }

  private func collectInvariants(
    of field: Field,
    at path: String,
    into found: inout [TableConstraint]
  ) throws(LakeError) {
    if let invariant = field.metadata["delta.invariants"], !invariant.isNull {
      guard let text = invariant.text, let json = try? JSONValue(parsing: text),
        let expression = json["expression"]?["expression"]?.text, path == field.name
      else {
        throw .unsupported(
          table: table,
          version: version,
          feature: "the invariant on column \(path)"
        )
      }
      found.append(TableConstraint(name: "invariant \(path)", expression: expression))
    }
    for member in field.type.members {
      try collectInvariants(of: member, at: "\(path).\(member.name)", into: &found)
    }
  }
}

extension TableConstraint {
  /// Before the name of a constraint in the table's settings.
  public static let settingPrefix = "delta.constraints."
}

extension DataType {
  /// The fields of a structure, also of one inside of an array or a map.
  package var members: [Field] {
    switch self {
    case .structure(let fields): fields
    case .array(let element, _): element.members
    case .map(let key, let value, _): key.members + value.members
    default: []
    }
  }
}

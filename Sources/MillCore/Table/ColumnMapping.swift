// SPDX-License-Identifier: Apache-2.0

/// By what the columns of a table are found in its files.
///
/// > Source: Delta transaction log protocol, "Column Mapping".
public enum ColumnMapping: String, Hashable, Sendable {
  /// By the name that the schema gives them.
  case none
  /// By a physical name that stays when a column is renamed.
  case name
  /// By the number of the Parquet field.
  case id
}

extension Field {
  /// The name of the column in files, statistics and partition values.
  public func physicalName(_ mapping: ColumnMapping) -> String {
    guard mapping != .none else { return name }
    return metadata["delta.columnMapping.physicalName"]?.text ?? name
  }

  /// The number of the column in the files, under a mapping.
  public var columnID: Int64? { metadata["delta.columnMapping.id"]?.integer }
}

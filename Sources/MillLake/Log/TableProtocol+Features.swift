// SPDX-License-Identifier: Apache-2.0

package import MillCore

/// A capability that a table may demand of those who read or write it.
///
/// > Source: Delta transaction log protocol, "Table Features".
public enum TableFeature: String, Sendable, CaseIterable {
  case appendOnly
  case invariants
  case checkConstraints
  case changeDataFeed
  case columnMapping
  case deletionVectors
  case timestampWithoutZone = "timestampNtz"
  case v2Checkpoint
  case vacuumProtocolCheck
  case domainMetadata
  case inCommitTimestamp
  case generatedColumns
  case identityColumns
  case allowColumnDefaults

  /// Whether readers must have it as well as writers.
  public var concernsReaders: Bool {
    switch self {
    case .columnMapping, .deletionVectors, .timestampWithoutZone, .v2Checkpoint,
      .vacuumProtocolCheck:
      true
    default: false
    }
  }

  /// The writer versions before the lists that imply it; nil for those that exist in lists alone.
  var impliedByWriter: Int? {
    switch self {
    case .appendOnly, .invariants: 2
    case .checkConstraints: 3
    case .changeDataFeed, .generatedColumns: 4
    case .columnMapping: 5
    case .identityColumns: 6
    default: nil
    }
  }
}

extension TableProtocol {
  /// Features that readers here know how to handle, by their names in a list.
  ///
  /// Widened types need nothing: every file is cast to the table's types as it is read. A table
  /// that lists `variantType` is read as long as no column is one.
  private static let readable: Set<String> = Set(
    TableFeature.allCases.filter(\.concernsReaders).map(\.rawValue)
      + ["typeWidening", "typeWidening-preview", "variantType", "variantType-preview"]
  )

  private static let writable: Set<String> = Set(
    TableFeature.allCases.map(\.rawValue) + ["variantType", "variantType-preview"]
  )

  /// Whether column mapping counts.
  var hasColumnMapping: Bool { supports(.columnMapping) }

  /// Whether a feature may be used on the table.
  public func supports(_ feature: TableFeature) -> Bool {
    if minWriterVersion >= 7 {
      return writerFeatures?.contains(feature.rawValue) == true
        || readerFeatures?.contains(feature.rawValue) == true
    }
    let isImplied = feature.impliedByWriter.map { $0 <= minWriterVersion } ?? false
    // Mapped columns concern readers as well, which a number of their own says.
    return feature == .columnMapping ? isImplied && minReaderVersion >= 2 : isImplied
  }

  /// Refuses a protocol that a reader must know more for.
  package func requireReadable(table: String, version: TableVersion) throws(LakeError) {
    switch minReaderVersion {
    case 1, 2:
      guard let features = readerFeatures, !features.isEmpty else { return }
      throw .corruptCommit(
        table: table,
        version: version,
        line: 0,
        reason: "the protocol lists reader features under reader version \(minReaderVersion), "
          + "which has none"
      )
    case 3:
      let unknown = (readerFeatures ?? []).filter { !Self.readable.contains($0) }
      guard unknown.isEmpty else {
        throw .unsupported(
          table: table,
          version: version,
          feature: (unknown.count == 1 ? "the reader feature " : "the reader features ")
            + unknown.sorted().joined(separator: ", ")
        )
      }
    default:
      throw .unsupported(
        table: table,
        version: version,
        feature: "reader version \(minReaderVersion) (writer version \(minWriterVersion))"
      )
    }
  }

  /// Refuses a protocol that a writer must know more for.
  package func requireWritable(table: String, version: TableVersion) throws(LakeError) {
    guard minWriterVersion <= 7, minWriterVersion >= 1 else {
      throw .unsupported(
        table: table,
        version: version,
        feature: "writer version \(minWriterVersion)"
      )
    }
    guard minWriterVersion == 7 else { return }
    let unknown = (writerFeatures ?? []).filter { !Self.writable.contains($0) }
    guard unknown.isEmpty else {
      throw .unsupported(
        table: table,
        version: version,
        feature: (unknown.count == 1 ? "the writer feature " : "the writer features ")
          + unknown.sorted().joined(separator: ", ")
      )
    }
  }

  /// The least protocol that has these features besides what it has already.
  package func adding(_ features: Set<TableFeature>) -> TableProtocol {
    let missing = features.filter { !supports($0) }
    guard !missing.isEmpty else { return self }
    var result = self
    let needsLists =
      minWriterVersion >= 7 || missing.contains { $0.impliedByWriter == nil }
    guard needsLists else {
      result.minWriterVersion = missing.reduce(minWriterVersion) {
        max($0, $1.impliedByWriter ?? $0)
      }
      if missing.contains(.columnMapping) { result.minReaderVersion = max(2, minReaderVersion) }
      return result
    }
    // What the old number implied must be said in words from now on.
    let kept = TableFeature.allCases.filter { supports($0) }
    let writer = Set((writerFeatures ?? []) + (kept + missing).map(\.rawValue))
    let reader = Set(
      (readerFeatures ?? []) + (kept + missing).filter(\.concernsReaders).map(\.rawValue)
    )
    result.minWriterVersion = 7
    result.writerFeatures = writer.sorted()
    if minReaderVersion >= 3 || missing.contains(where: \.concernsReaders) {
      result.minReaderVersion = 3
      result.readerFeatures = reader.sorted()
    }
    return result
  }
}

// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillEngine
internal import MillSQL

extension DuckDBEngineSession {
  /// Puts the deleted rows of all files into a table of this session.
  ///
  /// - Returns: The table's name, or nil when no row is deleted.
  func deletedRows(of contents: TableContents) async throws(EngineError) -> String? {
    let files = contents.files.filter { $0.deletedRows != nil }
    guard !files.isEmpty else { return nil }
    deletions += 1
    let name = dialect.quote([catalog, "main", "mill_deleted_\(deletions)"])
    try await run("CREATE TABLE \(name) (file VARCHAR, row BIGINT)")
    for file in files {
      guard let deleted = file.deletedRows else { continue }
      let vector = try await vector(deleted, of: file)
      // A vector of few bytes can name more rows than any file has.
      let rows = file.statistics.rows ?? Self.rowsMax
      if let last = vector.ranges.last, last.upperBound >= UInt64(max(0, rows)) {
        throw .io(
          message: "the deletion vector of \(file.location) names row \(last.upperBound), "
            + "and the file has \(rows) at most"
        )
      }
      // Runs become rows in SQL, so that a vector of few bytes takes no memory here.
      for start in stride(from: 0, to: vector.ranges.count, by: 10_000) {
        let runs = vector.ranges[start..<min(start + 10_000, vector.ranges.count)]
          .map { "(\($0.lowerBound), \($0.upperBound))" }
        try await run(
          """
          INSERT INTO \(name) SELECT \(dialect.literal(file.location)), unnest(range(low, high + 1))
          FROM (VALUES \(runs.joined(separator: ", "))) AS runs(low, high)
          """
        )
      }
    }
    return name
  }

  /// More rows than are in any file whose writer did not say how many there are.
  private static let rowsMax: Int64 = 1_000_000_000

  private func vector(
    _ deleted: DeletedRows,
    of file: DataFile
  ) async throws(EngineError) -> DeletionVector {
    do {
      switch deleted.place {
      case .inline(let bytes):
        return try DeletionVector.decode(bytes, cardinality: deleted.cardinality)
      case .file(let location, let offset):
        let path = dialect.literal(RelationSQL.exactly(location))
        let found = try await rows(of: "SELECT content FROM read_blob(\(path))")
        guard case .bytes(let bytes)? = found.first?.first else {
          throw EngineError.io(message: "there is no deletion vector file \(location)")
        }
        return try DeletionVector.decodeFile(
          bytes,
          offset: offset,
          sizeInBytes: deleted.sizeInBytes,
          cardinality: deleted.cardinality
        )
      }
    } catch let error as EngineError {
      throw error
    } catch {
      throw .io(message: "the deletion vector of \(file.location) is damaged: \(error)")
    }
  }
}

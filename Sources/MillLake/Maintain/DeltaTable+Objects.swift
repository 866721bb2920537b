// SPDX-License-Identifier: Apache-2.0

internal import MillCore

extension DeltaTable {
  /// Everything in the table's folder that may belong to a version: data, change files and deletion
  /// vectors, by their keys.
  ///
  /// Folders whose names begin with `_` or `.` are not the table's, but for the change feed's and
  /// those of partition columns with such a name.
  package func objects() async throws(LakeError) -> [String: StoredObject] {
    let snapshot = try await snapshotIfExists()
    let columns =
      snapshot?.metadata.physicalPartitionColumns(snapshot?.tableProtocol) ?? []
    var found: [String: StoredObject] = [:]
    var folders = [""]
    while let folder = folders.popLast() {
      let entries = try await storing { () async throws(FileError) in try await store.list(folder) }
      for entry in entries {
        let key = folder.isEmpty ? entry.name : "\(folder)/\(entry.name)"
        let isHidden =
          (entry.name.hasPrefix("_") || entry.name.hasPrefix("."))
          && entry.name != "_change_data"
          && !columns.contains { entry.name.hasPrefix($0 + "=") }
        // A link may lead out of the table, or to a file under another name.
        if isHidden || entry.isLink { continue }
        if entry.isPrefix {
          folders.append(key)
        } else {
          found[key] = entry
        }
      }
    }
    return found
  }

  /// Bytes of the log.
  package func logSize() async throws(LakeError) -> Int64 {
    let entries = try await storing { () async throws(FileError) in
      try await store.list(Self.logFolder)
    }
    return entries.reduce(0) { $0 + ($1.isPrefix ? 0 : $1.size) }
  }

  /// What is wrong with the files of a version, if anything: the first that is gone or not as long
  /// as the log says, and the oldest version that can still be read.
  package func damage(of snapshot: Snapshot) async throws(LakeError) -> LakeError? {
    let there = try await objects()
    for file in snapshot.files {
      guard let problem = Self.problem(file, there) else { continue }
      return .damagedFile(
        table: name,
        version: snapshot.version,
        path: file.path,
        problem: problem,
        oldestReadable: try await oldestReadable(there)
      )
    }
    return nil
  }

  private static func problem(_ file: AddFile, _ there: [String: StoredObject]) -> String? {
    guard let key = LogPath.decode(file.path), let object = there[key] else { return "is gone" }
    guard object.size == file.size else {
      return "has \(object.size) bytes, and \(file.size) by the log"
    }
    return nil
  }

  /// The oldest version whose every file is there.
  ///
  /// - Complexity: One pass over the log.
  private func oldestReadable(
    _ there: [String: StoredObject]
  ) async throws(LakeError) -> TableVersion? {
    let listing = try await listing()
    guard let oldest = listing.oldest else { return nil }
    let first = try await snapshot(at: oldest)
    var lacking = Set(first.files.filter { Self.problem($0, there) != nil }.map(\.key))
    var version = oldest
    while !lacking.isEmpty {
      version = version.successor
      guard let actions = try await actionsIfExist(of: version) else { return nil }
      for case .remove(let file) in actions { lacking.remove(file.key) }
      for case .add(let file) in actions where Self.problem(file, there) != nil {
        lacking.insert(file.key)
      }
    }
    return version
  }
}

// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// A name for a version of a table, which keeps its files from our vacuum.
///
/// A tag is a small file of its own beside the log. Other writers know nothing of it: a vacuum of
/// Spark or delta-rs takes files away that only a tag still needs.
public struct TableTag: Hashable, Sendable {
  /// The name.
  public var name: String
  /// The version that it names.
  public var version: TableVersion
  /// When it was made.
  public var createdAt: Instant
  /// What its maker said of it.
  public var note: String?
}

extension DeltaTable {
  static let ownFolder = "_millrace"
  static let tagFolder = "_millrace/tags"
  static let vacuumFolder = "_millrace/vacuum"

  /// Names a version, so that maintenance keeps it.
  ///
  /// - Throws: `LakeError.tag` when the name is taken or none, or a vacuum is at work;
  ///   `.missingFile` when a file of the version is gone already.
  @discardableResult
  public func tag(
    _ tagName: String,
    version: TableVersion? = nil,
    note: String? = nil
  ) async throws(LakeError) -> TableTag {
    try requireTagName(tagName)
    return try await pin(tagName, version: version, note: note)
  }

  /// Before the names of tags that keep files only for as long as a piece of work lasts.
  static let pinPrefix = "millrace-pin-"

  /// A tag of any name.
  @discardableResult
  func pin(
    _ tagName: String,
    version: TableVersion? = nil,
    note: String? = nil
  ) async throws(LakeError) -> TableTag {
    let snapshot = try await snapshot(at: version)
    let tag = TableTag(
      name: tagName,
      version: snapshot.version,
      createdAt: world.clock.now(),
      note: note
    )
    var json = JSONObject()
    json["name"] = .string(tagName)
    json["version"] = .int(tag.version.number)
    json["created_at"] = .string(tag.createdAt.description)
    if let note { json["note"] = .string(note) }
    let key = "\(Self.tagFolder)/\(tagName).json"
    do {
      try await store.prepare(Self.tagFolder)
      try await store.putIfAbsent(key, Array(JSONValue.object(json).serialized().utf8))
    } catch {
      if case .alreadyExists = error {
        throw .tag(table: name, name: tagName, problem: "there is one of this name already")
      }
      throw .storage(table: name, cause: error)
    }
    do {
      // The tag stands before this look, and a vacuum looks at tags after it has said that it is at
      // work: whoever is second sees the other.
      try await requireNoVacuum(for: "tag \(tagName)")
      try await requireFiles(of: snapshot)
    } catch {
      try? await store.delete(key)
      throw error
    }
    return tag
  }

  /// Takes a name away; the version's files are then like those of any other.
  public func removeTag(_ tagName: String) async throws(LakeError) {
    guard try await tags().contains(where: { $0.name == tagName }) else {
      throw .tag(table: name, name: tagName, problem: "there is none of this name")
    }
    try await storing { () async throws(FileError) in
      try await store.delete("\(Self.tagFolder)/\(tagName).json")
    }
  }

  /// All tags, by their names.
  ///
  /// - Throws: `LakeError.tag` for one that cannot be read: what it keeps is not known.
  public func tags() async throws(LakeError) -> [TableTag] {
    var tags: [TableTag] = []
    let names = try await storing { () async throws(FileError) in
      try await store.names(Self.tagFolder)
    }
    for file in names where file.hasSuffix(".json") && !file.hasPrefix(".") {
      let bytes: [UInt8]
      do {
        bytes = try await store.read("\(Self.tagFolder)/\(file)")
      } catch {
        // Somebody took it away meanwhile.
        if case .notFound = error { continue }
        throw .storage(table: name, cause: error)
      }
      guard let json = try? JSONValue(parsing: bytes), let version = json["version"]?.integer,
        let tagName = json["name"]?.text
      else {
        throw .tag(
          table: name,
          name: String(file.dropLast(5)),
          problem: "its file \(Self.tagFolder)/\(file) is damaged; mend or remove it"
        )
      }
      tags.append(
        TableTag(
          name: tagName,
          version: TableVersion(version),
          createdAt: json["created_at"]?.text.flatMap { Instant(iso8601: $0) } ?? .earliest,
          note: json["note"]?.text
        )
      )
    }
    return tags.sorted { $0.name < $1.name }
  }

  /// The version that a tag names.
  public func version(tagged tagName: String) async throws(LakeError) -> TableVersion {
    let tags = try await tags()
    guard let tag = tags.first(where: { $0.name == tagName }) else {
      let known = tags.map(\.name)
      let near = nearestName(to: tagName, among: known)
      throw .tag(
        table: name,
        name: tagName,
        problem: "there is none of this name"
          + (near.map { "; did you mean \($0)?" } ?? "")
      )
    }
    return tag.version
  }

  /// A tag's name is the name of a file.
  private func requireTagName(_ tagName: String) throws(LakeError) {
    let isFine =
      !tagName.isEmpty && tagName.utf8.count <= 120 && !tagName.hasPrefix(".")
      && !tagName.hasPrefix(Self.pinPrefix)
      && tagName.utf8.allSatisfy { byte in
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
          || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
      }
    guard isFine else {
      throw .tag(
        table: name,
        name: tagName,
        problem:
          "a name is made of letters, digits, `-`, `_` and `.`, and does not begin with a dot"
      )
    }
  }

  /// How long a piece of maintenance is believed to be at work that does not say so again.
  static let vacuumPatience = Duration.seconds(15 * 60)

  /// Says that files are about to be removed, for as long as the work lasts.
  ///
  /// Whoever tags or restores a version looks for this after the tag stands, and the work looks for
  /// tags after this stands: whoever is second sees the other.
  func removing<T: Sendable>(
    _ body: (_ renew: () async throws(LakeError) -> Void) async throws(LakeError) -> T
  ) async throws(LakeError) -> T {
    let key = "\(Self.vacuumFolder)/\(world.makeID()).json"
    try await storing { () async throws(FileError) in
      try await store.prepare(Self.vacuumFolder)
      try await store.putIfAbsent(key, Array("{}".utf8))
    }
    try await forgetTheDead()
    let outcome: Result<T, LakeError>
    do {
      outcome = .success(
        try await body { () async throws(LakeError) in
          try await storing { () async throws(FileError) in
            try await store.replace(key, Array("{}".utf8))
          }
        }
      )
    } catch {
      outcome = .failure(error)
    }
    try await storing { () async throws(FileError) in try await store.delete(key) }
    return try outcome.get()
  }

  /// Takes away what killed processes left: their word that they are at work, and their pins.
  private func forgetTheDead() async throws(LakeError) {
    let now = world.clock.now()
    let entries = try await storing { () async throws(FileError) in
      try await store.list(Self.vacuumFolder)
    }
    for entry in entries where entry.modified + Self.orphanAge < now {
      try await storing { () async throws(FileError) in
        try await store.delete("\(Self.vacuumFolder)/\(entry.name)")
      }
    }
    for tag in try await tags()
    where tag.name.hasPrefix(Self.pinPrefix) && tag.createdAt + Self.orphanAge < now {
      try await removeTag(tag.name)
    }
  }

  /// Refuses while a vacuum is at work.
  func requireNoVacuum(for purpose: String) async throws(LakeError) {
    let entries = try await storing { () async throws(FileError) in
      try await store.list(Self.vacuumFolder)
    }
    let now = world.clock.now()
    for entry in entries
    where !entry.name.hasPrefix(".") && entry.modified + Self.vacuumPatience > now {
      throw .refused(
        table: name,
        reason: "a vacuum is at work (since \(entry.modified)): \(purpose) has to wait for its end"
      )
    }
  }

  /// Refuses a version of which a file is gone.
  func requireFiles(of snapshot: Snapshot) async throws(LakeError) {
    let there = try await objects()
    for file in snapshot.files {
      guard let key = LogPath.decode(file.path), there[key] != nil else {
        throw .missingFile(table: name, version: snapshot.version, path: file.path)
      }
    }
  }
}

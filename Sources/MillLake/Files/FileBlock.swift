// SPDX-License-Identifier: Apache-2.0

package import MillCore

/// Many files of a table, column by column, as a checkpoint holds them.
///
/// A table of 100,000 files is a few arrays here and not 100,000 objects: nothing is allocated for
/// a file until somebody asks for that very file. Memory is about the bytes of the paths and
/// statistics and 50 bytes a file.
package final class FileBlock: Sendable {
  /// The values of one partition column, each text kept once.
  struct PartitionColumn: Sendable {
    let name: String
    let values: [String?]
    let codes: [Int32]
  }

  /// What few files have.
  struct Rare: Sendable {
    var deletionVector: DeletionVectorReference?
    var others = JSONObject()
  }

  let count: Int
  let paths: ByteColumn
  let sizes: [Int64]
  let modified: [Int64]
  let stats: ByteColumn
  let partitions: [PartitionColumn]
  /// The distinct sets of tags, and which of them each file has.
  let tagSets: [[String: String]]
  let tagCodes: [Int32]
  let rare: [Int: Rare]
  /// Rows whose path another writer may spell otherwise, with the path in our own spelling.
  let normalized: [Int: String]

  fileprivate init(_ builder: borrowing Builder) {
    count = builder.sizes.count
    paths = builder.paths
    sizes = builder.sizes
    modified = builder.modified
    stats = builder.stats
    partitions = builder.partitions.map {
      PartitionColumn(name: $0.name, values: $0.values, codes: $0.codes)
    }
    tagSets = builder.tags.values.map(Self.tags)
    tagCodes = builder.tags.codes
    rare = builder.rare
    normalized = builder.normalized
  }

  private static func tags(_ text: String?) -> [String: String] {
    guard let text, let json = try? JSONValue(parsing: text), let object = json.object else {
      return [:]
    }
    var tags: [String: String] = [:]
    for (key, value) in object { tags[key] = value.text }
    return tags
  }

  /// The memory in use, nearly.
  package var sizeInBytes: Int {
    paths.sizeInBytes + stats.sizeInBytes + count * (20 + 4 * partitions.count)
  }

  /// One file as an action.
  func file(_ row: Int) -> AddFile {
    let rare = rare[row]
    return AddFile(
      path: paths[row],
      partitionValues: partitionValues(row),
      size: sizes[row],
      modificationTime: modified[row],
      dataChange: false,
      stats: stats.isEmpty(row) ? nil : stats[row],
      tags: tagSets[Int(tagCodes[row])],
      deletionVector: rare?.deletionVector,
      others: rare?.others ?? [:]
    )
  }

  func partitionValues(_ row: Int) -> [String: String?] {
    var values: [String: String?] = [:]
    for column in partitions {
      // A file whose map lacks the key says as much as one whose value is null.
      values[column.name] = .some(column.values[Int(column.codes[row])])
    }
    return values
  }

  func key(_ row: Int) -> FileKey {
    FileKey(path: normalized[row] ?? paths[row], vectorID: rare[row]?.deletionVector?.uniqueID)
  }

  /// The rows that are among some keys.
  ///
  /// - Complexity: One pass over the paths, whatever the number of keys.
  func rows(among keys: Set<FileKey>) -> [Int] {
    guard !keys.isEmpty else { return [] }
    var hashes: Set<UInt64> = []
    for key in keys {
      var path = key.path
      hashes.insert(path.withUTF8 { quickHash(UnsafeRawBufferPointer($0)) })
    }
    var found: [Int] = []
    paths.withBytes { bytes in
      for row in 0..<count {
        let hash: UInt64
        if var path = normalized[row] {
          hash = path.withUTF8 { quickHash(UnsafeRawBufferPointer($0)) }
        } else {
          hash = quickHash(UnsafeRawBufferPointer(rebasing: bytes[paths.range(row)]))
        }
        if hashes.contains(hash), keys.contains(key(row)) { found.append(row) }
      }
    }
    return found
  }

  /// Gathers the files of a checkpoint, column by column or action by action.
  package struct Builder: ~Copyable {
    fileprivate struct Partition {
      var name: String
      var values: [String?] = []
      var codes: [Int32] = []
      var texts = ByteInterner()
      /// What the interner's places are in `values`, where a null may stand in between.
      var places: [Int32] = []
      var null: Int32?

      mutating func append(_ text: UnsafeRawBufferPointer?) {
        guard let text else { return codes.append(nullCode()) }
        let place = texts.place(of: text)
        if place == places.count {
          places.append(Int32(values.count))
          values.append(String(decoding: text, as: UTF8.self))
        }
        codes.append(places[place])
      }

      private mutating func nullCode() -> Int32 {
        if let null { return null }
        let code = Int32(values.count)
        values.append(nil)
        null = code
        return code
      }
    }

    fileprivate var paths = ByteColumn()
    fileprivate var sizes: [Int64] = []
    fileprivate var modified: [Int64] = []
    fileprivate var stats = ByteColumn()
    fileprivate var partitions: [Partition]
    fileprivate var tags = Partition(name: "")
    fileprivate var rare: [Int: Rare] = [:]
    fileprivate var normalized: [Int: String] = [:]

    /// - Parameter partitionColumns: The physical names of the columns that files are parted by.
    package init(partitionColumns: [String]) {
      partitions = partitionColumns.map { Partition(name: $0) }
    }

    /// How many files there are so far.
    package var count: Int { sizes.count }

    /// Adds a file whose other columns follow by ``appendPartition(_:_:)``.
    ///
    /// - Returns: false when the path is none inside of the table; then nothing was added.
    package mutating func append(
      path: UnsafeRawBufferPointer,
      size: Int64,
      modified time: Int64,
      stats text: UnsafeRawBufferPointer?
    ) -> Bool {
      guard AddFile.sizes.contains(size) else { return false }
      if !Self.isOrdinary(path) {
        let spelled = String(decoding: path, as: UTF8.self)
        guard let name = LogPath.decode(spelled) else { return false }
        normalized[count] = LogPath.encode(name)
      }
      paths.append(path)
      sizes.append(size)
      modified.append(time)
      stats.append(text ?? UnsafeRawBufferPointer(start: nil, count: 0))
      return true
    }

    /// The value of a partition column for the next file that has none yet; nil for null.
    package mutating func appendPartition(_ column: Int, _ text: UnsafeRawBufferPointer?) {
      partitions[column].append(text)
    }

    /// What the writer says of the next file that has no tags yet, as JSON text; nil for nothing.
    package mutating func appendTags(_ text: UnsafeRawBufferPointer?) {
      tags.append(text)
    }

    /// What few files have, for the newest file.
    package mutating func setRare(deletionVector: DeletionVectorReference?) {
      guard deletionVector != nil, count > 0 else { return }
      rare[count - 1] = Rare(deletionVector: deletionVector)
    }

    /// Adds a file that is an action already.
    package mutating func append(_ file: AddFile) -> Bool {
      var path = file.path
      let isInside = path.withUTF8 { path in
        guard var stats = file.stats else {
          return append(
            path: UnsafeRawBufferPointer(path),
            size: file.size,
            modified: file.modificationTime,
            stats: nil
          )
        }
        return stats.withUTF8 { stats in
          append(
            path: UnsafeRawBufferPointer(path),
            size: file.size,
            modified: file.modificationTime,
            stats: UnsafeRawBufferPointer(stats)
          )
        }
      }
      guard isInside else { return false }
      for index in partitions.indices {
        guard var value = file.partitionValues[partitions[index].name].flatMap({ $0 }) else {
          partitions[index].append(nil)
          continue
        }
        value.withUTF8 { partitions[index].append(UnsafeRawBufferPointer($0)) }
      }
      if file.tags.isEmpty {
        tags.append(nil)
      } else {
        var text = file.tagsText
        text.withUTF8 { tags.append(UnsafeRawBufferPointer($0)) }
      }
      if file.deletionVector != nil || !file.others.isEmpty {
        rare[count - 1] = Rare(deletionVector: file.deletionVector, others: file.others)
      }
      return true
    }

    package consuming func finish() -> FileBlock { FileBlock(self) }

    private static let slash: UInt8 = 1
    private static let dot: UInt8 = 2
    private static let other: UInt8 = 4

    /// What each byte is in a path; 0 for one that stands for itself and nothing else.
    private static let classes: [UInt8] = (0...255).map { (byte: Int) -> UInt8 in
      guard LogPath.isPlain(UInt8(byte)) else { return other }
      return UInt8(byte) == UInt8(ascii: "/") ? slash : UInt8(byte) == UInt8(ascii: ".") ? dot : 0
    }

    /// Whether a path is spelled as we spell it, and leads nowhere but into the table: no escapes, no
    /// empty part, none that begins with a dot.
    private static func isOrdinary(_ path: UnsafeRawBufferPointer) -> Bool {
      classes.withUnsafeBufferPointer { classes in
        var before = slash
        var found: UInt8 = 0
        for byte in path {
          let kind = classes[Int(byte)]
          // A slash, or a dot, behind a slash is as bad as a character that is none of a path.
          found |= kind | ((before & slash) << 2 & (kind << 1 | kind << 2))
          before = kind
        }
        return found & other == 0 && before & slash == 0
      }
    }
  }
}

// SPDX-License-Identifier: Apache-2.0

/// Where a file's deletion vector is, as it stands in a table's log.
///
/// > Source: Delta transaction log protocol, "Deletion Vector Descriptor Schema".
public struct DeletionVectorReference: Hashable, Sendable {
  /// What `pathOrInlineDv` means.
  public enum StorageType: String, Hashable, Sendable {
    /// A file in the table's folder, by the identity in its name.
    case relative = "u"
    /// A file by its absolute path.
    case absolute = "p"
    /// The vector itself.
    case inline = "i"
  }

  /// What `pathOrInlineDv` means.
  public var storageType: StorageType
  /// The identity, the path or the vector.
  public var pathOrInlineDv: String
  /// Where in the file the vector's size stands; nil for an inline vector.
  public var offset: Int?
  /// Length of the vector's data in bytes.
  public var sizeInBytes: Int
  /// How many rows are deleted.
  public var cardinality: Int64

  /// A descriptor as a log has it.
  public init(
    storageType: StorageType,
    pathOrInlineDv: String,
    offset: Int?,
    sizeInBytes: Int,
    cardinality: Int64
  ) {
    self.storageType = storageType
    self.pathOrInlineDv = pathOrInlineDv
    self.offset = offset
    self.sizeInBytes = sizeInBytes
    self.cardinality = cardinality
  }

  /// A vector that stands in the log itself.
  public static func inline(_ vector: DeletionVector) -> Self {
    let bytes = vector.encoded()
    return Self(
      storageType: .inline,
      pathOrInlineDv: Z85.encode(bytes),
      offset: nil,
      sizeInBytes: bytes.count,
      cardinality: Int64(vector.count)
    )
  }

  /// A vector in a file of the table's folder.
  ///
  /// - Parameters:
  ///   - uuid: The identity in the file's name, 36 characters in lower case.
  ///   - prefix: The folder of the file: letters, digits, `-` and `_`; empty for the table's own.
  /// - Returns: nil when the identity or the folder is none.
  public static func file(
    uuid: String,
    prefix: String = "",
    offset: Int,
    sizeInBytes: Int,
    cardinality: Int64
  ) -> Self? {
    let digits = uuid.utf8.compactMap { byte in
      byte < 128 ? Character(UnicodeScalar(byte)).hexDigitValue : nil
    }
    guard digits.count == 32, Self.isFolderName(prefix.utf8) else { return nil }
    let bytes = stride(from: 0, to: 32, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    // Capitals, and dashes elsewhere, would name another file than the one that is read.
    guard Self.identity(of: bytes) == uuid else { return nil }
    return Self(
      storageType: .relative,
      pathOrInlineDv: prefix + Z85.encode(bytes),
      offset: offset,
      sizeInBytes: sizeInBytes,
      cardinality: cardinality
    )
  }

  /// What tells this vector from every other of the same file.
  public var uniqueID: String {
    storageType.rawValue + pathOrInlineDv + (offset.map { "@\($0)" } ?? "")
  }

  /// The file's path below the table's folder; nil for a vector that is not kept by its identity.
  public func relativePath() throws(DeletionVectorError) -> String? {
    guard storageType == .relative else { return nil }
    let text = Array(pathOrInlineDv.utf8)
    guard text.count >= 20 else { throw .badText }
    let bytes = try Z85.decode(Array(text.suffix(20)))
    let prefix = String(decoding: text.dropLast(20), as: UTF8.self)
    guard Self.isFolderName(prefix.utf8) else { throw .badText }
    let name = "deletion_vector_\(Self.identity(of: bytes)).bin"
    return prefix.isEmpty ? name : "\(prefix)/\(name)"
  }

  /// The bytes of a vector that stands in the log.
  public func inlineBytes() throws(DeletionVectorError) -> [UInt8] {
    guard storageType == .inline else { throw .badText }
    let bytes = try Z85.decode(Array(pathOrInlineDv.utf8))
    // More than the padding of the last group would be bytes of which nobody says what they are.
    guard sizeInBytes >= 0, sizeInBytes <= bytes.count, bytes.count - sizeInBytes < 4 else {
      throw .wrongSize(found: bytes.count, stated: sizeInBytes)
    }
    return Array(bytes.prefix(sizeInBytes))
  }

  /// Writers make the prefix up of letters and digits; nothing else is let near a path.
  private static func isFolderName(_ name: String.UTF8View) -> Bool {
    name.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
        true
      default: false
      }
    }
  }

  private static func identity(of bytes: [UInt8]) -> String {
    var text = ""
    for (index, byte) in bytes.enumerated() {
      if [4, 6, 8, 10].contains(index) { text += "-" }
      text += (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
    return text
  }
}

/// Why the bytes of a deletion vector are none.
@nonexhaustive
public enum DeletionVectorError: Failure, Equatable {
  /// What does not hold inside of a bitmap.
  public enum Problem: String, Sendable {
    case bucketOrder = "the buckets do not ascend"
    case containerOrder = "the containers do not ascend"
    case containers = "there are more containers than can be"
    case containerOffset = "a container is not where its offset says"
    case containerCount = "a container does not hold as many rows as it says"
    case valueOrder = "the rows of a container do not ascend"
    case cookie = "a bitmap begins with an unknown number"
  }

  /// The bytes end before the vector does.
  case truncated(offset: Int)
  /// The file of vectors has a format that is not known.
  case unknownVersion(UInt8)
  /// The log names a place outside of the file.
  case badOffset(Int)
  /// File and log disagree on the length.
  case wrongSize(found: Int, stated: Int)
  /// The checksum does not fit the bytes.
  case badChecksum
  /// The vector begins with another number than it must.
  case badMagic(UInt32)
  /// The bitmap is not well formed.
  case malformed(Problem, offset: Int)
  /// More bytes follow than the vector has.
  case trailingBytes(Int)
  /// Vector and log disagree on how many rows are deleted.
  case wrongCardinality(found: Int64, stated: Int64)
  /// The text in the log is no identity and no vector.
  case badText

  /// `deletion-vector.` and the case.
  public var code: String {
    switch self {
    case .truncated: "deletion-vector.truncated"
    case .unknownVersion: "deletion-vector.unknown-version"
    case .badOffset: "deletion-vector.bad-offset"
    case .wrongSize: "deletion-vector.wrong-size"
    case .badChecksum: "deletion-vector.bad-checksum"
    case .badMagic: "deletion-vector.bad-magic"
    case .malformed: "deletion-vector.malformed"
    case .trailingBytes: "deletion-vector.trailing-bytes"
    case .wrongCardinality: "deletion-vector.wrong-cardinality"
    case .badText: "deletion-vector.bad-text"
    }
  }

  /// The table is at fault.
  public var errorClass: ErrorClass { .data }

  /// What does not hold.
  public var description: String {
    switch self {
    case .truncated(let offset): "it ends at byte \(offset), in the middle"
    case .unknownVersion(let version): "its file has the unknown format \(version)"
    case .badOffset(let offset): "its file has no byte \(offset)"
    case .wrongSize(let found, let stated): "it has \(found) bytes, the log says \(stated)"
    case .badChecksum: "its checksum does not fit"
    case .badMagic(let magic): "it begins with \(magic) instead of 1681511377"
    case .malformed(let problem, let offset): "\(problem.rawValue) (at byte \(offset))"
    case .trailingBytes(let count): "\(count) bytes follow that belong to nothing"
    case .wrongCardinality(let found, let stated):
      "it deletes \(found) rows, the log says \(stated)"
    case .badText: "the log has neither an identity nor a vector for it"
    }
  }
}

// SPDX-License-Identifier: Apache-2.0

internal import MillCore

/// The files of one version of a table.
///
/// A value that is cheap to pass around: what a checkpoint held is shared by all versions after it,
/// and only what commits changed since is kept file by file.
public struct FileList: Sendable, Sequence {
  /// The files of a checkpoint without those that were removed since.
  struct Part: Sendable {
    var block: FileBlock
    /// Rows that later commits took away, in order.
    var hidden: [Int]

    var count: Int { block.count - hidden.count }
  }

  private(set) var parts: [Part] = []
  /// Files that commits added after the checkpoint.
  private(set) var recent: [FileKey: AddFile] = [:]

  /// A table without files.
  public init() {}

  init(blocks: [FileBlock]) {
    parts = blocks.map { Part(block: $0, hidden: []) }
  }

  /// How many files there are.
  public var count: Int { parts.reduce(recent.count) { $0 + $1.count } }

  /// Whether there is no file.
  public var isEmpty: Bool { count == 0 }

  /// Bytes over all files.
  public var sizeInBytes: Int64 {
    // A log can claim any size; the sum stops at the greatest.
    var sum: Int64 = 0
    func add(_ size: Int64) {
      let (next, isOver) = sum.addingReportingOverflow(size < 0 ? 0 : size)
      sum = isOver ? .max : next
    }
    for file in recent.values { add(file.size) }
    forEachBlockRow { block, row in add(block.sizes[row]) }
    return sum
  }

  /// The memory in use, nearly.
  var footprint: Int {
    parts.reduce(recent.count * 1024) { $0 + $1.block.sizeInBytes + 8 * $1.hidden.count }
  }

  /// The file of a path, in whichever spelling; nil when it is not in the table.
  public subscript(path path: String) -> AddFile? {
    let path = LogPath.normalized(path)
    return first { LogPath.normalized($0.path) == path }
  }

  /// The paths in order, in our own spelling.
  public var paths: [String] { map { LogPath.normalized($0.path) }.sorted() }

  /// Visits the files of the checkpoint in its order, then the newer ones in the order of paths.
  public func makeIterator() -> AnyIterator<AddFile> {
    var part = 0
    var row = 0
    var hiddenIndex = 0
    let parts = parts
    let recent = recent.values.sorted { $0.path < $1.path }
    var next = 0
    return AnyIterator {
      while part < parts.count {
        let current = parts[part]
        while row < current.block.count {
          defer { row += 1 }
          if hiddenIndex < current.hidden.count, current.hidden[hiddenIndex] == row {
            hiddenIndex += 1
            continue
          }
          return current.block.file(row)
        }
        part += 1
        row = 0
        hiddenIndex = 0
      }
      guard next < recent.count else { return nil }
      defer { next += 1 }
      return recent[next]
    }
  }

  func forEachBlockRow<Issue: Error>(
    _ body: (FileBlock, Int) throws(Issue) -> Void
  ) throws(Issue) {
    for part in parts {
      var hidden = part.hidden[...]
      for row in 0..<part.block.count {
        if hidden.first == row {
          hidden.removeFirst()
        } else {
          try body(part.block, row)
        }
      }
    }
  }

  /// The keys of all files.
  public var keys: Set<FileKey> { Set(map(\.key)) }

  // MARK: Changes

  /// Takes part of several commits at once: what is touched leaves the checkpoint's files, and what
  /// was added last stands beside them.
  mutating func apply(touched: Set<FileKey>, added: [FileKey: AddFile]) {
    guard !touched.isEmpty else { return }
    for key in touched { recent[key] = nil }
    for index in parts.indices {
      let gone = parts[index].block.rows(among: touched)
      guard !gone.isEmpty else { continue }
      parts[index].hidden = Array(Set(parts[index].hidden).union(gone)).sorted()
    }
    recent.merge(added) { _, new in new }
  }
}

extension FileList {
  /// Puts files that are kept as actions together into columns, when they are many.
  mutating func compactRecent(over count: Int, partitionColumns: [String]) {
    guard recent.count >= count else { return }
    var builder = FileBlock.Builder(partitionColumns: partitionColumns)
    var left: [FileKey: AddFile] = [:]
    for (key, file) in recent.sorted(by: { $0.value.path < $1.value.path }) {
      // A path that replay let pass is inside of the table; should the two ever differ, it stays.
      if !builder.append(file) { left[key] = file }
    }
    parts.append(Part(block: builder.finish(), hidden: []))
    recent = left
  }

  /// The files that may hold a row of a predicate.
  func matching(_ skipping: FileSkipping) -> [AddFile] {
    var found: [AddFile] = []
    for part in parts {
      var hidden = part.hidden[...]
      for row in skipping.rows(of: part.block) {
        while let next = hidden.first, next < row { hidden.removeFirst() }
        if hidden.first == row { continue }
        found.append(part.block.file(row))
      }
    }
    return found + recent.values.filter(skipping.mayMatch).sorted { $0.path < $1.path }
  }

  private static let recordsKey = [Array("numRecords".utf8)]

  /// The count of rows in a text of statistics.
  static func records(_ stats: UnsafeRawBufferPointer) -> Int64? {
    let scan = StatisticsScan(stats)
    guard let range = scan.value(at: recordsKey) else { return nil }
    let count = integer(in: UnsafeRawBufferPointer(rebasing: stats[range]))
    // A log can claim any number; one that no file has is none.
    return count.flatMap { AddFile.sizes.contains($0) ? $0 : nil }
  }

  /// Rows over all files; nil if the writer of one did not say.
  var rows: Int64? {
    var sum: Int64 = 0
    /// Whether the count is one that a table can have.
    func add(_ rows: Int64?, _ deleted: Int64?) -> Bool {
      let deleted = deleted ?? 0
      guard let rows, deleted >= 0, rows >= deleted else { return false }
      let (next, isOver) = sum.addingReportingOverflow(rows - deleted)
      sum = next
      return !isOver
    }
    for file in recent.values {
      guard add(file.numRecords, file.deletionVector?.cardinality) else { return nil }
    }
    for part in parts {
      let isKnown = part.block.stats.withBytes { bytes in
        var hidden = part.hidden[...]
        for row in 0..<part.block.count {
          if hidden.first == row {
            hidden.removeFirst()
            continue
          }
          let stats = UnsafeRawBufferPointer(rebasing: bytes[part.block.stats.range(row)])
          let deleted = part.block.rare[row]?.deletionVector?.cardinality
          guard add(Self.records(stats), deleted) else { return false }
        }
        return true
      }
      guard isKnown else { return nil }
    }
    return sum
  }
}

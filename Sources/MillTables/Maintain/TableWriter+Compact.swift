// SPDX-License-Identifier: Apache-2.0

public import MillCore
internal import MillEngine
internal import MillLake
internal import MillSQL

/// What a compaction did.
public struct CompactReport: Hashable, Sendable {
  /// The versions that it made, one for each set of files.
  public var versions: [TableVersion] = []
  /// Files that left the table.
  public var filesRemoved = 0
  /// Files that hold their rows now.
  public var filesWritten = 0
  /// Bytes of the files that left.
  public var bytesRemoved: Int64 = 0
  /// Bytes of the files in their place.
  public var bytesWritten: Int64 = 0
  /// Sets of files that somebody changed meanwhile, and that were left as they are.
  public var setsLost = 0

  /// A report of nothing.
  public init() {}
}

extension TableWriter {
  /// Puts small files together, within each partition, without changing a row.
  ///
  /// Files are packed in the order of the log up to the target size; those with deleted rows are
  /// rewritten without them. Files that their writers told apart by tags stay apart. Every set of
  /// files is a commit of its own with `dataChange=false`: an append never makes it fail, and a set
  /// that somebody changed meanwhile is left as it is.
  ///
  /// - Parameters:
  ///   - size: The size that files are brought to.
  ///   - condition: Which partitions, in SQL over partition columns; nil: all.
  ///   - batch: Bytes that one commit puts together at most.
  public func compact(
    to size: ByteCount = ByteCount(bytes: 256 << 20),
    where condition: String? = nil,
    batch: ByteCount = ByteCount(bytes: 8 << 30)
  ) async throws -> CompactReport {
    let snapshot = try await table.snapshot()
    // Rows only move, so no column needs a value.
    try snapshot.tableProtocol.requireWritable(table: table.name, version: snapshot.version)
    let files = try await files(of: snapshot, where: condition)
    var report = CompactReport()
    var pending: [CompactionPlan.Bin] = []
    var bytes: Int64 = 0
    for bin in CompactionPlan(target: size.bytes).bins(files) {
      pending.append(bin)
      bytes += bin.bytes
      if bytes >= batch.bytes {
        try await rewrite(pending, snapshot, size, orderBy: nil, &report)
        pending = []
        bytes = 0
      }
    }
    if !pending.isEmpty { try await rewrite(pending, snapshot, size, orderBy: nil, &report) }
    return report
  }

  /// Rewrites files so that rows near each other in some columns lie in the same files.
  ///
  /// One column is sorted by; several are put in the order of a Z-curve over their ranks, each rank
  /// taken from a sample. No row changes, and an append never makes it fail.
  ///
  /// > Source: G. M. Morton, "A Computer Oriented Geodetic Data Base", 1966.
  ///
  /// - Parameter onlyWorn: Leaves partitions alone of which nine tenths of the bytes are clustered by
  ///   these columns already.
  public func cluster(
    by columns: [String],
    to size: ByteCount = ByteCount(bytes: 256 << 20),
    where condition: String? = nil,
    onlyWorn: Bool = false
  ) async throws -> CompactReport {
    let snapshot = try await table.snapshot()
    // Rows only move, so no column needs a value.
    try snapshot.tableProtocol.requireWritable(table: table.name, version: snapshot.version)
    guard !columns.isEmpty else {
      throw LakeError.refused(table: table.name, reason: "clustering needs columns")
    }
    for column in columns {
      guard let field = snapshot.schema[name: column] else {
        let near = nearestName(to: column, among: snapshot.schema.names)
        throw LakeError.refused(
          table: table.name,
          reason: "there is no column \(column)" + (near.map { ": did you mean \($0)?" } ?? "")
        )
      }
      guard field.type.isOrdered, !snapshot.metadata.partitionColumns.contains(column) else {
        throw LakeError.refused(
          table: table.name,
          reason: "rows cannot be clustered by \(column), which is "
            + (field.type.isOrdered ? "a partition column" : "\(field.type)")
        )
      }
    }
    var report = CompactReport()
    let files = try await files(of: snapshot, where: condition)
    let mark = columns.joined(separator: ",")
    for bin in CompactionPlan.partitions(files) where !bin.files.isEmpty {
      let clustered = bin.files.filter { $0.tags[CompactionPlan.clusterTag] == mark }
      let bytes = clustered.reduce(0) { $0 + $1.size }
      if onlyWorn, bytes * 10 >= bin.bytes * 9 { continue }
      try await rewrite([bin], snapshot, size, orderBy: columns, &report)
    }
    return report
  }

  private func files(
    of snapshot: Snapshot,
    where condition: String?
  ) async throws -> [AddFile] {
    guard let condition else { return Array(snapshot.files) }
    let predicate = try await engine.predicate(of: condition)
    let parted = Set(snapshot.metadata.partitionColumns)
    guard let columns = predicate.columns, columns.isSubset(of: parted) else {
      throw LakeError.refused(
        table: table.name,
        reason: "the condition must be one on partition columns alone ("
          + snapshot.metadata.partitionColumns.joined(separator: ", ") + ")"
      )
    }
    return snapshot.files(matching: predicate)
  }

  private func rewrite(
    _ bins: [CompactionPlan.Bin],
    _ snapshot: Snapshot,
    _ size: ByteCount,
    orderBy columns: [String]?,
    _ report: inout CompactReport
  ) async throws {
    let made = try await withSession { session in
      var files: [DataFile] = []
      for (number, bin) in bins.enumerated() {
        let relation = RelationName("mill_bin_\(number)")
        let contents = try snapshot.contents(of: bin.files)
        try await session.define(relation, as: contents)
        let query = try await ordered(relation, columns, snapshot, session)
        for var file in try await session.write(query, to: place(of: bin, contents, snapshot, size))
        {
          file.partitionValues = contents.files.first?.partitionValues ?? [:]
          for (key, value) in bin.files.first?.tags ?? [:]
          where !CompactionPlan.ownTags.contains(key) {
            file.tags[key] = value
          }
          file.tags[CompactionPlan.clusterTag] = columns?.joined(separator: ",")
          files.append(file)
        }
        try await session.drop(relation)
      }
      return files
    }
    let before = bins.flatMap(\.files)
    let hidden = before.reduce(0) { $0 + ($1.deletionVector?.cardinality ?? 0) }
    let counts = before.map(\.numRecords)
    if !counts.contains(nil) {
      let expected = counts.reduce(0) { $0 + ($1 ?? 0) } - hidden
      guard expected == made.rows else {
        throw LakeError.refused(
          table: table.name,
          reason: "the log says \(expected) rows and the files hold \(made.rows): nothing was "
            + "committed"
        )
      }
    }
    var change = try change("OPTIMIZE", on: snapshot, WriteOptions())
    change.files = made
    change.replacing = before
    change.isDataChange = false
    change.reads = .replaced
    change.parameters["zOrderBy"] = columns.map { columns in
      .string(JSONValue.array(columns.map { .string($0) }).serialized())
    }
    let version: TableVersion
    do {
      version = try await table.commit(change)
    } catch {
      guard case .conflict = error else { throw error }
      // Somebody changed rows of these files: theirs stands, and ours is garbage.
      let prefix = snapshot.location + "/"
      for file in made where file.location.hasPrefix(prefix) {
        try? await table.store.delete(String(file.location.dropFirst(prefix.count)))
      }
      report.setsLost += bins.count
      return
    }
    report.versions.append(version)
    report.filesRemoved += before.count
    report.filesWritten += made.count
    report.bytesRemoved += before.reduce(0) { $0 + $1.size }
    report.bytesWritten += made.reduce(0) { $0 + $1.sizeInBytes }
  }

  /// The folder of the files that are put together, so that a partition's files stay in its own.
  private func place(
    of bin: CompactionPlan.Bin,
    _ contents: TableContents,
    _ snapshot: Snapshot,
    _ size: ByteCount
  ) -> WriteTarget {
    var folder = snapshot.location
    if !snapshot.metadata.partitionColumns.isEmpty, let first = contents.files.first?.location,
      let slash = first.utf8.lastIndex(of: UInt8(ascii: "/"))
    {
      folder = String(first[..<slash])
    }
    return WriteTarget(
      location: folder,
      fileSize: size,
      table: TableLayout(schema: snapshot.schema, mapping: snapshot.mapping)
    )
  }

  /// The rows of a relation without its partition columns, in the wanted order.
  private func ordered(
    _ relation: RelationName,
    _ columns: [String]?,
    _ snapshot: Snapshot,
    _ session: any EngineSession
  ) async throws -> String {
    let parted = Set(snapshot.metadata.partitionColumns)
    let stored = snapshot.schema.fields.filter { field in
      if case .void = field.type { return false }
      return !parted.contains(field.name)
    }.map(\.name)
    let source = dialect.quote(relation.name)
    let query = "SELECT \(dialect.list(stored)) FROM \(source)"
    guard let columns else { return query }
    guard columns.count > 1 else { return query + " ORDER BY \(dialect.quote(columns[0]))" }
    let curve = ZCurve(dialect: dialect)
    var codes: [String] = []
    for column in columns {
      let name = dialect.quote(column)
      let type = dialect.typeName(snapshot.schema[name: column]?.type ?? .string)
      let edges = try await session.rows(
        """
        SELECT DISTINCT CAST(edge AS VARCHAR) AS text, edge FROM (
          SELECT unnest(quantile_disc(\(name), \(curve.quantiles))) AS edge
          FROM (SELECT \(name) FROM \(source) WHERE \(name) IS NOT NULL
            USING SAMPLE reservoir(100000 ROWS) REPEATABLE (42)) AS mill_sample)
        WHERE edge IS NOT NULL ORDER BY edge
        """,
        limit: 1 << ZCurve.bits
      ).rows.compactMap(\.first?.text)
      codes.append(curve.rank(of: name, type: type, edges: edges))
    }
    return query + " ORDER BY \(curve.interleaved(codes))"
  }
}

/// Which files are put together; pure.
struct CompactionPlan {
  /// The size that files are brought to, in bytes.
  let target: Int64

  /// By which columns the rows of a file are clustered.
  static let clusterTag = "millrace.clustered"
  /// What is said of one file alone, and tells it from no other.
  static let ownTags: Set<String> = ["millrace.columns", clusterTag]

  /// Files whose rows go into new files together.
  struct Bin: Hashable {
    var files: [AddFile]
    var bytes: Int64 { files.reduce(0) { $0 + $1.size } }
  }

  /// Files that may be told apart by nothing but their rows.
  private struct Group: Hashable {
    var partition: PartitionKey
    var tags: PartitionKey
  }

  /// The files of each partition, or of all, those with other tags apart.
  static func partitions(_ files: [AddFile], acrossPartitions: Bool = false) -> [Bin] {
    Dictionary(grouping: files) {
      Group(
        partition: PartitionKey(acrossPartitions ? [:] : $0.partitionValues),
        // The engine's own word on a file's columns is one on that file alone.
        tags: PartitionKey(
          $0.tags.filter { !ownTags.contains($0.key) }.mapValues { Optional($0) }
        )
      )
    }.values.map { Bin(files: $0.sorted { $0.path < $1.path }) }
      .sorted { ($0.files.first?.path ?? "") < ($1.files.first?.path ?? "") }
  }

  /// Sets of small files, each up to the target; a set of one file only when rows of it are deleted.
  ///
  /// Files above three quarters of the target are as good as they get, unless a tenth of their rows
  /// is deleted.
  func bins(_ files: [AddFile]) -> [Bin] {
    var bins: [Bin] = []
    for group in Self.partitions(files) {
      var open = Bin(files: [])
      var bytes: Int64 = 0
      func close() {
        if open.files.count > 1 || open.files.contains(where: Self.isWorn) { bins.append(open) }
        open = Bin(files: [])
        bytes = 0
      }
      for file in group.files where file.size < target / 4 * 3 || Self.isWorn(file) {
        if bytes + file.size > target, !open.files.isEmpty { close() }
        open.files.append(file)
        bytes += file.size
      }
      close()
    }
    return bins
  }

  private static func isWorn(_ file: AddFile) -> Bool {
    guard let deleted = file.deletionVector?.cardinality else { return false }
    guard let rows = file.numRecords else { return true }
    return deleted * 10 >= rows
  }
}

/// The order of points along a Z-shaped curve, as SQL.
struct ZCurve {
  /// How many bits of each column's rank count.
  static let bits = 8
  let dialect: any Dialect

  /// The quantiles that ranks are taken from.
  var quantiles: String {
    let count = 1 << Self.bits
    return "[" + (1..<count).map { "\(Double($0) / Double(count))" }.joined(separator: ", ") + "]"
  }

  /// The rank of a value among the edges: a search by halves, written out.
  ///
  /// Null comes first.
  func rank(of value: String, type: String, edges: [String]) -> String {
    func search(_ range: Range<Int>) -> String {
      guard !range.isEmpty else { return String(range.lowerBound) }
      let middle = (range.lowerBound + range.upperBound) / 2
      let edge = "CAST(\(dialect.literal(edges[middle])) AS \(type))"
      return "CASE WHEN \(value) < \(edge) THEN \(search(range.lowerBound..<middle)) "
        + "ELSE \(search((middle + 1)..<range.upperBound)) END"
    }
    return "CASE WHEN \(value) IS NULL THEN 0 ELSE \(search(0..<edges.count)) END"
  }

  /// The ranks' bits, one of each column in turn, from the highest.
  func interleaved(_ ranks: [String]) -> String {
    // The ranks are computed once each and named; a long expression of bits over them follows.
    let names = ranks.indices.map { "rank_\($0)" }
    var bits: [String] = []
    for bit in 0..<Self.bits {
      for (index, name) in names.enumerated() {
        let shift = bit * ranks.count + (ranks.count - 1 - index)
        bits.append("((((ranks.\(name) >> \(bit)) & 1)::HUGEINT) << \(shift))")
      }
    }
    let members = zip(names, ranks).map { "\($0) := \($1)" }.joined(separator: ", ")
    return
      "list_transform([struct_pack(\(members))], lambda ranks: \(bits.joined(separator: " + ")))"
  }
}

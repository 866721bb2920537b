// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillEngine
internal import MillLake
internal import MillSQL
internal import MillSources

/// The way of one raw file into files of the bronze table and of its dead letters.
struct FileLoad {
  let source: SourceDefinition
  let found: SourceSurvey.Found
  let environment: PipelineEnvironment
  let runID: String
  let loadedAt: Instant
  let session: any EngineSession
  let thread: BlockingExecutor
  let bronze: DeltaTable
  let deadLetters: DeltaTable

  struct Result {
    var schema: [Field]
    var files: [DataFile] = []
    var letters: [DataFile] = []
    var account = RowAccount.Load()
    var notes: [String] = []
    var scan: FileScan
  }

  private var dialect: any Dialect { SQLDialects.named(environment.engine.dialect) }

  /// - Parameter knownSchema: The columns that the bronze table has already.
  func run(knownSchema: [Field]?) async throws -> Result {
    let before = try await status()
    let result = try await read(knownSchema: knownSchema)
    // The engine opened the file anew: what was hashed and what was loaded must be one.
    guard try await status() == before else {
      throw SourceError.changedWhileReading(path: found.shownPath)
    }
    return result
  }

  private func status() async throws -> FileEntry? {
    let files = environment.world.files
    return try await thread.run { try files.status(found.path) }
  }

  private func read(knownSchema: [Field]?) async throws -> Result {
    let delimiter = try await delimiter()
    let options = scanOptions(delimiter)
    let scan = try await thread.run {
      try MillSources.scan(path: found.path, shownAs: found.shownPath, options: options)
    }
    var result = Result(schema: knownSchema ?? [], scan: scan)
    result.account.files = 1
    let format = rawFormat(delimiter, scan.compression)
    if scan.records == 0, scan.headerFields == nil, source.format != .parquet {
      result.notes.append("\(found.shownPath) is empty")
      result.schema = knownSchema ?? declaredFields()
      result.account.blank = scan.blankLines
      result.account.lines = scan.blankLines
      return result
    }
    let inspected = try await inspectIfNeeded(format, knownSchema)
    let fields = try fileFields(scan, inspected)
    let decoding = try decoding(fields, knownSchema, inspected, &result)
    // Of JSON only what is wanted is asked for, so that all else is rescued.
    let read = source.format == .jsonLines ? decoding.columns.compactMap(\.field) : fields
    try await load(decoding, read, format, options, scan, into: &result)
    return result
  }

  // MARK: Reading

  private func load(
    _ decoding: FileDecoding,
    _ fields: [String],
    _ format: RawFormat,
    _ options: ScanOptions,
    _ scan: FileScan,
    into result: inout Result
  ) async throws {
    guard scan.irregularCount <= environment.deadLettersMax else {
      let example = scan.irregular.first.map { "line \($0.line): \($0.reason)" } ?? ""
      throw tooMany(scan.irregularCount, example)
    }
    var raw = RawSource(
      path: found.path,
      format: format,
      fields: fields,
      nullTexts: source.nullTexts,
      longestRecord: ByteCount(bytes: scan.longestRecordBytes),
      decimalDigits: decimalDigits(decoding),
      textFields: Set(decoding.columns.filter { $0.type == .string }.compactMap(\.field)),
      skippedLines: max(0, (scan.headerLine ?? 1) - 1)
    )
    var copy: String?
    if scan.irregularCount > 0 {
      // The engine is given the regular records alone, so that both agree on what a record is.
      let target = "\(environment.temporaryFolder)/\(environment.world.makeID()).txt"
      copy = target
      try await thread.run {
        try copyRegular(path: found.path, options: options, scan: scan, to: target)
      }
      raw.path = target
      raw.format = format.uncompressed
      raw.longestRecord = ByteCount(
        bytes: min(scan.longestRecordBytes, Int64(options.maximumRecordBytes))
      )
    }
    do {
      try await load(decoding, raw, options, scan, into: &result)
    } catch {
      await remove(copy)
      throw error
    }
    await remove(copy)
  }

  private func load(
    _ decoding: FileDecoding,
    _ raw: RawSource,
    _ options: ScanOptions,
    _ scan: FileScan,
    into result: inout Result
  ) async throws {
    try await session.define(FileDecoding.relation, as: raw)
    result.files = try await session.write(
      decoding.goodQuery,
      to: WriteTarget(location: bronze.store.location)
    )
    result.account.bronze = result.files.reduce(0) { $0 + ($1.statistics.rows ?? 0) }
    var blank = scan.blankLines
    var regular = scan.regularRecords
    if source.format == .parquet {
      let count = "SELECT count(*) FROM \(dialect.quote(FileDecoding.relation.name))"
      regular = try await session.rows(count, limit: 1).integer(0, 0) ?? 0
      blank = 0
    } else if case .csv = source.format, raw.fields.count == 1 {
      // In a file of one column an empty line is a record whose value is null.
      regular += blank
      blank = 0
    }
    result.account.blank = blank
    result.account.lines = regular + scan.irregularCount + blank
    var letters = scan.irregular.map { DeadLetter($0) }
    if result.account.bronze != regular {
      letters += try await undecodable(
        decoding,
        raw,
        options,
        scan,
        expected: regular - result.account.bronze
      )
    }
    guard letters.count <= environment.deadLettersMax else {
      let example = letters.first.map { "line \($0.line): \($0.detail)" } ?? ""
      throw tooMany(Int64(letters.count), example)
    }
    let limit = environment.recordSizeMax.bytes
    if let cut = letters.first(where: { letter in
      letter.length.map { $0 <= limit && $0 > Int64(letter.raw.count) } ?? false
    }) {
      throw tooMany(
        Int64(letters.count),
        "line \(cut.line): more than \(ByteCount(bytes: Int64(Self.keptBytes))) of such records"
      )
    }
    result.account.deadLetters = Int64(letters.count)
    letters.sort { $0.line < $1.line }
    result.letters = try await write(letters)
  }

  /// The second look at a file whose rows were not all good: which records, and why.
  private func undecodable(
    _ decoding: FileDecoding,
    _ raw: RawSource,
    _ options: ScanOptions,
    _ scan: FileScan,
    expected: Int64
  ) async throws -> [DeadLetter] {
    var numbered = raw
    numbered.withOrdinal = true
    try await session.define(FileDecoding.relation, as: numbered)
    let limit = environment.deadLettersMax
    let bad = try await session.rows(decoding.badQuery(limit: limit + 1), limit: limit + 1)
    let isParquet = source.format == .parquet
    guard bad.rows.count <= limit else {
      let column = bad.rows.first?[1].text.map { "column \($0)" } ?? "no object"
      throw tooMany(expected, "record \(bad.integer(0, 0) ?? 0): \(column)")
    }
    guard Int64(bad.rows.count) == expected else {
      throw PipelineError.unbalanced(
        dataset: source.dataset,
        detail: "\(found.shownPath): \(expected) records did not decode, "
          + "\(bad.rows.count) were found"
      )
    }
    let numbers = bad.rows.compactMap { $0[0].integer }
    let picked =
      isParquet
      ? []
      : try await thread.run {
        try pickRecords(path: found.path, options: options, scan: scan, numbers: numbers)
      }
    return bad.rows.enumerated().map { index, row in
      let column = row[1].text
      let type = decoding.columns.first { $0.name == column }?.type
      return DeadLetter(
        record: picked.indices.contains(index) ? picked[index] : nil,
        number: row[0].integer ?? 0,
        column: column,
        type: type
      )
    }
  }

  // MARK: Dead letters

  /// Bytes of dead letters of one file that are held until they are written.
  private static let keptBytes = 256 << 20

  private func write(_ letters: [DeadLetter]) async throws -> [DataFile] {
    guard !letters.isEmpty else { return [] }
    try await deadLetters.prepare()
    let relation = RelationName("mill_letters")
    var files: [DataFile] = []
    var batch: [[JSONValue]] = []
    var bytes = 0
    for (index, letter) in letters.enumerated() {
      batch.append(letter.row(of: found.shownPath, at: loadedAt, runID: runID))
      bytes += letter.raw.count
      guard bytes > 32 << 20 || index == letters.count - 1 else { continue }
      try await session.define(relation, schema: BronzeSchema.deadLetters, rows: batch)
      files += try await session.write(
        "SELECT * FROM \(dialect.quote(relation.name))",
        to: WriteTarget(location: deadLetters.store.location)
      )
      batch = []
      bytes = 0
    }
    try await session.drop(relation)
    return files
  }

  private func tooMany(_ count: Int64, _ example: String) -> PipelineError {
    .tooManyDeadLetters(
      dataset: source.dataset,
      file: found.shownPath,
      count: count,
      limit: environment.deadLettersMax,
      example: example
    )
  }

  private func remove(_ path: String?) async {
    guard let path else { return }
    let files = environment.world.files
    // Left-overs are cleared at the next run's start.
    try? await thread.run { try files.remove(path) }
  }

  // MARK: Columns

  private func delimiter() async throws -> Character {
    guard case .csv(let declared, _) = source.format else { return "," }
    if let declared { return declared }
    return try await thread.run { try findDelimiter(of: found.path, shownAs: found.shownPath) }
  }

  private func inspectIfNeeded(
    _ format: RawFormat,
    _ knownSchema: [Field]?
  ) async throws -> RawInspection? {
    if source.format == .parquet { return try await inspectParquet(format) }
    guard source.columns.isEmpty else { return nil }
    // The header of a CSV file names its fields; the names in others are found by reading.
    if case .csv(_, hasHeader: true) = source.format, knownSchema != nil { return nil }
    do {
      return try await session.inspect(found.path, as: format)
    } catch EngineError.sql, EngineError.data {
      // The engine makes nothing of the file's beginning; all its columns are text then.
      return nil
    }
  }

  /// An engine's word on a damaged file need not name it.
  private func inspectParquet(_ format: RawFormat) async throws -> RawInspection {
    do {
      return try await session.inspect(found.path, as: format)
    } catch let error as EngineError {
      switch error {
      case .data, .sql, .io, .failed:
        throw PipelineError.data(
          SourcePlace(path: found.shownPath),
          dataset: source.dataset,
          message: "this cannot be read as a Parquet file (\(error))"
        )
      default: throw error
      }
    }
  }

  /// The fields of the file by their published names, in the file's order.
  private func fileFields(_ scan: FileScan, _ inspected: RawInspection?) throws -> [String] {
    switch source.format {
    case .csv(_, let hasHeader):
      if hasHeader { return ColumnNames.published(scan.headerFields ?? []) }
      if !source.columns.isEmpty { return ColumnNames.published(source.columns.map(\.name)) }
      return inspected?.schema.names ?? []
    case .jsonLines:
      return source.columns.isEmpty
        ? inspected?.schema.names ?? [] : source.columns.map(\.name)
    case .parquet:
      return inspected?.schema.names ?? []
    }
  }

  /// The columns of a source that declares none, as its first file has them.
  private func foundFields(_ fields: [String], _ inspected: RawInspection?) -> [Field] {
    let found = inspected?.schema.fields ?? []
    // The engine names columns of CSV in its own way, so that its types are taken by position.
    let types = found.count == fields.count ? found.map(\.type) : fields.map { _ in .string }
    return zip(ColumnNames.published(fields), types).map { Field($0, $1) }
  }

  /// What the fields of this file are called for the engine: those of CSV by their published
  /// names, all others as they are in the file.
  private func rawNames(of wanted: [Field], among fields: [String]) -> [String] {
    switch source.format {
    case .csv: return wanted.map(\.name)
    case .jsonLines, .parquet:
      let names = source.columns.isEmpty ? fields : source.columns.map(\.name)
      let pairs = zip(ColumnNames.published(names).map { ByteKey($0) }, names)
      let raw = Dictionary(pairs, uniquingKeysWith: { first, _ in first })
      return wanted.map { raw[ByteKey($0.name)] ?? $0.name }
    }
  }

  private func declaredFields() -> [Field] {
    zip(ColumnNames.published(source.columns.map(\.name)), source.columns).map {
      Field($0, $1.type)
    }
  }

  private func decoding(
    _ fields: [String],
    _ knownSchema: [Field]?,
    _ inspected: RawInspection?,
    _ result: inout Result
  ) throws -> FileDecoding {
    var wanted = declaredFields()
    if wanted.isEmpty { wanted = knownSchema ?? foundFields(fields, inspected) }
    for field in wanted where BronzeSchema.reservedNames.contains(field.name) {
      throw PipelineError.definition(
        path: source.path,
        dataset: source.dataset,
        message: "the column \(field.name) has a name that bronze tables keep for themselves: "
          + "rename it in the file"
      )
    }
    if let knownSchema { wanted = try merged(wanted, into: knownSchema) }
    result.schema = wanted
    let present = Set(fields.map { ByteKey($0) })
    let isJSON = source.format == .jsonLines
    let rawNames = rawNames(of: wanted, among: fields).map { name in
      isJSON || present.contains(ByteKey(name)) ? name : Self.otherCase(of: name, fields) ?? name
    }
    var columns: [FileDecoding.Column] = []
    for (field, rawName) in zip(wanted, rawNames) {
      let isPresent = isJSON || present.contains(ByteKey(rawName))
      columns.append(
        FileDecoding.Column(
          name: field.name,
          type: field.type,
          field: isPresent ? rawName : nil,
          storedType: source.format == .parquet ? inspected?.schema[name: rawName]?.type : nil
        )
      )
    }
    let missing = columns.filter { $0.field == nil }.map(\.name)
    guard missing.count < columns.count else {
      throw PipelineError.definition(
        path: source.path,
        dataset: source.dataset,
        message: "\(found.shownPath) has none of the columns "
          + "\(wanted.map(\.name).joined(separator: ", ")); it has \(fields.joined(separator: ", "))"
      )
    }
    if !missing.isEmpty {
      result.notes.append("\(found.shownPath) lacks \(missing.joined(separator: ", ")): null")
    }
    let known = Set(rawNames.map { ByteKey($0) })
    return FileDecoding(
      columns: columns,
      unknownFields: isJSON ? [] : fields.filter { !known.contains(ByteKey($0)) },
      timeZone: source.timeZone,
      shownPath: found.shownPath,
      loadedAt: loadedAt,
      dialect: dialect
    )
  }

  /// The one field whose name differs by letter case alone: to a Delta table both are one name.
  private static func otherCase(of name: String, _ fields: [String]) -> String? {
    let folded = name.lowercased()
    let alike = fields.filter { $0.lowercased() == folded }
    return alike.count == 1 ? alike[0] : nil
  }

  /// Digits that tell a value apart from its rounded neighbour, for JSON alone.
  private func decimalDigits(_ decoding: FileDecoding) -> [String: Int] {
    guard source.format == .jsonLines else { return [:] }
    var digits: [String: Int] = [:]
    for column in decoding.columns {
      guard let field = column.field, case .decimal(_, let scale) = column.type else { continue }
      digits[field] = scale + 10
    }
    return digits
  }

  /// The declared columns as an existing table takes them: what it has keeps its type for ever,
  /// what is new joins at the end.
  private func merged(_ declared: [Field], into known: [Field]) throws -> [Field] {
    for field in declared {
      guard let old = known.first(where: { ByteKey($0.name) == ByteKey(field.name) }),
        old.type != field.type
      else { continue }
      throw PipelineError.definition(
        path: source.path,
        dataset: source.dataset,
        message: "column \(field.name) is \(old.type) in the table and now declared "
          + "\(field.type): bronze keeps the types it began with; declare the new type under "
          + "another source, or cast in a model"
      )
    }
    let names = Set(known.map { ByteKey($0.name) })
    return known + declared.filter { !names.contains(ByteKey($0.name)) }
  }

  // MARK: Formats

  private func scanOptions(_ delimiter: Character) -> ScanOptions {
    let limit = Int(environment.recordSizeMax.bytes)
    let format: SourceFormat =
      switch source.format {
      case .csv(_, let hasHeader):
        .csv(
          delimiter: delimiter.asciiValue ?? UInt8(ascii: ","),
          quote: UInt8(ascii: "\""),
          hasHeader: hasHeader
        )
      case .jsonLines: .jsonLines
      case .parquet: .parquet
      }
    return ScanOptions(
      format: format,
      maximumRecordBytes: limit,
      keptIrregularRecords: environment.deadLettersMax,
      keptBytesPerRecord: limit,
      keptBytes: Self.keptBytes
    )
  }

  private func rawFormat(_ delimiter: Character, _ compression: Compression) -> RawFormat {
    let packed = RawCompression(rawValue: compression.rawValue) ?? .none
    switch source.format {
    case .csv(_, let hasHeader):
      return .csv(delimiter: delimiter, hasHeader: hasHeader, compression: packed)
    case .jsonLines: return .jsonLines(compression: packed)
    case .parquet: return .parquet
    }
  }
}

extension RawFormat {
  fileprivate var uncompressed: RawFormat {
    switch self {
    case .csv(let delimiter, let hasHeader, _):
      .csv(delimiter: delimiter, hasHeader: hasHeader, compression: .none)
    case .jsonLines: .jsonLines(compression: .none)
    case .parquet: .parquet
    }
  }
}

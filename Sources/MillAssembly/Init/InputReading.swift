// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import MillCore
internal import MillEngine
internal import MillPipelines
internal import MillSources

/// A file that was read once from front to back.
struct ReadFile: Sendable {
  var path: String
  var scan: FileScan
  var format: RawFormat
  var options: ScanOptions?
  /// The fields in the file's order; their types where the format has some.
  var fields: [Field]
  /// What is wrong with the names of the fields.
  var findings: [String] = []

  var hasHeader: Bool {
    if case .csv(_, let hasHeader, _) = format { hasHeader } else { true }
  }

  /// What the files of one dataset agree in.
  var shape: [String] {
    let names = fields.map(\.name)
    switch format {
    case .csv(let delimiter, let hasHeader, _): return ["csv", "\(delimiter)\(hasHeader)"] + names
    case .jsonLines: return ["json"]
    case .parquet: return ["parquet"] + fields.map { "\($0.name) \($0.type)" }
    }
  }
}

extension ReadFile {
  /// The fields' names as an engine that does not tell case apart can have them.
  ///
  /// Those of CSV may
  /// be anything, since their order counts; those of the other formats are looked up.
  static func engineNames(_ names: [String], _ format: RawFormat) -> [String] {
    guard case .csv = format else { return names }
    return InputReader.distinctNames(names, foldingCase: true)
  }
}

/// Files that are read as one dataset.
struct InputGroup: Sendable {
  var name: String
  var files: [ReadFile]
  /// As `files:` of the source will have it.
  var patterns: [String]
}

/// Finds out how each file is to be read.
struct InputReader {
  let session: any EngineSession
  let executor: BlockingExecutor

  /// Scans a file, and asks the engine for its delimiter or its fields.
  func read(_ path: String) async throws -> ReadFile {
    guard let kind = InputFiles.kind(path) else { throw InitError.unknownFormat(path: path) }
    switch kind {
    case .csv, .tsv:
      return try await readCSV(path, usual: kind == .tsv ? "\t" : ",")
    case .jsonLines:
      let options = ScanOptions(format: .jsonLines, keptIrregularRecords: 0)
      let scan = try await scanned(path, options)
      let format = RawFormat.jsonLines(compression: scan.compression.raw)
      let fields = try await session.inspect(path, as: format).schema.fields
      return try checked(
        ReadFile(path: path, scan: scan, format: format, options: options, fields: fields)
      )
    case .parquet:
      let scan = try await scanned(path, ScanOptions(format: .parquet))
      let fields = try await session.inspect(path, as: .parquet).schema.fields
      return try checked(ReadFile(path: path, scan: scan, format: .parquet, fields: fields))
    }
  }

  private func checked(_ file: ReadFile) throws -> ReadFile {
    guard !file.fields.isEmpty else { throw InitError.noRows(path: file.path) }
    return file
  }

  private func readCSV(_ path: String, usual: Character) async throws -> ReadFile {
    var delimiter = usual
    var options = csvOptions(delimiter, hasHeader: true)
    // Before the engine looks: what is not UTF-8 or not whole is explained better here.
    var scan = try await scanned(path, options)
    let compression = scan.compression.raw
    let guesses = [
      await sniffedDelimiter(path, usual, compression), Self.delimiter(inHeader: scan, usual),
    ]
    for guess in guesses {
      guard let guess, guess != delimiter else { continue }
      let other = csvOptions(guess, hasHeader: true)
      // A guess is from the beginning of the file alone; it must fit the whole better. One that
      // makes the header unreadable does not.
      guard let again = try? await scanned(path, other), Self.isBetter(again, than: scan)
      else { continue }
      (delimiter, options, scan) = (guess, other, again)
    }
    guard var names = scan.headerFields else { throw InitError.noRows(path: path) }
    let hasHeader = Self.isHeader(names)
    if !hasHeader {
      options = csvOptions(delimiter, hasHeader: false)
      scan = try await scanned(path, options)
      names = names.indices.map { "column_\($0 + 1)" }
    }
    guard scan.regularRecords > 0 else { throw InitError.noRows(path: path) }
    return ReadFile(
      path: path,
      scan: scan,
      format: .csv(delimiter: delimiter, hasHeader: hasHeader, compression: compression),
      options: options,
      fields: Self.distinctNames(names, foldingCase: false).map { Field($0, .string) },
      findings: hasHeader ? Self.findings(names) : []
    )
  }

  private static func findings(_ names: [String]) -> [String] {
    let nameless = names.count { $0.isEmpty }
    let repeated = names.count - nameless - Set(names.filter { !$0.isEmpty }).count
    return [
      nameless > 0 ? "\(nameless) columns have no name in the header and got one here" : nil,
      repeated > 0 ? "\(repeated) columns repeat a name of the header and got others here" : nil,
    ].compactMap { $0 }
  }

  /// nil where the engine finds nothing that a scan can use.
  private func sniffedDelimiter(
    _ path: String,
    _ usual: Character,
    _ compression: RawCompression
  ) async -> Character? {
    let format = RawFormat.csv(delimiter: usual, hasHeader: true, compression: compression)
    let found = try? await session.inspect(path, as: format).delimiter
    guard let found, [",", ";", "\t", "|"].contains(found) else { return nil }
    return found
  }

  /// The separator that occurs most often in the header line.
  static func delimiter(inHeader scan: FileScan, _ usual: Character) -> Character? {
    let header = (scan.headerFields ?? []).joined(separator: String(usual))
    let counts = [",", ";", "\t", "|"].map { mark in
      (mark: mark as Character, count: header.count { $0 == mark })
    }
    return counts.filter { $0.count > 0 }.max { $0.count < $1.count }?.mark
  }

  /// More records in form, and of those with as many the one with more fields.
  private static func isBetter(_ scan: FileScan, than other: FileScan) -> Bool {
    let (fields, others) = (scan.headerFields?.count ?? 0, other.headerFields?.count ?? 0)
    // A separator that does not occur makes one field of each line, and every line fits.
    guard fields > 1 else { return false }
    guard others > 1 else { return true }
    return (scan.regularRecords, fields) > (other.regularRecords, others)
  }

  private func csvOptions(_ delimiter: Character, hasHeader: Bool) -> ScanOptions {
    ScanOptions(
      format: .csv(
        delimiter: delimiter.asciiValue ?? UInt8(ascii: ","),
        quote: UInt8(ascii: "\""),
        hasHeader: hasHeader
      ),
      keptIrregularRecords: 0
    )
  }

  private func scanned(_ path: String, _ options: ScanOptions) async throws -> FileScan {
    try await executor.run { try scan(path: path, options: options) }
  }

  /// Whether a first line names columns: most of its fields are neither numbers nor days.
  static func isHeader(_ fields: [String]) -> Bool {
    let values = fields.count { Double($0) != nil || CivilDate(iso8601: $0) != nil }
    return values * 2 < fields.count
  }

  /// Names for fields that have none, or that of another.
  ///
  /// - Parameter foldingCase: whether names that differ by case alone are the same.
  static func distinctNames(_ names: [String], foldingCase: Bool) -> [String] {
    func folded(_ name: String) -> String { foldingCase ? name.lowercased() : name }
    // A name that is made must not be that of a later column.
    let given = Set(names.map { folded($0) })
    var taken: Set<String> = []
    return names.enumerated().map { index, name in
      let base = name.isEmpty ? "column_\(index + 1)" : name
      var unique = base
      var number = 2
      while taken.contains(folded(unique)) || (unique != name && given.contains(folded(unique))) {
        unique = "\(base)_\(number)"
        number += 1
      }
      taken.insert(folded(unique))
      return unique
    }
  }
}

extension InputReader {
  /// Files whose names differ in their numbering alone, and whose fields are the same, are one
  /// dataset; every other file is one of its own.
  static func groups(_ files: [ReadFile], folder: String) -> [InputGroup] {
    var series: [[String]: [Int]] = [:]
    var order: [[String]] = []
    for (index, file) in files.enumerated() {
      let parts = InputFiles.split(file.path)
      let parent = (file.path as NSString).deletingLastPathComponent
      let key: [String] =
        if let name = InputFiles.seriesName(parts.stem) {
          ["series", parent, name, parts.suffix] + file.shape
        } else {
          ["file", file.path]
        }
      if series[key] == nil { order.append(key) }
      series[key, default: []].append(index)
    }
    var taken: Set<String> = []
    return order.map { key in
      let members = (series[key] ?? []).map { files[$0] }
      let isSeries = members.count > 1
      let stem = isSeries ? key[2] : members.first.map { InputFiles.split($0.path).stem } ?? ""
      let name = InputFiles.datasetName(stem, taken: taken)
      taken.insert(name)
      let exact = members.map {
        InputFiles.literalPattern(InputFiles.projectPath($0.path, folder: folder))
      }
      guard isSeries else { return InputGroup(name: name, files: members, patterns: exact) }
      // A pattern only where it names just these files.
      let head = InputFiles.literalPattern(key[1] + "/" + key[2])
      let pattern = head + "*" + InputFiles.literalPattern(key[3])
      let named = (try? expandGlob(pattern, relativeTo: "")) ?? []
      let isExact = Set(named) == Set(members.map(\.path))
      return InputGroup(
        name: name,
        files: members,
        patterns: isExact ? [InputFiles.projectPath(pattern, folder: folder)] : exact
      )
    }
  }
}

extension Compression {
  var raw: RawCompression {
    switch self {
    case .none: .none
    case .gzip: .gzip
    case .zstd: .zstd
    }
  }
}

// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import MillCore
internal import MillPipelines
internal import MillSources

/// The files that somebody named, and what they are called as datasets.
package enum InputFiles {
  /// The format that a file's ending names, or nil.
  package enum Kind: Hashable, Sendable {
    case csv
    /// Separated by tabs, unless reading says otherwise.
    case tsv
    case jsonLines
    case parquet
  }

  /// Resolves files, folders and patterns to absolute paths, each once, in the order given.
  static func resolve(_ arguments: [String]) throws -> [String] {
    var seen: Set<String> = []
    var paths: [String] = []
    for argument in arguments {
      let found = try resolve(argument)
      guard !found.isEmpty else { throw InitError.noFiles(argument: argument) }
      paths += found.filter { seen.insert($0).inserted }
    }
    return paths
  }

  private static func resolve(_ argument: String) throws -> [String] {
    let path = absolute(argument)
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) {
      guard isFolder.boolValue else { return [path] }
      let names = try FileManager.default.contentsOfDirectory(atPath: path)
      return names.filter { !$0.hasPrefix(".") && kind($0) != nil }
        .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        .map { "\(path)/\($0)" }
    }
    do throws(SourceError) {
      return try expandGlob(path, relativeTo: "")
    } catch {
      // Matching in the `catch` itself crashes the compiler of Swift 6.3.1.
      if case .notFound = error { throw InitError.noFiles(argument: argument) }
      throw error
    }
  }

  /// A path without `.` and `..` that starts at the root.
  package static func absolute(_ path: String) -> String {
    URL(fileURLWithPath: path).standardizedFileURL.path
  }

  package static func kind(_ path: String) -> Kind? {
    switch split(path).ending {
    case "csv", "txt": .csv
    case "tsv": .tsv
    case "json", "jsonl", "ndjson": .jsonLines
    case "parquet": .parquet
    default: nil
    }
  }

  /// The name without folder and endings, the ending that tells the format, and all endings.
  package static func split(_ path: String) -> (stem: String, ending: String, suffix: String) {
    let name = path.split(separator: "/").last.map(String.init) ?? path
    var parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    var suffix = ""
    if parts.count > 2, let last = parts.last, ["gz", "zst", "zstd"].contains(last.lowercased()) {
      suffix = "." + last
      parts.removeLast()
    }
    guard parts.count > 1, let ending = parts.popLast() else { return (name, "", suffix) }
    return (parts.joined(separator: "."), ending.lowercased(), ".\(ending)" + suffix)
  }

  /// A name that can stand after `bronze.`: hyphens and all else but letters and digits become
  /// underscores, a digit in front gets a word before it, and a name that is taken gets `_2`.
  ///
  /// ```swift
  /// InputFiles.datasetName("2013-flights", taken: [])  // "data_2013_flights"
  /// ```
  package static func datasetName(_ stem: String, taken: Set<String>) -> String {
    var name = ""
    for scalar in stem.unicodeScalars {
      let isWord = scalar.properties.isAlphabetic || scalar.properties.numericType != nil
      if isWord {
        name.unicodeScalars.append(scalar)
      } else if !name.isEmpty, !name.hasSuffix("_") {
        name += "_"
      }
    }
    while name.hasSuffix("_") { name.removeLast() }
    name = name.lowercased()
    while name.utf8.count > 100 { name.removeLast() }
    if !DatasetName.isName(name) { name = name.isEmpty ? "data" : "data_" + name }
    if !DatasetName.isName(name) { name = "data" }
    guard taken.contains(name) else { return name }
    var number = 2
    while taken.contains("\(name)_\(number)") { number += 1 }
    return "\(name)_\(number)"
  }

  /// The name that parts of one whole share, or nil for a name that does not end in a number.
  ///
  /// `payments-2025-01` and `payments-2025-02` are `payments`.
  package static func seriesName(_ stem: String) -> String? {
    let isNumbering: (Character) -> Bool = { $0.isASCII && ($0.isNumber || "-_.".contains($0)) }
    let head = stem.reversed().drop(while: isNumbering)
    guard !head.isEmpty, let last = stem.last, last.isNumber else { return nil }
    return String(head.reversed())
  }

  /// A path as a pattern that names just it.
  package static func literalPattern(_ path: String) -> String {
    path.reduce(into: "") { text, character in
      switch character {
      case "*", "?", "[": text += "[\(character)]"
      default: text.append(character)
      }
    }
  }

  /// `path` as it is written in a project: relative if it lies inside of `folder`.
  package static func projectPath(_ path: String, folder: String) -> String {
    let root = folder.hasSuffix("/") ? folder : folder + "/"
    return path.hasPrefix(root) ? String(path.dropFirst(root.count)) : path
  }
}

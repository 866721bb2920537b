// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// Why no project was made from the given files.
///
/// Whatever the case, no file was written.
@nonexhaustive
public enum InitError: Failure, Equatable {
  /// The folder holds a project already, which is left alone.
  case projectExists(folder: String)
  /// A file that would be written is there already.
  case fileExists(path: String)
  /// Neither a file nor a folder nor a pattern that names one.
  case noFiles(argument: String)
  /// The ending says nothing of the format.
  case unknownFormat(path: String)
  /// There is no row to learn columns from.
  case noRows(path: String)

  /// A stable, searchable name.
  public var code: String {
    switch self {
    case .projectExists: "init.project-exists"
    case .fileExists: "init.file-exists"
    case .noFiles: "init.no-files"
    case .unknownFormat: "init.unknown-format"
    case .noRows: "init.no-rows"
    }
  }

  /// Whose move it is.
  public var errorClass: ErrorClass {
    switch self {
    case .projectExists, .fileExists, .noFiles, .unknownFormat: .definition
    case .noRows: .data
    }
  }

  /// What happened and what to do next.
  public var description: String {
    switch self {
    case .projectExists(let folder):
      "\(folder) holds a millrace.yaml already: choose another folder, or remove that project first"
    case .fileExists(let path):
      "\(path) is there already and is left alone: move it away, or choose another folder"
    case .noFiles(let argument):
      "\(argument) names no data file: name files, a folder, or a pattern such as 'data/*.csv'"
    case .unknownFormat(let path):
      "the format of \(path) is unknown: its name must end in .csv, .tsv, .txt, .json, .jsonl, "
        + ".ndjson or .parquet, all but the last with .gz or .zst after it if it is packed"
    case .noRows(let path):
      "\(path) holds no row: name a file that does"
    }
  }
}

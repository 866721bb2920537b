// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// Why a source file cannot be loaded.
///
/// Content (``ErrorClass/data``) and disk (``ErrorClass/outside``) are kept apart. No case holds row
/// values: the file, the byte and the line are enough to find them.
@nonexhaustive
public enum SourceError: Failure, Equatable {
  case notFound(path: String)
  /// The disk refused; `operation` is the system call that said so.
  case unreadable(path: String, operation: String, errno: Int32)
  /// A folder, a pipe or a device stands where a file is expected.
  case notAFile(path: String)
  /// The file differed between two looks at it, so that no statement about it would be true.
  case changedWhileReading(path: String)
  /// The clean copy could not be written.
  case unwritable(path: String, operation: String, errno: Int32)
  /// The compressed stream stops in its middle; `atByte` is the size of the file on disk.
  case truncatedCompressed(path: String, compression: Compression, atByte: Int64)
  /// The compressed stream is damaged; `atByte` is how far the file on disk had been read.
  case corruptCompressed(path: String, compression: Compression, atByte: Int64, detail: String)
  /// `byteOffset` counts the decompressed text from zero, `line` from one.
  case notUTF8(path: String, byteOffset: Int64, line: Int64)
  /// The header line names no column at all.
  case emptyHeader(path: String, line: Int64)
  /// The header line itself cannot be framed.
  case brokenHeader(path: String, line: Int64, reason: IrregularReason)
  /// The header line holds a carriage return that no newline follows.
  case carriageReturnLines(path: String, line: Int64)
  /// The options contradict themselves.
  case unusableFormat(path: String, detail: String)
  /// A file name in this folder is not UTF-8, so that it could not be told to anybody.
  case unusableName(folder: String)

  /// `source.` and the case.
  public var code: String {
    switch self {
    case .notFound: "source.not-found"
    case .unreadable: "source.unreadable"
    case .notAFile: "source.not-a-file"
    case .changedWhileReading: "source.changed-while-reading"
    case .unwritable: "source.unwritable"
    case .truncatedCompressed: "source.truncated-compressed"
    case .corruptCompressed: "source.corrupt-compressed"
    case .notUTF8: "source.not-utf8"
    case .emptyHeader: "source.empty-header"
    case .brokenHeader: "source.broken-header"
    case .carriageReturnLines: "source.carriage-return-lines"
    case .unusableFormat: "source.unusable-format"
    case .unusableName: "source.unusable-name"
    }
  }

  /// Content is the data's fault, a disk that refuses is not.
  public var errorClass: ErrorClass {
    switch self {
    case .notFound, .unreadable, .notAFile, .changedWhileReading, .unwritable, .unusableName:
      .outside
    case .truncatedCompressed, .corruptCompressed, .notUTF8, .emptyHeader, .brokenHeader,
      .carriageReturnLines:
      .data
    case .unusableFormat: .definition
    }
  }

  /// What happened to which file, where, and what to do next.
  public var description: String {
    switch self {
    case .notFound(let path):
      "there is no file \(path): check the path, which is relative to the project folder"
    case .unreadable(let path, let operation, let number):
      "cannot \(operation) \(path): \(systemMessage(number)) (errno \(number)); check its owner, "
        + "its mode and the disk"
    case .notAFile(let path):
      "\(path) is not a regular file: name a file, or a pattern such as \(path)/*.csv"
    case .changedWhileReading(let path):
      "\(path) changed while it was read: wait until its writer is done, then run again"
    case .unwritable(let path, let operation, let number):
      "cannot \(operation) \(path): \(systemMessage(number)) (errno \(number)); check the space "
        + "and the mode of its folder"
    case .truncatedCompressed(let path, let compression, let byte):
      "\(path) ends at byte \(byte), in the middle of its \(compression.rawValue) stream: fetch the "
        + "whole file again (`\(compression.testCommand) \(path)` tells whether it is whole)"
    case .corruptCompressed(let path, let compression, let byte, let detail):
      "the \(compression.rawValue) stream of \(path) is damaged before byte \(byte): \(detail); "
        + "fetch the file again (`\(compression.testCommand) \(path)` tells whether it is whole)"
    case .notUTF8(let path, let offset, let line):
      "\(path) is not UTF-8 at byte \(offset) of its text, in line \(line): convert it, for "
        + "example `iconv -f latin1 -t utf-8 \(path) > converted` if it is Latin-1"
    case .emptyHeader(let path, let line):
      "line \(line) of \(path) should be the header but names no column: put the names there, or "
        + "declare that the file has no header"
    case .brokenHeader(let path, let line, let reason):
      "the header in line \(line) of \(path) cannot be read: \(reason.description); check the "
        + "delimiter and the quote"
    case .carriageReturnLines(let path, let line):
      "line \(line) of \(path) holds a carriage return without a newline: if its lines end that "
        + "way, convert it with `tr '\\r' '\\n' < \(path) > converted`"
    case .unusableFormat(let path, let detail):
      "the format declared for \(path) cannot be used: \(detail)"
    case .unusableName(let folder):
      "the folder \(folder) holds a file name that is not UTF-8: rename that file"
    }
  }
}

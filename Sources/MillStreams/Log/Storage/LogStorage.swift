// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// The disk of a log: files that are written and read at places, and the names in folders.
///
/// `FileSystem` knows files that are made whole; a segment grows, is synced again and again, and is
/// cut. Calls block and are made on threads of their own. Tests replace it by a disk that forgets
/// what was not synced and fails wherever they want.
public protocol LogStorage: Sendable {
  /// Opens a file.
  ///
  /// - Throws: `notFound` of a missing file that is only to be read.
  func open(_ path: String, _ access: LogAccess) throws(FileError) -> any LogFile
  /// The names in a folder, in the order of their bytes; `notFound` if it is missing.
  func names(in folder: String) throws(FileError) -> [String]
  /// Makes a folder and those above it, none of whose names is durable by that.
  func createFolders(_ path: String) throws(FileError)
  /// Makes the names in a folder durable.
  func syncFolder(_ path: String) throws(FileError)
  /// Replaces `target` by `source` atomically.
  func rename(_ source: String, to target: String) throws(FileError)
  /// Removes a file; one that is gone already is no error.
  func remove(_ path: String) throws(FileError)
  /// Takes the lock that a file stands for, or gives back nil while somebody else has it.
  ///
  /// It ends with its owner's process, however that ends.
  func lock(_ path: String) throws(FileError) -> (any LogLock)?
}

/// What a file is opened for.
public enum LogAccess: Sendable {
  /// To be read.
  case read
  /// To be read and written; it is made if there is none.
  case write
}

/// An open file of a log; it is closed when nobody holds it any more.
public protocol LogFile: AnyObject, Sendable {
  /// Its path, for messages.
  var path: String { get }
  /// Its length in bytes.
  func size() throws(FileError) -> Int64
  /// Writes these bytes one after the other at a place; they are then in the page cache only.
  ///
  /// After an error any part of them may have been written.
  func write(_ pieces: [UnsafeRawBufferPointer], at place: Int64) throws(FileError)
  /// Reads into the memory until it is full or the file ends, and says how many bytes came.
  func read(into memory: UnsafeMutableRawBufferPointer, at place: Int64) throws(FileError) -> Int
  /// Cuts the file off.
  func truncate(to size: Int64) throws(FileError)
  /// Makes content and length durable.
  ///
  /// After an error nothing written since the last sync may be relied upon, even if a later sync
  /// succeeds: the system may have dropped it.
  func sync() throws(FileError)
}

/// A lock that is held until ``release()``, or until its process ends.
public protocol LogLock: AnyObject, Sendable {
  /// Gives the lock back.
  func release()
}

extension LogStorage {
  /// The whole content of a file, or nil if there is none.
  ///
  /// - Parameter bound: More bytes than this are a damaged file, and only so many are read.
  func readIfExists(_ path: String, upTo bound: Int) throws(FileError) -> [UInt8]? {
    let file: any LogFile
    do throws(FileError) {
      file = try open(path, .read)
    } catch {
      guard case .notFound = error else { throw error }
      return nil
    }
    let size = Int(min(try file.size(), Int64(bound)))
    var bytes = [UInt8](repeating: 0, count: size)
    let outcome: Result<Int, FileError> = bytes.withUnsafeMutableBytes { memory in
      Result { () throws(FileError) -> Int in try file.read(into: memory, at: 0) }
    }
    let count = try outcome.get()
    return Array(bytes.prefix(count))
  }

  /// Makes a file of this content under a temporary name, durable, and moves it to its own.
  ///
  /// The name is durable only with the folder's next sync.
  func replace(_ path: String, _ bytes: [UInt8]) throws(FileError) {
    let temporary = path + ".tmp"
    let file = try open(temporary, .write)
    try file.truncate(to: 0)
    let outcome: Result<Void, FileError> = bytes.withUnsafeBytes { memory in
      Result { () throws(FileError) in try file.write([memory], at: 0) }
    }
    try outcome.get()
    try file.sync()
    try rename(temporary, to: path)
  }
}

// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Synchronization

/// The absolute path of something in the folder of real data and foreign readers, or nil.
///
/// The folder is `$MILLRACE_SHARED`, else `../shared` beside the working directory. When the thing
/// is not there, a line that begins with `SKIPPED:` says so, once for each path.
///
/// ```swift
/// guard let folder = requireShared("data/delta-conformance") else { return }
/// ```
public func requireShared(_ path: String) -> String? {
  let environment = ProcessInfo.processInfo.environment
  let here = FileManager.default.currentDirectoryPath
  let shared = environment["MILLRACE_SHARED"] ?? "\(here)/../shared"
  let found = path.isEmpty ? shared : "\(shared)/\(path)"
  guard !FileManager.default.fileExists(atPath: found) else {
    return URL(fileURLWithPath: found).standardizedFileURL.path
  }
  reportSkipped("there is no \(found): set MILLRACE_SHARED to the folder that holds it")
  return nil
}

/// The path of a program that tests start, or nil.
///
/// It is looked for in the folders of `$PATH`. When it is not there, a line that begins with `SKIPPED:`
/// says so, once for each program.
///
/// - Parameter hint: How to install it.
public func requireProgram(_ name: String, _ hint: String) -> String? {
  let folders = ProcessInfo.processInfo.environment["PATH"] ?? ""
  for folder in folders.split(separator: ":") {
    let path = "\(folder)/\(name)"
    if FileManager.default.isExecutableFile(atPath: path) { return path }
  }
  reportSkipped("there is no \(name): \(hint)")
  return nil
}

private let reported = Mutex<Set<String>>([])

/// Says loudly, but once, that something was not checked.
func reportSkipped(_ reason: String) {
  guard reported.withLock({ $0.insert(reason).inserted }) else { return }
  FileHandle.standardError.write(Data("SKIPPED: \(reason)\n".utf8))
}

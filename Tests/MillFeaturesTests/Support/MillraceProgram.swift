// SPDX-License-Identifier: Apache-2.0

import Foundation
import MillCore
import MillTesting

/// The built program, as another process.
struct MillraceProgram {
  struct MissingBinary: Error, CustomStringConvertible {
    var description: String { "no millrace beside the tests: run `swift build` first" }
  }

  /// How a command ended, and all that it said.
  struct Outcome {
    var ending: ChildProcess.Ending
    var text: String

    var isDone: Bool { ending == .exited(0) }
  }

  /// The project it works in.
  var folder: String
  /// The disk that it sees in place of a folder.
  var disk: SmallDisk?
  private let binary: String
  private let scratch: TemporaryFolder

  init(in folder: String) throws {
    self.folder = folder
    binary = try Self.path()
    scratch = try TemporaryFolder("millrace-program")
  }

  /// Starts a command; the caller waits for it or kills it.
  func start(_ arguments: [String], saying name: String = "said") throws -> ChildProcess {
    let command = [binary] + arguments
    return try ChildProcess(
      disk?.command(command, in: folder) ?? command,
      in: folder,
      environment: ["NO_COLOR": "1"],
      output: scratch.path(name),
      errors: scratch.path("\(name)-errors")
    )
  }

  /// Runs a command to its end.
  func run(_ arguments: [String]) throws -> Outcome {
    Outcome(ending: try start(arguments).wait(), text: said())
  }

  /// What a command said that has ended.
  func said(_ name: String = "said") -> String {
    [name, "\(name)-errors"].map {
      (try? String(contentsOfFile: scratch.path($0), encoding: .utf8)) ?? ""
    }.joined()
  }

  /// The built binary, beside the test bundle or in the debug folder.
  static func path() throws -> String {
    var folder = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
    var candidates: [String] = []
    for _ in 0..<6 {
      folder.deleteLastPathComponent()
      candidates.append(folder.appendingPathComponent("millrace").path)
    }
    let root = URL(fileURLWithPath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    candidates.append(root.appendingPathComponent(".build/debug/millrace").path)
    for candidate in candidates {
      var isFolder: ObjCBool = false
      if FileManager.default.fileExists(atPath: candidate, isDirectory: &isFolder),
        !isFolder.boolValue, FileManager.default.isExecutableFile(atPath: candidate)
      {
        return candidate
      }
    }
    throw MissingBinary()
  }
}

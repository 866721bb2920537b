// SPDX-License-Identifier: Apache-2.0

internal import Dispatch
internal import Foundation

/// Another program that was run to its end, and what it said.
struct PeerProgram: Sendable {
  /// How it ended.
  var ending: ChildProcess.Ending
  /// What it printed.
  var output: [UInt8]
  /// What it said on standard error.
  var errors: String

  /// Runs a program and waits for it.
  static func run(
    _ command: [String],
    environment: [String: String?] = [:]
  ) async throws -> PeerProgram {
    try await withCheckedThrowingContinuation { continuation in
      // Waiting for a process blocks, so it has a thread outside of the cooperative pool.
      DispatchQueue.global().async {
        let name = "mill-peer-\(UUID().uuidString)"
        let folder = FileManager.default.temporaryDirectory
        let output = folder.appendingPathComponent(name)
        let errors = folder.appendingPathComponent("\(name).errors")
        defer { for file in [output, errors] { try? FileManager.default.removeItem(at: file) } }
        do {
          let process = try ChildProcess(
            command,
            environment: environment,
            output: output.path,
            errors: errors.path
          )
          let ending = process.wait()
          continuation.resume(
            returning: PeerProgram(
              ending: ending,
              output: Array(try Data(contentsOf: output)),
              errors: String(decoding: try Data(contentsOf: errors), as: UTF8.self)
            )
          )
        } catch {
          continuation.resume(throwing: error)
        }
      }
    }
  }
}

// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import MillCore
internal import MillEngine

extension EngineError {
  /// What an error of DuckDB means for whoever asked the engine.
  init(_ error: DuckDBError) {
    let message = Self.firstLines(of: error.message)
    switch error.kind {
    case .parser, .binder, .catalog, .notImplemented:
      self = .sql(message: message, line: error.line, column: error.column)
    case .conversion, .outOfRange, .constraint, .invalidInput:
      // DuckDB quotes the value at fault, which a message to a stranger must not.
      self = .data(
        message: DuckDBError(kind: error.kind, message: "").description,
        line: nil,
        column: nil
      )
    // What follows are settings of DuckDB, which are not the user's.
    case .outOfMemory:
      self = .resources(message: String(message.prefix { $0 != ";" }.trimmedOfFullStop))
    case .io where Self.isOfFullDisk(message): self = .noSpace(message: message)
    case .io, .http, .dataCorruption: self = .io(message: message)
    case .permission, .configuration, .missingExtension: self = .notPermitted(message: message)
    case .interrupted, .deadlineExceeded: self = .interrupted
    default: self = .failed(message: message)
    }
  }

  /// Of `errno` DuckDB tells the words alone: those of ENOSPC and EDQUOT.
  private static func isOfFullDisk(_ message: String) -> Bool {
    ["No space left on device", "Disk quota exceeded"].contains { message.contains($0) }
  }

  /// The message without DuckDB's excerpt, which our own frame of the user's file replaces.
  private static func firstLines(of message: String) -> String {
    var lines: [Substring] = []
    for line in message.split(separator: "\n", omittingEmptySubsequences: true) {
      if line.hasPrefix("LINE ") { break }
      lines.append(line)
    }
    let text = lines.joined(separator: "; ")
    for prefix in [
      "Parser Error: ", "Binder Error: ", "Catalog Error: ", "Conversion Error: ",
      "Invalid Input Error: ", "IO Error: ", "Out of Memory Error: ", "Permission Error: ",
      "Out of Range Error: ",
    ] where text.hasPrefix(prefix) {
      return plain(String(text.dropFirst(prefix.count)))
    }
    return plain(text)
  }

  /// Says of a missing column or function what a person would.
  private static func plain(_ text: String) -> String {
    let parts = text.components(separatedBy: "\"")
    if text.hasPrefix("Referenced column \""), parts.count > 1 {
      let near = text.contains("Candidate bindings: ") && parts.count > 3 ? parts[3] : nil
      return "there is no column \(parts[1])" + (near.map { ": did you mean \($0)?" } ?? "")
    }
    return text
  }
}

extension StringProtocol {
  /// A sentence that others go on with.
  fileprivate var trimmedOfFullStop: SubSequence { last == "." ? dropLast() : self[...] }
}

/// Runs a step of the binding and speaks of its errors in the engine's words.
func engineErrors<T>(_ body: () async throws(DuckDBError) -> T) async throws(EngineError) -> T {
  do {
    return try await body()
  } catch {
    throw EngineError(error)
  }
}

// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// Why a project cannot be loaded: everything that is wrong with its files, at once.
public struct ProjectError: Failure, Hashable {
  /// One mistake and where it is.
  public struct Problem: Hashable, Sendable, CustomStringConvertible {
    /// The file, relative to the project, with line and column where the mistake has them.
    public var place: SourcePlace
    /// What is wrong.
    public var message: String
    /// What to write instead.
    public var hint: String?

    /// A mistake at a place.
    public init(place: SourcePlace, message: String, hint: String? = nil) {
      self.place = place
      self.message = message
      self.hint = hint
    }

    /// The place, what is wrong, and what to write instead, in one line.
    public var description: String {
      "\(place): \(message)" + (hint.map { "; \($0)" } ?? "")
    }
  }

  /// What kind of trouble the project is in.
  public enum Reason: String, Sendable, CaseIterable {
    /// The folder holds no `millrace.yaml`.
    case notFound = "project.not-found"
    /// Its files hold mistakes.
    case invalid = "project.invalid"
  }

  /// What kind of trouble the project is in.
  public let reason: Reason
  /// The mistakes by file, line and column; there is at least one.
  public let problems: [Problem]

  init(_ reason: Reason, _ problems: [Problem]) {
    self.reason = reason
    self.problems = problems.sorted { left, right in
      left.order.lexicographicallyPrecedes(right.order)
    }
  }

  /// `project.invalid` or `project.not-found`.
  public var code: String { reason.rawValue }

  /// The user edits the files.
  public var errorClass: ErrorClass { .definition }

  /// The problems, one per line.
  public var description: String {
    problems.map(\.description).joined(separator: "\n")
  }
}

extension ProjectError.Problem {
  /// Settings, sources, models, each by path; then line and column, with figures of one width.
  fileprivate var order: [String] {
    let path = place.path
    let rank = path.hasPrefix("models") ? "2" : path.hasPrefix("sources") ? "1" : "0"
    let position = [place.line ?? 0, place.column ?? 0].map { number in
      let digits = String(number)
      return String(repeating: "0", count: max(0, 20 - digits.count)) + digits
    }
    return [rank, path] + position
  }
}

// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// Why the memory of definitions has no answer.
@nonexhaustive
public enum RegistryError: Failure, Equatable {
  /// Nothing of this name was ever written down.
  case neverRecorded(String, nearest: String?)
  /// A name has no version of this number.
  case noVersion(String, asked: Int, newest: Int)
  /// No version of a view is in the online store.
  case notOnline(String)
  /// A version was asked for, and of which name was not said.
  case ofWhich(Int)
  /// What was written down cannot be read.
  case damaged(String, problem: String)

  /// `registry.` and the case.
  public var code: String {
    switch self {
    case .neverRecorded: "registry.never-recorded"
    case .noVersion: "registry.no-version"
    case .notOnline: "registry.not-online"
    case .ofWhich: "registry.of-which"
    case .damaged: "registry.damaged"
    }
  }

  /// Whose move it is.
  public var errorClass: ErrorClass {
    if case .damaged = self { .outside } else { .definition }
  }

  /// What happened, to what, and what to do next.
  public var description: String {
    switch self {
    case .neverRecorded(let name, let nearest):
      "no version of \(name) was ever recorded"
        + (nearest.map { ": did you mean \($0)?" }
          ?? "; `millrace features apply` records what is defined now")
    case .noVersion(let name, let asked, let newest):
      "\(name) has no version v\(asked): the newest is v\(newest); "
        + "`millrace features history \(name)` shows all"
    case .notOnline(let name):
      "no version of \(name) is in the online store: run `millrace features materialize \(name)`"
    case .ofWhich(let version):
      "each name has a v\(version) of its own: say of which view, service or entity"
    case .damaged(let name, let problem):
      "the recorded versions of \(name) cannot be read: \(problem); no data is lost, move the "
        + "ledger away and `millrace ledger rebuild` makes it anew"
    }
  }
}

// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// Why definitions were not written for a Feast client; nothing is changed then.
@nonexhaustive
public enum FeastExportError: Failure, Equatable {
  /// The folder has files of another Feast repository.
  case otherRepository(path: String)
  /// A client cannot send requests there.
  case server(String, problem: String)
  /// No environment variable can be called this.
  case tokenVariable(String)

  /// `feast.` and the case.
  public var code: String {
    switch self {
    case .otherRepository: "feast.other-repository"
    case .server: "feast.server"
    case .tokenVariable: "feast.token-variable"
    }
  }

  /// Whose move it is.
  public var errorClass: ErrorClass { .definition }

  /// What happened, to what, and what to do next.
  public var description: String {
    switch self {
    case .otherRepository(let path):
      "\(path) was not written by `millrace features export-feast`, and is not replaced: "
        + "give another folder"
    case .server(let text, let problem):
      "\(text) is no address of a server: \(problem); write it as http://127.0.0.1:6566"
    case .tokenVariable(let name):
      "\(name) is no name of an environment variable: use letters, digits and _, such as "
        + "MILLRACE_TOKEN"
    }
  }
}

// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// Why a server does not start.
@nonexhaustive
public enum ServerError: Failure, Equatable {
  /// The address is taken, is not one of this machine's, or may not be listened at.
  case listen(host: String, port: Int, detail: String)
  /// The files of TLS cannot be used.
  case tls(file: String, detail: String)
  /// The project defines no features.
  case nothingToServe(project: String)

  /// `server.` and the case.
  public var code: String {
    switch self {
    case .listen: "server.listen"
    case .tls: "server.tls"
    case .nothingToServe: "server.nothing-to-serve"
    }
  }

  /// Whose move it is.
  public var errorClass: ErrorClass {
    switch self {
    case .listen: .outside
    case .tls, .nothingToServe: .definition
    }
  }

  /// What happened, to what, and what to do next.
  public var description: String {
    switch self {
    case .listen(let host, let port, let detail):
      "cannot listen at \(host):\(port): \(detail); give another with --listen or `server.listen`"
    case .tls(let file, let detail):
      "\(file) cannot be used for TLS: \(detail); `server.tls` wants PEM files of a certificate and "
        + "its key"
    case .nothingToServe(let project):
      "the project \(project) defines no features: write features/*.yaml"
    }
  }
}

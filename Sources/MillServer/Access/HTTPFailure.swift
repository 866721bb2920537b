// SPDX-License-Identifier: Apache-2.0

internal import HTTPTypes
internal import MillCore
internal import MillFeatures

/// Why a request is not answered as it wished: the one place where errors become statuses.
struct HTTPFailure: Error {
  var status: HTTPResponse.Status
  /// Stable and searchable, as on the command line.
  var code: String
  /// For the client; it never holds what other clients know.
  var message: String
  /// The class that Feast's Python client raises.
  var feastClass: String?
  /// What was meant, if that can be guessed.
  var nearest: String?
  init(
    _ status: HTTPResponse.Status,
    _ code: String,
    _ message: String,
    feastClass: String? = nil
  ) {
    self.status = status
    self.code = code
    self.message = message
    self.feastClass = feastClass
  }

  /// An answer that did not begin in time.
  static let tooSlow = HTTPFailure(
    .serviceUnavailable,
    "server.timeout",
    "the answer takes longer than the server's `timeout`: what was asked for may be done or not"
  )

  /// Where a disk is full beneath the online store.
  private static let fullDisks: Set = ["engine.no-space", "file.no-space", "ledger.full"]

  /// What an error of the layers below is to a client.
  init(_ error: any Error) {
    switch error {
    case let failure as HTTPFailure: self = failure
    case let error as JSONError:
      self.init(.unprocessableContent, error.code, error.description)
    case let error as FeatureError: self.init(error)
    case let error as OnlineStoreError:
      // What the store is called and how it is reached is the operator's business: the log has it.
      self.init(Self.status(of: error), error.code, Self.story(of: error))
    case is CancellationError:
      self.init(.serviceUnavailable, "server.stopping", "the server is going down: try another")
    case let error as any Failure where Self.fullDisks.contains(error.code):
      self.init(
        .insufficientStorage,
        error.code,
        "a disk of the server is full: send the request again when there is room"
      )
    case let error as any Failure
    where error.errorClass == .transient || error.errorClass == .outside:
      self.init(
        .serviceUnavailable,
        error.code,
        "the server could not do this now: try again later"
      )
    case let error as any Failure where error.errorClass == .definition:
      // What the engine says holds SQL and names that are the operator's.
      self.init(
        .conflict,
        error.code,
        "the server's definitions and its tables do not fit together: its log says how"
      )
    default:
      self.init(
        .internalServerError,
        (error as? any Failure)?.code ?? "server.bug",
        "the server made a mistake: its log says which"
      )
    }
  }

  private init(_ error: FeatureError) {
    switch error {
    case .unknown(let kind, _, let nearest):
      let name: String =
        switch kind {
        case .service: "FeatureServiceNotFoundException"
        case .entity: "EntityNotFoundException"
        default: "FeatureViewNotFoundException"
        }
      self.init(.notFound, error.code, error.fact, feastClass: name)
      self.nearest = nearest
    case .request: self.init(.unprocessableContent, error.code, error.fact)
    // Not 503: clients would ask again and again for what only a person can mend.
    default: self.init(.conflict, error.code, error.fact)
    }
  }

  private static func status(of error: OnlineStoreError) -> HTTPResponse.Status {
    if case .full = error { return .insufficientStorage }
    return .serviceUnavailable
  }

  private static func story(of error: OnlineStoreError) -> String {
    switch error {
    case .damaged: "the online store of this server is damaged: its log says how"
    case .busy: "the online store of this server is busy: try again"
    case .full: "the online store of this server is full: send the request again when it has room"
    default: "the online store of this server does not answer: try again later"
    }
  }

  /// The body of an answer, as whoever asks at a path understands it.
  func body(of path: String) -> [UInt8] {
    Array((path.hasPrefix("/v1/") ? json : feastJSON).serialized().utf8)
  }

  /// As answers under /v1 have it.
  var json: JSONValue {
    var error: JSONObject = ["code": .string(code), "message": .string(message)]
    if let nearest { error["nearest"] = .string(nearest) }
    return ["error": .object(error)]
  }

  /// As Feast's client wants it: text that holds JSON, from which it makes the error that it raises.
  ///
  /// > Source: Feast 0.67, sdk/python/feast/errors.py, `FeastError.from_error_detail`.
  var feastJSON: JSONValue {
    let inner: JSONValue = [
      "module": "feast.errors", "class": .string(feastClass ?? "FeastError"),
      "message": .string(message),
    ]
    return .string(inner.serialized())
  }
}

extension HTTPResponse.Status {
  /// A client that is told 503 asks again soon, and room is made by a person alone.
  ///
  /// > Source: RFC 4918, 11.5.
  static let insufficientStorage = Self(code: 507, reasonPhrase: "Insufficient Storage")
}

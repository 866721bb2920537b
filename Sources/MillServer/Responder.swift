// SPDX-License-Identifier: Apache-2.0

internal import HTTPTypes
internal import Hummingbird
internal import HummingbirdCore
internal import MillAssembly
internal import MillCore
internal import MillFeatures
internal import NIOCore

/// Answers every request of the server: finds the route, asks for the token, and writes the line of the
/// access log.
struct Responder: HTTPResponder {
  typealias Context = ServerContext

  let state: ServerState
  let tokens: AccessTokens
  let log: AccessLog?

  /// What a route answers with.
  struct Answer {
    var status: HTTPResponse.Status = .ok
    var body = ByteBuffer()
    var type = "application/json"
    var headers: [(HTTPField.Name, String)] = []
    var entities: Int?
    var token: String?
    var code: String?
  }

  /// How a request came.
  private struct Arrival {
    let context: ServerContext
    /// When it was there whole; nil before.
    var time: ContinuousClock.Instant?
    var bytes = 0
    /// Whether its body was asked for.
    var isAsked = false

    /// Whether its client waits for being told to send the body.
    func isAwaited(_ request: Request) -> Bool {
      guard !isAsked, let expected = request.headers[.expect] else { return false }
      return expected.lowercased() == "100-continue"
    }

    /// Asks for the body.
    mutating func ask(_ request: Request) {
      if isAwaited(request) { context.goOn() }
      isAsked = true
    }
  }

  func respond(to request: Request, context: ServerContext) async throws -> Response {
    let start = ContinuousClock.now
    let path = Self.path(of: request)
    var arrival = Arrival(context: context)
    var answer: Answer
    do {
      answer = try await route(path, request, Budget.Share(state.budget), &arrival)
    } catch {
      let failure = HTTPFailure(error)
      let isHidden = !(error is HTTPFailure || error is FeatureError || error is JSONError)
      if isHidden, !(error is CancellationError) { state.report(error, path) }
      answer = Answer(status: failure.status, code: failure.code)
      answer.body = ByteBuffer(bytes: failure.body(of: path))
      if failure.status == .unauthorized {
        answer.headers.append((.wwwAuthenticate, "Bearer"))
      }
      if failure.status == .methodNotAllowed {
        answer.headers.append((.allow, Self.allowed(path)))
      }
      // Its client may hold the body back for ever.
      if arrival.isAwaited(request) { answer.headers.append((.connection, "close")) }
    }
    if let whole = arrival.time, RequestDeadline.isBounded(path),
      ContinuousClock.now - whole >= state.settings.timeout
    {
      // Its client was answered already, and the connection is closed.
      answer = Answer(
        status: HTTPFailure.tooSlow.status,
        token: answer.token,
        code: HTTPFailure.tooSlow.code
      )
    }
    log?.append(
      AccessLog.Entry(
        time: state.world.clock.now(),
        status: answer.status.code,
        method: request.method.rawValue,
        path: path,
        duration: ContinuousClock.now - start,
        bytesIn: arrival.bytes,
        bytesOut: answer.body.readableBytes,
        entities: answer.entities,
        token: answer.token,
        code: answer.code
      )
    )
    var headers = HTTPFields()
    headers[.contentType] = answer.type
    headers[.contentLength] = String(answer.body.readableBytes)
    for (name, value) in answer.headers { headers[name] = value }
    // An answer to HEAD ends with its headers; a body would be taken for the next answer.
    let isHead = request.method == .head
    return Response(
      status: answer.status,
      headers: headers,
      body: isHead ? ResponseBody() : ResponseBody(byteBuffer: answer.body)
    )
  }

  private static func path(of request: Request) -> String {
    let path = request.head.path ?? "/"
    guard let mark = path.utf8.firstIndex(of: UInt8(ascii: "?")) else { return path }
    return String(path[..<mark])
  }

  private static func query(of request: Request) -> [String] {
    let path = request.head.path ?? "/"
    guard let mark = path.utf8.firstIndex(of: UInt8(ascii: "?")) else { return [] }
    return path[path.utf8.index(after: mark)...].split(separator: "&").map(String.init)
  }

  private static let gets = ["/health", "/v1/health", "/openapi.json"]
  private static let posts = [
    "/get-online-features", "/push", "/write-to-online-store", "/materialize",
    "/materialize-incremental", "/v1/features", "/v1/push", "/v1/materialize",
  ]

  private static func allowed(_ path: String) -> String {
    gets.contains(path) ? "GET, HEAD" : "POST"
  }

  // MARK: Routes

  private func route(
    _ path: String,
    _ request: Request,
    _ share: Budget.Share,
    _ arrival: inout Arrival
  ) async throws -> Answer {
    let isGet = Self.gets.contains(path)
    guard isGet || Self.posts.contains(path) else {
      let nearest = nearestName(to: path, among: Self.gets + Self.posts)
      throw HTTPFailure(
        .notFound,
        "server.no-route",
        "there is nothing at this path" + (nearest.map { ": did you mean \($0)?" } ?? "")
      )
    }
    guard request.method == (isGet ? .get : .post) || isGet && request.method == .head else {
      throw HTTPFailure(
        .methodNotAllowed,
        "server.method",
        "\(path) takes \(isGet ? "GET" : "POST") requests alone"
      )
    }
    switch path {
    case "/health": return health(isWhole: false)
    case "/v1/health":
      // It names views, files and what is wrong with them.
      _ = try tokens.require(any: request.headers[.authorization])
      return health(isWhole: true)
    case "/openapi.json":
      return Answer(body: ByteBuffer(string: OpenAPIDescription.json.serialized(pretty: true)))
    default: break
    }
    try requireNoForeignPage(request)
    let header = request.headers[.authorization]
    // Who has no token at all learns nothing more, and costs no more than this.
    let token = try tokens.require(any: header)
    let body = try await body(of: request, share, &arrival)
    arrival.bytes = body.readableBytes
    arrival.time = ContinuousClock.now
    var answer: Answer
    switch path {
    case "/get-online-features": answer = try await getOnlineFeatures(body, header, share)
    case "/v1/features": answer = try await features(body, header, share)
    case "/push": answer = try await push(body, header)
    case "/write-to-online-store": answer = try await writeToOnlineStore(body, header)
    case "/v1/push": answer = try await pushRows(body, header)
    case "/v1/materialize": answer = try await materializeViews(body, header)
    default:
      answer = try await materialize(
        body,
        header,
        isIncremental: path == "/materialize-incremental",
        query: Self.query(of: request)
      )
    }
    answer.token = token
    return answer
  }

  /// Without tokens this machine is trusted, but not the pages that a browser on it has open: they may
  /// send requests anywhere.
  private func requireNoForeignPage(_ request: Request) throws(HTTPFailure) {
    guard tokens.isOpen, !state.settings.isOpen else { return }
    let host = request.head.authority.map { text in
      let known = state.settings.host
      // What nearly everybody sends.
      if text.utf8.starts(with: known.utf8), text.utf8.dropFirst(known.utf8.count).first == 0x3A {
        return known
      }
      return ServerSettings.address(text.contains(":") ? text : text + ":80")?.host ?? text
    }
    let isLocal = host.map { ServerSettings.isLocal($0) || $0 == state.settings.host } ?? true
    guard request.headers[.origin] == nil, isLocal else {
      throw HTTPFailure(
        .forbidden,
        "server.foreign-page",
        "a server without tokens answers no web page: add `server.tokens`, or `open: true`"
      )
    }
  }

  /// What the values of a body take in memory, of its length.
  private static let valuesPerByte = 8
  /// What a value of an answer takes at the most, its name, times and words included, as a rule.
  private static let bytesPerCell = 200

  private func body(
    of request: Request,
    _ share: Budget.Share,
    _ arrival: inout Arrival
  ) async throws -> ByteBuffer {
    let limit = Int(clamping: state.settings.maxBody.bytes)
    func tooLong() -> HTTPFailure {
      HTTPFailure(
        .contentTooLarge,
        "server.too-large",
        "the body is longer than \(state.settings.maxBody): send several requests (or raise "
          + "`server.max_body`)"
      )
    }
    let declared = request.headers[.contentLength].flatMap { Int($0) }
    if let declared, declared > limit { throw tooLong() }
    try share.take(max(0, declared ?? limit))
    arrival.ask(request)
    do {
      let body = try await request.body.collect(upTo: limit)
      try share.take(body.readableBytes * (Self.valuesPerByte - 1))
      return body
    } catch is NIOTooManyBytesError {
      throw tooLong()
    } catch is CancellationError {
      throw CancellationError()
    } catch let failure as HTTPFailure {
      throw failure
    } catch {
      // Whoever sent it is gone, or took too long: only the access log reads this.
      throw HTTPFailure(.badRequest, "server.interrupted", "the body did not arrive whole")
    }
  }

  // MARK: Reading features

  private func getOnlineFeatures(
    _ body: ByteBuffer,
    _ header: String?,
    _ share: Budget.Share
  ) async throws -> Answer {
    let (request, service, plan, entities) = try body.withSpan { bytes in
      let request = try FeastRequest(bytes)
      let service = try request.serviceName(bytes)
      _ = try tokens.require([.read(service: service)], header)
      let plan = try state.serving.plan(request.words) { serving in
        let plan =
          if let service { try serving.plan(service: service) } else {
            try serving.plan(request.references(bytes))
          }
        if !request.hasFullNames { try Self.requireNames(of: plan) }
        return plan
      }
      let entities = try request.entities(bytes, for: plan, limit: state.settings.maxEntities)
      return (request, service, plan, entities)
    }
    try share.take(entities.count * plan.features.count * Self.bytesPerCell)
    let answer = try await state.serving.answer(
      plan,
      keys: entities.keys,
      inputs: entities.inputs,
      count: entities.count
    )
    if let service, state.served.isNext() { state.served.append(service, answer, entities) }
    return Answer(
      body: FeastAnswer.write(answer, entities, request),
      headers: Self.headers(answer),
      entities: entities.count
    )
  }

  /// Names without their view must tell features apart.
  private static func requireNames(of plan: ServingPlan) throws(HTTPFailure) {
    var seen: Set<String> = Set(plan.keys.map(\.name))
    for feature in plan.features where !seen.insert(feature.name).inserted {
      throw HTTPFailure(
        .badRequest,
        "server.name-collision",
        "two of the features are called \(feature.name): ask with `full_feature_names`",
        feastClass: "FeatureNameCollisionError"
      )
    }
  }

  private func features(
    _ body: ByteBuffer,
    _ header: String?,
    _ share: Budget.Share
  ) async throws -> Answer {
    let (service, plan, entities) = try body.withSpan { bytes in
      let request = try FeaturesRequest(bytes)
      _ = try tokens.require([.read(service: request.service)], header)
      let plan =
        if let service = request.service { try state.serving.plan(service: service) } else {
          try state.serving.plan(request.features)
        }
      let entities = try request.columns(for: plan, limit: state.settings.maxEntities)
      return (request.service, plan, entities)
    }
    try share.take(entities.count * plan.features.count * Self.bytesPerCell)
    let answer = try await state.serving.answer(
      plan,
      keys: entities.keys,
      inputs: entities.inputs,
      count: entities.count
    )
    if let service, state.served.isNext() { state.served.append(service, answer, entities) }
    return Answer(
      body: ByteBuffer(bytes: FeaturesAnswer.write(answer, entities)),
      headers: Self.headers(answer),
      entities: entities.count
    )
  }

  /// A store that does not answer is said in a header as well, for clients that read Feast's body.
  private static func headers(_ answer: ServedAnswer) -> [(HTTPField.Name, String)] {
    guard let since = answer.unreachableSince, let name = HTTPField.Name("X-Millrace-Store") else {
      return []
    }
    return [(name, "unreachable since \(since)")]
  }

  // MARK: Health

  private func health(isWhole: Bool) -> Answer {
    let health = state.serving.health
    // What is in memory is still answered while the store is away.
    let isDown = health.unreachableSince != nil && health.rows == 0
    var answer = Answer(status: isDown ? .serviceUnavailable : .ok)
    let isDegraded =
      health.unreachableSince != nil || state.problem != nil || !health.problems.isEmpty
    var json: JSONObject = [
      "status": .string(isDown ? "down" : isDegraded ? "degraded" : "ok")
    ]
    if isWhole {
      json["store"] = [
        "reachable": .bool(health.unreachableSince == nil),
        "unreachable_since": health.unreachableSince.map { .string($0.description) } ?? .null,
      ]
      json["definitions"] = [
        "problem": state.problem.map { .string($0) } ?? .null,
        "waiting": .array(state.taken.waiting.map { .string($0) }),
      ]
      let views = health.views.sorted { $0.key < $1.key }.map { name, asOf -> (String, JSONValue) in
        (name, ["as_of": asOf.map { .string($0.description) } ?? .null])
      }
      json["views"] = .object(JSONObject(views))
      let problems = health.problems.sorted { $0.key < $1.key }
        .map { name, error -> (String, JSONValue) in (name, .string(error.fact)) }
      json["problems"] = .object(JSONObject(problems))
      json["memory"] = ["rows": .int(health.rows), "bytes": .int(health.memory.bytes)]
    }
    answer.body = ByteBuffer(string: JSONValue.object(json).serialized())
    return answer
  }
}

extension ByteBuffer {
  /// Hands out the readable bytes.
  func withSpan<R>(_ body: (Span<UInt8>) throws -> R) rethrows -> R {
    try withUnsafeReadableBytes { bytes in
      try bytes.withMemoryRebound(to: UInt8.self) { try body($0.span) }
    }
  }
}

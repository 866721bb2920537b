// SPDX-License-Identifier: Apache-2.0

internal import Hummingbird
internal import HummingbirdCore
internal import HummingbirdTLS
internal import Logging
public import MillAssembly
internal import MillCore
internal import MillFeatures
internal import NIOCore
internal import NIOSSL
internal import ServiceLifecycle
internal import UnixSignals

/// Serves the features of a project over HTTP: as Feast's server does, and under `/v1` with what is to
/// be known of each value.
///
/// ```swift
/// let server = MillraceServer(workspace)
/// try await server.run { host, port in print("listening at \(host):\(port)") }
/// ```
public struct MillraceServer: Sendable {
  private let workspace: Workspace
  private let accessLog: LineQueue?
  private let notice: @Sendable (String) -> Void

  /// A server of a project, by the settings that the project has for it.
  ///
  /// - Parameters:
  ///   - accessLog: Takes a line for each request; nil for no log of requests.
  ///   - notice: Takes what an operator should know, line by line. Answers wait for it: it returns at
  ///     once, as ``LineQueue/append(_:)`` does.
  public init(
    _ workspace: Workspace,
    accessLog: LineQueue? = nil,
    notice: @escaping @Sendable (String) -> Void = { _ in }
  ) {
    self.workspace = workspace
    self.accessLog = accessLog
    self.notice = notice
  }

  /// Serves until SIGINT or SIGTERM, or until the task is cancelled.
  ///
  /// At a signal no new connection is taken, requests that are under way are answered, and then it
  /// returns.
  ///
  /// - Parameter onListening: Called once requests are taken, with the address.
  /// - Throws: ``ServerError``; `FeatureError`, `OnlineStoreError` and others when the project cannot
  ///   be served.
  public func run(
    onListening: @escaping @Sendable (_ host: String, _ port: Int) async -> Void
  ) async throws {
    let settings = workspace.project.settings.server
    guard !workspace.project.features.isEmpty else {
      throw ServerError.nothingToServe(project: workspace.project.settings.name)
    }
    let features = try await workspace.features()
    let serving = FeatureServing(
      try await workspace.onlineStore(),
      world: workspace.world,
      settings: FeatureServing.Settings(
        memory: settings.memory,
        staleness: settings.staleness
      )
    )
    let state = ServerState(workspace, serving, features, notice: notice)
    try await state.begin()
    let log = accessLog.map { AccessLog($0) }
    // What Hummingbird says is about connections that came and went.
    var logger = Logger(label: "millrace") { _ in SwiftLogNoOpLogHandler() }
    logger.logLevel = .critical
    let deadline = TimeAmount(settings.timeout)
    let plain = HTTPServerBuilder.http1(
      configuration: HTTP1Channel.Configuration(
        additionalChannelHandlers: [RequestDeadline(timeout: deadline)],
        idleTimeout: TimeAmount(settings.idle)
      )
    )
    let server = try settings.tls.map { try Self.secure(plain, $0, workspace.project.folder) }
    let application = Application(
      responder: Responder(state: state, tokens: AccessTokens(settings.tokens), log: log),
      server: server ?? plain,
      configuration: ApplicationConfiguration(
        address: .hostname(settings.host, port: settings.port),
        serverName: nil,
        availableConnectionsDelegate: MaximumAvailableConnections(
          settings.maxConnections,
          logger: logger
        )
      ),
      onServerRunning: { channel in
        await onListening(settings.host, channel.localAddress?.port ?? settings.port)
      },
      logger: logger
    )
    var configuration = ServiceGroupConfiguration(
      services: [
        .init(service: StoreWatch(serving: serving)),
        .init(service: Caretaker(state: state, refresh: settings.refresh)),
        .init(service: ServedWriter(state: state)),
        .init(service: application),
      ],
      gracefulShutdownSignals: [.sigterm, .sigint],
      logger: logger
    )
    configuration.maximumGracefulShutdownDuration = settings.timeout + .seconds(5)
    do {
      try await ServiceGroup(configuration: configuration).run()
    } catch let error where Self.isOfAddress(error) {
      throw ServerError.listen(
        host: settings.host,
        port: settings.port,
        detail: (error as? IOError)?.description ?? "there is no such address"
      )
    }
    await state.keepServed(isLast: true)
  }

  /// Whether an address is taken, is not one of this machine's, or is a name that nobody knows.
  private static func isOfAddress(_ error: any Error) -> Bool {
    error is IOError || error is SocketAddressError || error is SocketAddressError.UnknownHost
  }

  private static func secure(
    _ plain: HTTPServerBuilder,
    _ files: ServerSettings.TLS,
    _ folder: String
  ) throws -> HTTPServerBuilder {
    func path(_ file: String) -> String { file.hasPrefix("/") ? file : "\(folder)/\(file)" }
    func reading<T>(_ file: String, _ body: (String) throws -> T) throws(ServerError) -> T {
      do {
        return try body(path(file))
      } catch {
        throw .tls(file: file, detail: "\(error)")
      }
    }
    let certificates = try reading(files.certificate) { try NIOSSLCertificate.fromPEMFile($0) }
    let key = try reading(files.key) { try NIOSSLPrivateKey(file: $0, format: .pem) }
    guard !certificates.isEmpty else {
      throw ServerError.tls(file: files.certificate, detail: "there is no certificate in it")
    }
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: certificates.map { .certificate($0) },
      privateKey: .privateKey(key)
    )
    configuration.minimumTLSVersion = .tlsv12
    do {
      return try .tls(plain, tlsConfiguration: configuration)
    } catch {
      throw ServerError.tls(file: files.certificate, detail: "\(error)")
    }
  }
}

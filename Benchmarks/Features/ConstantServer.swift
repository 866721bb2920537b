// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore

/// The same HTTP server as `millrace serve`, which answers every request with the bytes of a file: what
/// the server alone costs.
struct ConstantServer: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "part-constant-server")

  @Argument(help: "The file that is the body of each answer.") var body: String

  func run() async throws {
    let bytes = ByteBuffer(bytes: try Data(contentsOf: URL(fileURLWithPath: body)))
    var logger = Logger(label: "constant") { _ in SwiftLogNoOpLogHandler() }
    logger.logLevel = .critical
    let application = Application(
      responder: Responder(body: bytes),
      server: .http1(configuration: .init(idleTimeout: .seconds(60))),
      configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
      onServerRunning: { channel in
        let address = "127.0.0.1:\(channel.localAddress?.port ?? 0)\n"
        FileHandle.standardOutput.write(Data(address.utf8))
      },
      logger: logger
    )
    try await application.runService()
  }

  private struct Context: InitializableFromSource {
    init(source: ApplicationRequestContextSource) {}
  }

  private struct Responder: HTTPResponder {
    let body: ByteBuffer

    func respond(to request: Request, context: ServerContext) async throws -> Response {
      _ = try await request.body.collect(upTo: 1 << 22)
      var headers = HTTPFields()
      headers[.contentType] = "application/json"
      headers[.contentLength] = String(body.readableBytes)
      return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: body))
    }

    typealias ServerContext = ConstantServer.Context
  }
}

// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillFeatures
import MillTesting
import Testing

@Suite("The folder of a Feast client")
struct FeastRepositoryTests {
  private let folder: TemporaryFolder
  private let registry: FeastRegistry

  init() async throws {
    folder = try TemporaryFolder("feast")
    registry = try await FeatureProject().store(FeatureDefinitions()).feastRegistry(project: "p")
  }

  private func text(_ path: String) throws -> String {
    String(decoding: try LocalFileSystem().read(folder.path(path)), as: UTF8.self)
  }

  @Test("is replaced by a later export, and holds two files and nothing else")
  func replaces() async throws {
    let world = World.virtual(seed: 1)
    let path = folder.path("a/b")
    try FeastRepository(registry, server: "http://one:1").write(to: path, in: world)
    #expect(try text("a/b/feature_store.yaml").contains("path: \"http://one:1\"\n"))
    try FeastRepository(registry, server: "https://two/base//").write(to: path, in: world)
    #expect(try text("a/b/feature_store.yaml").contains("path: \"https://two/base\"\n"))
    #expect(try LocalFileSystem().read("\(path)/registry.db") == registry.bytes)
    #expect(try LocalFileSystem().names(in: path) == ["feature_store.yaml", "registry.db"])
  }

  @Test("of somebody else stays as it is", arguments: ["feature_store.yaml", "registry.db"])
  func keepsOthers(name: String) async throws {
    try LocalFileSystem().create(folder.path(name), Array("project: theirs\n".utf8))
    let repository = try FeastRepository(registry, server: "http://one:1")
    let error = await failure { try repository.write(to: folder.path, in: .virtual(seed: 1)) }
    #expect(error?.code == "feast.other-repository")
    #expect(error?.text.contains(folder.path(name)) == true)
    #expect(try LocalFileSystem().names(in: folder.path) == [name])
    #expect(try text(name) == "project: theirs\n")
  }

  @Test("is whole or not yet there whichever operation fails, and the next export mends it")
  func faults() async throws {
    let repository = try FeastRepository(registry, server: "http://one:1")
    for operation in 0..<100 {
      let path = folder.path("\(operation)")
      let files = FaultyFileSystem(LocalFileSystem(), failing: operation)
      let world = World.virtual(seed: 1, files: files)
      let error = await failure { try repository.write(to: path, in: world) }
      let names = (try? LocalFileSystem().names(in: path)) ?? []
      if names.contains("feature_store.yaml") {
        #expect(try text("\(operation)/feature_store.yaml") == repository.settings)
        #expect(try LocalFileSystem().read("\(path)/registry.db") == registry.bytes)
      }
      try repository.write(to: path, in: .virtual(seed: 2))
      #expect(try text("\(operation)/feature_store.yaml") == repository.settings)
      guard error != nil else {
        #expect(operation >= 8)
        return
      }
    }
    Issue.record("an operation failed every time")
  }

  @Test(
    "is refused for what is no address",
    arguments: [
      "", "localhost:6566", "ftp://host", "http://", "http:///path", "http://:6566", "http://a b",
      "http://host?x=1", "http://host#x", "http://host\n", "HTTP://host",
    ]
  )
  func addresses(text: String) async throws {
    let error = await failure { _ = try FeastRepository(registry, server: text) }
    #expect(error?.code == "feast.server")
  }

  @Test("is refused for an address with a password, which is not repeated")
  func password() async throws {
    let error = await failure {
      _ = try FeastRepository(registry, server: "https://me:secret@host:1/x")
    }
    #expect(error?.code == "feast.server")
    #expect(error?.text.contains("secret") == false)
    #expect(error?.text.contains("host:1") == true)
  }

  @Test("is refused for what is no name of a variable", arguments: ["", "1A", "A-B", "A B", "É"])
  func variables(name: String) async throws {
    let error = await failure {
      _ = try FeastRepository(registry, server: "http://host", tokenVariable: name)
    }
    #expect(error?.code == "feast.token-variable")
  }
}

@Suite("The wire format of Protocol Buffers")
struct ProtobufWriterTests {
  // The examples are those of the Protocol Buffers documentation, "Encoding".
  @Test("has numbers in groups of seven bits, and negative ones in ten bytes")
  func numbers() {
    #expect(written { $0.write(Int64(150), as: 1) } == [0x08, 0x96, 0x01])
    #expect(
      written { $0.write(Int64(-2), as: 1) }
        == [0x08, 0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01]
    )
    #expect(written { $0.write(Int64(127), as: 1) } == [0x08, 0x7F])
    #expect(written { $0.write(Int64(128), as: 16) } == [0x80, 0x01, 0x80, 0x01])
    #expect(written { $0.write(true, as: 2) } == [0x10, 0x01])
  }

  @Test("has texts and messages behind their lengths")
  func lengths() {
    #expect(written { $0.write("testing", as: 2) } == [0x12, 0x07] + Array("testing".utf8))
    #expect(
      written { $0.write(message: { $0.write(Int64(150), as: 1) }, as: 3) }
        == [0x1A, 0x03, 0x08, 0x96, 0x01]
    )
    let long = String(repeating: "x", count: 300)
    #expect(written { $0.write(long, as: 1) } == [0x0A, 0xAC, 0x02] + Array(long.utf8))
  }

  @Test("leaves out what has its default value, but not an empty message")
  func defaults() {
    #expect(written { $0.write("", as: 1) }.isEmpty)
    #expect(written { $0.write(Int64(0), as: 1) }.isEmpty)
    #expect(written { $0.write(false, as: 1) }.isEmpty)
    #expect(written { $0.write(message: { _ in }, as: 1) } == [0x0A, 0x00])
  }

  @Test("has the entries of a map in the order of their keys, with both halves")
  func maps() {
    #expect(
      written { $0.write(["b": "1", "a": "", "é": "2"], as: 5) }
        == [
          0x2A, 0x05, 0x0A, 0x01, 0x61, 0x12, 0x00, 0x2A, 0x06, 0x0A, 0x01, 0x62, 0x12, 0x01, 0x31,
        ]
        + [0x2A, 0x07, 0x0A, 0x02, 0xC3, 0xA9, 0x12, 0x01, 0x32]
    )
  }

  private func written(_ body: (inout ProtobufWriter) -> Void) -> [UInt8] {
    var writer = ProtobufWriter()
    body(&writer)
    return writer.bytes
  }
}

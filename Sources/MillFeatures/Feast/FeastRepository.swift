// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// The folder that a Feast client opens: what there is, and who answers for it.
///
/// ```swift
/// let repository = try FeastRepository(registry, server: "http://127.0.0.1:6566")
/// try repository.write(to: "feast", in: world)
/// // In Python: feast.FeatureStore(repo_path="feast").get_online_features(…)
/// ```
public struct FeastRepository: Hashable, Sendable {
  /// The first line of the settings, by which a folder is known to be ours.
  static let mark = "# Written by `millrace features export-feast`."

  /// What is defined.
  public let registry: FeastRegistry
  /// Where requests go, without a slash at the end.
  public let server: String
  /// The environment variable from which a client takes its token; nil where the server wants none.
  public let tokenVariable: String?

  /// A folder for clients of a server.
  ///
  /// - Throws: `FeastExportError.server` for what is no address, or one with a name and password
  ///   in it; `.tokenVariable`.
  public init(
    _ registry: FeastRegistry,
    server: String,
    tokenVariable: String? = nil
  ) throws(FeastExportError) {
    self.registry = registry
    self.server = try Self.address(server)
    if let tokenVariable {
      let isName = tokenVariable.utf8.enumerated().allSatisfy { index, byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "_"):
          true
        case UInt8(ascii: "0")...UInt8(ascii: "9"): index > 0
        default: false
        }
      }
      guard isName, !tokenVariable.isEmpty else { throw .tokenVariable(tokenVariable) }
    }
    self.tokenVariable = tokenVariable
  }

  /// `feature_store.yaml`, which a client reads first.
  ///
  /// A client of a server serializes no key, but warns of any version of that below 3.
  public var settings: String {
    let authentication =
      tokenVariable.map {
        """
        # The token in this variable is sent as `Authorization: Bearer`; no identity provider is asked.
        auth:
          type: oidc
          token_env_var: \($0)
        """
      } ?? """
        auth:
          type: no_auth
        """
    return """
      \(Self.mark)
      # What is defined stands in features/*.yaml of the project; change it there and export again.
      project: \(JSONValue.string(registry.project).serialized())
      provider: local
      registry: registry.db
      online_store:
        type: remote
        path: \(JSONValue.string(server).serialized())
      # Rows are in Millrace: `millrace features training-set create` joins them with labels.
      offline_store:
        type: file
      entity_key_serialization_version: 3
      \(authentication)

      """
  }

  /// Writes both files; files of an earlier export are replaced, each in one step.
  ///
  /// The registry comes first: a new client never opens old definitions at a new server.
  ///
  /// - Throws: `FileError`; `FeastExportError.otherRepository` for a folder with files that are not
  ///   of an earlier export.
  public func write(to folder: String, in world: World) throws {
    let files = world.files
    try files.createFolders(folder)
    let settingsPath = "\(folder)/feature_store.yaml"
    let registryPath = "\(folder)/registry.db"
    if try files.status(settingsPath) != nil {
      let found = try files.read(settingsPath)
      guard found.starts(with: Self.mark.utf8) else {
        throw FeastExportError.otherRepository(path: settingsPath)
      }
    } else if try files.status(registryPath) != nil {
      // An export that was cut short left its registry, which is then ours byte for byte.
      guard try files.read(registryPath) == registry.bytes else {
        throw FeastExportError.otherRepository(path: registryPath)
      }
    }
    try replace(registryPath, registry.bytes, world)
    try replace(settingsPath, Array(settings.utf8), world)
    try files.syncFolder(folder)
  }

  private func replace(_ path: String, _ bytes: [UInt8], _ world: World) throws(FileError) {
    let temporary = "\(path).\(world.makeID())"
    do {
      try world.files.create(temporary, bytes)
      try world.files.syncFile(temporary)
      try world.files.rename(temporary, to: path)
    } catch {
      // The first failure is the one to tell; what it left is removed where the disk allows.
      try? world.files.remove(temporary)
      throw error
    }
  }

  private static func address(_ text: String) throws(FeastExportError) -> String {
    // A client puts `/get-online-features` behind it, and two slashes are another path.
    var address = text[...]
    while address.hasSuffix("/") { address = address.dropLast() }
    guard let scheme = ["http://", "https://"].first(where: { address.hasPrefix($0) }) else {
      throw .server(text, problem: "it begins with neither http:// nor https://")
    }
    let rest = address.dropFirst(scheme.count)
    let host = rest.prefix { $0 != "/" }
    guard !host.contains("@") else {
      throw .server(
        "\(scheme)…@\(host.split(separator: "@").last ?? "")",
        problem: "a name or password in it would be in a file that is passed on"
      )
    }
    let isPlain = rest.unicodeScalars.allSatisfy { $0.value > 0x20 && $0.value != 0x7F }
    guard !host.isEmpty, host.first != ":", isPlain, !rest.contains("?"), !rest.contains("#") else {
      throw .server(text, problem: "it is not scheme, host, port and path")
    }
    return String(address)
  }
}

// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import MillAssembly
internal import MillCore
internal import MillEngine

/// An engine for files that belong to no project yet.
///
/// Engines are opened by a ``Workspace`` and may read what its project declares, and nothing else.
/// So the files are declared as the source of a project in a temporary folder, which is gone
/// when the work is done.
enum BorrowedEngine {
  /// Runs `body` with an engine that may read these files, folders or patterns, and with a folder
  /// for temporary files that it may read as well.
  static func withEngine<Value: Sendable>(
    reading files: [String],
    _ body: (any Engine, _ temporaryFolder: String) async throws -> Value
  ) async throws -> Value {
    let world = World.system()
    let system = FileManager.default.temporaryDirectory.path
    let folder = "\(system)/millrace-init-\(world.makeID())"
    let result: Result<Value, any Error>
    do {
      try declare(files, in: folder, world)
      let workspace = try await Workspace(project: Project.load(folder: folder), world: world)
      let temporary = "\(workspace.project.stateFolder)/tmp"
      try world.files.createFolders(temporary)
      do {
        result = .success(try await body(workspace.engine, temporary))
      } catch {
        result = .failure(error)
      }
      await workspace.engine.shutdown()
    } catch {
      result = .failure(error)
    }
    // What stays in the system's temporary folder changes nothing.
    try? FileManager.default.removeItem(atPath: folder)
    return try result.get()
  }

  private static func declare(_ files: [String], in folder: String, _ world: World) throws {
    try world.files.createFolders("\(folder)/sources")
    let patterns = files.map { JSONValue.string(pattern($0)) }
    // JSON is YAML.
    let source = "format: csv\nfiles: \(JSONValue.array(patterns).serialized())\n"
    try world.files.create("\(folder)/sources/files.yaml", Array(source.utf8))
    try world.files.create("\(folder)/millrace.yaml", Array("name: init\n".utf8))
  }

  /// A folder stands for what is in it.
  private static func pattern(_ argument: String) -> String {
    let path = URL(fileURLWithPath: argument).standardizedFileURL.path
    var isFolder: ObjCBool = false
    let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
    return exists && isFolder.boolValue ? "\(path)/*" : path
  }
}

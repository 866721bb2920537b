// SPDX-License-Identifier: Apache-2.0

import Foundation
import MillTesting
import Testing

/// The map in docs/design.md and the manifest say the same, and imports point down.
@Suite("The house")
struct MapTests {
  struct Room: Equatable {
    var name: String
    var level: Int?
    var imports: Set<String>
  }

  static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// The manifest as the package manager reads it.
  static func manifest() throws -> [Room] {
    let folder = FileManager.default.temporaryDirectory
    let output = folder.appendingPathComponent("mill-map-\(UUID().uuidString).json")
    defer { try? FileManager.default.removeItem(at: output) }
    let command = [
      "swift", "package", "--package-path", root.path,
      // Not the build's own folder, which is locked while tests run.
      "--scratch-path", folder.appendingPathComponent("mill-map").path, "dump-package",
    ]
    try ChildProcess(command, output: output.path).wait()
    let bytes = try Data(contentsOf: output)
    let json = try JSONSerialization.jsonObject(with: bytes) as? [String: Any]
    let targets = json?["targets"] as? [[String: Any]] ?? []
    return targets.compactMap { target in
      guard let name = target["name"] as? String, target["type"] as? String != "test" else {
        return nil
      }
      let dependencies = target["dependencies"] as? [[String: Any]] ?? []
      let imports = dependencies.compactMap { dependency in
        ((dependency["byName"] ?? dependency["product"]) as? [Any])?.first as? String
      }
      return Room(name: name, level: nil, imports: Set(imports))
    }
  }

  /// The rooms of the map: levels from its fenced block, imports from its table.
  static func map() throws -> [Room] {
    let text = try String(
      contentsOf: root.appendingPathComponent("docs/design.md"),
      encoding: .utf8
    )
    let section = try #require(
      text.components(separatedBy: "## Map of the rooms").dropFirst().first?
        .components(separatedBy: "\n## ").first
    )
    let block = try #require(section.components(separatedBy: "```").dropFirst().first)
    var imports: [String: Set<String>] = [:]
    for line in section.split(separator: "\n") where line.hasPrefix("| ") {
      let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
      guard cells.count == 2 else { continue }
      imports[cells[0]] = Set(cells[1].components(separatedBy: ", ")).subtracting(["-"])
    }
    return block.split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ").map(String.init)
      guard words.count >= 2 else { return nil }
      return Room(name: words[0], level: Int(words[1]), imports: imports[words[0]] ?? [])
    }
  }

  @Test("the manifest is what the map says")
  func manifestIsMap() throws {
    let map = Dictionary(uniqueKeysWithValues: try Self.map().map { ($0.name, $0.imports) })
    let manifest = Dictionary(
      uniqueKeysWithValues: try Self.manifest().map { ($0.name, $0.imports) }
    )
    #expect(Set(map.keys) == Set(manifest.keys))
    for (name, imports) in manifest {
      #expect(map[name] == imports, "room \(name)")
    }
  }

  @Test("a room imports only rooms of lower levels, adapters only contracts")
  func importsPointDown() throws {
    let map = try Self.map()
    let levels = Dictionary(
      uniqueKeysWithValues: map.compactMap { room in room.level.map { (room.name, $0) } }
    )
    for room in map {
      guard let level = room.level else { continue }
      for other in room.imports {
        guard let below = levels[other] else { continue }
        // What users come for is built of its like; two contracts never know each other. Tiles are
        // rendered as SQL: the one step sideways of level 2.
        let isAllowed =
          below < level || (level == 3 && below == 3)
          || (room.name == "MillTiles" && other == "MillSQL")
        #expect(isAllowed, "\(room.name) imports \(other)")
      }
      for adapter in ["MillDuckDB", "MillRedis", "MillSQLite"] where room.imports.contains(adapter)
      {
        #expect(level >= 4 || room.name == adapter, "\(room.name) imports an adapter")
      }
    }
  }

  @Test("a room declares no room that none of its files imports")
  func declaredIsUsed() throws {
    for room in try Self.manifest() where room.name.hasPrefix("Mill") && room.name != "MillBench" {
      let url = Self.root.appendingPathComponent("Sources/\(room.name)")
      var text = ""
      let files = FileManager.default.enumerator(atPath: url.path)
      while let name = files?.nextObject() as? String {
        guard name.hasSuffix(".swift") else { continue }
        text += try String(contentsOf: url.appendingPathComponent(name), encoding: .utf8)
      }
      for other in room.imports {
        #expect(text.contains("import \(other)\n"), "\(room.name) declares \(other)")
      }
    }
  }

  @Test("every file says its licence, and none names a machine's folder")
  func filesAreClean() throws {
    let sources = ["Sources", "Tests", "Benchmarks"]
    for folder in sources {
      let url = Self.root.appendingPathComponent(folder)
      let files = FileManager.default.enumerator(atPath: url.path)
      while let name = files?.nextObject() as? String {
        guard name.hasSuffix(".swift") else { continue }
        let text = try String(contentsOf: url.appendingPathComponent(name), encoding: .utf8)
        #expect(text.hasPrefix("// SPDX-License-Identifier: Apache-2.0\n"), "\(folder)/\(name)")
        for path in ["/work" + "/", "/root" + "/", "/opt" + "/"] {
          #expect(!text.contains(path), "\(folder)/\(name) names \(path)")
        }
      }
    }
  }
}

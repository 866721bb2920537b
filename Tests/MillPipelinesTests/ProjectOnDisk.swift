// SPDX-License-Identifier: Apache-2.0

import Foundation
import MillAssembly
import Testing

/// A project of these texts by path; it is named shop unless `millrace.yaml` is among them.
func loadProject(_ files: [String: String]) throws -> Project {
  try inProjectFolder { folder in
    var files = files
    if files["millrace.yaml"] == nil { files["millrace.yaml"] = "name: shop\n" }
    for (path, text) in files {
      let file = URL(fileURLWithPath: folder + "/" + path)
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(),
        withIntermediateDirectories: true
      )
      try Data(text.utf8).write(to: file)
    }
    return try Project.load(folder: folder)
  }
}

/// What is wrong with a project of these texts.
func projectProblems(_ files: [String: String]) throws -> ProjectError {
  try #require(#expect(throws: ProjectError.self) { try loadProject(files) })
}

/// Runs with a folder of its own, which is removed afterwards.
func inProjectFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
  let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("millrace-project-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder.path)
}

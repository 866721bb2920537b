// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// Sizes and times of a project's definition files, by which a change is seen without reading any.
public struct ProjectFingerprint: Hashable, Sendable {
  private let files: [String: [String]]

  /// Looks at the files of a project.
  ///
  /// This blocks.
  public init(folder: String, disk: any FileSystem) throws {
    var files: [String: [String]] = [:]
    for name in ["sources", "models/silver", "models/gold", "features"] {
      let path = "\(folder)/\(name)"
      guard try disk.status(path)?.isFolder == true else { continue }
      files[name] = try disk.list(path).map(Self.text)
    }
    let settings = try disk.status("\(folder)/\(ProjectFolder.settingsName)")
    files[""] = settings.map { [Self.text($0)] } ?? []
    self.files = files
  }

  private static func text(_ entry: FileEntry) -> String {
    "\(entry.name) \(entry.size) \(entry.modified) \(entry.identity)"
  }
}

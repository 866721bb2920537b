// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import MillCore
public import MillFeatures
public import MillPipelines

/// A folder that defines a pipeline, as its files say.
///
/// `millrace.yaml` holds the settings, `sources/*.yaml` the sources, `models/silver/*.sql` and
/// `models/gold/*.sql` the models. A file's name is its dataset's.
///
/// ```swift
/// let project = try Project.load(folder: "payments")
/// project.definition.datasets.first?.description  // "bronze.cards"
/// ```
public struct Project: Sendable {
  /// The absolute path of the folder.
  public let folder: String
  /// What holds for the project as a whole.
  public var settings: ProjectSettings
  /// The sources and models.
  public let definition: PipelineDefinition
  /// The entities, feature views and services.
  public let features: FeatureDefinitions

  /// The absolute path of the tables.
  public var lakeFolder: String {
    settings.lake.hasPrefix("/") ? settings.lake : inside(settings.lake)
  }

  /// The absolute path of what Millrace keeps for itself: the ledger, logs and temporary files.
  public var stateFolder: String { inside(ProjectFolder.stateName) }

  private func inside(_ path: String) -> String {
    folder == "/" ? "/\(path)" : "\(folder)/\(path)"
  }

  /// Reads all definitions of a project, without a look at data.
  ///
  /// - Throws: ``ProjectError`` with every mistake in every file, or with
  ///   ``ProjectError/Reason/notFound`` if the folder holds no `millrace.yaml`.
  public static func load(folder: String) throws(ProjectError) -> Project {
    let absolute = absolutePath(folder)
    let disk = LocalFileSystem()
    guard hasSettings(absolute) else { throw notFound(absolute) }
    var files = ProjectFolder(absolute, disk: disk)
    let settings = files.settings()
    let sources = files.sources()
    let models = files.models()
    files.check(models.read, against: sources.names + models.names)
    let features = files.features()
    files.check(features, against: sources.names + models.names)
    if let settings { files.check(settings, against: sources.names + models.names) }
    guard let settings, files.problems.isEmpty else {
      throw ProjectError(.invalid, files.problems)
    }
    return Project(
      folder: absolute,
      settings: settings,
      definition: PipelineDefinition(
        name: settings.name,
        sources: sources.defined,
        models: models.read.compactMap(\.model)
      ),
      features: features
    )
  }

  /// The nearest folder with a `millrace.yaml`: this one, or one above it.
  public static func find(from folder: String) -> String? {
    var candidate = absolutePath(folder)
    while !hasSettings(candidate) {
      guard candidate != "/", let slash = candidate.lastIndex(of: "/") else { return nil }
      candidate = slash == candidate.startIndex ? "/" : String(candidate[..<slash])
    }
    return candidate
  }

  private static func absolutePath(_ path: String) -> String {
    let base = URL(fileURLWithPath: FileManager.default.currentDirectoryPath, isDirectory: true)
    return URL(fileURLWithPath: path.isEmpty ? "." : path, relativeTo: base)
      .standardizedFileURL.path
  }

  private static func hasSettings(_ folder: String) -> Bool {
    FileManager.default.fileExists(atPath: folder + "/" + ProjectFolder.settingsName)
  }

  private static func notFound(_ folder: String) -> ProjectError {
    let isMisspelled = FileManager.default.fileExists(atPath: folder + "/millrace.yml")
    return ProjectError(
      .notFound,
      [
        .init(
          place: SourcePlace(path: folder),
          message: "there is no \(ProjectFolder.settingsName) here, so this is no project",
          hint: isMisspelled
            ? "rename millrace.yml to millrace.yaml" : "make a project with `millrace init`"
        )
      ]
    )
  }
}

// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillFeatures
internal import MillPipelines

/// Walks a project's folders and reads what is defined there, with everything that is wrong.
struct ProjectFolder {
  /// Absolute.
  let folder: String
  let disk: any FileSystem
  private(set) var problems: [ProjectError.Problem] = []

  static let settingsName = "millrace.yaml"
  static let stateName = ".millrace"
  /// Folders that have a meaning of their own.
  static let taken = [
    stateName, "sources", "models", "features", "drift", "products", settingsName,
  ]

  init(_ folder: String, disk: any FileSystem) {
    self.folder = folder
    self.disk = disk
  }

  mutating func settings() -> ProjectSettings? {
    read(Self.settingsName) { $0.settings() }
  }

  mutating func sources() -> (defined: [SourceDefinition], names: [DatasetName]) {
    var sources: [SourceDefinition] = []
    var names: [DatasetName] = []
    for entry in entries("sources") {
      let path = "sources/\(entry.name)"
      guard let dataset = dataset(entry, at: path, layer: .bronze, kind: "yaml") else { continue }
      names.append(dataset)
      if let source = read(path, { $0.source(dataset) }) { sources.append(source) }
    }
    return (sources, names)
  }

  mutating func models() -> (read: [ModelReading], names: [DatasetName]) {
    var models: [ModelReading] = []
    var names: [DatasetName] = []
    for entry in entries("models") {
      let folder = "models/\(entry.name)"
      guard entry.isFolder, let layer = Self.layer(entry.name) else {
        let known = ["silver", "gold"]
        report(
          folder,
          entry.isFolder ? "`\(entry.name)` is no layer of models" : "no file belongs here",
          hint: entry.isFolder
            ? suggestion(for: entry.name, among: known, label: "the layers are")
            : "models are in models/silver and models/gold"
        )
        continue
      }
      for entry in entries(folder) {
        let path = "\(folder)/\(entry.name)"
        guard let dataset = dataset(entry, at: path, layer: layer, kind: "sql") else { continue }
        names.append(dataset)
        if let model = read(path, { $0.model(dataset) }) { models.append(model) }
      }
    }
    return (models, names)
  }

  /// All features, whichever files they are defined in.
  mutating func features() -> FeatureDefinitions {
    var all = FeatureDefinitions()
    for entry in entries("features") {
      let path = "features/\(entry.name)"
      guard !entry.isFolder, entry.name.hasSuffix(".yaml") else {
        report(
          path,
          entry.isFolder ? "no folder belongs here" : "only .yaml files belong here",
          hint: entry.name.hasSuffix(".yml") ? "rename it to end in .yaml" : "move it elsewhere"
        )
        continue
      }
      guard let found = read(path, { $0.features() }) else { continue }
      all.entities += found.entities
      all.views += found.views
      all.onDemand += found.onDemand
      all.services += found.services
    }
    return all
  }

  /// Holds features against each other and against the datasets that there are.
  mutating func check(_ features: FeatureDefinitions, against names: [DatasetName]) {
    // What could not be read would be missed by what could.
    guard !problems.contains(where: { $0.place.path.hasPrefix("features/") }) else { return }
    for error in features.check() {
      problems.append(
        .init(place: error.place ?? SourcePlace(path: "features"), message: error.fact)
      )
    }
    let tables = names + names.map { $0.layer == .bronze ? $0.deadLetters : $0.quarantine }
    for view in features.views {
      guard case .dataset(let dataset) = view.source, !tables.contains(dataset) else { continue }
      problems.append(
        .init(
          place: view.place,
          message: "\(view.name) reads the dataset `\(dataset)`, which is not there",
          hint: nearestName(to: dataset.description, among: tables.map(\.description))
            .map { "did you mean `\($0)`?" }
        )
      )
    }
  }

  /// Rules may look values up only in what is there.
  mutating func check(_ models: [ModelReading], against names: [DatasetName]) {
    for reference in models.flatMap(\.references) where !names.contains(reference.dataset) {
      let name = reference.dataset.description
      problems.append(
        .init(
          place: reference.place,
          message: "there is no dataset `\(name)`",
          hint: nearestName(to: name, among: names.map(\.description))
            .map { "did you mean `\($0)`?" }
            ?? "a dataset is a file in sources, models/silver or models/gold"
        )
      )
    }
  }

  /// Holds the names under `lifecycle` against the tables that the project has.
  mutating func check(_ settings: ProjectSettings, against names: [DatasetName]) {
    let tables =
      names + names.map { $0.layer == .bronze ? $0.deadLetters : $0.quarantine }
    for name in settings.lifecycle.keys.sorted()
    where name != "default" && !tables.contains(where: { $0.description == name })
      && DatasetName(name)?.layer != .training && DatasetName(name)?.layer != .served
    {
      problems.append(
        .init(
          place: SourcePlace(path: Self.settingsName),
          message: "`lifecycle` names the dataset `\(name)`, which is not there",
          hint: nearestName(to: name, among: tables.map(\.description))
            .map { "did you mean `\($0)`?" }
        )
      )
    }
  }

  private static func layer(_ name: String) -> DatasetName.Layer? {
    switch name {
    case "silver": .silver
    case "gold": .gold
    default: nil
    }
  }

  /// The dataset that a file defines, by its name.
  private mutating func dataset(
    _ entry: FileEntry,
    at path: String,
    layer: DatasetName.Layer,
    kind: String
  ) -> DatasetName? {
    guard !entry.isFolder else {
      report(path, "no folder belongs here", hint: "put its files one folder higher")
      return nil
    }
    guard entry.name.hasSuffix(".\(kind)") else {
      report(
        path,
        "only .\(kind) files belong here",
        hint: entry.name.lowercased().hasSuffix(".\(kind)") || entry.name.hasSuffix(".yml")
          ? "rename it to end in .\(kind)" : "rename it, or move it elsewhere"
      )
      return nil
    }
    let word = String(entry.name.dropLast(kind.count + 1))
    guard let dataset = DatasetName(layer: layer, name: word) else {
      report(path, "`\(word)` cannot name a dataset", hint: nameHint)
      return nil
    }
    return dataset
  }

  /// The entries of a folder that may be missing, hidden ones left out.
  private mutating func entries(_ path: String) -> [FileEntry] {
    do {
      guard let status = try disk.status("\(folder)/\(path)") else { return [] }
      guard status.isFolder else {
        report(path, "this is a file, where a folder is expected")
        return []
      }
      return try disk.list("\(folder)/\(path)").filter { !$0.name.hasPrefix(".") }
    } catch {
      report(path, "the folder cannot be read: \(error)")
      return []
    }
  }

  private mutating func read<Definition>(
    _ path: String,
    _ definition: (ProjectFile) -> Definition?
  ) -> Definition? {
    let bytes: [UInt8]
    do throws(FileError) {
      if let status = try disk.status("\(folder)/\(path)"), status.size > ProjectFile.size.bytes {
        report(path, "a definition is at most \(ProjectFile.size) long")
        return nil
      }
      bytes = try disk.read("\(folder)/\(path)")
    } catch {
      report(path, "the file cannot be read: \(error)")
      return nil
    }
    guard let file = ProjectFile.decoded(path: path, bytes: bytes, problems: &problems) else {
      return nil
    }
    let result = definition(file)
    problems += file.problems
    return result
  }

  private mutating func report(_ path: String, _ message: String, hint: String? = nil) {
    problems.append(.init(place: SourcePlace(path: path), message: message, hint: hint))
  }
}

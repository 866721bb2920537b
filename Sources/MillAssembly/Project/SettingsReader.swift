// SPDX-License-Identifier: Apache-2.0

internal import MillCore

extension ProjectFile {
  /// Reads `millrace.yaml`; nil if the settings cannot be used, which was reported.
  func settings() -> ProjectSettings? {
    guard let root = root(of: text) else {
      if problems.isEmpty {
        report("the file is empty", at: place, hint: "begin with `name: …`")
      }
      return nil
    }
    guard let keys = root.mapping(.settings) else { return nil }
    let name = keys.required("name")?.name()
    var settings = ProjectSettings(name: name ?? "")
    if let lake = keys["lake"].flatMap(lakeFolder) { settings.lake = lake }
    if let kind = keys["engine"]?.mapping(.engine)?["kind"]?
      .choice(ProjectSettings.EngineKind.self, "engine that is supported")
    {
      settings.engineKind = kind
    }
    settings.threads = keys["threads"]?.integer(1...4096).map(Int.init)
    if let memory = keys["memory"]?.byteCount(atLeast: ProjectSettings.memoryMin) {
      settings.memory = memory
    }
    if let temp = keys["temp"]?.byteCount(atLeast: ByteCount(bytes: 1 << 20)) {
      settings.temp = temp
    }
    if let parallel = keys["parallel"]?.integer(1...256) { settings.parallel = Int(parallel) }
    if let bytes = keys["max_record_bytes"]?.byteCount(atLeast: ByteCount(bytes: 1 << 10)) {
      settings.maxRecordBytes = bytes
    }
    if let count = keys["max_dead_letters"]?.integer(0...1_000_000_000) {
      settings.maxDeadLetters = Int(count)
    }
    return problems.isEmpty ? settings : nil
  }

  /// A folder inside of the project, or an absolute path.
  private func lakeFolder(_ value: YAMLValue) -> String? {
    guard let path = value.text("a path") else { return nil }
    guard !path.hasPrefix("/") else { return path }
    guard !path.contains("://"), !path.hasPrefix("~") else {
      value.report(
        "the lake `\(path)` is no path of this computer",
        hint: "write a path that is relative to the project, or an absolute one"
      )
      return nil
    }
    var steps: [Substring] = []
    for step in path.split(separator: "/") where step != "." {
      guard step == ".." else {
        steps.append(step)
        continue
      }
      guard steps.popLast() != nil else {
        value.report(
          "the lake `\(path)` lies outside of the project",
          hint: "write an absolute path to put it there"
        )
        return nil
      }
    }
    guard let first = steps.first, !ProjectFolder.taken.contains(String(first)) else {
      value.report(
        "the lake `\(path)` is a folder that the project needs for itself",
        hint: "choose another, such as lake"
      )
      return nil
    }
    return steps.joined(separator: "/")
  }
}

// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillPipelines
internal import MillRedis
internal import MillTables

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
    if let lake = keys["lake"].flatMap({ folder($0, "lake") }) { settings.lake = lake }
    if let kind = keys["engine"]?.mapping(.engine)?["kind"]?
      .choice(ProjectSettings.EngineKind.self, "engine that is supported")
    {
      settings.engineKind = kind
    }
    if let online = keys["online"]?.mapping(.online).flatMap(online) { settings.online = online }
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
    if let value = keys["lifecycle"] { settings.lifecycle = lifecycle(value, lake: settings.lake) }
    if let prices = keys["storage"]?.mapping(.storage) {
      settings.storagePrice = storagePrice(prices)
    }
    if let keys = keys["server"]?.mapping(.server) { settings.server = server(keys) }
    return problems.isEmpty ? settings : nil
  }

  private func online(_ keys: YAMLMapping) -> ProjectSettings.OnlineKind? {
    guard
      let kind = keys.required("kind")?.choice(OnlineWord.self, "online store that is supported")
    else { return nil }
    guard kind == .redis else {
      for (key, place, _) in keys.entries where key != "kind" {
        report("`\(key)` is for Redis alone", at: place, hint: "remove it, or write `kind: redis`")
      }
      return .sqlite
    }
    guard let value = keys.required("url"), let url = value.text("a URL") else { return nil }
    do {
      _ = try RedisEndpoint(url: url)
    } catch {
      // The URL itself may hold a password and is not repeated.
      let hint = error == .password ? "such as `password_env: REDIS_PASSWORD`" : nil
      value.report(error.description, hint: hint)
    }
    var redis = ProjectSettings.OnlineRedis(url: url)
    if let value = keys["password_env"], let name = value.text("the name of a variable") {
      if isVariable(name) {
        redis.passwordVariable = name
      } else {
        // Somebody may have written the password itself.
        value.report(
          "this is no name of an environment variable",
          hint: "write the name alone, such as REDIS_PASSWORD"
        )
      }
    }
    if let value = keys["prefix"], let prefix = value.text("a prefix") {
      if prefix.utf8.count <= 64, prefix.utf8.allSatisfy(isOfKeyName) {
        redis.prefix = prefix
      } else {
        value.report(
          "`\(prefix)` is no prefix of keys",
          hint: "use up to 64 letters, digits, `_`, `.`, `-` and `:`"
        )
      }
    }
    if let value = keys["timeout"], let timeout = value.duration() {
      if timeout <= .seconds(60) {
        redis.timeout = timeout
      } else {
        value.report("a read is not waited for longer than 60s", hint: "such as 250ms")
      }
    }
    if let count = keys["connections"]?.integer(1...256) { redis.connections = Int(count) }
    return .redis(redis)
  }

  private enum OnlineWord: String, CaseIterable {
    case sqlite
    case redis
  }

  private func isVariable(_ name: String) -> Bool {
    guard let first = name.utf8.first, name.utf8.count <= 256 else { return false }
    return !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first)
      && name.utf8.allSatisfy { isOfWord($0) }
  }

  private func isOfKeyName(_ byte: UInt8) -> Bool {
    isOfWord(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-")
      || byte == UInt8(ascii: ":")
  }

  private func isOfWord(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
      true
    default: false
    }
  }

  private func storagePrice(_ keys: YAMLMapping) -> StoragePrice? {
    func price(_ value: YAMLValue?) -> Double? {
      guard let value else { return nil }
      guard let number = value.scalar()?.double, number >= 0, number.isFinite else {
        value.report("a price is a number that is not below 0", hint: "such as 0.023")
        return nil
      }
      return number
    }
    guard let table = price(keys.required("price_per_gib_month")) else { return nil }
    return StoragePrice(
      perGiBMonth: table,
      archivePerGiBMonth: price(keys["archive_price_per_gib_month"]) ?? table,
      currency: keys["currency"]?.text("a currency") ?? "USD"
    )
  }

  private func lifecycle(_ value: YAMLValue, lake: String) -> [String: LifecyclePolicy] {
    var policies: [String: LifecyclePolicy] = [:]
    for (name, place, value) in value.entries("datasets") ?? [] {
      guard name == "default" || DatasetName(name) != nil else {
        report(
          "`\(name)` is no dataset",
          at: place,
          hint: "write a layer and a word, such as silver.payments, or `default`"
        )
        continue
      }
      guard let keys = value.mapping(.lifecycle) else { continue }
      var policy = LifecyclePolicy()
      policy.keep = keys["keep"]?.duration()
      policy.keepVersions = keys["keep_versions"]?.integer(1...1_000_000).map { Int($0) }
      policy.keepLog = keys["keep_log"]?.duration()
      if let size = keys["compact_to"]?.byteCount(atLeast: ByteCount(bytes: 1 << 20)) {
        policy.compactTo = size
      }
      policy.clusterBy = keys["cluster_by"]?.texts("columns") ?? []
      policy.archive = keys["archive"].flatMap { age($0, needsFolder: true, lake: lake) }
      policy.delete = keys["delete"].flatMap { age($0, needsFolder: false, lake: lake) }
      policies[name] = policy
    }
    return policies
  }

  private func age(
    _ value: YAMLValue,
    needsFolder: Bool,
    lake: String
  ) -> LifecyclePolicy.Age? {
    guard let keys = value.mapping(.aged) else { return nil }
    let column = keys.required("by")?.text("a column")
    let after = keys.required("after")?.duration()
    var folder: String?
    if needsFolder {
      folder = keys.required("to").flatMap { value in
        guard let folder = self.folder(value, "archive") else { return nil }
        guard folder != lake, !folder.hasPrefix(lake + "/"), !lake.hasPrefix(folder + "/") else {
          value.report(
            "the archive `\(folder)` and the lake `\(lake)` lie in one another",
            hint: "rows that moved would be rows of the lake again: choose another folder"
          )
          return nil
        }
        return folder
      }
    } else if let stray = keys["to"] {
      stray.report("rows that are deleted go nowhere", hint: "`to` belongs to `archive`")
    }
    guard let column, let after, folder != nil || !needsFolder else { return nil }
    return LifecyclePolicy.Age(column: column, after: after, folder: folder)
  }

  /// A folder inside of the project, or an absolute path.
  private func folder(_ value: YAMLValue, _ what: String) -> String? {
    guard let path = value.text("a path") else { return nil }
    guard !path.hasPrefix("/") else {
      return path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    }
    guard !path.contains("://"), !path.hasPrefix("~") else {
      value.report(
        "the \(what) `\(path)` is no path of this computer",
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
          "the \(what) `\(path)` lies outside of the project",
          hint: "write an absolute path to put it there"
        )
        return nil
      }
    }
    guard let first = steps.first, !ProjectFolder.taken.contains(String(first)) else {
      value.report(
        "the \(what) `\(path)` is a folder that the project needs for itself",
        hint: "choose another, such as \(what)"
      )
      return nil
    }
    return steps.joined(separator: "/")
  }
}

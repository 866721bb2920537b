// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillLake
import MillTesting
import Testing

@Suite("Random histories against a model")
struct RandomHistoryTests {
  /// A table as a list of what each version held.
  private struct Model {
    var versions: [Set<String>] = []
    var transactions: [String: Int64] = [:]
    var columns = twoColumns.names

    var current: Set<String> { versions.last ?? [] }
    var newest: TableVersion? {
      versions.isEmpty ? nil : TableVersion(Int64(versions.count) - 1)
    }
  }

  @Test(
    "two or three writers leave exactly what the model holds, at every version",
    arguments: 0..<40
  )
  func history(seed: UInt64) async throws {
    let chance = SeededRandom(seed: seed)
    let folder = try TemporaryFolder("history")
    var writers: [TableOnDisk] = []
    for number in 0..<(2 + chance.below(2)) {
      writers.append(try TableOnDisk(in: folder, seed: seed &* 100 &+ UInt64(number)))
    }
    var model = Model()
    for step in 0..<(8 + chance.below(12)) {
      let writer = writers[chance.below(writers.count)]
      let name = "f\(step)"
      var change = TableChange(mode: .append, files: [try writer.file(name)], schema: twoColumns)
      var next = model.current.union([name])
      if chance.happens(percent: 25) {
        change.mode = .overwrite
        next = [name]
      }
      if chance.happens(percent: 20) {
        let column = "c\(chance.below(3))"
        change.schema = Schema(twoColumns.fields + [Field(column, .double)])
      }
      if chance.happens(percent: 30) {
        let appID = "app\(chance.below(2))"
        change.transactions = [TransactionIdentifier(appID: appID, version: Int64(step))]
      }
      if chance.happens(percent: 20), change.mode == .append, let victim = model.current.min(),
        let file = try await writer.table.snapshot().files[path: victim]
      {
        change.replacing = [file]
        next.remove(victim)
      }
      if chance.happens(percent: 40) {
        change.expecting = TableVersion(Int64(chance.below(model.versions.count + 1)))
      }
      let shouldLand = change.expecting == nil || change.expecting == model.newest
      do {
        let version = try await writer.table.commit(change)
        #expect(shouldLand, "seed \(seed), step \(step)")
        #expect(version.number == Int64(model.versions.count), "seed \(seed), step \(step)")
        model.versions.append(next)
        for identifier in change.transactions {
          model.transactions[identifier.appID] = identifier.version
        }
        model.columns =
          change.mode == .overwrite
          ? change.schema.names
          : model.columns + change.schema.names.filter { !model.columns.contains($0) }
      } catch {
        #expect(!shouldLand, "seed \(seed), step \(step): \(error)")
      }
    }
    for reader in writers {
      for (number, names) in model.versions.enumerated() {
        #expect(
          try await reader.names(at: TableVersion(Int64(number))) == names.sorted(),
          "seed \(seed), version \(number)"
        )
      }
      guard !model.versions.isEmpty else { continue }
      let snapshot = try await reader.table.snapshot()
      #expect(snapshot.transactions.mapValues(\.version) == model.transactions, "seed \(seed)")
      #expect(snapshot.schema.names == model.columns, "seed \(seed)")
      #expect(snapshot.version == model.newest)
    }
  }

  @Test(
    "writers at the same time lose nothing and keep nothing they did not return",
    arguments: 0..<12
  )
  func concurrently(seed: UInt64) async throws {
    let folder = try TemporaryFolder("history")
    let reader = try TableOnDisk(in: folder, seed: seed)
    try await reader.commit(.append, "first")
    let landed = try await withThrowingTaskGroup(of: [(TableVersion, String, Bool)].self) { group in
      for number in 0..<3 {
        let writer = try TableOnDisk(
          in: folder,
          seed: seed &* 1000 &+ UInt64(number),
          thread: BlockingExecutor(name: "writer-\(number)")
        )
        group.addTask {
          let chance = SeededRandom(seed: seed &* 7 &+ UInt64(number))
          var landed: [(TableVersion, String, Bool)] = []
          for step in 0..<6 {
            let name = "\(number)-\(step)"
            let isOverwrite = chance.happens(percent: 30)
            let expected =
              chance.happens(percent: 30) ? try await writer.table.newestVersion() : nil
            do {
              let version = try await writer.commit(
                isOverwrite ? .overwrite : .append,
                name,
                expecting: expected
              )
              landed.append((version, name, isOverwrite))
            } catch let error as LakeError where error.isRetryable {
              continue
            }
          }
          return landed
        }
      }
      return try await group.reduce(into: []) { $0 += $1 }
    }
    // Every commit that returned has its version; the model replays them in that order.
    var model: Set<String> = ["first"]
    let ordered = landed.sorted { $0.0 < $1.0 }
    #expect(ordered.map(\.0.number) == Array(1..<(Int64(ordered.count) + 1)), "seed \(seed)")
    for (version, name, isOverwrite) in ordered {
      model = isOverwrite ? [name] : model.union([name])
      #expect(try await reader.names(at: version) == model.sorted(), "seed \(seed), \(version)")
    }
    #expect(try await reader.table.newestVersion() == ordered.last?.0)
  }
}

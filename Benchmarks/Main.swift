// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import MillAssembly
import MillCore
import MillPipelines
import MillQuality

@main
struct Bench: AsyncParsableCommand {
  @Argument var folder: String
  @Option var rows: Int?
  func run() async throws {
    if let rows { print(try PaymentsProject(rows: rows, seed: 1).write(to: folder).json) }
    let w = try await Workspace(project: try Project.load(folder: folder))
    let p = try await w.pipeline()
    for n in try await p.plan() { print("plan", n.dataset, n.work, n.reason) }
    let r = try await p.run { e in print(e) }
    for o in r.outcomes {
      print(o.dataset, o.status, o.reason, o.version as Any, o.account?.json.serialized() ?? "", o.error?.description ?? "", o.notes)
      for x in o.results where x.violations > 0 { print("   ", x.rule, x.status, x.violations, x.evaluated) }
    }
  }
}

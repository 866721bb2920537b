// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// Measures Millrace against a peer or a raw limit in the same run; see docs/benchmarks.md.
@main
struct MillBench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mill-bench",
    abstract: "Ratios of Millrace's work to a peer's, measured in one run.",
    subcommands: [
      SampleBench.self, QualityBench.self, IdleBench.self, ColumnBench.self,
      LakeBench.self, FeaturesBench.self, LogBench.self, LogLatencyBench.self,
      SampleScript.self, SampleRun.self, QualityScript.self, QualityPrepare.self,
      QualityInspect.self, SoakWriter.self, SoakLogWriter.self, ConstantServer.self,
    ]
  )
}

// SPDX-License-Identifier: Apache-2.0

public import MillCore
public import MillEngine
public import MillLake
public import MillLedger

/// Where a pipeline runs: everything outside of its definition.
public struct PipelineEnvironment: Sendable {
  /// The project's folder, absolute; relative files of sources start here.
  public var projectFolder: String
  /// The folder of state, `.millrace`.
  public var stateFolder: String
  /// Where tables are read and published.
  public var lake: Lake
  /// What runs the SQL.
  public var engine: any Engine
  /// Where the run is taken down.
  public var ledger: Ledger
  /// The clock, the randomness and the disk.
  public var world: World
  /// Datasets made at the same time; they share the engine's memory.
  public var parallelism: Int
  /// Records longer than this are dead letters.
  public var recordSizeMax: ByteCount
  /// Records of one file that may become dead letters; with more, the declaration is wrong.
  public var deadLettersMax: Int

  /// An environment with the bounds that a project has by default.
  public init(
    projectFolder: String,
    stateFolder: String,
    lake: Lake,
    engine: any Engine,
    ledger: Ledger,
    world: World,
    parallelism: Int = 2,
    recordSizeMax: ByteCount = ByteCount(bytes: 16 << 20),
    deadLettersMax: Int = 100_000
  ) {
    self.projectFolder = projectFolder
    self.stateFolder = stateFolder
    self.lake = lake
    self.engine = engine
    self.ledger = ledger
    self.world = world
    self.parallelism = parallelism
    self.recordSizeMax = recordSizeMax
    self.deadLettersMax = deadLettersMax
  }

  /// Files that nothing outlives a run for.
  var temporaryFolder: String { "\(stateFolder)/tmp" }
}

// SPDX-License-Identifier: Apache-2.0

// The umbrella: what a Swift user needs of the rooms, under one import.
@_exported public import MillAssembly
@_exported public import MillCore
@_exported public import MillDuckDB
@_exported public import MillEngine
@_exported public import MillFeatures
@_exported public import MillLake
@_exported public import MillLedger
@_exported public import MillLineage
@_exported public import MillPipelines
@_exported public import MillQuality
@_exported public import MillRedis
@_exported public import MillSQL
@_exported public import MillSQLite
@_exported public import MillSources
@_exported public import MillStreams
@_exported public import MillTables
@_exported public import MillTiles

// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

/// The settings of every Swift target in the house.
let house: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  .enableUpcomingFeature("InferIsolatedConformances"),
  .enableUpcomingFeature("ImmutableWeakCaptures"),
  .treatAllWarnings(as: .error),
  .treatWarning("DeprecatedDeclaration", as: .warning),
]

let argumentParser = Target.Dependency.product(
  name: "ArgumentParser",
  package: "swift-argument-parser"
)
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let sqlite = Target.Dependency.product(name: "GRDBSQLite", package: "GRDB.swift")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore = Target.Dependency.product(name: "HummingbirdCore", package: "hummingbird")
let hummingbirdTLS = Target.Dependency.product(name: "HummingbirdTLS", package: "hummingbird")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioHTTPTypes = Target.Dependency.product(name: "NIOHTTPTypes", package: "swift-nio-extras")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let serviceLifecycle = Target.Dependency.product(
  name: "ServiceLifecycle",
  package: "swift-service-lifecycle"
)
let unixSignals = Target.Dependency.product(
  name: "UnixSignals",
  package: "swift-service-lifecycle"
)
let yams = Target.Dependency.product(name: "Yams", package: "Yams")

// Debian's file for pkg-config holds a flag that the package manager warns of at every build; the
// header and the library are where compilers look without it.
#if os(Linux)
  let hiredis: String? = nil
#else
  let hiredis: String? = "hiredis"
#endif

/// A room of the house: docs/design.md holds the map, and a test holds this list to it.
func room(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: house)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(name: name, dependencies: dependencies, swiftSettings: house)
}

let package = Package(
  name: "millrace",
  platforms: [.macOS(.v26)],
  products: [
    .library(name: "Millrace", targets: ["Millrace"]),
    // Delta tables without the rest of the house.
    .library(
      name: "MillTables",
      targets: ["MillCore", "MillEngine", "MillLake", "MillTables", "MillDuckDB"]
    ),
    .executable(name: "millrace", targets: ["MillCLI"]),
    .executable(name: "mill-bench", targets: ["MillBench"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
    .package(url: "https://github.com/apple/swift-http-types", exact: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
    .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-extras", exact: "1.35.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
    .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
    .package(
      url: "https://github.com/hummingbird-project/hummingbird",
      exact: "2.28.1",
      traits: []
    ),
    .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
  ],
  targets: [
    // 0: shims
    .target(name: "CChecksum"),
    .systemLibrary(name: "CDuckDB", pkgConfig: "duckdb", providers: [.brew(["duckdb"])]),
    .systemLibrary(
      name: "CRedis",
      pkgConfig: hiredis,
      providers: [.apt(["libhiredis-dev"]), .brew(["hiredis"])]
    ),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
    // 1: what everything stands on
    room("MillCore", []),
    // 2: contracts and storage
    room("MillLake", ["MillCore"]),
    room("MillEngine", ["MillCore"]),
    room("MillLedger", ["MillCore", grdb]),
    room("MillSQL", ["MillCore"]),
    room("MillTiles", ["MillCore", "MillSQL", crypto]),
    room("MillSources", ["MillCore", "CZlib", "CZstd", crypto]),
    room("MillStreams", ["MillCore", "CChecksum", "CZstd"]),
    // 3: what the user came for, and the adapters
    room("MillQuality", ["MillCore", "MillEngine", "MillSQL"]),
    room("MillLineage", ["MillCore", "MillLedger"]),
    room(
      "MillPipelines",
      [
        "MillCore", "MillEngine", "MillLake", "MillLedger", "MillQuality", "MillSQL",
        "MillSources", crypto,
      ]
    ),
    room("MillTables", ["MillCore", "MillEngine", "MillLake", "MillSQL"]),
    room(
      "MillFeatures",
      ["MillCore", "MillEngine", "MillLake", "MillSQL", "MillTiles", crypto]
    ),
    room("MillSQLite", ["MillCore", "MillFeatures", grdb, sqlite]),
    room("MillRedis", ["CRedis", "MillCore", "MillFeatures"]),
    room("MillDuckDB", ["CDuckDB", "MillCore", "MillEngine", "MillLake", "MillSQL"]),
    // 4: configuration becomes services
    room(
      "MillAssembly",
      [
        "MillCore", "MillDuckDB", "MillEngine", "MillFeatures", "MillLake", "MillLedger",
        "MillPipelines", "MillQuality", "MillRedis", "MillSQL", "MillSQLite", "MillSources",
        "MillTables", "MillTiles", yams,
      ]
    ),
    // 5: over HTTP
    room(
      "MillServer",
      [
        "MillAssembly", "MillCore", "MillFeatures", crypto, hummingbird, hummingbirdCore,
        hummingbirdTLS, httpTypes, logging, nioCore, nioHTTPTypes, nioSSL, serviceLifecycle,
        unixSignals,
      ]
    ),
    // 6: the command line
    .executableTarget(
      name: "MillCLI",
      dependencies: [
        "MillAssembly", "MillCore", "MillFeatures", "MillLake", "MillLedger", "MillLineage",
        "MillPipelines", "MillQuality", "MillEngine", "MillServer", "MillTables", "MillTiles",
        argumentParser, crypto,
      ],
      swiftSettings: house
    ),
    // For Swift users
    room(
      "Millrace",
      [
        "MillAssembly", "MillCore", "MillDuckDB", "MillEngine", "MillFeatures", "MillLake",
        "MillLedger", "MillLineage", "MillPipelines", "MillQuality", "MillRedis", "MillSQL",
        "MillSQLite", "MillSources", "MillStreams", "MillTables", "MillTiles",
      ]
    ),
    // For tests and benchmarks alone
    room("MillTesting", ["MillCore"]),
    .executableTarget(
      name: "MillBench",
      dependencies: [
        "MillAssembly", "MillCore", "MillDuckDB", "MillEngine", "MillFeatures", "MillLake",
        "MillPipelines", "MillQuality", "MillStreams", "MillTables", argumentParser, hummingbird,
        hummingbirdCore, httpTypes, logging, nioCore,
      ],
      path: "Benchmarks",
      exclude: ["Features/serve.py", "Lake/lake_peer.py"],
      swiftSettings: house
    ),
    tests("MillCoreTests", ["MillCore", "MillTesting"]),
    tests("MillSourcesTests", ["CZlib", "CZstd", "MillCore", "MillSources", "MillTesting"]),
    tests("MillStreamsTests", ["CChecksum", "MillCore", "MillStreams", "MillTesting"]),
    tests("MillSQLTests", ["MillCore", "MillSQL"]),
    tests("MillTilesTests", ["MillCore", "MillDuckDB", "MillSQL", "MillTiles"]),
    tests("MillDuckDBTests", ["MillCore", "MillDuckDB", "MillEngine", "MillSQL", "MillTesting"]),
    tests("MillLakeTests", ["MillCore", "MillDuckDB", "MillEngine", "MillLake", "MillTesting"]),
    tests(
      "MillTablesTests",
      [
        "MillAssembly", "MillCore", "MillDuckDB", "MillEngine", "MillLake", "MillTables",
        "MillTesting",
      ]
    ),
    tests(
      "MillFeaturesTests",
      [
        "MillCore", "MillDuckDB", "MillEngine", "MillFeatures", "MillLake", "MillRedis",
        "MillSQLite", "MillTables", "MillTesting", "MillTiles", grdb,
      ]
    ),
    tests("MillServerTests", ["MillCore", "MillServer", "MillTesting", grdb]),
    tests("MillQualityTests", ["MillCore", "MillEngine", "MillQuality", "MillSQL"]),
    tests("MillLedgerTests", ["MillCore", "MillLedger", "MillLineage", "MillTesting", grdb]),
    tests(
      "MillPipelinesTests",
      [
        "MillAssembly", "MillCore", "MillDuckDB", "MillEngine", "MillLake", "MillLedger",
        "MillPipelines", "MillQuality", "MillTesting",
      ]
    ),
    tests("MillCLITests", ["MillCore", "MillTesting"]),
    tests("HouseTests", ["MillTesting", "Millrace"]),
  ]
)

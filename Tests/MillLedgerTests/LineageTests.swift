// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillLedger
import MillLineage
import Testing

@Suite("Following the lineage")
struct LineageTests {
  let tracker = DataLineageTracker(edges: [
    anEdge("silver.flights", "gold.delays"),
    anEdge("silver.airports", "gold.delays"),
    anEdge("bronze.flights", "silver.flights"),
    anEdge("silver.airports", "silver.flights"),
    anEdge("bronze.airports", "silver.airports"),
    anEdge("file:a\"b.csv", "bronze.flights"),
  ])

  @Test("upstream gives the sources, nearest first")
  func upstream() {
    #expect(
      tracker.upstream(of: "gold.delays") == [
        LineageStep(name: "silver.airports", distance: 1),
        LineageStep(name: "silver.flights", distance: 1),
        LineageStep(name: "bronze.airports", distance: 2),
        LineageStep(name: "bronze.flights", distance: 2),
        LineageStep(name: "file:a\"b.csv", distance: 3),
      ]
    )
    #expect(tracker.upstream(of: "gold.delays", depth: 1).count == 2)
    #expect(tracker.upstream(of: "gold.delays", depth: 0).isEmpty)
  }

  @Test("downstream gives the users, nearest first")
  func downstream() {
    #expect(
      tracker.downstream(of: "bronze.airports").map(\.name)
        == ["silver.airports", "gold.delays", "silver.flights"]
    )
    #expect(tracker.downstream(of: "gold.delays").isEmpty)
  }

  @Test("an unknown name has no lineage")
  func unknown() {
    #expect(!tracker.contains("gold.none"))
    #expect(tracker.upstream(of: "gold.none").isEmpty)
    #expect(tracker.tree(of: "gold.none") == ["gold.none"])
    #expect(tracker.graph(around: "gold.none").nodes.isEmpty)
  }

  @Test("the order of the edges does not matter, and the newest of a pair counts")
  func order() {
    var edges = tracker.graph().edges
    edges.append(anEdge("bronze.airports", "silver.airports", run: "r0", at: 1))
    for _ in 0..<10 {
      #expect(DataLineageTracker(edges: edges.shuffled()).graph() == tracker.graph())
    }
    #expect(tracker.graph().edges.count == 6)
    #expect(tracker.graph().nodes.map(\.kind).filter { $0 == .file }.count == 1)
  }

  @Test("the graph around a name leaves out what does not touch it")
  func around() {
    let graph = tracker.graph(around: "bronze.flights")
    #expect(
      graph.nodes.map(\.name)
        == ["bronze.flights", "file:a\"b.csv", "gold.delays", "silver.flights"]
    )
    #expect(graph.edges.count == 3)
  }

  @Test("a tree opens each dataset once")
  func tree() {
    #expect(
      tracker.tree(of: "gold.delays") == [
        "gold.delays",
        "├─ silver.airports",
        "│  └─ bronze.airports",
        "└─ silver.flights",
        "   ├─ bronze.flights",
        "   │  └─ file:a\"b.csv",
        "   └─ silver.airports (above)",
      ]
    )
    #expect(
      tracker.tree(of: "gold.delays", depth: 1, characters: .ascii)
        == ["gold.delays", "|- silver.airports ...", "`- silver.flights ..."]
    )
    #expect(
      tracker.tree(of: "bronze.flights", direction: .downstream)
        == ["bronze.flights", "└─ silver.flights", "   └─ gold.delays"]
    )
  }

  @Test("circles end")
  func circles() {
    let circle = DataLineageTracker(edges: [
      anEdge("a", "b"), anEdge("b", "a"), anEdge("c", "c"),
    ])
    #expect(circle.upstream(of: "a") == [LineageStep(name: "b", distance: 1)])
    #expect(circle.tree(of: "a") == ["a", "└─ b", "   └─ a (circle)"])
    #expect(circle.tree(of: "c") == ["c", "└─ c (circle)"])
    #expect(circle.upstream(of: "c").isEmpty)
  }

  @Test("a chain of any length is followed")
  func longChain() {
    let chain = DataLineageTracker(
      edges: (0..<2_000).map { anEdge("d\($0)", "d\($0 + 1)") }
    )
    #expect(chain.upstream(of: "d2000").count == 2_000)
    #expect(chain.tree(of: "d2000").count == 2_001)
  }

  @Test("names that look alike but differ in bytes are two names")
  func names() {
    let tracker = DataLineageTracker(edges: [
      anEdge("file:é", "bronze.a"), anEdge("file:e\u{301}", "bronze.a"),
    ])
    #expect(tracker.graph().nodes.count == 3)
  }

  @Test("a file's name cannot drive the terminal")
  func escapes() {
    let tracker = DataLineageTracker(edges: [anEdge("file:\u{1B}[2J\n", "bronze.a")])
    #expect(tracker.tree(of: "bronze.a").last == "└─ file:\u{FFFD}[2J\u{FFFD}")
  }

  @Test("Mermaid text quotes what would end a label")
  func mermaid() {
    #expect(
      tracker.graph(around: "file:a\"b.csv", depth: 1).mermaid == """
        flowchart LR
          n0["bronze.flights"]
          n1(["file:a#quot;b.csv"])
          n1 --> n0

        """
    )
  }

  @Test("JSON names every node and edge")
  func json() {
    let json = DataLineageTracker(edges: [anEdge("bronze.a", "silver.a")]).graph().json
    #expect(
      json.serialized() == """
        {"nodes":[{"name":"bronze.a","kind":"dataset"},{"name":"silver.a","kind":"dataset"}],\
        "edges":[{"input":"bronze.a","output":"silver.a","run_id":"r1","input_version":1,\
        "output_version":2,"recorded_at_microseconds":1003}]}
        """
    )
  }

  @Test("a ledger's edges are loaded")
  func fromLedger() async throws {
    let folder = try TemporaryFolder()
    let ledger = try Ledger(path: folder.ledgerPath)
    try await ledger.begin(aRun("r1"))
    try await ledger.record(edges: [anEdge("bronze.a", "silver.a")])
    let tracker = try await DataLineageTracker(ledger: ledger)
    #expect(tracker.upstream(of: "silver.a").map(\.name) == ["bronze.a"])
  }
}

// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillTiles
import Testing

@Suite("Functions and the states that they share")
struct AggregationTests {
  @Test("every function reads back from its own name", arguments: allAggregations)
  func names(aggregation: Aggregation) {
    #expect(Aggregation(name: aggregation.description) == aggregation)
  }

  @Test("short names, and what is no name")
  func parsing() {
    #expect(Aggregation(name: "p95") == .quantile(0.95))
    #expect(Aggregation(name: "p99.9") == .quantile(0.999))
    #expect(Aggregation(name: "p100") == .quantile(1))
    #expect(Aggregation(name: "median") == .quantile(0.5))
    #expect(Aggregation(name: "avg") == .mean)
    for name in Aggregation.names { #expect(Aggregation(name: name) != nil, "\(name)") }
    for name in [
      "", "p", "p101", "p-1", "pinf", "p0x1", "p1e1", "p1.2.3", "quantile", "quantile()", "sum()",
      "quantile(1.5)", "quantile(nan)", "quantile(0.5", "top_k(0)", "top_k(1025)", "top_k(-1)",
      "top_k(1.5)", "Sum", "(", ")", "p٣",
    ] {
      #expect(Aggregation(name: name) == nil, "\(name)")
    }
  }

  @Test("output types")
  func outputs() {
    let decimal = DataType.decimal(precision: 9, scale: 2)
    #expect(Aggregation.sum.outputType(of: .short) == .long)
    #expect(Aggregation.sum.outputType(of: decimal) == .decimal(precision: 38, scale: 2))
    #expect(Aggregation.sum.outputType(of: .float) == .double)
    #expect(Aggregation.sum.outputType(of: .string) == nil)
    #expect(Aggregation.mean.outputType(of: decimal) == .double)
    #expect(Aggregation.count.outputType(of: nil) == .long)
    #expect(Aggregation.count.outputType(of: .structure([])) == .long)
    #expect(Aggregation.sum.outputType(of: nil) == nil)
    #expect(Aggregation.max.outputType(of: .date) == .date)
    #expect(Aggregation.last.outputType(of: .array(element: .long, containsNull: true)) == nil)
    #expect(
      Aggregation.topK(3).outputType(of: .string) == .array(element: .string, containsNull: false)
    )
  }

  @Test("several functions over one column share the fewest states")
  func sharing() {
    let shapes = Aggregation.shapes(
      for: [.count, .sum, .mean, .quantile(0.5), .quantile(0.9)],
      of: .double
    )
    #expect(shapes?.map(\.kind) == [.sum, .buckets])
    #expect(Aggregation.shapes(for: [.count], of: .double)?.map(\.kind) == [.count])
    #expect(Aggregation.shapes(for: [.count, .min], of: .date)?.map(\.kind) == [.count, .minimum])
    #expect(Aggregation.shapes(for: [.count, .sum], of: .date) == nil)
  }
}

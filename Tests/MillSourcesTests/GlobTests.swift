// SPDX-License-Identifier: Apache-2.0

import Foundation
import MillSources
import Testing

@Suite("Patterns of file names")
struct GlobTests {
  static let files = [
    "raw/a.csv", "raw/b.csv.gz", "raw/c1.csv", "raw/c2.csv", "raw/Z.csv", "raw/.hidden.csv",
    "raw/2013/a.csv", "raw/2013/01/a.csv", "raw/.git/a.csv", "raw/[x].csv", "raw/é.csv", "top.csv",
  ]

  @Test(
    "a pattern names these files, in byte order",
    arguments: [
      ("raw/?.csv", ["raw/Z.csv", "raw/a.csv", "raw/é.csv"]),
      ("raw/c[12].csv", ["raw/c1.csv", "raw/c2.csv"]),
      ("raw/c[!1].csv", ["raw/c2.csv"]),
      ("raw/[a-z].csv", ["raw/a.csv"]),
      ("raw/[[]x].csv", ["raw/[x].csv"]),
      ("raw/*.gz", ["raw/b.csv.gz"]),
      ("*.csv", ["top.csv"]),
      ("raw/.*.csv", ["raw/.hidden.csv"]),
      ("raw/*/a.csv", ["raw/2013/a.csv"]),
      ("**/a.csv", ["raw/2013/01/a.csv", "raw/2013/a.csv", "raw/a.csv"]),
      ("raw/**/**/01/*", ["raw/2013/01/a.csv"]),
      ("raw/2013/**", ["raw/2013/01/a.csv", "raw/2013/a.csv"]),
      ("raw/a.csv", ["raw/a.csv"]),
      ("raw/nothing*", []),
      (
        "raw/*",
        [
          "raw/Z.csv", "raw/[x].csv", "raw/a.csv", "raw/b.csv.gz", "raw/c1.csv", "raw/c2.csv",
          "raw/é.csv",
        ]
      ),
    ] as [(String, [String])]
  )
  func names(_ example: (String, [String])) throws {
    let scratch = try Scratch()
    for file in Self.files { _ = try scratch.file(file, "") }
    #expect(try expandGlob(example.0, relativeTo: scratch.path) == example.1)
    let absolute = try expandGlob(scratch.path + "/" + example.0, relativeTo: "/nowhere")
    #expect(absolute == example.1.map { scratch.path + "/" + $0 })
  }

  @Test("a name without wildcards, or a folder before them, must be there")
  func missing() throws {
    let scratch = try Scratch()
    #expect(
      sourceError { try expandGlob("raw/x.csv", relativeTo: scratch.path) }
        == .notFound(path: "raw/x.csv")
    )
    #expect(
      sourceError { try expandGlob("raw/*.csv", relativeTo: scratch.path) }
        == .notFound(path: "raw")
    )
    _ = try scratch.file("raw/x.csv", "")
    #expect(
      sourceError { try expandGlob("raw", relativeTo: scratch.path) } == .notAFile(path: "raw")
    )
  }

  @Test("a circle of links does not keep ** for ever")
  func circle() throws {
    let scratch = try Scratch()
    _ = try scratch.file("raw/deep/x.csv", "")
    try FileManager.default.createSymbolicLink(
      atPath: scratch.path + "/raw/deep/up",
      withDestinationPath: scratch.path + "/raw"
    )
    #expect(try expandGlob("**/*.csv", relativeTo: scratch.path) == ["raw/deep/x.csv"])
  }
}

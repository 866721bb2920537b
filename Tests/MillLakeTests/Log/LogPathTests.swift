// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillLake
import MillTesting
import Testing

@Suite("Paths in a log")
struct LogPathTests {
  @Test(
    "a name on disk comes back from the log as it was",
    arguments: [
      "part-1.parquet", "p=a b/x.parquet", "p=a%20b/x", "p=100%25/x", "p=k=v/x", "p=ü/x", "p=日本/x",
      "p=a#b?c&d/x", "p=a:b/x", "a:b", "p=\u{301}/x", "p='\"\\/x", "...", ".hidden", "p=\n\t/x",
      "~+",
    ]
  )
  func roundTrip(name: String) {
    let encoded = LogPath.encode(name)
    #expect(encoded.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F })
    #expect(LogPath.decode(encoded).map { Array($0.utf8) } == Array(name.utf8))
  }

  @Test("names of random scalars come back as they were")
  func randomNames() {
    let random = SeededRandom(seed: 11)
    for _ in 0..<2000 {
      var name = "p"
      for _ in 0..<(1 + random.below(12)) {
        guard let scalar = Unicode.Scalar(UInt32(1 + random.below(0x2FFF))) else { continue }
        if scalar != "/" { name.unicodeScalars.append(scalar) }
      }
      #expect(LogPath.decode(LogPath.encode(name)).map(ByteKey.init) == ByteKey(name))
    }
  }

  @Test("escapes are decoded once and no more")
  func once() {
    #expect(LogPath.encode("p=a%20b/x") == "p=a%2520b/x")
    #expect(LogPath.decode("p=a%2520b/x") == "p=a%20b/x")
    #expect(LogPath.decode("p=a%20b/x") == "p=a b/x")
    #expect(LogPath.decode("a%2fb%2Fc") == "a/b/c")
    #expect(LogPath.decode("a+b") == "a+b")
  }

  @Test(
    "a path that leaves the table's folder, or may, is refused",
    arguments: [
      "../x", "a/../x", "a/..", "..", ".", "./x", "a/./x", "%2e%2e/x", "%2E%2e%2fx", "a%2f..%2fx",
      "/x", "%2Fx", "/etc/passwd", "file:///x", "s3://bucket/x", "C:/x", "abfss:x", "a//x", "x/",
      "",
      "a%00b", "..\u{301}/../x", "../\u{301}x", "..%2F%CC%81x", "a/../\u{301}x", "s3:\u{301}//x",
    ]
  )
  func refused(path: String) {
    #expect(LogPath.decode(path) == nil)
  }

  @Test(
    "an escape that is none, or no UTF-8, is refused",
    arguments: ["%", "a%", "a%2", "a%zz", "a%2gb", "%ff", "a%C3", "%ED%A0%80", "a% 20", "%+1"]
  )
  func badEscapes(path: String) {
    #expect(LogPath.decode(path) == nil)
  }
}

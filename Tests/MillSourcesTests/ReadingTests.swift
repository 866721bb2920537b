// SPDX-License-Identifier: Apache-2.0

import Foundation
import MillCore
import MillSources
import MillTesting
import Testing

private let csv = ScanOptions(format: .csv)
private let sample = Array(
  ("a,b\n" + (0..<40).map { "\($0),\"v \($0 * 7)\"\n" }.joined()).utf8
)

@Suite("Reading packed files")
struct PackedTests {
  @Test("packed text is the text, whatever the name", arguments: ["x.csv.gz", "x.csv.zst", "x"])
  func packed(name: String) throws {
    let scratch = try Scratch()
    for (compression, bytes) in [
      (Compression.none, sample), (.gzip, try gzipped(sample)), (.zstd, try zstandard(sample)),
    ] {
      let path = try scratch.file(name, bytes)
      for size in chunkSizes {
        let found = try scan(path: path, options: csv, chunkBytes: size)
        #expect(found.compression == compression)
        #expect(found.records == 40)
        #expect(found.irregularCount == 0)
        #expect(found.decompressedBytes == Int64(sample.count))
        #expect(found.file.size == Int64(bytes.count))
      }
    }
  }

  @Test("several members or frames are one text")
  func members() throws {
    let scratch = try Scratch()
    let parts = [Array(sample[..<3]), [], Array(sample[3..<100]), Array(sample[100...])]
    let gzip = try scratch.file("x.gz", parts.flatMap { try gzipped($0) })
    let skippable: [UInt8] = [0x5A, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 9, 9, 9]
    let zstd = try scratch.file("x.zst", skippable + parts.flatMap { try zstandard($0) })
    let padded = try scratch.file("y.gz", try gzipped(sample) + [UInt8](repeating: 0, count: 600))
    for path in [gzip, zstd, padded] {
      for size in chunkSizes {
        #expect(try scan(path: path, options: csv, chunkBytes: size).records == 40)
      }
    }
  }

  @Test("a stream that stops anywhere in its middle is refused", arguments: ["gz", "zst"])
  func truncated(kind: String) throws {
    let scratch = try Scratch()
    let whole = kind == "gz" ? try gzipped(sample) : try zstandard(sample)
    for cut in 1..<whole.count {
      let path = try scratch.file("x.csv." + kind, Array(whole[..<cut]))
      for size in [1, 64, 4096] {
        let error = sourceError { try scan(path: path, options: csv, chunkBytes: size) }
        #expect(
          error
            == .truncatedCompressed(
              path: path,
              compression: kind == "gz" ? .gzip : .zstd,
              atByte: Int64(cut)
            ),
          "cut at \(cut), chunks of \(size)"
        )
      }
    }
    #expect(try scan(path: try scratch.file("y", whole), options: csv).records == 40)
  }

  @Test(
    "a second member cut anywhere is refused, except at its very start",
    arguments: ["gz", "zst"]
  )
  func truncatedSecond(kind: String) throws {
    let scratch = try Scratch()
    let pack = kind == "gz" ? gzipped : zstandard
    let first = try pack(Array(sample[..<50]))
    let both = first + (try pack(Array(sample[50...])))
    for cut in first.count...both.count {
      let path = try scratch.file("x.csv." + kind, Array(both[..<cut]))
      let error = sourceError { try scan(path: path, options: csv) }
      #expect((error == nil) == (cut == first.count || cut == both.count), "cut at \(cut)")
    }
  }

  @Test("a flipped byte never passes as a different text", arguments: ["gz", "zst"])
  func flipped(kind: String) throws {
    let scratch = try Scratch()
    let whole = kind == "gz" ? try gzipped(sample) : try zstandard(sample)
    // Name, time stamp and operating system in a gzip header are not part of the text.
    for position in (kind == "gz" ? 10 : 4)..<whole.count {
      var bytes = whole
      bytes[position] ^= 0x55
      let path = try scratch.file("x.csv." + kind, bytes)
      if let found = try? scan(path: path, options: csv) {
        #expect(kind == "zst" && found.records == 40, "position \(position)")
      }
    }
  }

  @Test("data behind the last member is refused")
  func trailing() throws {
    let scratch = try Scratch()
    for rest in [Array("1,2\n".utf8), [0, 0, 1]] {
      let path = try scratch.file("x.gz", try gzipped(sample) + rest)
      for size in chunkSizes {
        let error = sourceError { try scan(path: path, options: csv, chunkBytes: size) }
        #expect(error?.code == "source.corrupt-compressed")
        #expect(error?.errorClass == .data)
      }
    }
  }
}

@Suite("Reading text")
struct TextTests {
  @Test(
    "what is not UTF-8 is refused at its exact byte",
    arguments: [
      [0xE9, 0x2C], [0xC0, 0x80], [0xC1, 0xBF], [0xE0, 0x80, 0x80], [0xE0, 0x9F, 0xBF],
      [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x8F, 0xBF, 0xBF],
      [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0x80], [0xBF], [0xFE], [0xFF],
      [0xC3], [0xE2, 0x82], [0xF0, 0x9F, 0x98], [0xC3, 0x0A], [0xE2, 0x82, 0xC3, 0xA9],
    ] as [[UInt8]]
  )
  func invalid(_ sequence: [UInt8]) throws {
    let scratch = try Scratch()
    let lead = Array("a,b\n1,é\n2,some text long enough for the fast way 漢字 ".utf8)
    for rest in [[], Array(" and more\n".utf8)] {
      let path = try scratch.file("x.csv", lead + sequence + rest)
      let packed = try scratch.file("x.csv.gz", try gzipped(lead + sequence + rest))
      for size in chunkSizes {
        for name in [path, packed] {
          let error = sourceError { try scan(path: name, options: csv, chunkBytes: size) }
          #expect(
            error == .notUTF8(path: name, byteOffset: Int64(lead.count), line: 3),
            "chunks of \(size)"
          )
          #expect(error?.description.contains("iconv -f latin1 -t utf-8") == true)
        }
      }
    }
  }

  @Test("a wrong byte among the first three has its line")
  func early() throws {
    let scratch = try Scratch()
    let path = try scratch.file("x.csv", [0x0A, 0xFF, 0x0A, 0x41])
    for size in chunkSizes {
      let error = sourceError { try scan(path: path, options: csv, chunkBytes: size) }
      #expect(error == .notUTF8(path: path, byteOffset: 1, line: 2), "chunks of \(size)")
    }
  }

  @Test("every length of sequence may lie across chunks")
  func split() throws {
    let scratch = try Scratch()
    let line = "\u{80}\u{7FF},\u{800}\u{FFFF}\u{D7FF}\u{E000}\u{10000}\u{10FFFF}é漢😀\n"
    let path = try scratch.file("x.csv", "a,b\n" + String(repeating: line, count: 20))
    for size in 1...70 {
      #expect(try scan(path: path, options: csv, chunkBytes: size).records == 20)
    }
  }
}

@Suite("The identity of a file")
struct IdentityTests {
  @Test("the hash is that of the bytes on disk, as sha256sum prints it")
  func hash() throws {
    let scratch = try Scratch()
    let abc = try scratch.file("abc", "abc")
    #expect(
      try scan(path: abc, options: ScanOptions(format: .jsonLines)).file.sha256
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
    let large = try scratch.file("x.gz", try gzipped((0..<600_000).map { UInt8($0 % 97) }))
    let output = large + ".sum"
    try ChildProcess(["sha256sum", large], output: output).wait()
    let printed = text(try contents(output))
    for format in [SourceFormat.jsonLines, .parquet] {
      let found = try scan(path: large, shownAs: "raw/x.gz", options: ScanOptions(format: format))
      #expect(found.file.sha256 == String(printed.prefix(64)))
      #expect(found.file.path == "raw/x.gz")
      #expect(found.file.size == Int64(try contents(large).count))
    }
  }

  @Test("an empty file has no records and no header, and is no error")
  func empty() throws {
    let scratch = try Scratch()
    let path = try scratch.file("x.csv", "")
    for format in [SourceFormat.csv, .jsonLines, .parquet] {
      let found = try scan(path: path, options: ScanOptions(format: format))
      #expect(found.records == 0)
      #expect(found.headerFields == nil)
      #expect(found.file.size == 0)
      #expect(found.physicalLines == 0)
    }
  }

  @Test("what is not there, or not a file, is said so")
  func missing() throws {
    let scratch = try Scratch()
    let path = scratch.path + "/none.csv"
    #expect(sourceError { try scan(path: path, options: csv) } == .notFound(path: path))
    #expect(
      sourceError { try scan(path: scratch.path, options: csv) } == .notAFile(path: scratch.path)
    )
    #expect(sourceError { try scan(path: path, options: csv) }?.errorClass == .outside)
  }
}

@Suite("Copying what is regular")
struct CopyTests {
  @Test("exactly the irregular records are left out, packed or not")
  func copies() throws {
    let scratch = try Scratch()
    let long = String(repeating: "y", count: 5000)
    let source = "\u{FEFF}a,b\r\n1,2\r\n3\n\n\"4\n4\",5\n\(long),1\n6,7,8\n\"9\"x,1\n1,2\n3,\"4\n5"
    let clean = "\u{FEFF}a,b\r\n1,2\r\n\n\"4\n4\",5\n1,2\n"
    let options = ScanOptions(format: .csv, maximumRecordBytes: 1000, keptIrregularRecords: 2)
    for bytes in [Array(source.utf8), try gzipped(Array(source.utf8))] {
      let path = try scratch.file("x", bytes)
      for size in chunkSizes {
        let found = try scan(path: path, options: options, chunkBytes: size)
        #expect(found.irregularCount == 5)
        #expect(found.regularRecords == 3)
        let target = scratch.path + "/clean"
        try copyRegular(path: path, options: options, scan: found, to: target, chunkBytes: size)
        #expect(text(try contents(target)) == clean, "chunks of \(size)")
        let again = try scan(path: target, options: options)
        #expect(again.records == found.regularRecords)
        #expect(again.irregularCount == 0)
        try FileManager.default.removeItem(atPath: target)
      }
    }
  }

  @Test("a record that was already written to disk is taken back")
  func takesBack() throws {
    let scratch = try Scratch()
    let long = String(repeating: "y", count: 5_000_000)
    let path = try scratch.file("x.jsonl", "{}\n\(long)\n[]\n\(long)")
    let options = ScanOptions(format: .jsonLines, maximumRecordBytes: 1000)
    let found = try scan(path: path, options: options)
    #expect(found.irregularCount == 2)
    let target = scratch.path + "/clean"
    try copyRegular(path: path, options: options, scan: found, to: target)
    #expect(text(try contents(target)) == "{}\n[]\n")
  }

  @Test("a file that changed since its scan is refused and nothing is left behind")
  func changed() throws {
    let scratch = try Scratch()
    let path = try scratch.file("x.csv", "a,b\n1\n")
    let found = try scan(path: path, options: csv)
    _ = try scratch.file("x.csv", "a,b\n2\n")
    let target = scratch.path + "/clean"
    let error = sourceError {
      try copyRegular(path: path, options: csv, scan: found, to: target)
    }
    #expect(error == .changedWhileReading(path: path))
    #expect(!FileManager.default.fileExists(atPath: target))
  }

  @Test("an existing target is not touched")
  func existing() throws {
    let scratch = try Scratch()
    let path = try scratch.file("x.csv", "a,b\n1\n")
    let target = try scratch.file("clean", "mine")
    let found = try scan(path: path, options: csv)
    let error = sourceError {
      try copyRegular(path: path, options: csv, scan: found, to: target)
    }
    #expect(error?.code == "source.unwritable")
    #expect(text(try contents(target)) == "mine")
  }
}

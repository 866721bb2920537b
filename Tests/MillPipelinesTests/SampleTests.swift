// SPDX-License-Identifier: Apache-2.0

import Foundation
import MillAssembly
import MillCore
import Testing

@Suite("The payments sample")
struct SampleTests {
  @Test("the same rows and seed give the same bytes, another seed others")
  func seeds() throws {
    let first = try files(of: PaymentsSample(rows: 2_000, seed: 7))
    let again = try files(of: PaymentsSample(rows: 2_000, seed: 7))
    let other = try files(of: PaymentsSample(rows: 2_000, seed: 8))
    #expect(first.count == 7)
    #expect(first == again)
    #expect(first.keys == other.keys)
    for (path, bytes) in first { #expect(other[path] != bytes, "\(path)") }
  }

  @Test("the bytes are those of every platform")
  func pinned() throws {
    let files = try files(of: PaymentsSample(rows: 1_000, seed: 7))
    let digest = files.sorted { $0.key < $1.key }.reduce(UInt64(0xCBF2_9CE4_8422_2325)) {
      $1.value.reduce($0) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }
    #expect(digest == 2_735_910_799_502_778_341)
  }

  @Test("the manifest's counts are what the files hold", arguments: [100, 1_000, 20_000])
  func counts(rows: Int) throws {
    try inFolder { folder in
      let manifest = try PaymentsSample(rows: rows, seed: 3).write(to: folder)
      for file in manifest.files {
        let data = try Data(contentsOf: URL(fileURLWithPath: folder + "/" + file.path))
        #expect(data.count == file.bytes)
        #expect(data.last == 10)
        let lines = data.dropLast().split(separator: 10, omittingEmptySubsequences: false)
          .map { String(decoding: $0, as: UTF8.self) }
        #expect(lines.count == file.lines)
        #expect(lines.count { $0.isEmpty } == file.blankLines)
        let records = lines.dropFirst(file.headerLines).filter { !$0.isEmpty }
        #expect(records.count - Set(records).count == file.defects[.duplicate] ?? 0)
        let isJSON = file.path.hasSuffix(".jsonl")
        let width = isJSON ? 0 : fields(lines[0]).count
        let dead = records.count { isJSON ? !isGoodJSON($0) : !isGoodCSV($0, width: width) }
        #expect(dead == file.deadLetters, "\(file.path)")
        #expect(records.count - dead == file.bronzeRows)
      }
      let payments = manifest.files.filter { $0.source.hasPrefix("payments") }
      let extra = payments.reduce(0) {
        $0 + $1.headerLines + $1.blankLines + ($1.defects[.duplicate] ?? 0)
      }
      #expect(payments.reduce(0) { $0 + $1.lines } - extra == rows)
    }
  }

  @Test("the expectations of the models follow from the lines of the files")
  func expectations() throws {
    try inFolder { folder in
      let manifest = try PaymentsSample(rows: 5_000, seed: 3).write(to: folder)
      #expect(manifest.sources.map(\.name).count == 5)
      #expect(
        manifest.models.map(\.name)
          == ["silver.customers", "silver.merchants", "silver.cards", "silver.payments"]
      )
      let payments = try #require(manifest.models.last)
      let rows = try ["2025-01.csv", "2025-02.csv", "2025-03.jsonl"].flatMap { name in
        let path = folder + "/data/payments-" + name
        let text = try String(contentsOfFile: path, encoding: .utf8)
        return text.split(separator: "\n").dropFirst(name.hasSuffix("csv") ? 1 : 0)
          .compactMap { values(String($0)) }
      }
      #expect(payments.candidates == rows.count)
      #expect(payments.deduplicated == rows.count - Set(rows.map { $0[0] }).count)
      let amounts = rows.map { Double($0[3]) }
      #expect(payments.quarantined["amount_present"] == amounts.count { $0 == nil })
      let outside = amounts.compactMap(\.self).count { $0 < 0 || $0 > 50_000 }
      #expect(payments.quarantined["amount_in_range"] == outside)
      #expect(payments.quarantined["card_present"] == rows.count { $0[1].isEmpty })
      let codes = rows.count { $0[4].wholeMatch(of: /[A-Z]{3}/) == nil }
      #expect(payments.quarantined["currency_is_a_code"] == codes)
      #expect(payments.warned["online_has_ip"] == rows.count { $0[7] == "online" && $0[9].isEmpty })
      #expect(
        payments.published
          == payments.candidates - payments.deduplicated
          - payments.quarantined.values.reduce(0, +)
      )
    }
  }

  @Test("the manifest's text is JSON and says what the manifest says")
  func json() throws {
    try inFolder { folder in
      let manifest = try PaymentsSample(rows: 500, seed: 3).write(to: folder)
      let data = try Data(contentsOf: URL(fileURLWithPath: folder + "/data/EXPECTED.json"))
      #expect(String(decoding: data, as: UTF8.self) == manifest.json)
      let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
      let models = try #require(object["models"] as? [[String: Any]])
      #expect(models.map { $0["published"] as? Int } == manifest.models.map { $0.published })
    }
  }

  @Test("a row count out of bounds is refused", arguments: [-1, 0, 99, 1_000_000_001])
  func bounds(rows: Int) throws {
    try inFolder { folder in
      #expect(throws: SampleError.badRowCount(rows)) {
        _ = try PaymentsSample(rows: rows, seed: 1).write(to: folder)
      }
      let left = try FileManager.default.contentsOfDirectory(atPath: folder)
      #expect(left.isEmpty)
    }
  }

  @Test("a project is written once and never over another")
  func project() throws {
    try inFolder { folder in
      let project = PaymentsProject(rows: 200, seed: 1)
      try project.write(to: folder)
      let paths = try #require(FileManager.default.enumerator(atPath: folder))
        .compactMap { $0 as? String }
      #expect(paths.count { $0.hasSuffix(".sql") } == 7)
      #expect(paths.count { $0.hasPrefix("sources/") } == 5)
      #expect(paths.contains("millrace.yaml"))
      #expect(throws: SampleError.projectExists(folder: folder)) { try project.write(to: folder) }
    }
  }

  /// The bytes of each file of a sample, by path.
  private func files(of sample: PaymentsSample) throws -> [String: Data] {
    try inFolder { folder in
      let manifest = try sample.write(to: folder)
      let paths = manifest.files.map(\.path) + ["data/EXPECTED.json"]
      return try Dictionary(
        uniqueKeysWithValues: paths.map {
          ($0, try Data(contentsOf: URL(fileURLWithPath: folder + "/" + $0)))
        }
      )
    }
  }

  private func inFolder<Value>(_ body: (String) throws -> Value) throws -> Value {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("millrace-sample-" + UUID().uuidString).path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try body(folder)
  }

  /// The fields of a CSV line, quotes taken off.
  private func fields(_ line: String) -> [String] {
    var fields = [""]
    var isQuoted = false
    for character in line {
      switch character {
      case "\"": isQuoted.toggle()
      case "," where !isQuoted: fields.append("")
      default: fields[fields.count - 1].append(character)
      }
    }
    return fields
  }

  private func isGoodCSV(_ line: String, width: Int) -> Bool {
    let fields = fields(line)
    guard fields.count == width else { return false }
    if width == 10 { return fields[3].isEmpty || fields[3] == "NA" || Double(fields[3]) != nil }
    return !fields.contains("1985-13-45")
  }

  private func isGoodJSON(_ line: String) -> Bool {
    guard let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
    else { return false }
    return !(object["amount"] is String)
  }

  /// The ten values of a payment that can be decoded, null as empty text.
  private func values(_ line: String) -> [String]? {
    guard line.hasPrefix("{") else { return isGoodCSV(line, width: 10) ? fields(line) : nil }
    guard isGoodJSON(line),
      let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
    else { return nil }
    let names = [
      "payment_id", "card_id", "merchant_id", "amount", "currency", "status", "paid_at", "channel",
      "country", "ip",
    ]
    return names.map { name in
      switch object[name] {
      case let text as String: text
      case let number as Double: "\(number)"
      default: ""
      }
    }
  }
}

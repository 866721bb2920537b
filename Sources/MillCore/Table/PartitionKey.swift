// SPDX-License-Identifier: Apache-2.0

/// The values of a partition as one key, compared by bytes.
///
/// To Swift two spellings of `Zürich` are one text; to a table they are two partitions.
public struct PartitionKey: Hashable, Sendable {
  private let bytes: [UInt8]

  /// The key of values by column, nil for null.
  public init(_ values: [String: String?]) {
    var bytes: [UInt8] = []
    let sorted = values.map { (name: Array($0.key.utf8), text: $0.value.map { Array($0.utf8) }) }
      .sorted { $0.name.lexicographicallyPrecedes($1.name) }
    for (name, text) in sorted {
      Self.append(name, to: &bytes)
      bytes.append(text == nil ? 0 : 1)
      Self.append(text ?? [], to: &bytes)
    }
    self.bytes = bytes
  }

  /// Lengths go before texts, so that no two sets of values give the same bytes.
  private static func append(_ text: [UInt8], to bytes: inout [UInt8]) {
    withUnsafeBytes(of: UInt64(text.count)) { bytes.append(contentsOf: $0) }
    bytes.append(contentsOf: text)
  }
}

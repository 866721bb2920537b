// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// A name and bytes that travel with an event beside its key and value.
public struct RecordHeader: Hashable, Sendable {
  /// The name; several headers of an event may have the same.
  public var name: String
  /// The bytes.
  public var value: [UInt8]

  /// A header of these.
  public init(_ name: String, _ value: [UInt8]) {
    self.name = name
    self.value = value
  }
}

/// Events on their way into a log, column by column.
///
/// ```swift
/// var events = RecordBatchBuilder()
/// events.append(key: "card-1", value: #"{"amount": 3}"#, eventTime: now)
/// let receipt = try await log.append(events, to: TopicPartition(payments, 0))
/// ```
///
/// Adding an event copies its bytes and allocates nothing once the columns have grown.
public struct RecordBatchBuilder: Sendable {
  var times: [Int64] = []
  var keyEnds: [UInt32] = [0]
  var valueEnds: [UInt32] = [0]
  var headerEnds: [UInt32] = [0]
  var keys: [UInt8] = []
  var values: [UInt8] = []
  var headers: [UInt8] = []
  /// The rows without a key, as long as there are rows with one; the rows without a value.
  var absentKeys: [Int] = []
  var absentValues: [Int] = []
  /// Relative offsets, where compaction made holes.
  var offsets: [UInt32] = []
  var kind = BatchHeader.Kind.records

  /// No events.
  public init() {}

  /// The record by which a source that has no events says that its time goes on
  /// (docs/semantics.md, 25): no event older than this is still to come.
  public static func idleMarker(at time: Instant) -> RecordBatchBuilder {
    var builder = RecordBatchBuilder()
    builder.append(key: nil as [UInt8]?, value: nil, eventTime: time)
    builder.kind = .idleMarker
    return builder
  }

  /// How many events there are.
  public var count: Int { times.count }

  /// Whether there is none.
  public var isEmpty: Bool { times.isEmpty }

  /// The bytes that they take in memory, and at most in the log but for the header of the batch.
  public var sizeInBytes: Int {
    24 * (times.count + 1) + keys.count + values.count + headers.count
  }

  /// Makes room for so many events with so many bytes of keys and values.
  public mutating func reserve(count: Int, keyBytes: Int = 0, valueBytes: Int) {
    times.reserveCapacity(count)
    valueEnds.reserveCapacity(count + 1)
    values.reserveCapacity(valueBytes)
    guard keyBytes > 0 else { return }
    keyEnds.reserveCapacity(count + 1)
    keys.reserveCapacity(keyBytes)
  }

  /// Adds an event.
  ///
  /// - Parameters:
  ///   - key: What compaction and partitions go by; nil for none, which is not an empty one.
  ///   - value: The event; nil is a tombstone, by which compaction forgets the key.
  ///   - eventTime: When it happened, UTC.
  ///   - headers: What else travels with it.
  public mutating func append(
    key: UnsafeRawBufferPointer?,
    value: UnsafeRawBufferPointer?,
    eventTime: Instant,
    headers: [RecordHeader] = []
  ) {
    let row = times.count
    times.append(eventTime.microseconds)
    if let key { keys.append(contentsOf: key) } else { absentKeys.append(row) }
    keyEnds.append(UInt32(clamping: keys.count))
    if let value { values.append(contentsOf: value) } else { absentValues.append(row) }
    valueEnds.append(UInt32(clamping: values.count))
    for header in headers { append(header) }
    if !self.headers.isEmpty { endHeaders(of: row) }
  }

  /// Adds an event of texts.
  public mutating func append(
    key: String?,
    value: String?,
    eventTime: Instant,
    headers: [RecordHeader] = []
  ) {
    append(
      key: key.map { Array($0.utf8) },
      value: value.map { Array($0.utf8) },
      eventTime: eventTime,
      headers: headers
    )
  }

  /// Adds an event of bytes.
  public mutating func append(
    key: [UInt8]?,
    value: [UInt8]?,
    eventTime: Instant,
    headers: [RecordHeader] = []
  ) {
    (key ?? []).withUnsafeBytes { keyBytes in
      (value ?? []).withUnsafeBytes { valueBytes in
        append(
          key: key == nil ? nil : keyBytes,
          value: value == nil ? nil : valueBytes,
          eventTime: eventTime,
          headers: headers
        )
      }
    }
  }

  /// Forgets the events and keeps the memory.
  public mutating func removeAll() {
    times.removeAll(keepingCapacity: true)
    keyEnds.removeSubrange(1...)
    valueEnds.removeSubrange(1...)
    headerEnds = [0]
    keys.removeAll(keepingCapacity: true)
    values.removeAll(keepingCapacity: true)
    headers.removeAll(keepingCapacity: true)
    absentKeys.removeAll(keepingCapacity: true)
    absentValues.removeAll(keepingCapacity: true)
    offsets.removeAll()
    kind = .records
  }

  /// Ends the headers of a row; of the rows before the first with headers they are empty.
  mutating func endHeaders(of row: Int) {
    if headerEnds.count == 1 { headerEnds += [UInt32](repeating: 0, count: row) }
    headerEnds.append(UInt32(clamping: headers.count))
  }

  private mutating func append(_ header: RecordHeader) {
    let name = header.name.utf8.prefix(Int(UInt16.max))
    withUnsafeBytes(of: UInt16(name.count).littleEndian) { headers.append(contentsOf: $0) }
    withUnsafeBytes(of: UInt32(clamping: header.value.count).littleEndian) {
      headers.append(contentsOf: $0)
    }
    headers.append(contentsOf: name)
    headers.append(contentsOf: header.value)
  }
}

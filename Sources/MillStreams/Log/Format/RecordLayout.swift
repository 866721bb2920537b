// SPDX-License-Identifier: Apache-2.0

/// Where the parts of an unpacked body lie.
///
/// A body is a handful of columns of `n` records, one after the other:
///
/// 1. event times: n × Int64, UTC microseconds;
/// 2. offsets, if compaction took records away: n × UInt32, relative to the batch's first offset,
///    ascending;
/// 3. where keys begin and end, if there are keys: (n + 1) × UInt32 into the bytes of keys;
/// 4. the same of values, always;
/// 5. the same of record headers, if there are any;
/// 6. which keys are absent, if some are: a bit for each record, the lowest bit of the first byte
///    first, then zeros up to a byte;
/// 7. which values are absent (tombstones), if some are: the same;
/// 8. the bytes of keys, of values, of record headers.
///
/// The columns 2 to 5 begin at multiples of 4 since all before them do. The arrays of n + 1 are
/// those of Arrow's variable-size binary layout, so that any part of a batch is a batch.
///
/// > Source: Apache Arrow columnar format, "Variable-size Binary Layout".
package struct RecordLayout: Sendable {
  package struct Sections: OptionSet, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) {
      self.rawValue = rawValue
    }

    package static let keys = Self(rawValue: 1)
    package static let absentKeys = Self(rawValue: 2)
    package static let absentValues = Self(rawValue: 4)
    package static let headers = Self(rawValue: 8)
    package static let offsets = Self(rawValue: 16)
    static let known: Self = [.keys, .absentKeys, .absentValues, .headers, .offsets]
  }

  package let sections: Sections
  package let count: Int
  package let offsets: Int
  package let keyEnds: Int
  package let valueEnds: Int
  package let headerEnds: Int
  package let absentKeys: Int
  package let absentValues: Int
  package let keys: Int
  package let values: Int
  package let headers: Int
  package let size: Int

  package init(
    count: Int,
    sections: Sections,
    keyBytes: Int,
    valueBytes: Int,
    headerBytes: Int
  ) {
    self.count = count
    self.sections = sections
    let ends = 4 * (count + 1)
    let bits = (count + 7) / 8
    offsets = 8 * count
    keyEnds = offsets + (sections.contains(.offsets) ? 4 * count : 0)
    valueEnds = keyEnds + (sections.contains(.keys) ? ends : 0)
    headerEnds = valueEnds + ends
    absentKeys = headerEnds + (sections.contains(.headers) ? ends : 0)
    absentValues = absentKeys + (sections.contains(.absentKeys) ? bits : 0)
    keys = absentValues + (sections.contains(.absentValues) ? bits : 0)
    values = keys + keyBytes
    headers = values + valueBytes
    size = headers + headerBytes
  }

  package init(_ header: BatchHeader) {
    self.init(
      count: header.count,
      sections: header.sections,
      keyBytes: header.keyBytes,
      valueBytes: header.valueBytes,
      headerBytes: header.recordHeaderBytes
    )
  }

  /// Whether an unpacked body is what its header says, so that no column leads out of it.
  ///
  /// The checksum proves that the bytes are those that were written, not that their writer was right.
  func holds(_ body: UnsafeRawBufferPointer, _ header: BatchHeader) -> Bool {
    guard size == body.count, size == header.unpackedBytes, Sections.known.isSuperset(of: sections)
    else { return false }
    if sections.contains(.keys), !areEnds(body, keyEnds, upTo: header.keyBytes) { return false }
    if !areEnds(body, valueEnds, upTo: header.valueBytes) { return false }
    if sections.contains(.headers) {
      guard areEnds(body, headerEnds, upTo: header.recordHeaderBytes) else { return false }
    }
    guard sections.contains(.offsets) else {
      return header.count == header.span || header.count == 0
    }
    var last: Int64 = -1
    for row in 0..<count {
      let offset = Int64(body.loadUnaligned(fromByteOffset: offsets + 4 * row, as: UInt32.self))
      guard offset > last, offset < Int64(header.span) else { return false }
      last = offset
    }
    return true
  }

  private func areEnds(_ body: UnsafeRawBufferPointer, _ place: Int, upTo count: Int) -> Bool {
    var last: UInt32 = 0
    var isAscending = body.loadUnaligned(fromByteOffset: place, as: UInt32.self) == 0
    for row in 1..<(self.count + 1) {
      let end = body.loadUnaligned(fromByteOffset: place + 4 * row, as: UInt32.self)
      isAscending = isAscending && end >= last
      last = end
    }
    return isAscending && Int(last) == count
  }
}

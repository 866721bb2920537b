// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillLake
import MillTesting

extension RandomTable {
  /// The statistics of a file with these rows, as a writer may have left them.
  ///
  /// They are honest but for what peers are known to do: no bound lies inside of the values. Peers
  /// cut instants to milliseconds, put wide decimals through doubles, leave NaN out, shorten text,
  /// and omit whatever they like.
  func statistics(_ rows: [[Cell]]) -> String {
    let isQuoting = chance.happens(percent: 10)
    var minimums = JSONObject()
    var maximums = JSONObject()
    var nulls = JSONObject()
    for (index, column) in columns.enumerated() where !column.isPartition {
      let cells = rows.map { $0[index] }
      if chance.happens(percent: 80) {
        set(column, .int(cells.count { $0.isNull }), in: &nulls)
      }
      guard chance.happens(percent: 88) else { continue }
      let (low, high) = bounds(cells.filter { !$0.isNull }, column.type)
      for (bound, isUpper) in [(low, false), (high, true)] {
        guard var bound else { continue }
        if isQuoting, case .number(let number) = bound { bound = .string(number.text) }
        if isUpper {
          set(column, bound, in: &maximums)
        } else {
          set(column, bound, in: &minimums)
        }
      }
    }
    var object = JSONObject()
    if chance.happens(percent: 92) { object["numRecords"] = .int(rows.count) }
    if !minimums.isEmpty { object["minValues"] = .object(minimums) }
    if !maximums.isEmpty { object["maxValues"] = .object(maximums) }
    if !nulls.isEmpty { object["nullCount"] = .object(nulls) }
    let text = JSONValue.object(object).serialized()
    return chance.happens(percent: 20) ? Self.inASCII(text) : text
  }

  private func set(_ column: RandomColumn, _ value: JSONValue, in object: inout JSONObject) {
    guard column.physical.count == 2 else {
      object[column.physical[0]] = value
      return
    }
    var members = object[column.physical[0]]?.object ?? JSONObject()
    members[column.physical[1]] = value
    object[column.physical[0]] = .object(members)
  }

  private func bounds(_ cells: [Cell], _ type: DataType) -> (JSONValue?, JSONValue?) {
    switch type {
    case .long, .integer, .decimal:
      let values = cells.compactMap { if case .exact(let value) = $0 { value } else { nil } }
      guard let low = values.min(), let high = values.max() else { return (nil, nil) }
      return (number(low, type), number(high, type))
    case .double, .float:
      let values = cells.compactMap { cell -> Double? in
        switch cell {
        case .real(let value): value
        case .single(let value): Double(value)
        default: nil
        }
      }
      return floating(values, isSingle: type == .float)
    case .date, .timestamp:
      let values = cells.compactMap { if case .ordinal(let value) = $0 { value } else { nil } }
      guard let low = values.min(), let high = values.max() else { return (nil, nil) }
      if type == .date {
        return (
          .string(Self.logText(.ordinal(low), type)), .string(Self.logText(.ordinal(high), type))
        )
      }
      let style = chance.below(4)
      return (Self.instant(low, style), Self.instant(high, style))
    case .string:
      let values = cells.compactMap { if case .text(let bytes) = $0 { bytes } else { nil } }
      guard let low = values.min(by: { $0.lexicographicallyPrecedes($1) }),
        let high = values.max(by: { $0.lexicographicallyPrecedes($1) })
      else { return (nil, nil) }
      let length = chance.happens(percent: 50) ? 32 : 2
      let isRaising = chance.happens(percent: 50)
      return (
        .string(Self.prefix(low, length)),
        Self.upper(high, length, isRaising: isRaising).map { .string($0) }
      )
    default: return (nil, nil)
    }
  }

  /// A bound as it is, as a double, or for wide decimals by a division that rounds once more.
  private func number(_ value: Int128, _ type: DataType) -> JSONValue? {
    let text = Self.logText(.exact(value), type)
    if case .decimal(let precision, _) = type, chance.happens(percent: precision > 15 ? 70 : 30) {
      if precision > 15, chance.happens(percent: 50) { return .real(Double(value) / 1e10) }
      return Double(text).map { .real($0) }
    }
    return JSONNumber(text: text).map { .number($0) }
  }

  /// Spark writes NaN as the greatest; most others leave it out, and null for what JSON has not.
  private func floating(_ values: [Double], isSingle: Bool) -> (JSONValue?, JSONValue?) {
    let numbers = values.filter { !$0.isNaN }
    let isSpark = chance.happens(percent: 40)
    func json(_ value: Double?) -> JSONValue? {
      guard let value else { return nil }
      guard value.isFinite else { return isSpark ? .string(Self.logText(value, "")) : .null }
      // Either the shortest text of 32 bits or that of the same number in 64.
      guard isSingle, isSpark else { return .real(value) }
      return JSONNumber(text: Float(value).description).map { .number($0) }
    }
    guard isSpark else { return (json(numbers.min()), json(numbers.max())) }
    let high = numbers.count < values.count ? Double.nan : numbers.max()
    return (json(numbers.min() ?? values.first), json(high))
  }

  /// An instant cut to milliseconds, into the past or towards 1970, with the zone written one way or
  /// another.
  private static func instant(_ microseconds: Int64, _ style: Int) -> JSONValue {
    let remainder = microseconds % 1_000
    let isPast = style.isMultiple(of: 2)
    let cut = microseconds - (isPast && remainder < 0 ? remainder + 1_000 : remainder)
    let isWest = style == 3
    let local = Instant(microseconds: cut - (isWest ? 8 * 3_600_000_000 : 0)).description
    var text = String(local.dropLast())
    text = text.contains(".") ? String(text.dropLast(3)) : text + ".000"
    return .string(text + ["Z", "+00:00", "+00", "-08:00"][style])
  }

  private static func prefix(_ bytes: [UInt8], _ length: Int) -> String {
    var text = ""
    let scalars = String(decoding: bytes, as: UTF8.self).unicodeScalars
    text.unicodeScalars.append(contentsOf: scalars.prefix(length))
    return text
  }

  /// A text that is not below another one, and nil when there is none.
  ///
  /// It is that text, or a shorter one raised by the greatest of all characters behind it or by a
  /// greater last one.
  private static func upper(_ bytes: [UInt8], _ length: Int, isRaising: Bool) -> String? {
    let whole = String(decoding: bytes, as: UTF8.self)
    guard whole.unicodeScalars.count > length else { return whole }
    var scalars = Array(whole.unicodeScalars.prefix(length))
    if !isRaising {
      var text = ""
      text.unicodeScalars.append(contentsOf: scalars)
      // Until it is greater, as Spark does it.
      for scalar in whole.unicodeScalars.dropFirst(length) {
        text.unicodeScalars.append("\u{10FFFF}")
        if scalar != "\u{10FFFF}" { return text }
      }
      return whole
    }
    while let last = scalars.popLast() {
      guard let next = Unicode.Scalar(last.value + 1) else { continue }
      var text = ""
      text.unicodeScalars.append(contentsOf: scalars + [next])
      return text
    }
    return nil
  }

  /// JSON as some writers spell it, with escapes for all that is not ASCII.
  private static func inASCII(_ text: String) -> String {
    text.utf16.map { unit in
      guard unit > 0x7E else { return String(decoding: [UInt8(unit)], as: UTF8.self) }
      let digits = String(unit, radix: 16)
      return "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
    }.joined()
  }
}

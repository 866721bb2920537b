// SPDX-License-Identifier: Apache-2.0

extension Value: CustomStringConvertible {
  /// The value as DuckDB's own cast to VARCHAR writes it, moments with a zone in UTC.
  ///
  /// Differences: DuckDB does not always find the shortest digits of a FLOAT (it writes 1.5e10 as
  /// `15000000512.0`); a DECIMAL below one has its leading zero (`0.05`), also when its type has no
  /// place for one, and a text in a list, structure or map is quoted by DuckDB's rule as of 2.0.
  public var description: String {
    switch self {
    case .null: "NULL"
    case .bool(let value): value ? "true" : "false"
    case .int(let value): "\(value)"
    case .uint(let value): "\(value)"
    case .hugeint(let value): "\(value)"
    case .uhugeint(let value): "\(value)"
    case .float(let value): floatText(value)
    case .double(let value): floatText(value)
    case .decimal(let unscaled, let scale): decimalText(unscaled, scale: scale)
    case .text(let text): text
    case .bytes(let bytes): blobText(bytes)
    case .date(let days): dateText(days)
    case .time(let micros): timeText(micros, unitsPerSecond: 1_000_000)
    case .timeNanoseconds(let nanos): timeText(nanos, unitsPerSecond: 1_000_000_000)
    case .timeWithZone(let micros, let offset):
      timeText(micros, unitsPerSecond: 1_000_000) + offsetText(offset)
    case .timestamp(let micros): timestampText(micros, unitsPerSecond: 1_000_000)
    case .timestampNanoseconds(let nanos): timestampText(nanos, unitsPerSecond: 1_000_000_000)
    case .timestampWithZone(let micros):
      timestampText(micros, unitsPerSecond: 1_000_000, zone: "+00")
    case .timestampWithZoneNanoseconds(let nanos):
      timestampText(nanos, unitsPerSecond: 1_000_000_000, zone: "+00")
    case .interval(let interval): intervalText(interval)
    case .uuid(let text): text
    case .list(let values):
      "[" + values.map { $0.textInside(of: .list) }.joined(separator: ", ") + "]"
    case .structure(let structure):
      "{"
        + structure.fields.map { field in
          "\(quoted(field.name)): \(field.value.textInside(of: .structure))"
        }.joined(separator: ", ") + "}"
    case .map(let entries):
      "{"
        + entries.map { entry in
          "\(entry.key.textInside(of: .map))=\(entry.value.textInside(of: .map))"
        }.joined(separator: ", ") + "}"
    case .union(_, let value): value.description
    }
  }

  private enum Container { case list, structure, map }

  /// Texts that could be taken for something else are quoted inside of others.
  private func textInside(of container: Container) -> String {
    switch self {
    case .list, .structure, .map, .null: return description
    default: break
    }
    let text = description
    let special: Set<Character> = ["'", "\"", ",", "[", "]", "{", "}", "(", ")", "\\", "=", ":"]
    let mustQuote =
      text.isEmpty || text.lowercased() == "null" || text.first?.isWhitespace == true
      || text.last?.isWhitespace == true || text.contains(where: special.contains)
    guard case .text = self, mustQuote else { return text }
    return quoted(text)
  }
}

private func quoted(_ text: String) -> String {
  "'" + text.replacing("\\", with: "\\\\").replacing("'", with: "\\'") + "'"
}

/// Swift and DuckDB find the same shortest digits, but write an exponent at other sizes.
private func floatText<Number: BinaryFloatingPoint & CustomStringConvertible>(
  _ number: Number
) -> String {
  let text = number.description
  guard number.isFinite else { return number.isNaN ? "nan" : text }
  let isNegative = text.hasPrefix("-")
  let parts = text.drop { $0 == "-" }.split(separator: "e")
  guard let mantissa = parts.first else { return text }
  var exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
  let point = mantissa.split(separator: ".")
  guard let whole = point.first else { return text }
  let fraction = point.count > 1 && point[1] != "0" ? String(point[1]) : ""
  var digits = whole + fraction
  // The value is 0.digits times ten to the power of the exponent.
  exponent += whole.count
  while digits.hasPrefix("0"), digits.count > 1 {
    digits.removeFirst()
    exponent -= 1
  }
  while digits.hasSuffix("0"), digits.count > 1 { digits.removeLast() }
  if digits == "0" { return isNegative ? "-0.0" : "0.0" }
  let sign = isNegative ? "-" : ""
  guard (-3...16).contains(exponent) else {
    let power = exponent - 1
    let size = String(power.magnitude)
    let tail = digits.dropFirst()
    return sign + String(digits.prefix(1)) + (tail.isEmpty ? "" : "." + tail) + "e"
      + (power < 0 ? "-" : "+") + (size.count < 2 ? "0" : "") + size
  }
  if exponent <= 0 { return sign + "0." + String(repeating: "0", count: -exponent) + digits }
  if digits.count <= exponent {
    return sign + digits + String(repeating: "0", count: exponent - digits.count) + ".0"
  }
  return sign + String(digits.prefix(exponent)) + "." + digits.dropFirst(exponent)
}

private func decimalText(_ unscaled: Int128, scale: Int) -> String {
  let digits = String(unscaled.magnitude)
  guard scale > 0 else { return "\(unscaled)" }
  let padded = String(repeating: "0", count: max(0, scale + 1 - digits.count)) + digits
  return (unscaled < 0 ? "-" : "") + padded.dropLast(scale) + "." + padded.suffix(scale)
}

private func blobText(_ bytes: [UInt8]) -> String {
  var text = ""
  for byte in bytes {
    let isPlain = (0x20...0x7E).contains(byte) && !"\"'\\".utf8.contains(byte)
    if isPlain {
      text.unicodeScalars.append(Unicode.Scalar(byte))
    } else {
      text += "\\x" + pad(UInt64(byte), 2, radix: 16).uppercased()
    }
  }
  return text
}

private func pad(_ number: UInt64, _ width: Int, radix: Int = 10) -> String {
  let digits = String(number, radix: radix)
  return String(repeating: "0", count: max(0, width - digits.count)) + digits
}

/// Days since 1970-01-01 in the Gregorian calendar, continued backwards.
///
/// > Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
private func dateParts(_ days: Int64) -> (text: String, isBeforeChrist: Bool) {
  let shifted = days + 719_468
  let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
  let dayOfEra = shifted - era * 146_097
  let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
  let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
  let shiftedMonth = (5 * dayOfYear + 2) / 153
  let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
  let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
  let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  let shown = year > 0 ? year : 1 - year
  let text = [pad(shown.magnitude, 4), pad(month.magnitude, 2), pad(day.magnitude, 2)]
  return (text.joined(separator: "-"), year <= 0)
}

private func dateText(_ days: Int32) -> String {
  if days == .max { return "infinity" }
  if days == -.max { return "-infinity" }
  let parts = dateParts(Int64(days))
  return parts.text + (parts.isBeforeChrist ? " (BC)" : "")
}

private func timeText(_ units: Int64, unitsPerSecond: Int64) -> String {
  let seconds = (units / unitsPerSecond).magnitude
  let clock = [pad(seconds / 3600, 2), pad(seconds / 60 % 60, 2), pad(seconds % 60, 2)]
    .joined(separator: ":")
  var fraction = pad((units % unitsPerSecond).magnitude, unitsPerSecond == 1_000_000 ? 6 : 9)
  while fraction.hasSuffix("0") { fraction.removeLast() }
  return clock + (fraction.isEmpty ? "" : "." + fraction)
}

private func timestampText(_ units: Int64, unitsPerSecond: Int64, zone: String = "") -> String {
  if units == .max { return "infinity" }
  if units == -.max { return "-infinity" }
  let perDay = 86_400 * unitsPerSecond
  let quotient = units.quotientAndRemainder(dividingBy: perDay)
  let isShort = quotient.remainder < 0
  let parts = dateParts(quotient.quotient - (isShort ? 1 : 0))
  let rest = isShort ? quotient.remainder + perDay : quotient.remainder
  return parts.text + " " + timeText(rest, unitsPerSecond: unitsPerSecond)
    + (parts.isBeforeChrist ? " (BC)" : "") + zone
}

private func offsetText(_ seconds: Int32) -> String {
  let size = UInt64(seconds.magnitude)
  var text = (seconds < 0 ? "-" : "+") + pad(size / 3600, 2)
  if size % 3600 != 0 { text += ":" + pad(size / 60 % 60, 2) }
  if size % 60 != 0 { text += ":" + pad(size % 60, 2) }
  return text
}

private func intervalText(_ interval: Interval) -> String {
  var parts: [String] = []
  func add(_ number: Int32, _ name: String) {
    guard number != 0 else { return }
    parts.append("\(number) \(name)" + (number == 1 || number == -1 ? "" : "s"))
  }
  add(interval.months / 12, "year")
  add(interval.months % 12, "month")
  add(interval.days, "day")
  if interval.microseconds != 0 || parts.isEmpty {
    let sign = interval.microseconds < 0 ? "-" : ""
    parts.append(sign + timeText(interval.microseconds, unitsPerSecond: 1_000_000))
  }
  return parts.joined(separator: " ")
}

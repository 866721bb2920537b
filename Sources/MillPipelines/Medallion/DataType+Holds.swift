// SPDX-License-Identifier: Apache-2.0

internal import MillCore

extension DataType {
  /// Whether a value that a definition writes down is one of this type, without loss.
  func holds(_ value: JSONValue) -> Bool {
    let text = value.text ?? value.serialized()
    switch self {
    case .long: return Int64(text) != nil
    case .integer: return Int32(text) != nil
    case .short: return Int16(text) != nil
    case .byte: return Int8(text) != nil
    case .float, .double, .decimal: return Double(text)?.isFinite == true
    case .boolean: return value.bool != nil || text == "true" || text == "false"
    case .date: return CivilDate(iso8601: text) != nil
    case .timestamp: return Instant(iso8601: text) != nil
    case .string: return value.array == nil && value.object == nil
    default: return false
    }
  }
}

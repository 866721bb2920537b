// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import MillAssembly
internal import MillCore
internal import MillFeatures

/// Values on the command line: `card_id=K1,amount=12.5`.
enum GivenValues {
  /// Values that are given by their names, in the order of the fields.
  static func read(
    _ text: String,
    _ fields: [Field],
    _ option: String,
    isWhole: Bool = true
  ) throws -> [Datum] {
    var given: [String: String] = [:]
    for pair in text.split(separator: ",", omittingEmptySubsequences: false) {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        .map(String.init)
      guard parts.count == 2 else {
        throw CommandError.option("\(option) \(pair) is no NAME=VALUE")
      }
      guard given.updateValue(parts[1], forKey: parts[0]) == nil else {
        throw CommandError.option("\(option) says \(parts[0]) twice")
      }
    }
    for name in given.keys.sorted() where !fields.contains(where: { $0.name == name }) {
      let near = nearestName(to: name, among: fields.map(\.name))
      throw CommandError.option(
        "\(option) \(name) is none of \(fields.map(\.name).joined(separator: ", "))"
          + (near.map { ": did you mean \($0)?" } ?? "")
      )
    }
    return try fields.map { field in
      guard let text = given[field.name] else {
        guard !isWhole else { throw CommandError.option("\(option) lacks \(field.name)") }
        return .null
      }
      guard let value = Datum(text: text, type: field.type) else {
        throw CommandError.option(
          "\(text) cannot be \(field.name), which has the type \(field.type)"
        )
      }
      return value
    }
  }
}

extension Datum {
  /// A value as it is written on a command line.
  fileprivate init?(text: String, type: DataType) {
    switch type {
    case .string: self = .text(text)
    case .long, .integer, .short, .byte:
      guard let value = Int64(text) else { return nil }
      self = .integer(value)
    case .double, .float:
      guard let value = Double(text), value.isFinite else { return nil }
      self = .double(value)
    case .timestamp:
      guard let value = Instant(iso8601: text) else { return nil }
      self = .instant(value)
    case .decimal(_, let scale):
      let parts = text.split(separator: ".", omittingEmptySubsequences: false)
      guard parts.count <= 2, (parts.count < 2 ? 0 : parts[1].count) <= scale,
        let value = Int128(
          String(parts[0]) + (parts.count < 2 ? "" : String(parts[1]))
            + String(repeating: "0", count: scale - (parts.count < 2 ? 0 : parts[1].count))
        )
      else { return nil }
      self = .decimal(unscaled: value, scale: scale)
    case .boolean:
      guard text == "true" || text == "false" else { return nil }
      self = .boolean(text == "true")
    case .date:
      guard let date = CivilDate(iso8601: text) else { return nil }
      self = .date(date)
    default: return nil
    }
  }

  /// The value as JSON has it.
  var answer: JSONValue {
    switch self {
    case .null: .null
    case .boolean(let value): .bool(value)
    case .integer(let value): .int(value)
    case .double(let value): JSONNumber(value).map { .number($0) } ?? .null
    case .decimal: JSONNumber(text: text).map { .number($0) } ?? .null
    case .list(let values): .array(values.map(\.answer))
    default: .string(text)
    }
  }
}

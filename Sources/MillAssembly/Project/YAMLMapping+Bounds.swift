// SPDX-License-Identifier: Apache-2.0

internal import MillCore

extension YAMLMapping {
  /// `min` and `max`, at least one of them: numbers, days or instants, and the least first.
  func bounds() -> (minimum: JSONValue?, maximum: JSONValue?)? {
    let minimum = self["min"]
    let maximum = self["max"]
    guard minimum != nil || maximum != nil else {
      value.report("there is no bound", hint: "add `min`, `max` or both")
      return nil
    }
    let least = minimum.map { $0.bound() }
    let greatest = maximum.map { $0.bound() }
    if let least, least == nil { return nil }
    if let greatest, greatest == nil { return nil }
    let bounds = (minimum: least ?? nil, maximum: greatest ?? nil)
    guard let left = bounds.minimum, let right = bounds.maximum else { return bounds }
    switch (left, right) {
    case (.number(let left), .number(let right)):
      guard isOrdered(left, right) else { return reversed() }
    case (.string(let left), .string(let right)):
      guard let left = Instant(iso8601: left), let right = Instant(iso8601: right),
        left <= right
      else { return reversed() }
    default:
      maximum?.report("`min` and `max` are of different kinds", hint: "write two of one kind")
      return nil
    }
    return bounds
  }

  /// `min` and `max` of a number of rows.
  func rowBounds() -> (minimum: Int64?, maximum: Int64?)? {
    guard self["min"] != nil || self["max"] != nil else {
      value.report("there is no bound", hint: "add `min`, `max` or both")
      return nil
    }
    let before = value.file.problems.count
    let minimum = self["min"]?.integer(0...Int64.max)
    let maximum = self["max"]?.integer(0...Int64.max)
    guard value.file.problems.count == before else { return nil }
    if let minimum, let maximum, minimum > maximum { return reversed() }
    return (minimum, maximum)
  }

  private func reversed<Bounds>() -> Bounds? {
    self["min"]?.report("`min` is greater than `max`", hint: "no value can lie between them")
    return nil
  }

  private func isOrdered(_ left: JSONNumber, _ right: JSONNumber) -> Bool {
    if let left = left.integer, let right = right.integer { return left <= right }
    guard let left = left.double, let right = right.double else { return false }
    return left <= right
  }
}

extension YAMLValue {
  /// A number with its digits as they stand, or the text of a day or an instant.
  fileprivate func bound() -> JSONValue? {
    switch content {
    case .number(let number):
      guard number.double != nil else {
        report("`\(number)` is beyond the range of numbers", hint: "leave the bound out")
        return nil
      }
      return .number(number)
    case .text(let text):
      guard Instant(iso8601: text) != nil else {
        mismatch(
          "a number, a day or an instant",
          hint: JSONNumber(text: text) == nil
            ? "such as 10, 2024-12-31 or 2024-12-31 23:59:59" : "remove the quotes"
        )
        return nil
      }
      return .string(text)
    default:
      mismatch("a number, a day or an instant")
      return nil
    }
  }
}

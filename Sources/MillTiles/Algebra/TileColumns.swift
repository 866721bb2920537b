// SPDX-License-Identifier: Apache-2.0

internal import MillCore

/// The columns of a stored state, read by their suffixes and checked against their types.
struct TileColumns {
  private let shape: TileShape
  private let columns: [String: Datum]

  init(_ shape: TileShape, _ columns: [Datum]) throws(TileError) {
    let suffixes = shape.columns.map(\.suffix)
    guard suffixes.count == columns.count else {
      throw .damaged(shape, .columnCount(columns.count))
    }
    self.shape = shape
    self.columns = Dictionary(uniqueKeysWithValues: zip(suffixes, columns))
  }

  /// Gives back what is there, or refuses the state for the sake of a column.
  func valid<Part>(_ part: Part?, _ suffix: String) throws(TileError) -> Part {
    guard let part else { throw .damaged(shape, .columnValue(suffix)) }
    return part
  }

  func integer(_ suffix: String) throws(TileError) -> Int64 {
    guard case .integer(let value) = columns[suffix] else { throw type(suffix) }
    return value
  }

  func double(_ suffix: String) throws(TileError) -> Double {
    guard case .double(let value) = columns[suffix] else { throw type(suffix) }
    return value
  }

  func boolean(_ suffix: String) throws(TileError) -> Bool {
    guard case .boolean(let value) = columns[suffix] else { throw type(suffix) }
    return value
  }

  /// A decimal of the shape's scale, without its point; null is nil.
  func decimal(_ suffix: String) throws(TileError) -> Int128? {
    switch columns[suffix] {
    case .null: return nil
    case .decimal(let unscaled, shape.scale): return unscaled
    default: throw type(suffix)
    }
  }

  /// A value of the shape's type, or null.
  func value(_ suffix: String) throws(TileError) -> Datum {
    guard let value = columns[suffix] else { throw type(suffix) }
    return value.isNull ? .null : try checked(value, suffix)
  }

  /// Values of the shape's type.
  func values(_ suffix: String) throws(TileError) -> [Datum] {
    guard case .list(let values) = columns[suffix] else { throw type(suffix) }
    for value in values { _ = try checked(value, suffix) }
    return values
  }

  func integers(_ suffix: String) throws(TileError) -> [Int64] {
    guard case .list(let list) = columns[suffix] else { throw type(suffix) }
    var integers: [Int64] = []
    integers.reserveCapacity(list.count)
    for item in list {
      guard case .integer(let value) = item else { throw type(suffix) }
      integers.append(value)
    }
    return integers
  }

  /// All four columns of a row, or none of them.
  func event() throws(TileError) -> EventValue? {
    let value = try value("value")
    switch (value, columns["t"], columns["k"], columns["id"]) {
    case (.null, .null, .null, .null): return nil
    case (.null, _, _, _): throw .damaged(shape, .columnValue("value"))
    case (_, .instant(let time), .instant(let knowledge), .bytes(let id)):
      return EventValue(
        order: EventOrder(time: time, knowledge: knowledge, id: id),
        value: value
      )
    default: throw type("t")
    }
  }

  private func checked(_ value: Datum, _ suffix: String) throws(TileError) -> Datum {
    guard let input = shape.input, value.isValue(of: input) else { throw type(suffix) }
    return value
  }

  private func type(_ suffix: String) -> TileError {
    .damaged(shape, .columnType(suffix))
  }
}

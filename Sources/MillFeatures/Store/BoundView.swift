// SPDX-License-Identifier: Apache-2.0

public import MillCore
internal import MillTiles

/// A view held against the columns of its source.
public struct BoundView: Sendable {
  /// The definition.
  public let view: FeatureViewDefinition
  /// The entity keys with the source's columns for them, in order.
  public let keys: [(key: EntityDefinition.Key, column: String)]
  /// The features with their types, in the view's order.
  public let features: [Field]
  /// The type of the time column.
  let timeType: DataType
  /// The type of the column of knowledge times, where there is one.
  let knowledgeType: DataType?
  /// The columns of the source.
  let source: Schema
  /// For each aggregate its condition, if it has one.
  let conditions: [Condition?]

  /// Which rows count, as SQL over one row of the source.
  struct Condition: Sendable {
    var sql: String
    /// The columns that it looks at.
    var columns: [String]
  }

  /// The columns of which the view's values are made, each once.
  var valueColumns: [String] {
    var found: [String] = []
    let named =
      view.latest.map(\.column) + view.windowed.compactMap(\.column)
      + conditions.flatMap { $0?.columns ?? [] }
    for column in named where !found.contains(column) && source[name: column] != nil {
      found.append(column)
    }
    return found
  }

  /// What the source is called in messages.
  var sourceName: String {
    switch view.source {
    case .dataset(let dataset): dataset.description
    case .sql: "the SELECT of \(view.name)"
    }
  }

  /// Holds a view against the columns of its source.
  ///
  /// - Throws: `FeatureError.noColumn` or `.columnType`, with the place of the view.
  init(
    _ view: FeatureViewDefinition,
    keys: [EntityDefinition.Key],
    source: Schema,
    conditions: [Condition?]
  ) throws(FeatureError) {
    self.conditions = conditions
    self.view = view
    self.source = source
    let name: String =
      switch view.source {
      case .dataset(let dataset): dataset.description
      case .sql: "its SELECT"
      }
    func field(_ column: String, at place: SourcePlace? = nil) throws(FeatureError) -> Field {
      if let field = source[name: column] { return field }
      throw .noColumn(
        place ?? view.place,
        view: view.name,
        source: name,
        column: column,
        nearest: nearestName(to: column, among: source.names)
      )
    }
    func moment(_ column: String) throws(FeatureError) -> DataType {
      let type = try field(column).type
      switch type {
      case .timestamp, .timestampWithoutZone, .date: return type
      default:
        throw .columnType(
          view.place,
          view: view.name,
          column: column,
          found: type,
          expected: "a timestamp or a date"
        )
      }
    }
    var bound: [(key: EntityDefinition.Key, column: String)] = []
    for key in keys {
      let column = view.keyColumns[key.name] ?? key.name
      let type = try field(column).type
      guard key.accepts(type) else {
        throw .columnType(
          view.place,
          view: view.name,
          column: column,
          found: type,
          expected: "\(key.type), the type of the key \(key.name),"
        )
      }
      bound.append((key, column))
    }
    self.keys = bound
    timeType = try moment(view.time)
    if case .column(let column) = view.knowledge {
      knowledgeType = try moment(column)
    } else {
      knowledgeType = nil
    }
    if let id = view.id { _ = try field(id) }
    var features: [Field] = []
    for latest in view.latest {
      let type = try field(latest.column).type
      guard type.isServable else {
        throw .columnType(
          view.place,
          view: view.name,
          column: latest.column,
          found: type,
          expected: "a value or a list of values"
        )
      }
      features.append(Field(latest.name, type))
    }
    for windowed in view.windowed {
      let input = try windowed.column.map { column throws(FeatureError) in
        try field(column, at: windowed.place).type
      }
      for feature in windowed.features {
        guard let type = feature.aggregation.outputType(of: input) else {
          throw .columnType(
            windowed.place,
            view: view.name,
            column: windowed.column ?? "*",
            found: input ?? .void,
            expected: "another type for \(feature.aggregation)"
          )
        }
        features.append(Field(feature.name, type))
      }
    }
    self.features = features
  }
}

extension EntityDefinition.Key {
  /// Whether a column of this type holds such keys: whole numbers of other widths do.
  func accepts(_ type: DataType) -> Bool {
    self.type == type || (self.type.isWhole && type.isWhole)
  }
}

extension DataType {
  /// Whether every store and answer can hold such values.
  var isServable: Bool {
    switch self {
    case .map, .structure, .void: false
    case .array(let element, _): element.isServable
    default: true
    }
  }

  var isWhole: Bool {
    switch self {
    case .long, .integer, .short, .byte: true
    default: false
    }
  }
}

// SPDX-License-Identifier: Apache-2.0

/// Why a schema cannot be used.
///
/// A path names the column at fault with its steps: `orders.items.element.price`.
@nonexhaustive
public enum SchemaError: Failure, Equatable {
  /// A type that Millrace does not publish, such as `variant`.
  case unsupportedType(name: String, path: String)
  /// A decimal whose precision is not 1 to 38 or whose scale is not 0 to its precision.
  case invalidDecimal(text: String, path: String)
  /// JSON of another shape than a Delta schema has.
  case malformed(path: String, problem: String)
  /// The text is not JSON at all.
  case notJSON(JSONError)

  /// The stable name of the case.
  public var code: String {
    switch self {
    case .unsupportedType: "schema.unsupported-type"
    case .invalidDecimal: "schema.invalid-decimal"
    case .malformed: "schema.malformed"
    case .notJSON: "schema.not-json"
    }
  }

  /// The table is at fault.
  public var errorClass: ErrorClass { .data }

  /// What is wrong at which column.
  public var description: String {
    switch self {
    case .unsupportedType(let name, let path):
      "\(place(path)) is of type \(name), which Millrace does not publish: cast it to another"
    case .invalidDecimal(let text, let path):
      "\(place(path)) is \(text): precision goes from 1 to 38, scale from 0 to the precision"
    case .malformed(let path, let problem): "\(place(path)): \(problem)"
    case .notJSON(let error): "the schema is \(error)"
    }
  }

  private func place(_ path: String) -> String {
    path.isEmpty ? "the schema" : "column \(path)"
  }
}

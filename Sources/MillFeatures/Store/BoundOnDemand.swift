// SPDX-License-Identifier: Apache-2.0

public import MillCore
internal import MillEngine
internal import MillSQL

/// On-demand features whose expressions are parsed and typed.
public struct BoundOnDemand: Sendable {
  /// The definition.
  public let definition: OnDemandDefinition
  /// The features with their types.
  public let features: [Field]
  /// One for each feature, over the request's values and then the features that are used.
  let expressions: [TypedExpression]
}

extension FeatureStore {
  /// Parses and types the expressions of on-demand features.
  ///
  /// - Parameter types: The type of each feature of a view.
  /// - Throws: `FeatureError.definition` with the place of the feature.
  func bind(
    _ definition: OnDemandDefinition,
    _ types: (ResolvedFeature) -> DataType?
  ) async throws -> BoundOnDemand {
    var inputs = definition.inputs
    for use in definition.uses {
      guard let type = types(use.feature) else {
        throw FeatureError.unknown(.feature, use.feature.description, nearest: nil)
      }
      inputs.append(Field(use.name, type))
    }
    var fields: [Field] = []
    var expressions: [TypedExpression] = []
    for feature in definition.features {
      func problem(_ text: String) -> FeatureError {
        .definition(feature.place, name: "\(definition.name).\(feature.name)", problem: text)
      }
      do {
        let expression = try await environment.engine.expression(of: feature.sql)
        let typed = try TypedExpression(expression, over: Schema(inputs))
        expressions.append(typed)
        fields.append(Field(feature.name, typed.type))
      } catch let error as ExpressionError {
        throw problem(error.description)
      } catch let error as EngineError where error.errorClass == .data || error.code == "engine.sql"
      {
        throw problem(error.description)
      }
    }
    return BoundOnDemand(definition: definition, features: fields, expressions: expressions)
  }
}

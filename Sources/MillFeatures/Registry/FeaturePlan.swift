// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// What the definitions of now mean for those who use the features of before.
public struct FeaturePlan: Hashable, Sendable {
  /// What a change asks for.
  public enum Verdict: String, Hashable, Sendable, Comparable, CaseIterable {
    /// Nothing that is served or trained on becomes another value.
    case compatible
    /// Values become others, or have to be made.
    case rematerialise
    /// Something that is used is gone, or is of another type.
    case breaking

    /// In the order of gravity.
    public static func < (left: Self, right: Self) -> Bool { left.gravity < right.gravity }

    private var gravity: Int {
      switch self {
      case .compatible: 0
      case .rematerialise: 1
      case .breaking: 2
      }
    }
  }

  /// What happened to a definition or a feature.
  public enum Change: String, Hashable, Sendable {
    case added, removed, renamed
    /// A feature is of another type.
    case type
    /// What decides a value is another: source, time, knowledge, window, condition, expression.
    case computation
    /// An entity is known by other keys, or a request has to say something else.
    case keys
    /// The same features in another order.
    case order
    /// What is said for people.
    case notes
  }

  /// One thing that is not as it was.
  public struct Detail: Hashable, Sendable {
    /// Such as `ttl`, `window` or `owner`.
    public var what: String
    /// What it was; nil for nothing.
    public var before: String?
    /// What it is; nil for nothing.
    public var after: String?

    /// A thing before and after.
    public init(_ what: String, _ before: String?, _ after: String?) {
      self.what = what
      self.before = before
      self.after = after
    }
  }

  /// A change of a definition, or of one of its features.
  public struct Item: Hashable, Sendable {
    /// What is defined.
    public var kind: DefinitionKind
    /// Its name.
    public var name: String
    /// The feature; nil for what is about the definition as a whole.
    public var feature: String?
    /// What happened.
    public var change: Change
    /// What exactly.
    public var details: [Detail] = []
    /// What it asks for.
    public var verdict: Verdict
    /// Who uses what changed.
    public var users: [FeatureUser] = []
    /// The version that it was compared with; nil where there was none.
    public var version: Int?
  }

  /// In the order of the definitions; what is gone comes last.
  public var items: [Item]
  /// Definitions whose types could not be looked into, and why.
  public var unknown: [String]

  /// The gravest verdict of all changes.
  public var verdict: Verdict { items.map(\.verdict).max() ?? .compatible }
}

extension FeaturePlan {
  /// The plan for programs.
  public var json: JSONValue {
    [
      "verdict": .string(verdict.rawValue),
      "changes": .array(items.map(\.json)),
      "types_unknown": .array(unknown.map { .string($0) }),
    ]
  }
}

extension FeaturePlan.Item {
  var json: JSONValue {
    [
      "kind": .string(kind.rawValue), "name": .string(name),
      "feature": feature.map { .string($0) } ?? .null,
      "change": .string(change.rawValue),
      "details": .array(
        details.map { detail in
          [
            "what": .string(detail.what),
            "before": detail.before.map { .string($0) } ?? .null,
            "after": detail.after.map { .string($0) } ?? .null,
          ]
        }
      ),
      "verdict": .string(verdict.rawValue),
      "used_by": .array(
        users.map { user in
          [
            "kind": .string(user.kind.rawValue), "name": .string(user.name),
            "id": user.id.map { .string($0) } ?? .null,
          ]
        }
      ),
      "against": version.map { .int($0) } ?? .null,
    ]
  }
}

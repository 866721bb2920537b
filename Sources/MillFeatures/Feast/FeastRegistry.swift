// SPDX-License-Identifier: Apache-2.0

/// Definitions as a Feast client knows them: what its registry file says.
///
/// What is in it follows from the definitions alone. It holds no time and no path of a machine, so
/// the same project gives the same bytes.
public struct FeastRegistry: Hashable, Sendable {
  /// What is known by one join key.
  public struct Entity: Hashable, Sendable {
    /// The entity's name, or `entity.key` where it has several keys.
    public var name: String
    /// The name of the key in requests.
    public var joinKey: String
    /// The key's type.
    public var type: FeastType
    /// For people.
    public var description: String
    /// Who answers for it.
    public var owner: String
    /// Words that it is found by, and what Millrace knows besides.
    public var tags: [String: String]
  }

  /// A key or a feature of a view.
  public struct Field: Hashable, Sendable {
    /// The name inside of the view.
    public var name: String
    /// The type that a client has for it.
    public var type: FeastType
    /// What it is.
    public var description: String = ""
  }

  /// Where the rows of a view come from.
  public struct Source: Hashable, Sendable {
    /// `view.source`.
    public var name: String
    /// A URL that says what it is, and opens nothing: `millrace://dataset/silver.payments`.
    public var path: String
    /// The column that says when a row happened.
    public var time: String
    /// The column that says since when it is known; nil where there is none.
    public var knowledge: String?
  }

  /// A feature view.
  public struct View: Hashable, Sendable {
    /// The view's name.
    public var name: String
    /// The names of its entities, one for each key.
    public var entities: [String]
    /// The keys, in the order of the entities.
    public var keys: [Field]
    /// The features.
    public var features: [Field]
    /// For how long a latest value may be used; nil for ever.
    public var ttl: Duration?
    /// Where the rows come from; nil for features on demand.
    public var source: Source?
    /// Whether rows of it can be pushed: whether a row is a value of each feature.
    public var takesRows: Bool
    /// Whether a server can answer for it.
    public var isOnline: Bool
    /// For people.
    public var description: String
    /// Who answers for it.
    public var owner: String
    /// Words that it is found by, and what Millrace knows besides.
    public var tags: [String: String]
  }

  /// What a request has to say for features on demand.
  public struct RequestSource: Hashable, Sendable {
    /// `view.request`.
    public var name: String
    /// The inputs.
    public var fields: [Field]
  }

  /// Features of one model.
  public struct Service: Hashable, Sendable {
    /// The features of one view that are in it.
    public struct Part: Hashable, Sendable {
      /// The view.
      public var view: String
      /// Its features, in the order of the service.
      public var features: [Field]
    }

    /// The service's name.
    public var name: String
    /// By view, in the order in which views first appear.
    public var parts: [Part]
    /// For people.
    public var description: String
    /// Who answers for it.
    public var owner: String
    /// Words that it is found by, and what Millrace knows besides.
    public var tags: [String: String]
  }

  /// The name that everything is filed under.
  public let project: String
  /// One for each key of each entity.
  public internal(set) var entities: [Entity] = []
  /// Those of sources first, then those on demand.
  public internal(set) var views: [View] = []
  /// Of views on demand that ask the request for something.
  public internal(set) var requestSources: [RequestSource] = []
  /// The services.
  public internal(set) var services: [Service] = []

  /// An empty registry.
  ///
  /// - Parameter name: The project's name; what Feast does not allow in one becomes `_`.
  init(project name: String) {
    let allowed = name.unicodeScalars.map { scalar -> Character in
      let isWord = scalar.properties.isAlphabetic || scalar.properties.numericType != nil
      return isWord ? Character(scalar) : "_"
    }
    let project = String(allowed.drop { $0 == "_" })
    self.project = project.isEmpty ? "millrace" : project
  }
}

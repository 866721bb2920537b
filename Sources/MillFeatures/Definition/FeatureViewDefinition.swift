// SPDX-License-Identifier: Apache-2.0

public import MillCore
public import MillTiles

/// Features that come from one source: latest values, aggregates over windows, or both.
///
/// ```yaml
/// card_spend:
///   entity: card
///   source: silver.payments
///   time: paid_at
///   aggregates:
///     - {of: amount, by: [sum, count], over: [1h, 7d]}
/// ```
public struct FeatureViewDefinition: Hashable, Sendable {
  /// Where the rows are.
  public enum Source: Hashable, Sendable {
    /// A table of the lake.
    case dataset(DatasetName)
    /// One SELECT over tables of the lake.
    case sql(String)
  }

  /// From when on a row could be known.
  public enum Knowledge: Hashable, Sendable {
    /// A column says when the row came to be known.
    case column(String)
    /// Every row is known this long after it happened.
    case delay(Duration)
  }

  /// When a server brings rows into the online store by itself.
  public enum Schedule: Hashable, Sendable {
    /// After each commit of the source.
    case commit
    /// So often.
    case every(Duration)
    /// Never: somebody asks for it.
    case manual
  }

  /// The value of a column in the newest row.
  public struct Latest: Hashable, Sendable {
    /// The feature's name inside of the view.
    public var name: String
    /// The source's column.
    public var column: String

    /// A feature that is a column's newest value.
    public init(name: String, column: String) {
      self.name = name
      self.column = column
    }
  }

  /// A window and the word for it in names.
  public struct Span: Hashable, Sendable {
    /// As its author wrote it, such as `24h`.
    public var word: String
    /// What it means.
    public var window: Window

    /// A window under a word.
    public init(word: String, window: Window) {
      self.word = word
      self.window = window
    }
  }

  /// Aggregates of one column over windows that end at the time of the question.
  public struct Windowed: Hashable, Sendable {
    /// Before the aggregate and the window in the features' names.
    public var name: String
    /// The source's column; nil to count rows.
    public var column: String?
    /// Rows that count, as a condition in SQL; nil for all.
    public var filter: String?
    /// What is computed.
    public var aggregations: [Aggregation]
    /// Over which windows.
    public var windows: [Span]
    /// Where it is defined.
    public var place: SourcePlace

    /// Aggregates of a column.
    public init(
      name: String,
      column: String?,
      filter: String? = nil,
      aggregations: [Aggregation],
      windows: [Span],
      place: SourcePlace = SourcePlace(path: "")
    ) {
      self.name = name
      self.column = column
      self.filter = filter
      self.aggregations = aggregations
      self.windows = windows
      self.place = place
    }
  }

  /// The name before the dot in `view.feature`.
  public var name: String
  /// What the features are about; several for features of a combination.
  public var entities: [String]
  /// Where the rows are.
  public var source: Source
  /// The source's column for a key, where it is called otherwise.
  public var keyColumns: [String: String]
  /// The source's column that says when a row happened.
  public var time: String
  /// The zone of times that name none.
  public var timeZone: String
  /// From when on a row could be known.
  public var knowledge: Knowledge
  /// A column that tells rows of one key and time apart: the greatest wins.
  public var id: String?
  /// For how long a latest value may be used; nil for ever.
  public var ttl: Duration?
  /// How old the newest row of a key may be before answers call its values stale; nil for any age.
  ///
  /// It changes no value.
  public var freshness: Duration?
  /// When a server brings rows into the online store by itself.
  ///
  /// It changes no value.
  public var schedule: Schedule
  /// Columns whose newest value is a feature.
  public var latest: [Latest]
  /// Aggregates over windows.
  public var windowed: [Windowed]
  /// How many rows of a key an online store keeps for exact windows; nil where they are for training
  /// alone.
  ///
  /// Of a key with more, an exact window that reaches back to one that was not kept has no value.
  public var eventsPerKeyMax: Int?
  /// Whether values are counted when they are brought online; it decides no value.
  public var keepsStatistics: Bool
  /// For people.
  public var notes: DefinitionNotes
  /// Where it is defined.
  public var place: SourcePlace

  /// A view of a source.
  public init(
    name: String,
    entities: [String],
    source: Source,
    keyColumns: [String: String] = [:],
    time: String,
    timeZone: String = "UTC",
    knowledge: Knowledge = .delay(.zero),
    id: String? = nil,
    ttl: Duration? = nil,
    freshness: Duration? = nil,
    schedule: Schedule = .commit,
    latest: [Latest] = [],
    windowed: [Windowed] = [],
    eventsPerKeyMax: Int? = nil,
    keepsStatistics: Bool = true,
    notes: DefinitionNotes = DefinitionNotes(),
    place: SourcePlace = SourcePlace(path: "")
  ) {
    self.name = name
    self.entities = entities
    self.source = source
    self.keyColumns = keyColumns
    self.time = time
    self.timeZone = timeZone
    self.knowledge = knowledge
    self.id = id
    self.ttl = ttl
    self.freshness = freshness
    self.schedule = schedule
    self.latest = latest
    self.windowed = windowed
    self.eventsPerKeyMax = eventsPerKeyMax
    self.keepsStatistics = keepsStatistics
    self.notes = notes
    self.place = place
  }
}

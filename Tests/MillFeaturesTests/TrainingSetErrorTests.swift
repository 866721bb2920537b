// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillFeatures
import MillLake
import Testing

@Suite("A training set that cannot be made says why, and nothing is changed")
struct TrainingSetErrorTests {
  /// What a request fails with; the source must not have been touched.
  private func fails(
    _ shop: Shop,
    _ labels: Labels = Shop.three,
    _ features: [String] = ["spend"],
    fullNames: Bool = false,
    with definitions: FeatureDefinitions? = nil
  ) async throws -> (code: String, text: String)? {
    let store = shop.project.store(try definitions ?? shop.definitions)
    let request = try shop.request(labels, features, fullNames: fullNames)
    let source = try shop.project.table("silver.payments")
    let before = (try await source.tags(), try await shop.project.lake.datasets())
    let found = await failure { _ = try await store.makeTrainingSet(request) }
    #expect(try await source.tags() == before.0, "a tag was left")
    #expect(try await shop.project.lake.datasets() == before.1, "a table was made")
    return found
  }

  @Test("a misspelled name is told with the nearest")
  func unknown() async throws {
    let shop = try await Shop()
    for (reference, hint) in [
      ("spent.amount_sum_1h", "did you mean spend?"),
      ("spend.amount_sun_1h", "did you mean spend.amount_sum_1h?"),
      ("spent", "did you mean spend?"),
    ] {
      let error = try await fails(shop, Shop.three, [reference])
      #expect(error?.code == "features.unknown")
      #expect(error?.text.contains(hint) == true, "\(error?.text ?? "nothing")")
    }
  }

  @Test("a misspelled service is told with the nearest")
  func service() async throws {
    let definitions = try await Shop().definitions
    let found = try definitions.features(ofService: "fraud")
    #expect(found == [ResolvedFeature(view: "spend", name: "amount_sum_1h")])
    let error = await failure { _ = try definitions.features(ofService: "frad") }
    #expect(error?.code == "features.unknown")
    #expect(error?.text.contains("did you mean fraud?") == true)
  }

  /// A query of labels at noon.
  private func labels(_ columns: String, time: String? = nil, _ keys: [String: String] = [:])
    -> Labels
  {
    Labels(.sql("SELECT \(columns)"), time: time, keyColumns: keys)
  }

  @Test("labels of no use are refused by what is wrong with them")
  func useless() async throws {
    let shop = try await Shop()
    let cases: [(columns: String, time: String?, hint: String)] = [
      ("1::BIGINT AS crad, now() AS at", nil, "there is no column card for the key card of spend"),
      (
        "'1' AS card, now() AS at", nil,
        "the column card has the type string, and the key card of spend the type long"
      ),
      ("1.5 AS card, now() AS at", nil, "the column card has the type decimal"),
      ("1::BIGINT AS card, 5 AS at", nil, "no column is a timestamp or a date"),
      ("1::BIGINT AS card, now() AS a, now() AS b", nil, "a, b are all times"),
      ("1::BIGINT AS card, now() AS at", "att", "there is no column att: did you mean at?"),
      ("1::BIGINT AS card, now() AS at, 3 AS n", "n", "the column n is a"),
      ("1::BIGINT AS card, NULL::TIMESTAMPTZ AS at", nil, "1 of 1 rows have no at"),
      ("1::BIGINT AS card, now() AS at, 2 AS _row", nil, "the column _row has a name that"),
      ("1::BIGINT AS card, now() AS at, 2 AS _mill_q", nil, "the column _mill_q has a name that"),
    ]
    for (columns, time, hint) in cases {
      let error = try await fails(shop, labels(columns, time: time))
      #expect(error?.code == "features.labels", "\(hint)")
      #expect(error?.text.contains(hint) == true, "\(error?.text ?? hint)")
    }
  }

  @Test(
    "a column of the labels that is called as a feature is refused, whatever its case",
    arguments: ["amount_sum_1h", "AMOUNT_SUM_1H"]
  )
  func clash(name: String) async throws {
    let columns = "1::BIGINT AS card, make_timestamptz(\(Shop.noon)) AS at, 2 AS \(name)"
    let error = try await fails(Shop(), labels(columns))
    #expect(error?.code == "features.labels")
    #expect(error?.text.contains("the labels have a column") == true)
  }

  @Test("the column of numbers is kept for Millrace, whatever its case")
  func reserved() async throws {
    let error = try await fails(Shop(), labels("1::BIGINT AS card, now() AS at, 2 AS _ROW"))
    #expect(error?.code == "features.labels")
  }

  @Test("a column that no table can have is refused before anything is done")
  func unpublishable() async throws {
    let columns = "1::BIGINT AS card, make_timestamptz(\(Shop.noon)) AS at, 2 AS \"was fraud\""
    let error = try await fails(Shop(), labels(columns))
    #expect(error?.text.contains("was fraud") == true)
  }

  @Test("a key by another name is taken when it is said so")
  func keyColumns() async throws {
    let shop = try await Shop()
    let other = labels("1::BIGINT AS who, make_timestamptz(\(Shop.noon)) AS at", nil, "card", "who")
    let (manifest, _) = try await shop.store.makeTrainingSet(shop.request(other))
    let cells = try await shop.project.cells(of: manifest, [("amount_count_1h", .long)])
    #expect(cells == [[.integer(2)]])
    #expect(manifest.keyColumns == ["card": "who"])
    #expect(try await shop.store.reproduce(manifest).cells == 0)
  }

  private func labels(_ columns: String, _ time: String?, _ key: String, _ column: String) -> Labels
  {
    labels(columns, time: time, [key: column])
  }

  @Test("two features of one name are refused, and full names help")
  func twins() async throws {
    let shop = try await Shop()
    var definitions = try shop.definitions
    var other = definitions.views[0]
    other.name = "other"
    definitions.views.append(other)
    let error = try await fails(
      shop,
      Shop.three,
      ["spend.last_amount", "other.last_amount"],
      with: definitions
    )
    #expect(error?.code == "features.labels")
    #expect(error?.text.contains("ask for full names") == true)
    let (manifest, _) = try await shop.project.store(definitions).makeTrainingSet(
      shop.request(Shop.three, ["spend.last_amount", "other:last_amount"], fullNames: true)
    )
    #expect(manifest.features.map(\.column) == ["spend__last_amount", "other__last_amount"])
  }

  @Test("two views whose full names of features meet are no trouble without full names")
  func meetingNames() async throws {
    let shop = try await Shop()
    var definitions = try shop.definitions
    definitions.views[0].windowed = []
    var other = definitions.views[0]
    definitions.views[0].name = "a"
    definitions.views[0].latest = [.init(name: "b__c", column: "amount")]
    other.name = "a__b"
    other.latest = [.init(name: "c", column: "card")]
    definitions.views.append(other)
    let (manifest, _) = try await shop.project.store(definitions).makeTrainingSet(
      shop.request(Shop.three, ["a", "a__b"])
    )
    let cells = try await shop.project.cells(
      of: manifest,
      [("b__c", .decimal(precision: 12, scale: 2)), ("c", .long)]
    )
    #expect(cells[0] == [.decimal(unscaled: 250, scale: 2), .integer(1)])
  }

  @Test(
    "an unreadable value of a CSV is counted, named by its column and not shown",
    arguments: [("card", "x,2024-05-02"), ("at", "1,yesterday")]
  )
  func unreadable(column: String, line: String) async throws {
    let shop = try await Shop()
    let lines = ["card,at"] + (0..<5).map { "\($0),2024-05-02 12:00:0\($0)" } + [line]
    let path = try shop.project.file("labels.csv", lines.joined(separator: "\n") + "\n")
    let error = try await fails(shop, Labels(.file(path), time: "at"))
    #expect(error?.code == "features.labels")
    #expect(
      error?.text.contains("1 values of the column \(column)") == true,
      "\(error?.text ?? "")"
    )
    #expect(error?.text.contains("yesterday") == false)
  }

  @Test("a file of another kind, a table that was not made, a name that is none")
  func others() async throws {
    let shop = try await Shop()
    let json = try shop.project.file("labels.json", "{}")
    #expect(try await fails(shop, Labels(.file(json)))?.code == "features.labels")
    let missing = Labels(.dataset(try #require(DatasetName("gold.nothing")), nil))
    #expect(try await fails(shop, missing)?.code == "features.labels")
    #expect(try await fails(shop, Shop.three, [])?.code == "features.labels")
    let store = try shop.store
    let request = try shop.request(name: "no such name")
    #expect(
      await failure { _ = try await store.makeTrainingSet(request) }?.code
        == "features.labels"
    )
    var definitions = try shop.definitions
    definitions.views[0].source = .dataset(try #require(DatasetName("silver.nothing")))
    #expect(try await fails(shop, Shop.three, with: definitions)?.code == "features.not-made")
  }
}

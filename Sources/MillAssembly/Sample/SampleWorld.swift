// SPDX-License-Identifier: Apache-2.0

/// The words and weights that the sample draws from.
enum SampleWorld {
  struct Country {
    let code: [UInt8]
    let currency: [UInt8]
    let weight: Int

    init(_ code: String, _ currency: String, _ weight: Int) {
      self.code = Array(code.utf8)
      self.currency = Array(currency.utf8)
      self.weight = weight
    }
  }

  struct Category {
    let name: String
    /// How much of the trade it has.
    let weight: Int
    /// The median of its amounts, in hundredths.
    let median: Double
    /// The standard deviation of the logarithm of its amounts.
    let spread: Double
    /// How many of a hundred payments are online.
    let onlinePercent: Int
  }

  static let countries = [
    Country("US", "USD", 30), Country("GB", "GBP", 12), Country("DE", "EUR", 12),
    Country("FR", "EUR", 9), Country("ES", "EUR", 6), Country("IT", "EUR", 6),
    Country("NL", "EUR", 4), Country("PL", "PLN", 5), Country("SE", "SEK", 3),
    Country("CH", "CHF", 2), Country("CA", "CAD", 4), Country("AU", "AUD", 3),
    Country("BR", "BRL", 4),
  ]

  static let categories = [
    Category(name: "groceries", weight: 26, median: 2_850, spread: 0.75, onlinePercent: 8),
    Category(name: "restaurants", weight: 20, median: 2_400, spread: 0.65, onlinePercent: 12),
    Category(name: "fuel", weight: 9, median: 5_100, spread: 0.40, onlinePercent: 1),
    Category(name: "fashion", weight: 10, median: 5_600, spread: 0.80, onlinePercent: 55),
    Category(name: "electronics", weight: 7, median: 14_500, spread: 1.10, onlinePercent: 60),
    Category(name: "travel", weight: 5, median: 31_000, spread: 1.05, onlinePercent: 75),
    Category(name: "health", weight: 7, median: 3_900, spread: 0.85, onlinePercent: 15),
    Category(name: "entertainment", weight: 6, median: 2_100, spread: 0.70, onlinePercent: 50),
    Category(name: "utilities", weight: 4, median: 8_200, spread: 0.50, onlinePercent: 90),
    Category(name: "digital", weight: 6, median: 1_150, spread: 0.60, onlinePercent: 100),
  ]

  /// First names as people write them and as addresses do.
  static let firstNames = [
    ("Anna", "anna"), ("Ben", "ben"), ("Chloé", "chloe"), ("David", "david"), ("Elena", "elena"),
    ("Francesco", "francesco"), ("Grace", "grace"), ("Hannah", "hannah"), ("Ivan", "ivan"),
    ("João", "joao"), ("Jürgen", "jurgen"), ("Kate", "kate"), ("Łukasz", "lukasz"),
    ("Maria", "maria"), ("Noah", "noah"), ("Olivia", "olivia"), ("Paul", "paul"),
    ("Rosa", "rosa"), ("Sofía", "sofia"), ("Tom", "tom"), ("Åsa", "asa"), ("Zoë", "zoe"),
  ]

  static let lastNames = [
    ("Almeida", "almeida"), ("Becker", "becker"), ("Brown", "brown"), ("Costa", "costa"),
    ("Dubois", "dubois"), ("Fernández", "fernandez"), ("Fischer", "fischer"),
    ("Garcia", "garcia"), ("Johansson", "johansson"), ("Kowalski", "kowalski"),
    ("Lefèvre", "lefevre"), ("Meyer", "meyer"), ("Müller", "muller"), ("O'Neil", "oneil"),
    ("Rossi", "rossi"), ("Schmidt", "schmidt"), ("Smith", "smith"), ("Taylor", "taylor"),
    ("Visser", "visser"), ("Wilson", "wilson"),
  ]

  /// Shop names as CSV fields: some need quotes, as in any real file.
  static let shopNames = [
    "Corner House", "\"Baker, Sons & Co\"", "Blue Harbour", "\"The \"\"Little\"\" Shop\"",
    "Café Central", "Northern Lights", "Old Mill", "Riverside", "\"Stone, Oak\"", "Sunrise",
    "Three Keys", "Überland",
  ]

  static let networks = ["visa", "mastercard", "amex", "maestro"]
  static let badNetworks = ["vissa", "MC", "unknown"]
  static let badCategories = ["grocries", "misc", "n.a."]
  static let badCurrencies = ["usd$", "EU", "gbp", "U$D"].map { Array($0.utf8) }
  static let mailDomains = ["example.com", "example.net", "example.org"]
  static let creditLimits = [
    500, 1_000, 1_500, 2_500, 5_000, 7_500, 10_000, 15_000, 25_000, 50_000,
  ]
  static let statuses = ["captured", "authorized", "declined", "refunded"].map { Array($0.utf8) }
  static let channels = ["online", "chip", "contactless"].map { Array($0.utf8) }
  /// First numbers of IP addresses.
  static let networksOfAddresses = [24, 31, 46, 62, 78, 82, 91, 98, 109, 185, 203]
}

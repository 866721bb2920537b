// SPDX-License-Identifier: Apache-2.0

/// One kind of trouble that the sample holds on purpose; a line has one of them or none.
public enum SampleDefect: String, Sendable, Hashable, CaseIterable {
  /// The line is there twice, byte for byte.
  case duplicate
  /// An empty line stands after a good one.
  case blankLine = "blank_line"
  /// The line ends before its last fields.
  case tooFewFields = "too_few_fields"
  /// The line goes on after its last field.
  case tooManyFields = "too_many_fields"
  /// The line is cut off and is no JSON.
  case unparsable = "unparsable"
  /// The amount is no number.
  case textAmount = "text_amount"
  /// The birth date is no day of any calendar.
  case badDate = "bad_date"
  /// The amount is null.
  case missingAmount = "missing_amount"
  /// The card is null.
  case missingCard = "missing_card"
  /// The amount is below zero.
  case negativeAmount = "negative_amount"
  /// The amount is above 50,000.
  case largeAmount = "large_amount"
  /// The currency is not three capital letters.
  case badCurrency = "bad_currency"
  /// No card has this id.
  case danglingCard = "dangling_card"
  /// No merchant has this id.
  case danglingMerchant = "dangling_merchant"
  /// No customer has this id.
  case danglingCustomer = "dangling_customer"
  /// The e-mail address has no `@`.
  case badEmail = "bad_email"
  /// The merchant's category is none of the known ones.
  case badCategory = "bad_category"
  /// The card's network is none of the known ones.
  case badNetwork = "bad_network"
  /// The customer's country is null.
  case missingCountry = "missing_country"
  /// The merchant's risk score is null.
  case missingRisk = "missing_risk"
  /// The card's credit limit is above 100,000.
  case largeLimit = "large_limit"
  /// An online payment without an IP address.
  case missingAddress = "missing_ip"
  /// The payment is of an earlier month than its file, which is no fault of its own.
  case late

  /// What the sample's project does with such a line.
  public enum Consequence: Sendable, Hashable {
    /// The line cannot be decoded: it goes to the dead letters of its source.
    case deadLetter
    /// There is one line more, and it is skipped and counted.
    case blank
    /// There is one row more, and deduplication takes it out of the silver model.
    case deduplicated
    /// The row breaks this rule of its silver model and is kept apart.
    case quarantined(rule: String)
    /// The row breaks this rule of its silver model and is published all the same.
    case warned(rule: String)
    /// The value of this column is mended and the row published.
    case repaired(column: String)
    /// The row is published as it is.
    case kept
  }

  /// What the sample's project does with a line of this kind.
  public var consequence: Consequence {
    switch self {
    case .duplicate: .deduplicated
    case .blankLine: .blank
    case .tooFewFields, .tooManyFields, .unparsable, .textAmount, .badDate: .deadLetter
    case .missingAmount: .quarantined(rule: "amount_present")
    case .missingCard: .quarantined(rule: "card_present")
    case .negativeAmount, .largeAmount: .quarantined(rule: "amount_in_range")
    case .badCurrency: .quarantined(rule: "currency_is_a_code")
    case .danglingCard: .quarantined(rule: "card_is_known")
    case .danglingMerchant: .quarantined(rule: "merchant_is_known")
    case .danglingCustomer: .quarantined(rule: "customer_is_known")
    case .badEmail: .quarantined(rule: "email_is_an_address")
    case .badCategory: .quarantined(rule: "category_is_known")
    case .badNetwork: .quarantined(rule: "network_is_known")
    case .missingCountry: .repaired(column: "country")
    case .missingRisk: .repaired(column: "risk_score")
    case .largeLimit: .repaired(column: "credit_limit")
    case .missingAddress: .warned(rule: "online_has_ip")
    case .late: .kept
    }
  }

  /// Whether the row reaches its silver table, so that other rows may refer to it.
  var isPublished: Bool {
    switch consequence {
    case .deadLetter, .quarantined: false
    case .blank, .deduplicated, .warned, .repaired, .kept: true
    }
  }
}

/// Which lines of a file get which defect, with counts that come out exactly.
///
/// > Source: Knuth, The Art of Computer Programming 2, 3.4.2, Algorithm S (selection sampling).
struct SamplePlan {
  /// How many of each defect the file has.
  let counts: [SampleDefect: Int]
  private var waiting: [(defect: SampleDefect, count: Int)]
  private var waitingTotal: Int
  private var linesLeft: Int

  /// Each defect hits its share of the lines, in millionths, and at least one line.
  init(lines: Int, millionths: [(SampleDefect, Int)]) {
    waiting = millionths.map { ($0.0, max(1, lines * $0.1 / 1_000_000)) }
    counts = Dictionary(waiting.map { ($0.defect, $0.count) }, uniquingKeysWith: +)
    waitingTotal = waiting.reduce(0) { $0 + $1.count }
    linesLeft = lines
    precondition(waitingTotal <= lines, "a file of the sample has more defects than lines")
  }

  /// The defect of the next line, if it has one.
  mutating func next(_ random: inout SampleRandom) -> SampleDefect? {
    var draw = random.below(linesLeft)
    linesLeft -= 1
    guard draw < waitingTotal else { return nil }
    waitingTotal -= 1
    for index in waiting.indices {
      if draw < waiting[index].count {
        waiting[index].count -= 1
        return waiting[index].defect
      }
      draw -= waiting[index].count
    }
    return nil
  }
}

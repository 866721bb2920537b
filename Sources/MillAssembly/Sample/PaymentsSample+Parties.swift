// SPDX-License-Identifier: Apache-2.0

extension PaymentsSample {
  /// A customer that a correct run publishes.
  struct Customer {
    let id: Int32
    let country: UInt8
  }

  /// Writes a CSV file line by line and accounts for it; `body` writes one line without its end.
  private func writeParties(
    _ name: String,
    header: String,
    count: Int,
    millionths: [(SampleDefect, Int)],
    random: inout SampleRandom,
    to folder: String,
    _ files: inout [SampleManifest.File],
    body: (Int, SampleDefect?, inout SampleLines, inout SampleRandom) -> Void
  ) throws(SampleError) {
    let path = "data/\(name).csv"
    var plan = SamplePlan(lines: count, millionths: millionths)
    var lines = try SampleLines(path: folder + "/" + path)
    lines.add(header)
    try lines.endLine()
    for id in 1...count {
      let defect = plan.next(&random)
      body(id, defect, &lines, &random)
      let copy = defect == .duplicate ? lines.line : []
      if defect == .tooFewFields { lines.keepFields(random.within(2...4)) }
      // Engines forgive empty fields at the end of a line, so these hold something.
      if defect == .tooManyFields { lines.add(",0,0") }
      try lines.endLine()
      if defect == .blankLine { try lines.endLine() }
      if defect == .duplicate {
        lines.add(copy)
        try lines.endLine()
      }
    }
    try lines.finish()
    files.append(
      SampleManifest.File(
        path: path,
        source: name,
        bytes: lines.byteCount,
        lines: lines.lineCount,
        headerLines: 1,
        defects: plan.counts
      )
    )
  }

  /// Writes `customers.csv` and returns those that others may refer to.
  func writeCustomers(
    to folder: String,
    _ files: inout [SampleManifest.File]
  ) throws(SampleError) -> [Customer] {
    var random = SampleRandom(seed: seed, stream: 1)
    let countries = SampleChoice(weights: SampleWorld.countries.map(\.weight))
    var published: [Customer] = []
    try writeParties(
      "customers",
      header: "customer_id,name,email,country,birth_date,signed_up_at",
      count: customerCount,
      millionths: [
        (.duplicate, 3_000), (.badEmail, 5_000), (.missingCountry, 5_000), (.badDate, 1_000),
        (.tooFewFields, 1_000), (.blankLine, 500),
      ],
      random: &random,
      to: folder,
      &files
    ) { id, defect, lines, random in
      let first = SampleWorld.firstNames[random.below(SampleWorld.firstNames.count)]
      let last = SampleWorld.lastNames[random.below(SampleWorld.lastNames.count)]
      let country = countries.draw(&random)
      if defect?.isPublished ?? true {
        published.append(Customer(id: Int32(id), country: UInt8(country)))
      }
      lines.mark("C")
      lines.add(id, width: 8)
      lines.add(",\(first.0) \(last.0),\(first.1).\(last.1)")
      lines.add(id)
      lines.add(defect == .badEmail ? " at " : "@")
      lines.add(SampleWorld.mailDomains[random.below(3)])
      lines.mark(",")
      if defect != .missingCountry { lines.add(SampleWorld.countries[country].code) }
      lines.mark(",")
      // Born 1940 to 2005, signed up 2018 to 2024.
      let birth = random.within(-10_957...13_148)
      if defect == .badDate { lines.add("1985-13-45") } else { lines.addDate(birth) }
      lines.mark(",")
      lines.addDate(random.within(17_532...20_088))
      lines.addTime(secondOfDay: random.below(86_400))
    }
    return published
  }

  /// Writes `merchants.csv` and returns those that others may refer to, the busiest first.
  func writeMerchants(
    to folder: String,
    _ files: inout [SampleManifest.File]
  ) throws(SampleError) -> [Merchant] {
    var random = SampleRandom(seed: seed, stream: 2)
    let countries = SampleChoice(weights: SampleWorld.countries.map(\.weight))
    let categories = SampleChoice(weights: SampleWorld.categories.map(\.weight))
    var published: [Merchant] = []
    try writeParties(
      "merchants",
      header: "merchant_id,name,category,country,risk_score",
      count: merchantCount,
      millionths: [
        (.duplicate, 5_000), (.missingRisk, 20_000), (.badCategory, 5_000),
        (.tooManyFields, 2_000),
      ],
      random: &random,
      to: folder,
      &files
    ) { id, defect, lines, random in
      let category = categories.draw(&random)
      let country = countries.draw(&random)
      if defect?.isPublished ?? true {
        published.append(
          Merchant(id: Int32(id), country: UInt8(country), category: UInt8(category))
        )
      }
      lines.mark("M")
      lines.add(id, width: 7)
      lines.mark(",")
      lines.add(SampleWorld.shopNames[random.below(SampleWorld.shopNames.count)])
      lines.mark(",")
      let badCategory = SampleWorld.badCategories[random.below(3)]
      lines.add(defect == .badCategory ? badCategory : SampleWorld.categories[category].name)
      lines.mark(",")
      lines.add(SampleWorld.countries[country].code)
      lines.mark(",")
      // Most shops carry little risk, a few carry much.
      let thousandths = random.below(1_000) * random.below(1_000) / 1_000
      if defect != .missingRisk {
        lines.add("0.")
        lines.add(thousandths, width: 3)
      }
    }
    random.shuffle(&published)
    return published
  }

  /// Writes `cards.csv` and returns those that others may refer to, the busiest first.
  func writeCards(
    of customers: [Customer],
    to folder: String,
    _ files: inout [SampleManifest.File]
  ) throws(SampleError) -> [Card] {
    var random = SampleRandom(seed: seed, stream: 3)
    let networks = SampleChoice(weights: [50, 35, 9, 6])
    var published: [Card] = []
    try writeParties(
      "cards",
      header: "card_id,customer_id,network,issued_on,credit_limit,status",
      count: cardCount,
      millionths: [
        (.duplicate, 3_000), (.danglingCustomer, 4_000), (.badNetwork, 3_000),
        (.largeLimit, 4_000), (.tooManyFields, 1_000), (.blankLine, 500),
      ],
      random: &random,
      to: folder,
      &files
    ) { id, defect, lines, random in
      let customer = customers[random.below(customers.count)]
      if defect?.isPublished ?? true {
        published.append(Card(id: Int32(id), country: customer.country))
      }
      lines.mark("K")
      lines.add(id, width: 8)
      lines.add(",C")
      let absent = 90_000_000 + random.below(10_000_000)
      lines.add(defect == .danglingCustomer ? absent : Int(customer.id), width: 8)
      lines.mark(",")
      let network = networks.draw(&random)
      let badNetwork = SampleWorld.badNetworks[random.below(3)]
      lines.add(defect == .badNetwork ? badNetwork : SampleWorld.networks[network])
      lines.mark(",")
      // Issued 2020 to 2024.
      lines.addDate(random.within(18_262...20_088))
      lines.mark(",")
      let limit = SampleWorld.creditLimits[random.below(SampleWorld.creditLimits.count)]
      lines.add(defect == .largeLimit ? 100_000 + limit : limit)
      let status = random.below(100)
      lines.add(status < 94 ? ",active" : status < 97 ? ",blocked" : ",expired")
    }
    random.shuffle(&published)
    return published
  }
}

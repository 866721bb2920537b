// SPDX-License-Identifier: Apache-2.0

extension PaymentsSample {
  /// Writes the payments of one month.
  struct MonthWriter {
    static let columns = [
      "payment_id", "card_id", "merchant_id", "amount", "currency", "status", "paid_at", "channel",
      "country", "ip",
    ]
    private static let statusChoice = SampleChoice(weights: [86, 5, 6, 3])

    let month: Month
    let firstID: Int
    let cards: [Card]
    let merchants: [Merchant]
    let cardSkew: SampleSkew
    let merchantSkew: SampleSkew
    var random: SampleRandom

    /// What one line says; its defect decides how it is written.
    private struct Payment {
      let id: Int
      let card: Int
      let merchant: Int
      let hundredths: Int
      let currency: [UInt8]
      let status: [UInt8]
      let second: Int
      let channel: [UInt8]
      let country: [UInt8]
      /// The four numbers of the IP address, if there is one.
      let address: (Int, Int, Int, Int)?
    }

    func write(to folder: String) throws(SampleError) -> SampleManifest.File {
      var random = random
      var plan = SamplePlan(lines: month.rows, millionths: month.millionths)
      var clock = SampleMonth(firstDay: month.firstDay, days: month.days, lines: month.rows)
      var lines = try SampleLines(path: folder + "/" + month.path)
      if month.format == .csv {
        lines.add(Self.columns.joined(separator: ","))
        try lines.endLine()
      }
      var copies: [(due: Int, line: [UInt8])] = []
      for line in 0..<month.rows {
        let defect = plan.next(&random)
        let second = clock.second(ofLine: line, &random)
        let payment = draw(id: firstID + line, second: second, defect, &random)
        switch month.format {
        case .csv: addCSV(payment, defect, to: &lines, &random)
        case .json: addJSON(payment, defect, to: &lines)
        }
        if defect == .duplicate { copies.append((line + random.within(1...200), lines.line)) }
        try lines.endLine()
        if defect == .blankLine { try lines.endLine() }
        while let copy = copies.first, copy.due <= line || line == month.rows - 1 {
          lines.add(copy.line)
          try lines.endLine()
          copies.removeFirst()
        }
      }
      try lines.finish()
      return SampleManifest.File(
        path: month.path,
        source: month.source,
        bytes: lines.byteCount,
        lines: lines.lineCount,
        headerLines: month.format == .csv ? 1 : 0,
        defects: plan.counts
      )
    }

    private func draw(
      id: Int,
      second: Int,
      _ defect: SampleDefect?,
      _ random: inout SampleRandom
    ) -> Payment {
      let card = cards[cardSkew.draw(&random)]
      let merchant = merchants[merchantSkew.draw(&random)]
      let category = SampleWorld.categories[Int(merchant.category)]
      let usual = category.median * sampleExponential(category.spread * random.normal())
      var hundredths = min(max(Int(usual + 0.5), 50), 4_999_999)
      if defect == .negativeAmount { hundredths = -hundredths }
      if defect == .largeAmount { hundredths = random.within(5_000_001...9_999_999) }

      let isOnline = defect == .missingAddress || random.below(100) < category.onlinePercent
      let noise = Int(truncatingIfNeeded: random.next() >> 40)
      let first = SampleWorld.networksOfAddresses[
        Int(card.id) % SampleWorld.networksOfAddresses.count
      ]
      let absent = 90_000_000 + noise % 10_000_000
      let cardID = defect == .danglingCard ? absent : Int(card.id)
      let absentMerchant = 9_000_000 + noise % 1_000_000
      let merchantID = defect == .danglingMerchant ? absentMerchant : Int(merchant.id)
      let currency = SampleWorld.countries[Int(card.country)].currency
      let badCurrency = SampleWorld.badCurrencies[noise % SampleWorld.badCurrencies.count]
      // A late payment is of one of the last five days before the month.
      let lateSecond = month.firstDay * 86_400 - 1 - random.below(5 * 86_400)
      return Payment(
        id: id,
        card: cardID,
        merchant: merchantID,
        hundredths: hundredths,
        currency: defect == .badCurrency ? badCurrency : currency,
        status: SampleWorld.statuses[Self.statusChoice.draw(&random)],
        second: defect == .late ? lateSecond : second,
        channel: SampleWorld.channels[isOnline ? 0 : 1 + noise & 1],
        country: SampleWorld.countries[Int(merchant.country)].code,
        address: isOnline && defect != .missingAddress
          ? (first, Int(card.id) * 7 & 255, noise & 255, 1 + (noise >> 8) % 254) : nil
      )
    }

    private func addCSV(
      _ payment: Payment,
      _ defect: SampleDefect?,
      to lines: inout SampleLines,
      _ random: inout SampleRandom
    ) {
      lines.mark("P")
      lines.add(payment.id, width: 10)
      lines.mark(",")
      if defect != .missingCard {
        lines.mark("K")
        lines.add(payment.card, width: 8)
      }
      lines.mark(",")
      lines.mark("M")
      lines.add(payment.merchant, width: 7)
      lines.mark(",")
      switch defect {
      // Both spellings that the source declares as null.
      case .missingAmount: lines.add(payment.id % 2 == 0 ? "NA" : "")
      case .textAmount: lines.add("\"\(payment.hundredths / 100),5x\"")
      default: lines.addHundredths(payment.hundredths)
      }
      lines.mark(",")
      lines.add(payment.currency)
      lines.mark(",")
      lines.add(payment.status)
      lines.mark(",")
      lines.addDate(payment.second / 86_400)
      lines.addTime(secondOfDay: payment.second % 86_400)
      lines.mark(",")
      lines.add(payment.channel)
      lines.mark(",")
      lines.add(payment.country)
      lines.mark(",")
      if let address = payment.address { lines.addAddress(address) }
      if defect == .tooFewFields { lines.keepFields(random.within(3...8)) }
      if defect == .tooManyFields { lines.add(",0,0") }
    }

    private func addJSON(
      _ payment: Payment,
      _ defect: SampleDefect?,
      to lines: inout SampleLines
    ) {
      lines.add(Key.payment)
      lines.add(payment.id, width: 10)
      if defect == .missingCard {
        lines.add(Key.noCard)
      } else {
        lines.add(Key.card)
        lines.add(payment.card, width: 8)
        lines.mark("\"")
      }
      lines.add(Key.merchant)
      lines.add(payment.merchant, width: 7)
      lines.add(Key.amount)
      switch defect {
      case .missingAmount: lines.add("null")
      case .textAmount: lines.add("\"abc\"")
      default: lines.addHundredths(payment.hundredths)
      }
      lines.add(Key.currency)
      lines.add(payment.currency)
      lines.add(Key.status)
      lines.add(payment.status)
      lines.add(Key.paidAt)
      lines.addDate(payment.second / 86_400)
      lines.addTime(secondOfDay: payment.second % 86_400)
      lines.add(Key.channel)
      lines.add(payment.channel)
      lines.add(Key.country)
      lines.add(payment.country)
      if let address = payment.address {
        lines.add(Key.address)
        lines.addAddress(address)
        lines.mark("\"")
      } else {
        lines.add(Key.noAddress)
      }
      lines.mark("}")
      if defect == .unparsable { lines.keepTwoThirds() }
    }

    /// The unchanging text between the values of a JSON line.
    private enum Key {
      static let payment = Array(#"{"payment_id":"P"#.utf8)
      static let card = Array(#"","card_id":"K"#.utf8)
      static let noCard = Array(#"","card_id":null"#.utf8)
      static let merchant = Array(#","merchant_id":"M"#.utf8)
      static let amount = Array(#"","amount":"#.utf8)
      static let currency = Array(#","currency":""#.utf8)
      static let status = Array(#"","status":""#.utf8)
      static let paidAt = Array(#"","paid_at":""#.utf8)
      static let channel = Array(#"","channel":""#.utf8)
      static let country = Array(#"","country":""#.utf8)
      static let address = Array(#"","ip":""#.utf8)
      static let noAddress = Array(#"","ip":null"#.utf8)
    }
  }
}

extension SampleLines {
  fileprivate mutating func addAddress(_ address: (Int, Int, Int, Int)) {
    add(address.0)
    mark(".")
    add(address.1)
    mark(".")
    add(address.2)
    mark(".")
    add(address.3)
  }
}

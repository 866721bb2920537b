// SPDX-License-Identifier: Apache-2.0

extension PaymentsProject {
  /// The silver models, by path.
  static let silver: [(path: String, text: String)] = [
    (
      "models/silver/customers.sql",
      #"""
      /*
      description: One row per customer who can be written to
      keys: [customer_id]
      dedupe: {by: [signed_up_at]}
      repair:
        - default: {column: country, value: 'ZZ'}
      expect:
        - complete: [customer_id, name, email]
        - unique: [customer_id]
        - pattern: {name: id_is_well_formed, column: customer_id, regex: '^C[0-9]{8}$'}
        - pattern: {name: email_is_an_address, column: email, regex: '^[^@ ]+@[^@ ]+[.][a-z]+$'}
        - pattern: {name: country_is_a_code, column: country, regex: '^[A-Z]{2}$'}
        - sql: {name: of_age, predicate: "birth_date < DATE '2007-01-01'", on_failure: warn}
        - rows: {min: 1}
      */
      SELECT
        customer_id,
        name,
        lower(email) AS email,
        country,
        birth_date,
        signed_up_at
      FROM bronze.customers

      """#
    ),
    (
      "models/silver/merchants.sql",
      #"""
      /*
      description: One row per merchant; an unknown risk score becomes the median one
      keys: [merchant_id]
      repair:
        - impute: {column: risk_score, with: median}
      expect:
        - complete: [merchant_id, name, country]
        - unique: [merchant_id]
        - pattern: {name: id_is_well_formed, column: merchant_id, regex: '^M[0-9]{7}$'}
        - allowed:
            name: category_is_known
            column: category
            values: [groceries, restaurants, fuel, fashion, electronics, travel, health,
              entertainment, utilities, digital]
        - range: {name: risk_is_a_share, column: risk_score, min: 0, max: 1}
        - rows: {min: 1}
      */
      SELECT
        merchant_id,
        name,
        category,
        country,
        risk_score
      FROM bronze.merchants

      """#
    ),
    (
      "models/silver/cards.sql",
      #"""
      /*
      description: One row per card of a known customer
      keys: [card_id]
      repair:
        - clamp: {column: credit_limit, min: 0, max: 100000}
      expect:
        - complete: [card_id, customer_id, issued_on]
        - unique: [card_id]
        - pattern: {name: id_is_well_formed, column: card_id, regex: '^K[0-9]{8}$'}
        - allowed:
            name: network_is_known
            column: network
            values: [visa, mastercard, amex, maestro]
        - allowed: {name: status_is_known, column: status, values: [active, blocked, expired]}
        - reference:
            name: customer_is_known
            column: customer_id
            to: silver.customers
            key: customer_id
        - rows: {min: 1}
      */
      SELECT
        card_id,
        customer_id,
        network,
        issued_on,
        credit_limit,
        status
      FROM bronze.cards

      """#
    ),
    (
      "models/silver/payments.sql",
      #"""
      /*
      description: One row per payment, whatever format it came in
      keys: [payment_id]
      dedupe: {by: [paid_at]}
      partition_by: [paid_month]
      incremental: {strategy: full}
      freshness: 24h
      expect:
        - complete: [payment_id, merchant_id, status, paid_at]
        - complete: {name: amount_present, columns: [amount]}
        - complete: {name: card_present, columns: [card_id]}
        - unique: [payment_id]
        - pattern: {name: id_is_well_formed, column: payment_id, regex: '^P[0-9]{10}$'}
        - range: {name: amount_in_range, column: amount, min: 0, max: 50000}
        - pattern: {name: currency_is_a_code, column: currency, regex: '^[A-Z]{3}$'}
        - pattern: {name: country_is_a_code, column: country, regex: '^[A-Z]{2}$'}
        - allowed:
            name: status_is_known
            column: status
            values: [authorized, captured, declined, refunded]
        - allowed: {name: channel_is_known, column: channel, values: [chip, online, contactless]}
        - reference: {name: card_is_known, column: card_id, to: silver.cards, key: card_id}
        - reference:
            name: merchant_is_known
            column: merchant_id
            to: silver.merchants
            key: merchant_id
        - sql:
            name: online_has_ip
            predicate: "channel <> 'online' OR ip IS NOT NULL"
            mostly: 0.98
            on_failure: warn
        - sql:
            name: of_this_quarter
            predicate: "paid_on BETWEEN DATE '2025-01-01' AND DATE '2025-03-31'"
        - rows: {min: 1}
      */
      WITH arrived AS (
        SELECT
          payment_id, card_id, merchant_id, amount, currency, status, paid_at, channel, country, ip
        FROM bronze.payments_csv
        UNION ALL BY NAME
        SELECT
          payment_id, card_id, merchant_id, amount, currency, status, paid_at, channel, country, ip
        FROM bronze.payments_json
      )
      SELECT
        payment_id,
        card_id,
        merchant_id,
        amount,
        currency,
        status,
        status IN ('captured', 'refunded') AS is_settled,
        paid_at,
        CAST(paid_at AS DATE) AS paid_on,
        strftime(CAST(paid_at AS DATE), '%Y-%m') AS paid_month,
        channel,
        country,
        ip
      FROM arrived

      """#
    ),
  ]
}

// SPDX-License-Identifier: Apache-2.0

extension PaymentsProject {
  /// The gold models, by path.
  static let gold: [(path: String, text: String)] = [
    (
      "models/gold/card_day.sql",
      #"""
      /*
      description: What each card spent on each day, in the card's one currency
      keys: [card_id, paid_on]
      partition_by: [paid_month]
      expect:
        - complete: [card_id, paid_on, spend]
        - unique: [card_id, paid_on]
        - range: {name: one_currency, column: currencies, min: 1, max: 1, on_failure: fail}
        - sql: {name: merchants_within_payments, predicate: merchants <= payments}
        - rows: {min: 1}
      */
      SELECT
        card_id,
        paid_on,
        paid_month,
        min(currency) AS currency,
        count(DISTINCT currency) AS currencies,
        coalesce(sum(amount) FILTER (WHERE status IN ('captured', 'authorized')), 0) AS spend,
        count(*) AS payments,
        count(*) FILTER (WHERE status = 'declined') AS declined,
        count(DISTINCT merchant_id) AS merchants
      FROM silver.payments
      GROUP BY card_id, paid_on, paid_month

      """#
    ),
    (
      "models/gold/merchant_month.sql",
      #"""
      /*
      description: The trade and the refunds of each merchant in each month and currency
      keys: [merchant_id, paid_month, currency]
      partition_by: [paid_month]
      expect:
        - complete: [merchant_id, paid_month, currency, category]
        - unique: [merchant_id, paid_month, currency]
        - range: {name: refunds_are_a_share, column: refund_share, min: 0, max: 1}
        - query:
            name: nothing_of_other_months
            sql: "SELECT * FROM gold.merchant_month WHERE paid_month NOT LIKE '2025-0_'"
        - rows: {min: 1}
      */
      SELECT
        p.merchant_id,
        p.paid_month,
        p.currency,
        m.category,
        m.risk_score,
        count(*) AS payments,
        coalesce(sum(p.amount) FILTER (WHERE p.is_settled), 0) AS volume,
        coalesce(sum(p.amount) FILTER (WHERE p.status = 'refunded'), 0) AS refunded,
        CAST(count(*) FILTER (WHERE p.status = 'refunded') AS DOUBLE)
          / nullif(count(*) FILTER (WHERE p.is_settled), 0) AS refund_share
      FROM silver.payments AS p
      JOIN silver.merchants AS m ON m.merchant_id = p.merchant_id
      GROUP BY p.merchant_id, p.paid_month, p.currency, m.category, m.risk_score

      """#
    ),
    (
      "models/gold/customer_value.sql",
      #"""
      /*
      description: What each customer is worth, those without any payment included
      keys: [customer_id]
      expect:
        - complete: [customer_id, payments, spend]
        - unique: [customer_id]
        - range: {name: one_currency, column: currencies, min: 0, max: 1, on_failure: fail}
        - sql: {name: first_before_last, predicate: first_paid_at <= last_paid_at}
        - rows: {min: 1}
      */
      SELECT
        u.customer_id,
        u.country,
        count(DISTINCT c.card_id) AS cards,
        count(p.payment_id) AS payments,
        min(p.currency) AS currency,
        count(DISTINCT p.currency) AS currencies,
        coalesce(sum(p.amount) FILTER (WHERE p.status = 'captured'), 0) AS spend,
        coalesce(sum(p.amount) FILTER (WHERE p.status = 'refunded'), 0) AS refunded,
        count(DISTINCT p.merchant_id) AS merchants,
        min(p.paid_at) AS first_paid_at,
        max(p.paid_at) AS last_paid_at
      FROM silver.customers AS u
      LEFT JOIN silver.cards AS c ON c.customer_id = u.customer_id
      LEFT JOIN silver.payments AS p ON p.card_id = c.card_id
      GROUP BY u.customer_id, u.country

      """#
    ),
  ]
}

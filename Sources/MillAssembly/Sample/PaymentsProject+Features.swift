// SPDX-License-Identifier: Apache-2.0

extension PaymentsProject {
  /// What a model that judges payments wants to know of cards and merchants.
  static let features = [("features/fraud.yaml", fraud)]

  private static let fraud = """
    entities:
      card:
        keys: {card_id: string}
        description: A payment card
      merchant:
        keys: {merchant_id: string}
        description: Who is paid

    views:
      card_profile:
        description: What is on file of a card
        owner: risk
        entity: card
        source: silver.cards
        time: issued_on
        features: [network, credit_limit, status]

      card_spend:
        description: Settled payments of a card over its last hours and days
        owner: risk
        tags: [fraud]
        entity: card
        source: silver.payments
        time: paid_at
        id: payment_id
        aggregates:
          - {of: amount, by: [sum, count], over: [1h, 24h, 7d], where: is_settled}
          - {of: amount, by: [mean, stddev, p95], over: 7d, where: is_settled}
          - {of: merchant_id, by: distinct, over: 7d, name: merchants}

      merchant_risk:
        description: How often payments at a merchant are refunded
        owner: risk
        tags: [fraud]
        entity: merchant
        sql: |
          SELECT merchant_id, payment_id, paid_at,
            CAST(status = 'refunded' AS INTEGER) AS refunded
          FROM silver.payments
        time: paid_at
        # Whether a payment is refunded is known a week later, not when it is made.
        delay: 7d
        id: payment_id
        aggregates:
          - {of: refunded, by: mean, over: 30d, name: refund_rate}
          - {by: count, over: 30d, name: payments}

    on_demand:
      card_habit:
        description: How unusual a payment is for its card
        owner: risk
        inputs: {amount: double}
        uses: {habit: card_spend.amount_mean_7d, spread: card_spend.amount_stddev_7d}
        features:
          amount_to_habit: amount / nullif(habit, 0)
          is_unusual: abs(amount - habit) > 3 * spread

    services:
      fraud:
        description: Whether a payment will be refunded
        owner: risk
        features: [card_profile.credit_limit, card_spend, merchant_risk, card_habit]

    """
}

// SPDX-License-Identifier: Apache-2.0

extension PaymentsProject {
  /// The columns that both sources of payments have.
  private static let paymentColumns = """
    columns:
      payment_id: string
      card_id: string
      merchant_id: string
      amount: decimal(12,2)
      currency: string
      status: string
      paid_at: timestamp
      channel: string
      country: string
      ip: string
    time_zone: UTC
    on_change: report

    """

  /// The definitions of the sources, by path.
  static let sources: [(path: String, text: String)] = [
    (
      "sources/customers.yaml",
      """
      description: Customers as the bank's core system exports them
      files: data/customers.csv
      format: csv
      csv: {delimiter: ',', header: true, nulls: ['', 'NA']}
      columns:
        customer_id: string
        name: string
        email: string
        country: string
        birth_date: date
        signed_up_at: timestamp
      time_zone: UTC
      on_change: replace

      """
    ),
    (
      "sources/merchants.yaml",
      """
      description: Merchants as the acquirer lists them
      files: data/merchants.csv
      format: csv
      csv: {delimiter: ',', header: true, nulls: ['', 'NA']}
      columns:
        merchant_id: string
        name: string
        category: string
        country: string
        risk_score: double
      time_zone: UTC
      on_change: replace

      """
    ),
    (
      "sources/cards.yaml",
      """
      description: Cards as the issuer exports them
      files: data/cards.csv
      format: csv
      csv: {delimiter: ',', header: true, nulls: ['', 'NA']}
      columns:
        card_id: string
        customer_id: string
        network: string
        issued_on: date
        credit_limit: long
        status: string
      time_zone: UTC
      on_change: replace

      """
    ),
    (
      "sources/payments_csv.yaml",
      """
      description: Payments until February 2025, one CSV file a month
      files: data/payments-*.csv
      format: csv
      csv: {delimiter: ',', header: true, nulls: ['', 'NA']}
      \(paymentColumns)
      """
    ),
    (
      "sources/payments_json.yaml",
      """
      description: Payments since March 2025, as JSON lines
      files: data/payments-*.jsonl
      format: jsonl
      \(paymentColumns)
      """
    ),
  ]
}

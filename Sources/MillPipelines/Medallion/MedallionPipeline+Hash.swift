// SPDX-License-Identifier: Apache-2.0

public import MillCore
public import MillLake

extension MedallionPipeline {
  /// Whether a table was made by the definition that its model has now; true for what no model makes.
  public func isPresent(_ snapshot: Snapshot, of dataset: DatasetName) -> Bool {
    guard let plan = modelPlan(dataset) else { return true }
    return snapshot.transactionVersion(ModelPlan.definitionAppID(dataset))
      == plan.definitionVersion
  }

  /// The hash of everything that makes a dataset: its own definition and those of all that it reads.
  ///
  /// Data is no part of it. Two datasets of one hash are made in the same way.
  ///
  /// - Returns: nil for a dataset that nobody defines.
  public func definitionHash(of dataset: DatasetName) -> String? {
    if let source = definition.sources.first(where: { $0.dataset == dataset }) {
      let columns = source.columns.map { "\($0.name) \($0.type)" }
      let text =
        "\(source.dataset)\n\(source.format)\n\(source.nullTexts)\n\(columns)\n\(source.timeZone)"
      return ContentHash.sha256(Array(text.utf8))
    }
    guard let plan = modelPlan(dataset) else { return nil }
    let inputs = plan.allInputs.sorted().map { input in
      "\(input) \(definitionHash(of: input) ?? "")"
    }
    return ContentHash.sha256(
      Array(([plan.definitionHash] + inputs).joined(separator: "\n").utf8)
    )
  }
}

// SPDX-License-Identifier: Apache-2.0

internal import MillCore

/// Why a name on the command line means nothing here.
enum CommandError: Failure, Equatable {
  /// No dataset or table has this name.
  case unknownDataset(name: String, nearest: String?)
  /// Several datasets have this name without their layer.
  case ambiguousDataset(name: String, candidates: [String])
  /// No run's id begins like this.
  case unknownRun(id: String)
  /// What was given for an option makes no sense here.
  case option(String)
  /// The ids of several runs begin like this.
  case ambiguousRun(id: String, count: Int)

  var code: String {
    switch self {
    case .unknownDataset: "command.unknown-dataset"
    case .ambiguousDataset: "command.ambiguous-dataset"
    case .unknownRun: "command.unknown-run"
    case .ambiguousRun: "command.ambiguous-run"
    case .option: "command.usage"
    }
  }

  var errorClass: ErrorClass { .definition }

  var description: String {
    switch self {
    case .unknownDataset(let name, let nearest):
      "nothing is named \(name)" + (nearest.map { ": did you mean \($0)?" } ?? "")
    case .ambiguousDataset(let name, let candidates):
      "\(name) may be \(candidates.joined(separator: " or ")): name the layer as well"
    case .unknownRun(let id):
      "no run's id begins with \(id): `millrace runs` lists them"
    case .option(let problem): problem
    case .ambiguousRun(let id, let count):
      "the ids of \(count) runs begin with \(id): give more of it"
    }
  }
}

extension DatasetName {
  /// The dataset that somebody means: `silver.cards`, or `cards` if only one is named so.
  ///
  /// - Throws: `CommandError.unknownDataset` or `.ambiguousDataset`.
  static func named(_ text: String, among known: [DatasetName]) throws -> DatasetName {
    if let exact = known.first(where: { $0.description == text }) { return exact }
    let candidates = known.filter { $0.name == text }
    if let only = candidates.first, candidates.count == 1 { return only }
    guard candidates.isEmpty else {
      throw CommandError.ambiguousDataset(
        name: text,
        candidates: candidates.map(\.description)
      )
    }
    let names = known.map(\.description) + known.map(\.name)
    throw CommandError.unknownDataset(name: text, nearest: nearestName(to: text, among: names))
  }
}

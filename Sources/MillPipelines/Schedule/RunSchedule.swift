// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// What may run now: the state of a run's graph, pure.
///
/// A dataset is ready when all it reads has ended well. When one fails, its descendants wait for
/// the next run; nothing else does.
public struct RunSchedule: Sendable {
  /// What has become of a dataset.
  public enum State: Hashable, Sendable {
    /// Something that it reads has not ended yet.
    case pending
    /// Handed out by ``next()``.
    case running
    case done
    case failed
    /// An ancestor failed; it runs when that is mended.
    case waiting(on: DatasetName)
  }

  private let order: [DatasetName]
  private let inputs: [DatasetName: [DatasetName]]
  /// What has become of each dataset of the run.
  public private(set) var states: [DatasetName: State]

  /// - Parameter selected: The datasets of this run; what they read besides is taken as it is.
  public init(graph: PipelineGraph, selected: Set<DatasetName>) {
    order = graph.order.filter(selected.contains)
    inputs = graph.inputs.mapValues { $0.filter(selected.contains) }
    states = Dictionary(uniqueKeysWithValues: order.map { ($0, .pending) })
  }

  /// The next dataset that may run, marked as running; nil when none may right now.
  public mutating func next() -> DatasetName? {
    for dataset in order where states[dataset] == .pending {
      guard (inputs[dataset] ?? []).allSatisfy({ states[$0] == .done }) else { continue }
      states[dataset] = .running
      return dataset
    }
    return nil
  }

  /// Takes down that a dataset ended well.
  public mutating func succeeded(_ dataset: DatasetName) {
    states[dataset] = .done
  }

  /// Takes down a fault; returns the datasets that now wait for it.
  public mutating func failed(_ dataset: DatasetName) -> [DatasetName] {
    states[dataset] = .failed
    var waiting: [DatasetName] = []
    for other in order where states[other] == .pending {
      let blocked = (inputs[other] ?? []).contains {
        switch states[$0] {
        case .failed, .waiting: true
        default: false
        }
      }
      guard blocked else { continue }
      states[other] = .waiting(on: dataset)
      waiting.append(other)
    }
    return waiting
  }

  /// Whether every dataset has come to an end.
  public var isFinished: Bool {
    states.values.allSatisfy { $0 != .pending && $0 != .running }
  }
}

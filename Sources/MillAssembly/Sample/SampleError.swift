// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// Why the sample was not written.
public enum SampleError: Failure, Equatable {
  /// The sample is too small to hold one line of each defect, or too large for its ids.
  case badRowCount(Int)
  /// The folder holds a project already, which is left alone.
  case projectExists(folder: String)
  /// The disk refused a file or a folder.
  case cannotWrite(path: String, cause: String)

  /// A stable, searchable name.
  public var code: String {
    switch self {
    case .badRowCount: "sample.bad-row-count"
    case .projectExists: "sample.project-exists"
    case .cannotWrite: "sample.cannot-write"
    }
  }

  /// Whose move it is.
  public var errorClass: ErrorClass {
    switch self {
    case .badRowCount, .projectExists: .definition
    case .cannotWrite: .outside
    }
  }

  /// What happened and what to do next.
  public var description: String {
    switch self {
    case .badRowCount(let rows):
      """
      a sample of \(rows) payments cannot be made: ask for \
      \(PaymentsSample.rowsAllowed.lowerBound) to \(PaymentsSample.rowsAllowed.upperBound)
      """
    case .projectExists(let folder):
      "\(folder) holds a millrace.yaml already: choose another folder, or remove that project first"
    case .cannotWrite(let path, let cause):
      "\(path) cannot be written: \(cause); check that the folder is writable and the disk has room"
    }
  }
}

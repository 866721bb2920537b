// SPDX-License-Identifier: Apache-2.0

/// A position in one of the user's files.
public struct SourcePlace: Hashable, Sendable, CustomStringConvertible {
  /// The file, relative to the project.
  public var path: String
  /// From 1.
  public var line: Int?
  /// In characters, from 1.
  public var column: Int?

  /// A place in a file; line and column where they are known.
  public init(path: String, line: Int? = nil, column: Int? = nil) {
    self.path = path
    self.line = line
    self.column = column
  }

  /// `path:line:column`, as editors and compilers write it.
  public var description: String {
    ([path] + [line, column].compactMap { $0.map(String.init) }).joined(separator: ":")
  }
}

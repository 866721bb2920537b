// SPDX-License-Identifier: Apache-2.0

/// The version of this build.
public enum MillraceVersion {
  /// Semantic version text, as `millrace --version` prints it and commits carry it.
  public static let text = "0.1.0"

  /// Raised when what a definition means changes, so that everything is made again.
  public static let definitionFormat = 1
}

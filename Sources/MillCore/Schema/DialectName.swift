// SPDX-License-Identifier: Apache-2.0

/// Which SQL an engine speaks.
public enum DialectName: String, Sendable, CaseIterable {
  case duckDB
}

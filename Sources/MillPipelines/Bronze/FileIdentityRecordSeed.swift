// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillLedger

/// What is remembered of a loaded file, so that it need not be hashed again.
struct FileIdentityRecordSeed {
  var found: SourceSurvey.Found
  var sha256: String
  var at: Instant

  func record(_ dataset: DatasetName) -> FileIdentityRecord {
    FileIdentityRecord(
      dataset: dataset.description,
      path: found.shownPath,
      size: found.entry.size,
      modifiedMicroseconds: found.entry.modified.microseconds,
      identity: found.entry.identity,
      sha256: sha256,
      hashedAt: at.microseconds
    )
  }
}

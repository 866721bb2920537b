// SPDX-License-Identifier: Apache-2.0

public import MillCore

/// The columns that every bronze table and every table of dead letters has.
public enum BronzeSchema {
  /// Columns of Millrace's own, after those of the source; what a kind of source does not use is
  /// null, since schemas last for ever (docs/semantics.md, 15).
  public static let reserved: [Field] = [
    Field("_source", .string),
    Field("_partition", .integer),
    Field("_offset", .long),
    Field("_event_id", .string),
    Field("_appended_at", .timestamp),
    Field("_loaded_at", .timestamp),
    Field("_watermark", .timestamp),
    Field("_rescued", .string),
  ]

  /// The names of ``reserved``.
  public static let reservedNames = Set(reserved.map(\.name))

  /// What is kept of a record that could not be decoded.
  public static let deadLetters = Schema([
    Field("_source", .string),
    Field("line", .long),
    Field("byte_offset", .long),
    Field("length", .long),
    Field("reason", .string),
    Field("column", .string),
    Field("detail", .string),
    Field("raw", .string),
    Field("_loaded_at", .timestamp),
    Field("_run", .string),
  ])
}

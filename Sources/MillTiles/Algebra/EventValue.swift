// SPDX-License-Identifier: Apache-2.0

internal import MillCore

/// A value and the place of its row, for the first or the last of them.
///
/// Rows of one identity and equal times, which only a broken source has, are told apart by their
/// values, so that the result does not depend on which is met first.
struct EventValue: Hashable, Sendable {
  let order: EventOrder
  let value: Datum

  func comes(before other: Self) -> Bool {
    if order != other.order { return order < other.order }
    return value.comes(before: other.value)
  }
}

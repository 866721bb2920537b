// SPDX-License-Identifier: Apache-2.0

/// The name that somebody most likely meant, for "did you mean …?", or nil if none is close.
///
/// Close is at most one edit for every three characters of `name`, and at least one: a character
/// too many, missing, wrong, or two neighbours swapped. Of equally close names the first is taken.
///
/// ```swift
/// nearestName(to: "ordres", among: ["customers", "orders"])  // "orders"
/// ```
/// - Complexity: the product of the lengths, for each name that is about as long.
///
/// > Source: F. J. Damerau, "A technique for computer detection and correction of spelling errors",
/// > CACM 7(3), 1964; computed as optimal string alignment.
public func nearestName(to name: String, among names: some Sequence<String>) -> String? {
  let wanted = Array(name)
  let distanceMax = max(1, wanted.count / 3)
  var best: (name: String, distance: Int)?
  for candidate in names {
    let limit = best.map { $0.distance - 1 } ?? distanceMax
    if let distance = editDistance(wanted, Array(candidate), atMost: limit) {
      best = (candidate, distance)
      if distance == 0 {
        break
      }
    }
  }
  return best?.name
}

/// The number of edits between two texts, or nil if there are more than the limit.
private func editDistance(
  _ left: [Character],
  _ right: [Character],
  atMost limit: Int
) -> Int? {
  guard abs(left.count - right.count) <= limit else { return nil }
  var beforeLast: [Int] = []
  var last = Array(0...right.count)
  for row in 0..<left.count {
    var current = [row + 1]
    current.reserveCapacity(right.count + 1)
    for column in 0..<right.count {
      let substitution = last[column] + (left[row] == right[column] ? 0 : 1)
      var distance = min(substitution, last[column + 1] + 1, current[column] + 1)
      if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
        distance = min(distance, beforeLast[column - 1] + 1)
      }
      current.append(distance)
    }
    // A swap reaches back two rows, so both must be beyond the limit.
    guard min(current.min() ?? 0, last.min() ?? 0) <= limit else { return nil }
    (beforeLast, last) = (last, current)
  }
  return last[right.count] <= limit ? last[right.count] : nil
}

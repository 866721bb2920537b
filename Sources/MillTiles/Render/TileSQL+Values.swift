// SPDX-License-Identifier: Apache-2.0

internal import MillCore

extension TileSQL {
  /// The text of a value of which the digest is taken, as ``CanonicalText`` has it.
  func canonicalText(_ value: String, _ shape: TileShape) -> String {
    switch shape.input {
    case .double, .float:
      return functions.bits(of: cast(withoutNegativeZero(value, shape), .double))
    case .string: return value
    case .binary: return functions.hexadecimal(value)
    case .timestamp, .timestampWithoutZone:
      return cast(functions.microseconds(of: value), .string)
    case .decimal(let precision, let scale) where precision == scale:
      // The engine writes no zero before the point where no digit can stand there.
      let text = cast(value, .string)
      return "CASE WHEN \(value) < 0 THEN '-0' || substr(\(text), 2) ELSE '0' || \(text) END"
    default: return cast(value, .string)
    }
  }

  /// The value with −0.0 as 0.0.
  func withoutNegativeZero(_ value: String, _ shape: TileShape) -> String {
    switch shape.input {
    case .double, .float:
      "CASE WHEN \(value) = 0 THEN \(cast("0", shape.input ?? .double)) ELSE \(value) END"
    default: value
    }
  }

  /// The bucket of a number, as ``BucketEdges/bucket(of:)`` has it.
  ///
  /// A logarithm guesses the nearest edge; comparing the number with that edge decides on which side
  /// of it the number lies. Half a bucket is the room for the guess, whose error is some 1e-13.
  func bucket(of number: String) -> String {
    let magnitude = "abs(\(number))"
    let least = functions.number(.leastNormalMagnitude)
    // Held within the range, the guess can be computed for any number, whatever comes of it.
    let held =
      "least(greatest(\(magnitude), \(least)), \(functions.number(.greatestFiniteMagnitude)))"
    let perOctave = BucketEdges.perOctave
    // Counted from two powers below the smallest normal number, so that a guess is never below zero.
    let base = perOctave * (2 - BucketEdges.exponentMin)
    let logarithm = functions.roughLogarithm(held)
    let nearest = "floor(\(logarithm) * \(perOctave) + \(functions.number(0.5)))"
    let guess = "(\(cast(nearest, .integer)) + \(base))"
    let bucket =
      "\(guess) - CASE WHEN \(held) < \(edge(guess)) THEN 1 ELSE 0 END "
      + "- \(base - BucketEdges.offset)"
    let size =
      "CASE WHEN \(magnitude) < \(least) THEN 0 "
      + "WHEN \(functions.isFinite(magnitude)) THEN \(bucket) ELSE \(BucketEdges.last) END"
    return cast("sign(\(number)) * (\(size))", .integer)
  }

  /// The middle of a bucket, as ``BucketEdges/middle(of:)`` has it.
  func middle(ofBucket bucket: String) -> String {
    functions.bound(bucket) { bucket in
      let place = "(abs(\(bucket)) - 1)"
      let perOctave = BucketEdges.perOctave
      let middle = functions.element(
        functions.numbers(BucketEdges.middles),
        at: "\(place) % \(perOctave) + 1"
      )
      let exponent = "(\(functions.quotient(place, perOctave)) - \(-BucketEdges.exponentMin))"
      let infinity = functions.number(.infinity)
      return "CASE WHEN \(bucket) = 0 THEN \(zero) "
        + "WHEN \(bucket) >= \(BucketEdges.last) THEN \(infinity) "
        + "WHEN \(bucket) <= -\(BucketEdges.last) THEN -\(infinity) "
        + "ELSE sign(\(bucket)) * \(middle) * \(functions.powerOfTwo(exponent)) END"
    }
  }

  /// The edge of a place, counted from two powers of two below the smallest normal number.
  private func edge(_ place: String) -> String {
    let perOctave = BucketEdges.perOctave
    let edge = functions.element(
      functions.numbers(BucketEdges.edges),
      at: "(\(place)) % \(perOctave) + 1"
    )
    let exponent = "\(functions.quotient(place, perOctave)) - \(2 - BucketEdges.exponentMin)"
    return "\(edge) * \(functions.powerOfTwo("(\(exponent))"))"
  }
}

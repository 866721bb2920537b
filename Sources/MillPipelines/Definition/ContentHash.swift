// SPDX-License-Identifier: Apache-2.0

internal import Crypto

/// The hash by which definitions and contents are told apart.
enum ContentHash {
  /// SHA-256 as 64 lower-case hexadecimal digits.
  static func sha256(_ bytes: [UInt8]) -> String {
    SHA256.hash(data: bytes).map { byte in
      let digits = String(byte, radix: 16)
      return digits.count == 1 ? "0" + digits : digits
    }.joined()
  }
}

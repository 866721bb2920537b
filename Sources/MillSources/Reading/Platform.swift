// SPDX-License-Identifier: Apache-2.0

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// The system's own words for an error number.
func systemMessage(_ number: Int32) -> String {
  guard let text = strerror(number) else { return "unknown error" }
  return String(cString: text)
}

/// A block of memory, freed with its owner.
struct ByteBuffer: ~Copyable {
  let bytes: UnsafeMutableRawBufferPointer

  init(count: Int) {
    bytes = .allocate(byteCount: count, alignment: 64)
  }

  deinit {
    bytes.deallocate()
  }
}

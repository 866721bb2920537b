// SPDX-License-Identifier: Apache-2.0

#if canImport(Darwin)
  internal import Darwin
#else
  internal import Glibc
#endif

/// Who we are to others on this machine.
enum ProcessIdentity {
  static var current: Int32 { getpid() }
}

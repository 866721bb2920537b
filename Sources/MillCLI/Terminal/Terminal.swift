// SPDX-License-Identifier: Apache-2.0

internal import Foundation

#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// One of the two streams that people read: standard output or standard error.
struct Terminal: Sendable {
  /// Answers go to `output`; progress, warnings and errors go to `error`.
  enum Stream: Int32, Sendable {
    case output = 1
    case error = 2
  }

  let stream: Stream
  /// Whether a person looks at it, rather than a file or a program.
  let isTTY: Bool
  /// The environment as it was at the start, for `NO_COLOR`, `TERM` and `COLUMNS`.
  let environment: [String: String]

  init(
    _ stream: Stream,
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) {
    self.stream = stream
    self.environment = environment
    isTTY = isatty(stream.rawValue) == 1
  }

  /// Makes writing to a pipe that nobody reads an error of that write, not the end of the process.
  ///
  /// Call it once, first thing: `millrace runs | head -1` would otherwise be killed in the middle.
  static func ignoreBrokenPipes() {
    signal(SIGPIPE, SIG_IGN)
  }

  /// Columns to fill; nil where nobody looks, so that files and pipes get whole lines.
  var width: Int? {
    isTTY ? columns : nil
  }

  /// Columns: what `COLUMNS` says, or the terminal, or 80.
  var columns: Int {
    if let declared = environment["COLUMNS"].flatMap(Int.init), declared > 0 { return declared }
    var size = winsize()
    guard ioctl(stream.rawValue, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }

  /// Whether a line can be drawn over: not in pipes, and not where `TERM` is `dumb`.
  var canRedraw: Bool {
    isTTY && environment["TERM"] != "dumb"
  }

  /// Writes text as it is.
  ///
  /// - Returns: False if nobody reads any more, or the text could not be written: a reason to stop
  ///   producing, not to complain.
  @discardableResult
  func write(_ text: String) -> Bool {
    var text = text
    return text.withUTF8 { bytes in
      var rest = bytes[...]
      while !rest.isEmpty {
        let part = UnsafeBufferPointer(rebasing: rest)
        let written = systemWrite(stream.rawValue, part.baseAddress, part.count)
        if written > 0 {
          rest = rest.dropFirst(written)
        } else if written < 0, errno == EAGAIN {
          // Somebody else made the stream non-blocking: wait until it takes more, with a bound.
          var request = pollfd(fd: stream.rawValue, events: Int16(POLLOUT), revents: 0)
          if poll(&request, 1, 10_000) == 0 { return false }
        } else if written == 0 || errno != EINTR {
          return false
        }
      }
      return true
    }
  }

  /// Writes a line.
  @discardableResult
  func writeLine(_ text: String = "") -> Bool {
    write(text + "\n")
  }
}

/// `write(2)`, which the method of the same name hides.
private func systemWrite(_ file: Int32, _ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int {
  write(file, bytes, count)
}

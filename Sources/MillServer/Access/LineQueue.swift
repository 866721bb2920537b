// SPDX-License-Identifier: Apache-2.0

internal import Dispatch
internal import Synchronization

/// Lines for a terminal, a file or a pipe, written by a thread of their own so that nobody waits for
/// whoever reads them.
///
/// The queue is bounded: lines that find it full are counted, and so are those that could not be written;
/// the count is written in their place.
public final class LineQueue: Sendable {
  private struct Waiting {
    var bytes: [UInt8] = []
    var dropped = 0
    var isScheduled = false
  }

  private let limit: Int
  private let name: String
  private let waiting = Mutex(Waiting())
  private let queue: DispatchQueue
  private let write: @Sendable ([UInt8]) -> Bool

  /// A queue whose lines go somewhere.
  ///
  /// - Parameters:
  ///   - name: What the lines are about, for the sentence that counts those which are missing.
  ///   - limit: How many bytes wait at the most.
  ///   - write: Takes whole lines in UTF-8, on a thread of the queue's own; says whether they were written.
  public init(
    _ name: String,
    limit: Int = 1 << 20,
    write: @escaping @Sendable ([UInt8]) -> Bool
  ) {
    self.name = name
    self.limit = limit
    self.write = write
    queue = DispatchQueue(label: "millrace.lines.\(name)")
  }

  /// Takes a line, to which a line end is added; it returns at once.
  public func append(_ line: String) {
    let line = Array(line.utf8) + [UInt8(ascii: "\n")]
    let mustSchedule = waiting.withLock { waiting in
      guard waiting.bytes.count + line.count <= limit else {
        waiting.dropped += 1
        return false
      }
      waiting.bytes += line
      defer { waiting.isScheduled = true }
      return !waiting.isScheduled
    }
    if mustSchedule { queue.async { self.drain() } }
  }

  /// Waits until all lines are written, for a while: a pipe that nobody reads never takes them.
  public func flush(within time: Duration = .seconds(2)) async {
    let milliseconds = Int(clamping: Int64(time / .milliseconds(1)))
    let waiter = Waiter()
    await withCheckedContinuation { continuation in
      waiter.begin(continuation)
      queue.async {
        self.drain()
        waiter.end()
      }
      let deadline = DispatchTime.now() + .milliseconds(milliseconds)
      DispatchQueue.global().asyncAfter(deadline: deadline) { waiter.end() }
    }
  }

  /// Somebody who is let go once, by whoever comes first.
  private final class Waiter: Sendable {
    private let continuation = Mutex<CheckedContinuation<Void, Never>?>(nil)

    func begin(_ continuation: CheckedContinuation<Void, Never>) {
      self.continuation.withLock { $0 = continuation }
    }

    func end() {
      let continuation = continuation.withLock { continuation in
        defer { continuation = nil }
        return continuation
      }
      continuation?.resume()
    }
  }

  private func drain() {
    let (bytes, dropped) = waiting.withLock { waiting in
      defer { waiting = Waiting() }
      return (waiting.bytes, waiting.dropped)
    }
    guard !bytes.isEmpty || dropped > 0 else { return }
    let note =
      dropped == 0
      ? "" : "\(dropped) lines about \(name) were not written: whoever takes them is slower\n"
    guard !write(bytes + Array(note.utf8)) else { return }
    // A full disk, say. They are gone, and whoever reads the next ones learns how many.
    let lost = dropped + bytes.count { $0 == UInt8(ascii: "\n") }
    waiting.withLock { $0.dropped += lost }
  }
}

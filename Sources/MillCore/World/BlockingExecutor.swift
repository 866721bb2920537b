// SPDX-License-Identifier: Apache-2.0

#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif
#if canImport(SwiftOverlayShims)
  // An optimised build of Swift 6.3 on Linux finds `timespec` here and not in Glibc.
  import SwiftOverlayShims
#endif

/// One thread of its own for calls that block: queries, polls, disk syncs.
///
/// The cooperative pool has as many threads as the computer has cores; a C call that waits there
/// keeps unrelated tasks from running. An actor whose `unownedExecutor` is one of these runs wholly
/// on its thread; ``run(_:)`` sends a single call there. Work is done one piece at a time in the
/// order it came. The queue is as long as there are tasks waiting for it: each caller waits for its
/// own piece, so whoever bounds the callers bounds the queue.
///
/// ```swift
/// let executor = BlockingExecutor(name: "duckdb")
/// let bytes = try await executor.run { try files.read(path) }
/// ```
public final class BlockingExecutor: SerialExecutor {
  private let queue: WorkQueue

  /// An executor whose thread starts with the first piece of work and bears this name (of which
  /// Linux keeps 15 bytes).
  public init(name: String) {
    queue = WorkQueue(name: name)
  }

  deinit {
    queue.stop()
  }

  /// Lets the thread end after the work that is already queued; later ``run(_:)`` calls throw.
  ///
  /// Jobs of an actor that lives on are still done, since losing one would hang its caller.
  public func shutdown() {
    queue.stop()
  }

  /// Queues a job of an actor; called by the Swift runtime.
  public func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    // The closure keeps the executor alive until the job is over.
    let number = queue.append(evenIfStopped: true) { [self] in
      job.runSynchronously(on: asUnownedSerialExecutor())
    }
    precondition(number == nil, "no thread can be started for the job of an actor")
  }

  /// Does one blocking piece of work on the thread and gives back what it gives back.
  ///
  /// A task that was cancelled before does not begin; work that has begun runs to its end.
  /// - Throws: what the work throws, `CancellationError`, or ``BlockingExecutorError``.
  public func run<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
    try Task.checkCancellation()
    return try await withCheckedThrowingContinuation { continuation in
      let problem = queue.append(evenIfStopped: false) {
        continuation.resume(with: Result { try body() })
      }
      if let problem {
        continuation.resume(throwing: problem)
      }
    }
  }
}

/// Why work was not taken by a ``BlockingExecutor``.
@nonexhaustive
public enum BlockingExecutorError: Failure, Equatable {
  /// The executor was shut down before.
  case stopped(name: String)
  /// The system would not start a thread.
  case noThread(name: String, errno: Int32)

  /// The stable name of the case.
  public var code: String {
    switch self {
    case .stopped: "executor.stopped"
    case .noThread: "executor.no-thread"
    }
  }

  /// Being stopped is somebody's wish; a missing thread is the system's refusal.
  public var errorClass: ErrorClass {
    switch self {
    case .stopped: .cancelled
    case .noThread: .outside
    }
  }

  /// Which executor, and why.
  public var description: String {
    switch self {
    case .stopped(let name): "the thread \(name) was shut down"
    case .noThread(let name, let number):
      "the system starts no thread for \(name) (errno \(number)): raise the limit of threads"
    }
  }
}

/// The pieces of work and the one thread that does them.
///
/// `@unchecked Sendable` is true because every mutable property is touched only while `lock` is
/// held, and because at most one thread works at a time (`hasThread`).
private final class WorkQueue: @unchecked Sendable {
  private let name: String
  private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var waiting: [@Sendable () -> Void] = []
  private var hasThread = false
  private var isStopped = false

  init(name: String) {
    self.name = name
    check(pthread_mutex_init(lock, nil))
    check(pthread_cond_init(changed, nil))
  }

  deinit {
    check(pthread_cond_destroy(changed))
    check(pthread_mutex_destroy(lock))
    changed.deallocate()
    lock.deallocate()
  }

  /// Queues a piece of work, or says why not.
  func append(
    evenIfStopped: Bool,
    _ work: @escaping @Sendable () -> Void
  ) -> BlockingExecutorError? {
    check(pthread_mutex_lock(lock))
    defer { check(pthread_mutex_unlock(lock)) }
    guard evenIfStopped || !isStopped else { return .stopped(name: name) }
    if !hasThread {
      let number = startThread()
      guard number == 0 else { return .noThread(name: name, errno: number) }
      hasThread = true
    }
    waiting.append(work)
    check(pthread_cond_signal(changed))
    return nil
  }

  func stop() {
    check(pthread_mutex_lock(lock))
    isStopped = true
    check(pthread_cond_signal(changed))
    check(pthread_mutex_unlock(lock))
  }

  /// The body of the thread: ends once there is nothing to do and the queue was stopped.
  func work() {
    setThreadName(name)
    while let batch = take() {
      for work in batch {
        work()
      }
    }
  }

  private func take() -> [@Sendable () -> Void]? {
    check(pthread_mutex_lock(lock))
    defer { check(pthread_mutex_unlock(lock)) }
    while waiting.isEmpty {
      if isStopped {
        hasThread = false
        return nil
      }
      check(pthread_cond_wait(changed, lock))
    }
    defer { waiting = [] }
    return waiting
  }

  /// Starts a detached thread that keeps the queue alive; the stack is that of a main thread, since
  /// the 512 KiB of macOS are too few for a query engine.
  private func startThread() -> Int32 {
    var attributes = pthread_attr_t()
    var number = pthread_attr_init(&attributes)
    guard number == 0 else { return number }
    defer { check(pthread_attr_destroy(&attributes)) }
    number = pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    guard number == 0 else { return number }
    number = pthread_attr_setstacksize(&attributes, 8 << 20)
    guard number == 0 else { return number }
    let queue = Unmanaged.passRetained(self)
    #if canImport(Darwin)
      var thread: pthread_t?
      number = pthread_create(&thread, &attributes, { runQueue($0) }, queue.toOpaque())
    #else
      var thread = pthread_t()
      number = pthread_create(&thread, &attributes, { runQueue($0) }, queue.toOpaque())
    #endif
    if number != 0 {
      queue.release()
    }
    return number
  }

  /// These calls fail only if the lock is not ours or not one: our own mistake.
  private func check(_ number: Int32) {
    precondition(number == 0, "a lock of the thread \(name) failed with errno \(number)")
  }
}

private func runQueue(_ queue: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  guard let queue else { return nil }
  Unmanaged<WorkQueue>.fromOpaque(queue).takeRetainedValue().work()
  return nil
}

/// A name is a help for debuggers: a thread that cannot be named works as well.
private func setThreadName(_ name: String) {
  #if canImport(Darwin)
    _ = pthread_setname_np(name)
  #else
    // Swift's Glibc shows neither pthread_setname_np nor the variadic prctl.
    let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { return }
    _ = Array(name.utf8.prefix(15)).withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
    _ = close(file)
  #endif
}

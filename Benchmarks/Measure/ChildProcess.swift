// SPDX-License-Identifier: Apache-2.0

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// What a finished process used, as the kernel counted it.
struct Usage {
  /// User and system time of all threads.
  var cpuSeconds: Double
  var wallSeconds: Double
  /// The greatest resident size, in MiB.
  var peakMebibytes: Double
}

struct ChildError: Error, CustomStringConvertible {
  var description: String
}

/// Runs this same program with other arguments and measures it from outside.
///
/// A process of its own has a peak of memory of its own, and no cache of another's work.
func measureSelf(_ arguments: [String], quiet: Bool = true) throws -> Usage {
  try measure(["/proc/self/exe"] + arguments, quiet: quiet)
}

/// Runs a program and measures it.
///
/// - Parameter output: The file that takes what it prints, made anew, whether quiet or not.
func measure(
  _ command: [String],
  quiet: Bool = true,
  output: String? = nil
) throws -> Usage {
  var process: pid_t = 0
  var argv: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
  defer { for pointer in argv { free(pointer) } }
  var actions = posix_spawn_file_actions_t()
  posix_spawn_file_actions_init(&actions)
  defer { posix_spawn_file_actions_destroy(&actions) }
  if let output {
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
  } else if quiet {
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
  }
  let began = ContinuousClock.now
  let failure = posix_spawn(&process, command[0], &actions, nil, &argv, environ)
  guard failure == 0 else {
    throw ChildError(
      description: "cannot start \(command[0]): \(String(cString: strerror(failure)))"
    )
  }
  var status: Int32 = 0
  var usage = rusage()
  while wait4(process, &status, 0, &usage) < 0 {
    guard errno == EINTR else { throw ChildError(description: "wait4 failed") }
  }
  let wall = began.duration(to: .now)
  guard status == 0 else {
    throw ChildError(description: "\(command.joined(separator: " ")) ended with status \(status)")
  }
  let seconds = { (time: timeval) in Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
  return Usage(
    cpuSeconds: seconds(usage.ru_utime) + seconds(usage.ru_stime),
    wallSeconds: Double(wall.components.seconds) + Double(wall.components.attoseconds) / 1e18,
    peakMebibytes: Double(usage.ru_maxrss) / 1024
  )
}

/// A number with so many digits after the point.
func fixed(_ value: Double, _ digits: Int = 2) -> String {
  var scale = 1.0
  for _ in 0..<digits { scale *= 10 }
  let rounded = (value * scale).rounded() / scale
  let text = "\(rounded)"
  return text
}

/// Repeats a measurement and keeps the one of least CPU: noise only ever adds.
func least(of repeats: Int, _ body: () throws -> Usage) throws -> Usage {
  var best: Usage?
  for _ in 0..<max(1, repeats) {
    let usage = try body()
    if best.map({ usage.cpuSeconds < $0.cpuSeconds }) ?? true { best = usage }
  }
  guard let best else { throw ChildError(description: "nothing was measured") }
  return best
}

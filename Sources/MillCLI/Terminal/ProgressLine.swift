// SPDX-License-Identifier: Apache-2.0

/// Decides what standard error shows of a run while it runs.
///
/// Where a line can be drawn over, one line lives at the bottom, drawn at most ten times a second;
/// events that matter are written above it and stay. In a pipe there are only the events.
///
/// ```
/// ✓ bronze.flights  1,234,567 rows in 3.4 s
/// ⠹ 1/4  silver.airports, silver.flights · 812,000 rows · 5.2 s
/// ```
///
/// A pure value: it is told what happens and when, and gives back the text to write.
struct ProgressLine: Sendable {
  enum Event: Sendable {
    /// A node has begun.
    case started(String)
    /// A node has worked on this many rows so far.
    case progressed(String, rows: Int64)
    /// A node is done with; `line` says how, and stays. Nil if there is nothing to say.
    case finished(String, line: String?)
    /// Something worth a line of its own.
    case message(String)
    /// Nothing but time going by: the spinner turns.
    case tick
  }

  /// Drawn no more often than this.
  static let interval = Duration.milliseconds(100)
  private static let frames: [Character] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"]
  private static let clear = "\r\u{1B}[K"

  private let isLive: Bool
  private let nodeCount: Int
  private let style: Style
  private var running: [(name: String, rows: Int64)] = []
  private var rowsDone: Int64 = 0
  private var finishedCount = 0
  private var drawnAt: Duration?
  private var frame = 0

  /// - Parameters:
  ///   - isLive: Whether a line can be drawn over, see ``Terminal/canRedraw``.
  ///   - nodeCount: How many nodes the run has.
  init(isLive: Bool, nodeCount: Int, style: Style) {
    self.isLive = isLive
    self.nodeCount = nodeCount
    self.style = style
  }

  /// What to write when this happens, `elapsed` after the start, on so many columns.
  mutating func received(_ event: Event, elapsed: Duration, columns: Int) -> String {
    var lines = ""
    switch event {
    case .started(let name):
      running.append((name, 0))
      if !isLive { lines = "… \(name.printable)\n" }
    case .progressed(let name, let rows):
      if let position = running.firstIndex(where: { $0.name == name }) {
        running[position].rows = rows
      }
    case .finished(let name, let line):
      if let position = running.firstIndex(where: { $0.name == name }) {
        rowsDone += running.remove(at: position).rows
      }
      finishedCount += 1
      if let line { lines = line + "\n" }
    case .message(let line):
      lines = line + "\n"
    case .tick: break
    }
    guard isLive else { return lines }
    let isDue = drawnAt.map { elapsed - $0 >= Self.interval } ?? true
    if isDue {
      drawnAt = elapsed
      frame = (frame + 1) % Self.frames.count
    }
    guard isDue || !lines.isEmpty else { return "" }
    let drawing = live(elapsed: elapsed, columns: columns)
    return (lines.isEmpty ? "\r" : Self.clear + lines) + drawing + "\u{1B}[K"
  }

  /// What to write at the end, so that nothing is left of the line.
  mutating func ended() -> String {
    defer { drawnAt = nil }
    return isLive && drawnAt != nil ? Self.clear : ""
  }

  private func live(elapsed: Duration, columns: Int) -> String {
    let names = running.map(\.name).sorted().map(\.printable).joined(separator: ", ")
    let rows = running.reduce(rowsDone) { $0 + $1.rows }
    let count = "\(NumberText.grouped(finishedCount))/\(NumberText.grouped(nodeCount))"
    // To a tenth, and to a second from ten on: a clock that races draws the eye for nothing.
    let step: Int64 = elapsed < .seconds(10) ? 100 : 1_000
    let time = Duration.milliseconds(Int64(elapsed / .milliseconds(1)) / step * step)
    let rowsText = rows > 0 ? NumberText.counted(rows, "row") + " · " : ""
    let facts = (names.isEmpty ? "" : " · ") + rowsText + NumberText.duration(time)
    // One column is left free: some terminals wrap as soon as the last one is filled.
    let room = columns - 1 - 2 - count.displayWidth - 2 - facts.displayWidth
    guard room > 3 else {
      return "\(Self.frames[frame]) \(count)".truncated(toWidth: max(1, columns - 1))
    }
    return style.cyan(String(Self.frames[frame])) + " \(count)  "
      + names.truncated(toWidth: room) + style.dim(facts)
  }
}

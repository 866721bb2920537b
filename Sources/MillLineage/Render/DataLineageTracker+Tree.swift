// SPDX-License-Identifier: Apache-2.0

internal import MillCore

/// The lines that a tree is drawn with.
public enum LineageTreeCharacters: Sendable {
  /// `├─ `, `└─ `, `│  `.
  case boxDrawing
  /// `|- `, `` `- ``, `|  `, for terminals without UTF-8.
  case ascii

  fileprivate var branch: String { self == .boxDrawing ? "├─ " : "|- " }
  fileprivate var lastBranch: String { self == .boxDrawing ? "└─ " : "`- " }
  fileprivate var trunk: String { self == .boxDrawing ? "│  " : "|  " }
  fileprivate var more: String { self == .boxDrawing ? " …" : " ..." }
}

extension DataLineageTracker {
  /// The lineage of one name as lines of text, the name first.
  ///
  /// What was shown before is named again but not opened again, so that the tree is never longer
  /// than the edges are many. ` …` follows what goes on beyond `depth`.
  ///
  /// ```
  /// gold.delays
  /// ├─ silver.airports
  /// │  └─ bronze.airports
  /// └─ silver.flights
  ///    ├─ bronze.flights
  ///    └─ silver.airports (above)
  /// ```
  public func tree(
    of name: String,
    direction: LineageDirection = .upstream,
    depth: Int? = nil,
    characters: LineageTreeCharacters = .boxDrawing
  ) -> [String] {
    struct Branch {
      var key: ByteKey
      /// Edges between the root and here.
      var level: Int
      /// What stands before the line of this branch.
      var lead: String
      /// What stands before the lines below it.
      var indent: String
    }
    enum Step {
      case enter(Branch)
      case leave(ByteKey)
    }

    var lines: [String] = []
    var opened: Set<ByteKey> = []
    var path: Set<ByteKey> = []
    // A stack of our own: a chain of datasets can be longer than the stack of a thread is deep.
    var pending = [Step.enter(Branch(key: ByteKey(name), level: 0, lead: "", indent: ""))]
    while let step = pending.popLast() {
      guard case .enter(let branch) = step else {
        if case .leave(let key) = step { path.remove(key) }
        continue
      }
      let neighbours = neighbours(of: branch.key, direction)
      var line = branch.lead + printable(branch.key.description)
      if path.contains(branch.key) {
        line += " (circle)"
      } else if opened.contains(branch.key), !neighbours.isEmpty {
        line += " (above)"
      } else if depth.map({ branch.level < $0 }) ?? true {
        opened.insert(branch.key)
        path.insert(branch.key)
        pending.append(.leave(branch.key))
        for (position, key) in neighbours.enumerated().reversed() {
          let isLast = position == neighbours.count - 1
          pending.append(
            .enter(
              Branch(
                key: key,
                level: branch.level + 1,
                lead: branch.indent + (isLast ? characters.lastBranch : characters.branch),
                indent: branch.indent + (isLast ? "   " : characters.trunk)
              )
            )
          )
        }
      } else if !neighbours.isEmpty {
        line += characters.more
      }
      lines.append(line)
    }
    return lines
  }
}

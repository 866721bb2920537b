// SPDX-License-Identifier: Apache-2.0

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// The files that a pattern names, in byte order.
///
/// `*`, `?` and `[a-z]` match inside one folder, `**` any number of folders, none included. Hidden
/// names are skipped unless the pattern spells the dot. Symbolic links are followed, but not by
/// `**`. Only files come back, written the way the pattern is: an absolute pattern gives absolute
/// paths, a relative one paths relative to `folder` (``resolvePath(_:relativeTo:)`` joins them).
///
/// ```swift
/// try expandGlob("raw/**/*.csv.gz", relativeTo: project)  // ["raw/a.csv.gz", "raw/2013/b.csv.gz"]
/// ```
///
/// - Returns: nothing where wildcards match nothing.
/// - Throws: `notFound` for a pattern without wildcards, or for folders before its first wildcard,
///   that are not there; `notAFile`, `unreadable`, `unusableName`.
public func expandGlob(
  _ pattern: String,
  relativeTo folder: String
) throws(SourceError) -> [String] {
  let components = pattern.split(separator: "/").map(String.init)
  var walk = GlobWalk(folder: folder)
  let root = pattern.hasPrefix("/") ? "/" : ""
  guard let firstWild = components.firstIndex(where: GlobPattern.hasWildcard) else {
    switch try walk.kind(pattern) {
    case .file: return [pattern]
    case .folder, .other: throw .notAFile(path: pattern)
    case .nothing: throw .notFound(path: pattern)
    }
  }
  let start = root + components[..<firstWild].joined(separator: "/")
  guard try walk.kind(start) != .nothing else { throw .notFound(path: start) }
  try walk.visit(start, components[firstWild...])
  return walk.found.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
}

/// A path of ``expandGlob(_:relativeTo:)`` as a system call needs it.
public func resolvePath(_ path: String, relativeTo folder: String) -> String {
  if path.hasPrefix("/") || folder.isEmpty { return path }
  return path.isEmpty ? folder : joinPath(folder, path)
}

private func joinPath(_ folder: String, _ name: String) -> String {
  if folder.isEmpty { return name }
  return folder.hasSuffix("/") ? folder + name : folder + "/" + name
}

private struct GlobWalk {
  enum Kind {
    case file
    case folder
    case other
    case nothing
  }

  let folder: String
  /// A set: two ways through `**` may lead to one file.
  private(set) var found: Set<String> = []

  init(folder: String) {
    self.folder = folder
  }

  func kind(_ path: String, followsLinks: Bool = true) throws(SourceError) -> Kind {
    var status = stat()
    let real = realPath(path)
    let result = followsLinks ? stat(real, &status) : lstat(real, &status)
    guard result == 0 else {
      let number = errno
      if number == ENOENT || number == ENOTDIR { return .nothing }
      throw .unreadable(path: path, operation: "stat", errno: number)
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG: return .file
    case S_IFDIR: return .folder
    default: return .other
    }
  }

  mutating func visit(_ path: String, _ rest: ArraySlice<String>) throws(SourceError) {
    guard let component = rest.first else {
      if try kind(path) == .file { found.insert(path) }
      return
    }
    let after = rest.dropFirst()
    guard component == "**" else {
      guard GlobPattern.hasWildcard(component) else {
        try visit(joinPath(path, component), after)
        return
      }
      guard try kind(path) == .folder else { return }
      let pattern = GlobPattern(component)
      for name in try names(in: path) where pattern.matches(name) {
        try visit(joinPath(path, name), after)
      }
      return
    }
    // `**` at the end stands for everything below; further stars in a row say nothing new.
    let tail = after.drop { $0 == "**" }
    let next = tail.isEmpty ? ["*"][...] : tail
    var folders = [path]
    while let current = folders.popLast() {
      guard try kind(current) == .folder else { continue }
      try visit(current, next)
      for name in try names(in: current) where !name.hasPrefix(".") {
        let child = joinPath(current, name)
        if try kind(child, followsLinks: false) == .folder { folders.append(child) }
      }
    }
  }

  private func realPath(_ path: String) -> String {
    let resolved = resolvePath(path, relativeTo: folder)
    return resolved.isEmpty ? "." : resolved
  }

  private func names(in path: String) throws(SourceError) -> [String] {
    let shown = path.isEmpty ? folder : path
    guard let handle = opendir(realPath(path)) else {
      throw .unreadable(path: shown, operation: "list", errno: errno)
    }
    defer { _ = closedir(handle) }
    var names: [String] = []
    while true {
      errno = 0
      guard let entry = readdir(handle) else {
        if errno != 0 { throw .unreadable(path: shown, operation: "list", errno: errno) }
        return names
      }
      guard let name = entryName(entry) else { throw .unusableName(folder: shown) }
      if name != ".", name != ".." { names.append(name) }
    }
  }

  /// Read in place: an entry is shorter than the declared size of its name.
  private func entryName(_ entry: UnsafeMutablePointer<dirent>) -> String? {
    guard let offset = MemoryLayout<dirent>.offset(of: \.d_name) else { return nil }
    let first = UnsafeRawPointer(entry) + offset
    return String(validatingCString: first.assumingMemoryBound(to: CChar.self))
  }
}

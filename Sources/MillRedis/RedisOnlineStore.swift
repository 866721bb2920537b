// SPDX-License-Identifier: Apache-2.0

public import MillCore
public import MillFeatures
internal import Synchronization

/// An online store on Redis or Valkey, for many processes on many computers.
///
/// ```swift
/// let endpoint = try RedisEndpoint(url: "redis://127.0.0.1:6379/0")
/// let store = RedisOnlineStore(RedisConfiguration(endpoint: endpoint, project: "payments"), in: world)
/// ```
///
/// **Layout.** Each table is one hash, `PREFIX:PROJECT:VIEW_CONTENT_HASH`, so what belongs together
/// lies on one server, is evicted, expired and removed together, and a script touches one key alone.
/// Bytes of a name other than letters, digits, `_`, `.` and `-` are written as `%` and two digits.
///
/// | field | value |
/// | --- | --- |
/// | `r` and the bytes of a key | one row: see ``RedisRow`` |
/// | `state` | how far the view was brought in |
/// | `pass` | the number of the last pass that was begun |
/// | `changes` | microseconds of the last change, greater with each |
/// | `count` | how many rows there are |
/// | `open` | work that was begun and not ended: see ``OpenWork`` |
///
/// **Who wins** is decided within the server, by scripts (``RedisScript``). A write is cut into pieces
/// of up to 500 rows or 1 MiB; each is seen whole or not at all, and so is a read of up to 500 keys.
/// The end of a pass removes rows a few hundred at a time, so other clients are held up for
/// milliseconds only. When it is broken off, the pass has not ended, and the next one removes the rest.
///
/// **When the server is gone**, calls fail with `OnlineStoreError.unavailable` at once or after their
/// time, and after some failures in a row without asking. A connection is opened anew by the next call
/// that needs it. Writes wait a moment, a few times, for a server that takes no connection. A server
/// that lost its last seconds while rows came in fails the work with `.superseded`, and the
/// materialization begins again.
///
/// Redis 5 or later, any Valkey. Not supported: TLS, clusters, sentinels, reading from replicas.
public final class RedisOnlineStore: OnlineStore {
  /// Rows of a piece that is seen whole, and keys of a read.
  static let rowsPerPiece = 500
  /// Bytes of such a piece; a row that is larger goes alone.
  static let bytesPerPiece = 1 << 20
  /// Reads of ``rowsPerPiece`` keys that are sent at once.
  static let readsPerRound = 4

  /// The server, as errors name it.
  public let name: String
  let configuration: RedisConfiguration
  let world: World
  let pool: RedisPool
  private let open = Mutex(OpenWork())
  /// For a server that takes no connection: nothing was sent, so writes may be sent again.
  private let retry = RetryPolicy(attempts: 4, base: .milliseconds(50), cap: .milliseconds(400))

  /// A store; the server is asked when the store is.
  ///
  /// - Parameter password: For the user of the endpoint; nil where none is needed.
  public init(_ configuration: RedisConfiguration, password: String? = nil, in world: World) {
    self.configuration = configuration
    self.world = world
    name = configuration.endpoint.description
    pool = RedisPool(configuration, password: password, in: world)
  }

  // MARK: Writing

  /// Begins a pass; see `OnlineStore`.
  public func begin(_ table: OnlineTable) async throws -> Int64 {
    let token = makeToken()
    return try await write(table) { store, lane in
      let reply = try store.run(.begin, table, [token], lane)
      guard case .integer(let number) = reply else { throw store.unexpected(reply, table) }
      store.open.withLock { _ = $0.begin(.pass(number), of: table, token: token) }
      return number
    }
  }

  /// Puts rows in; see `OnlineStore`.
  public func write(
    _ rows: [OnlineRow],
    to table: OnlineTable,
    as write: OnlineWrite
  ) async throws -> Int {
    var changed = 0
    for piece in Self.pieces(of: rows) {
      changed += try await self.write(table) { store, lane in
        try store.write(rows[piece], to: table, as: write, lane)
      }
    }
    return changed
  }

  private func write(
    _ rows: ArraySlice<OnlineRow>,
    to table: OnlineTable,
    as write: OnlineWrite,
    _ lane: RedisLane
  ) throws -> Int {
    var kind: OpenWork.Kind?
    var generation = RedisRow.pushed
    switch write {
    case .newest(nil): break
    case .newest(let pass?):
      kind = .addition
      generation = pass
    case .pass(let pass):
      kind = .pass(pass)
      generation = pass
    }
    let item = kind.flatMap { kind in
      open.withLock { open in
        if kind == .addition, open[table, kind] == nil {
          return open.begin(kind, of: table, token: makeToken())
        }
        return open[table, kind]
      }
    }
    var isPass = false
    if case .pass = write { isPass = true }
    var arguments: [[UInt8]] = [
      .word(isPass ? "pass" : "newest"), RedisRow.sortable(generation), item?.token ?? [],
      .word(String(item?.pieces ?? 0)),
    ]
    arguments.reserveCapacity(4 + rows.count * 2)
    for row in rows {
      arguments.append(RedisRow.field(row.key))
      arguments.append(RedisRow.body(of: row))
    }
    let changed = try outcome(try run(.write, table, arguments, lane), table)
    if item != nil, let kind { open.withLock { $0.acknowledge(kind, of: table) } }
    return changed
  }

  /// Ends a pass; see `OnlineStore`.
  public func finish(
    _ state: MaterializationState,
    of table: OnlineTable,
    rest: OnlineRest
  ) async throws -> Int {
    let kind = OpenWork.Kind.pass(state.generation)
    let gone = rest == .goes ? try await sweep(kind, state, table) : 0
    try await settle("finish", kind, state, table)
    open.withLock { $0.endPass(state.generation, of: table) }
    return gone
  }

  private func sweep(
    _ kind: OpenWork.Kind,
    _ state: MaterializationState,
    _ table: OnlineTable
  ) async throws -> Int {
    var pace = SweepPace()
    var cursor: [UInt8] = .word("0")
    var gone = 0
    repeat {
      let from = cursor
      let count = pace.count
      let started = world.clock.uptime()
      let step: (cursor: [UInt8], gone: Int) = try await write(table) { store, lane in
        let arguments =
          store.standing(kind, state, table) + [from, .word(String(count))]
        let reply = try store.run(.sweep, table, arguments, lane)
        guard case .array(let parts) = reply, parts.count == 2, case .bytes(let next) = parts[0],
          case .integer(let gone) = parts[1]
        else {
          _ = try store.outcome(reply, table)
          throw store.unexpected(reply, table)
        }
        return (next, Int(gone))
      }
      cursor = step.cursor
      gone += step.gone
      pace.took(world.clock.uptime() - started)
    } while cursor != .word("0")
    return gone
  }

  /// Says how far an addition went; see `OnlineStore`.
  public func record(_ state: MaterializationState, of table: OnlineTable) async throws {
    try await settle("record", .addition, state, table)
    open.withLock { $0.endAddition(to: table) }
  }

  private func settle(
    _ word: String,
    _ kind: OpenWork.Kind,
    _ state: MaterializationState,
    _ table: OnlineTable
  ) async throws {
    _ = try await write(table) { store, lane in
      let arguments =
        store.standing(kind, state, table) + [.word(word), RedisRow.bytes(of: state)]
      return try store.outcome(try store.run(.settle, table, arguments, lane), table)
    }
  }

  /// Generation, token and pieces, by which the server knows work of ours.
  private func standing(
    _ kind: OpenWork.Kind,
    _ state: MaterializationState,
    _ table: OnlineTable
  ) -> [[UInt8]] {
    let item = open.withLock { $0[table, kind] }
    return [
      RedisRow.sortable(state.generation), item?.token ?? [], .word(String(item?.pieces ?? 0)),
    ]
  }

  // MARK: Steps

  /// The name of a table's hash.
  package func key(of table: OnlineTable) -> [UInt8] {
    RedisRow.key(of: table, project: configuration.project, prefix: configuration.prefix)
  }

  private func makeToken() -> [UInt8] {
    withUnsafeBytes(of: world.random.next()) { Array($0) }
  }

  /// The key of a table may hold what is no hash at all.
  func refusal(_ text: String, _ table: OnlineTable) -> RedisProblem {
    RedisProblem.isOfContents(text) ? damage(table) : .refused(text)
  }

  /// Does one step of a write.
  ///
  /// Those of one table have one connection, so their order is that of their counts in ``OpenWork``.
  func write<Value: Sendable>(
    _ table: OnlineTable,
    _ step: @escaping @Sendable (RedisOnlineStore, RedisLane) throws -> Value
  ) async throws -> Value {
    let time = configuration.writeTimeout
    return try await explaining {
      try await retry.run(in: world) { () -> Result<Value, OnlineStoreError> in
        do {
          return try await pool.run(affinity: table.hashValue, patience: time) { lane in
            .success(try step(self, lane))
          }
        } catch let error as OnlineStoreError {
          // What the server decided stands: only a connection is tried for again.
          return .failure(error)
        }
      }.get()
    }
  }

  func run(
    _ script: RedisScript,
    _ table: OnlineTable,
    _ arguments: [[UInt8]],
    _ lane: RedisLane
  ) throws(RedisProblem) -> RedisReply {
    let reply = try lane.run(
      script,
      on: key(of: table),
      arguments,
      within: configuration.writeTimeout
    )
    if case .error(let text) = reply { throw refusal(text, table) }
    return reply
  }

  /// What a script said, unless it was that it did nothing.
  private func outcome(_ reply: RedisReply, _ table: OnlineTable) throws -> Int {
    switch reply {
    case .integer(-1):
      // Whatever was written before may be lost: a new beginning counts anew.
      open.withLock { $0.endAddition(to: table) }
      throw OnlineStoreError.superseded(store: name, table: table.description)
    case .integer(-2): throw damage(table)
    case .integer(let number) where number >= 0: return Int(number)
    default: throw unexpected(reply, table)
    }
  }

  func explaining<Value>(_ body: () async throws -> Value) async throws -> Value {
    do {
      return try await body()
    } catch let problem as RedisProblem {
      throw failure(problem)
    } catch let problem as BlockingExecutorError {
      throw OnlineStoreError.unavailable(store: name, detail: problem.description)
    }
  }

  func failure(_ problem: RedisProblem) -> OnlineStoreError { problem.failure(of: name) }

  func damage(_ table: OnlineTable) -> RedisProblem {
    .unexpected("the key \(text(table)) holds something that Millrace did not write")
  }

  func unexpected(_ reply: RedisReply, _ table: OnlineTable) -> RedisProblem {
    let kind =
      switch reply {
      case .null: "nothing"
      case .integer: "a number"
      case .bytes: "bytes"
      case .status: "a status"
      case .error: "an error"
      case .array(let parts): "a list of \(parts.count)"
      }
    return .unexpected("\(kind) came for the key \(text(table)), which is not what was asked for")
  }

  private func text(_ table: OnlineTable) -> String {
    String(decoding: key(of: table), as: UTF8.self)
  }

  /// Cuts rows into pieces that are seen whole.
  package static func pieces(of rows: [OnlineRow]) -> [Range<Int>] {
    var pieces: [Range<Int>] = []
    var start = 0
    var bytes = 0
    for (index, row) in rows.enumerated() {
      let size = row.key.count + row.version.id.count + row.payload.count + 64
      if index > start, index - start == rowsPerPiece || bytes + size > bytesPerPiece {
        pieces.append(start..<index)
        start = index
        bytes = 0
      }
      bytes += size
    }
    if start < rows.count { pieces.append(start..<rows.count) }
    return pieces
  }
}

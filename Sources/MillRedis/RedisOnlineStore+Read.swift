// SPDX-License-Identifier: Apache-2.0

internal import MillCore
public import MillFeatures

extension RedisOnlineStore {
  /// The rows of keys; see `OnlineStore`.
  public func read(_ keys: [[UInt8]], of table: OnlineTable) async throws -> [OnlineRow?] {
    let place = key(of: table)
    var rows: [OnlineRow?] = []
    rows.reserveCapacity(keys.count)
    let perRound = Self.rowsPerPiece * Self.readsPerRound
    for start in stride(from: 0, to: keys.count, by: perRound) {
      let round = keys[start..<min(start + perRound, keys.count)]
      var commands = RedisCommands()
      var sizes: [Int] = []
      for first in stride(from: round.startIndex, to: round.endIndex, by: Self.rowsPerPiece) {
        let piece = round[first..<min(first + Self.rowsPerPiece, round.endIndex)]
        commands.begin(words: 2 + piece.count)
        commands.append(word: [UInt8].word("HMGET"))
        commands.append(word: place)
        for key in piece { commands.append(word: RedisRow.field(key)) }
        sizes.append(piece.count)
      }
      var next = start
      for (reply, size) in zip(try await ask(commands, of: [table]), sizes) {
        guard case .array(let values) = reply, values.count == size else {
          throw failure(unexpected(reply, table))
        }
        for value in values {
          switch value {
          case .null: rows.append(nil)
          case .bytes(let bytes):
            guard let row = RedisRow.row(keys[next], bytes) else {
              throw failure(damage(table))
            }
            rows.append(row)
          default: throw failure(unexpected(value, table))
          }
          next += 1
        }
      }
    }
    return rows
  }

  /// How far a view was brought in; see `OnlineStore`.
  public func state(of table: OnlineTable) async throws -> MaterializationState? {
    switch try await field("state", of: [table])[0] {
    case .null: return nil
    case .bytes(let bytes):
      guard let state = RedisRow.state(bytes) else { throw failure(damage(table)) }
      return state
    case let reply: throw failure(unexpected(reply, table))
    }
  }

  /// The pass that was begun last; see `OnlineStore`.
  public func lastPass(of table: OnlineTable) async throws -> Int64 {
    try number(try await field("pass", of: [table])[0], table)
  }

  /// The numbers of changes; see `OnlineStore`.
  public func changes(of tables: [OnlineTable]) async throws -> [Int64] {
    guard !tables.isEmpty else { return [] }
    return try zip(tables, try await field("changes", of: tables)).map { table, reply in
      try number(reply, table)
    }
  }

  /// How many keys there are; see `OnlineStore`.
  public func count(of table: OnlineTable) async throws -> Int {
    Int(try number(try await field("count", of: [table])[0], table))
  }

  /// Some keys, spread over all; see `OnlineStore`.
  ///
  /// All keys are looked through, some hundred at a time.
  public func sample(_ count: Int, of table: OnlineTable) async throws -> [[UInt8]] {
    guard count > 0 else { return [] }
    var spread = KeySpread(count)
    var pace = SweepPace()
    var cursor: [UInt8] = .word("0")
    repeat {
      let arguments: [[UInt8]] = [cursor, .word(String(pace.count))]
      let started = world.clock.uptime()
      let reply = try await write(table) { store, lane in
        try store.run(.keys, table, arguments, lane)
      }
      pace.took(world.clock.uptime() - started)
      guard case .array(let parts) = reply, parts.count == 2, case .bytes(let next) = parts[0],
        case .array(let keys) = parts[1]
      else { throw failure(unexpected(reply, table)) }
      for case .bytes(let key) in keys { spread.add(key) }
      cursor = next
    } while cursor != .word("0")
    return spread.finish()
  }

  private func field(_ name: String, of tables: [OnlineTable]) async throws -> [RedisReply] {
    var commands = RedisCommands()
    for table in tables { commands.append([.word("HGET"), key(of: table), .word(name)]) }
    return try await ask(commands, of: tables)
  }

  private func number(_ reply: RedisReply, _ table: OnlineTable) throws -> Int64 {
    switch reply {
    case .null: return 0
    case .bytes(let bytes):
      guard let number = Int64(String(decoding: bytes, as: UTF8.self)) else {
        throw failure(damage(table))
      }
      return number
    default: throw failure(unexpected(reply, table))
    }
  }

  /// Asks for what may be asked for twice.
  ///
  /// Each command has the time of a read.
  ///
  /// - Parameter tables: What each command is about, or all of them.
  private func ask(
    _ commands: RedisCommands,
    of tables: [OnlineTable]
  ) async throws -> [RedisReply] {
    let time = configuration.readTimeout * commands.count
    return try await explaining {
      try await pool.run(patience: time) { lane in
        let replies = try lane.ask(commands, within: time, isRepeatable: true)
        for (index, reply) in replies.enumerated() {
          guard case .error(let text) = reply else { continue }
          throw self.refusal(text, tables[min(index, tables.count - 1)])
        }
        return replies
      }
    }
  }
}

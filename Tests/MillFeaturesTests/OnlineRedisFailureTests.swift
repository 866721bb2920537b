// SPDX-License-Identifier: Apache-2.0

import Foundation
import MillCore
import MillFeatures
import MillRedis
import MillTesting
import Testing

/// What becomes of calls when the server is gone, slow, or not what was expected.
@Suite("Redis in trouble", .enabled(if: RedisServer.isInstalled))
struct OnlineRedisFailureTests {
  private let table = OnlineTable.sample()
  private let rows = (UInt8(0)..<50).map { OnlineRow.sample([$0], t: Int64($0), $0) }

  private static func store(
    at port: Int,
    password: String? = nil,
    world: World = .system(),
    adjusting adjust: (inout RedisConfiguration) -> Void = { _ in }
  ) -> RedisOnlineStore {
    var configuration = RedisConfiguration(
      endpoint: RedisEndpoint(.tcp(host: "127.0.0.1", port: port)),
      project: "tests"
    )
    adjust(&configuration)
    return RedisOnlineStore(configuration, password: password, in: world)
  }

  // MARK: Gone

  @Test("says where nobody listens, and what to do, in every call")
  func nobody() async throws {
    let port = try RedisServer.freePort()
    let clock = SteppedClock()
    let table = table
    let state = MaterializationState(tables: [:], asOf: .earliest, generation: 1)
    let calls: [(any OnlineStore) async throws -> Void] = [
      { _ = try await $0.begin(table) }, { _ = try await $0.state(of: table) },
      { _ = try await $0.read([[1]], of: table) }, { _ = try await $0.count(of: table) },
      { _ = try await $0.write([.sample([1])], to: table, as: .pass(generation: 1)) },
      { _ = try await $0.finish(state, of: table) }, { try await $0.record(state, of: table) },
      { _ = try await $0.changes(of: [table]) }, { _ = try await $0.sample(3, of: table) },
    ]
    for call in calls {
      let store = Self.store(at: port, world: .virtual(seed: 1, clock: clock))
      let error = await failure { try await call(store) }
      #expect(error?.code == "online.unavailable")
      let text = error?.text ?? ""
      #expect(text.contains("redis://127.0.0.1:\(port)/0"), "\(text)")
      #expect(text.contains("Connection refused"), "\(text)")
      #expect(text.contains("`online.url` in millrace.yaml"), "\(text)")
    }
  }

  @Test("says of a socket that is not there that nobody listens")
  func noSocket() async throws {
    let folder = try TemporaryFolder("redis-socket")
    let endpoint = RedisEndpoint(.unix(path: folder.path("no.sock")))
    let store = RedisOnlineStore(
      RedisConfiguration(endpoint: endpoint, project: "tests"),
      in: .system()
    )
    let table = table
    let error = await failure { _ = try await store.count(of: table) }
    #expect(error?.code == "online.unavailable")
    #expect(error?.text.contains("unix://\(folder.path("no.sock"))") == true)
  }

  @Test("is not asked again for a while after some failures, and then works when it is back")
  func breaker() async throws {
    let port = try RedisServer.freePort()
    let clock = SteppedClock()
    let store = Self.store(at: port, world: .virtual(seed: 1, clock: clock)) {
      $0.failureThreshold = 3
      $0.readTimeout = .seconds(20)
    }
    let table = table
    for _ in 0..<3 {
      let error = await failure { _ = try await store.count(of: table) }
      #expect(error?.text.contains("asked again") == false)
    }
    let server = try RedisServer(port: port)
    clock.advance(by: .milliseconds(499))
    let error = await failure { _ = try await store.count(of: table) }
    #expect(error?.code == "online.unavailable")
    #expect(error?.text.contains("Connection refused") == true)
    #expect(error?.text.contains("it is asked again in 1 ms") == true)
    clock.advance(by: .milliseconds(1))
    #expect(try await store.count(of: table) == 0)
    _ = server
  }

  @Test("fails fast when it is killed amid reads and writes, and works when it is back")
  func goneAndBack() async throws {
    let server = try RedisServer(port: try RedisServer.freePort())
    guard case .tcp(_, let port) = server.endpoint.address else { return }
    let store = Self.store(at: port) {
      $0.readTimeout = .seconds(20)
      $0.coolDown = .zero
    }
    let (table, rows) = (table, rows)
    for round in 0..<3 {
      _ = try await store.write(rows, to: table, as: .newest(generation: nil))
      await withTaskGroup(of: Void.self) { group in
        for caller in 0..<8 {
          group.addTask {
            // Until it is gone; each sees it.
            while true {
              let error = await failure {
                if caller % 2 == 0 {
                  let found = try await store.read(rows.map(\.key), of: table)
                  #expect(found == rows)
                } else {
                  _ = try await store.write(rows, to: table, as: .newest(generation: nil))
                }
              }
              guard let error else { continue }
              #expect(error.code == "online.unavailable", "round \(round): \(error)")
              return
            }
          }
        }
        server.kill()
        await group.waitForAll()
      }
      let error = await failure { _ = try await store.read([[1]], of: table) }
      #expect(error?.code == "online.unavailable")
      #expect(error?.text.contains("Connection refused") == true, "\(error?.text ?? "")")
      try server.start()
      // It kept nothing, and says so: no state, no rows, no error.
      #expect(try await store.count(of: table) == 0)
      #expect(try await store.state(of: table) == nil)
    }
  }

  @Test("writes wait a moment for a server that takes no connection")
  func patience() async throws {
    let port = try RedisServer.freePort()
    let clock = SteppedClock()
    let store = Self.store(at: port, world: .virtual(seed: 3, clock: clock))
    let table = table
    let read = await failure { _ = try await store.count(of: table) }
    #expect(read?.code == "online.unavailable")
    #expect(clock.sleeps.isEmpty, "a read waited")
    let written = await failure { _ = try await store.begin(table) }
    #expect(written?.code == "online.unavailable")
    #expect(clock.sleeps.count == 3)
    #expect(clock.sleeps.reduce(.zero, +) <= .milliseconds(50 + 100 + 200))
  }

  @Test("uses no connection that was closed while nobody used it")
  func closedMeanwhile() async throws {
    let server = try RedisServer(port: try RedisServer.freePort())
    let store = server.store()
    let table = table
    for _ in 0..<3 {
      // No read that could be repeated, but a write.
      _ = try await store.begin(table)
      #expect(try server.ask("CLIENT KILL TYPE normal SKIPME yes") != .integer(0))
    }
    server.kill()
    try server.start()
    #expect(try await store.begin(table) == 1)
  }

  // MARK: Slow

  @Test("waits for a server that never answers as long as it was told, and no longer")
  func silent() async throws {
    let listener = try Listener()
    let store = Self.store(at: listener.port) {
      $0.readTimeout = .milliseconds(60)
      $0.writeTimeout = .milliseconds(90)
      $0.failureThreshold = 100
    }
    let table = table
    let started = ContinuousClock.now
    let read = await failure { _ = try await store.read([[1]], of: table) }
    #expect(ContinuousClock.now - started >= .milliseconds(60))
    #expect(read?.code == "online.busy")
    #expect(read?.text.contains("no answer within 60 ms") == true, "\(read?.text ?? "")")
    let written = await failure { _ = try await store.begin(table) }
    #expect(written?.text.contains("no answer within 90 ms") == true, "\(written?.text ?? "")")
    // With a password it is the greeting that is not answered.
    let greeting = Self.store(at: listener.port, password: "x") {
      $0.connectTimeout = .milliseconds(70)
    }
    let greeted = await failure { _ = try await greeting.count(of: table) }
    #expect(greeted?.text.contains("no answer within 70 ms") == true, "\(greeted?.text ?? "")")
  }

  @Test("calls a server that is at somebody's script busy, and gone when that goes on")
  func script() async throws {
    let server = try RedisServer()
    let store = server.store {
      $0.readTimeout = .milliseconds(50)
      $0.failureThreshold = 3
      $0.coolDown = .seconds(600)
    }
    let patient = server.store()
    let (table, rows) = (table, rows)
    _ = try await patient.write(rows, to: table, as: .newest(generation: nil))
    // For so long it answers nobody, and then may be told to kill the script; long enough for calls to
    // fail one after the other on a busy machine too.
    try server.ask("CONFIG SET lua-time-limit 20000")
    Thread.detachNewThread {
      _ = try? server.ask([.word("EVAL"), .word("while true do end"), .word("0")])
    }
    var codes: [String] = []
    while codes.last != "online.unavailable", codes.count < 1000 {
      if let error = await failure({ _ = try await store.read([[1]], of: table) }) {
        codes.append(error.code)
      }
    }
    #expect(codes.count > 3)
    #expect(Set(codes.dropLast()) == ["online.busy"])
    #expect(codes.last == "online.unavailable")
    var isKilled = false
    for _ in 0..<60 where !isKilled {
      isKilled = (try? server.ask("SCRIPT KILL")) == .status("OK")
    }
    #expect(isKilled)
    #expect(try await patient.read([[1]], of: table) == [rows[1]])
  }

  @Test("refuses callers when all connections are busy for too long")
  func crowd() async throws {
    let listener = try Listener()
    let store = Self.store(at: listener.port) {
      $0.readTimeout = .milliseconds(80)
      $0.connections = 2
      $0.failureThreshold = 10_000
    }
    let table = table
    let texts = await withTaskGroup(of: String.self) { group in
      for _ in 0..<600 {
        group.addTask { await failure { _ = try await store.count(of: table) }?.text ?? "" }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
    #expect(texts.count == 600)
    #expect(texts.contains { $0.contains("no answer within 80 ms") })
    #expect(texts.contains { $0.contains("all 2 connections to it are busy") })
    #expect(texts.allSatisfy { $0.contains("no answer") || $0.contains("are busy") })
  }

  // MARK: Not what was expected

  @Test(
    "tells apart why a server refuses",
    arguments: [
      ("-LOADING Redis is loading the dataset in memory\r\n", "still reading its data"),
      ("-READONLY You can't write against a read only replica.\r\n", "address of the primary"),
      ("-OOM command not allowed when used memory > 'maxmemory'.\r\n", "raise it"),
      ("-NOAUTH Authentication required.\r\n", "`online.password_env`"),
      ("-WRONGPASS invalid username-password pair\r\n", "does not take the user and the password"),
      ("-MOVED 3999 127.0.0.1:6381\r\n", "Redis Cluster (MOVED), which is not supported"),
      ("-CLUSTERDOWN Hash slot not served\r\n", "Redis Cluster"),
      ("-MISCONF Redis is configured to save RDB snapshots\r\n", "cannot save its data"),
      ("-NOPERM this user has no permissions to run the 'hget' command\r\n", "access list forbids"),
      ("-BUSY Redis is busy running a script.\r\n", "SCRIPT KILL"),
      ("-MASTERDOWN Link with MASTER is down\r\n", "lost its primary"),
      (
        "-ERR Error running script (call to f_abc): @user_script:1: OOM command not allowed\r\n",
        "raise it"
      ),
      ("-ERR something new\r\n", "it answered ERR something new"),
      ("-ERR unknown command `HGET`, with args beginning with: `secret`\r\n", "command `HGET`"),
      ("HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak the protocol of Redis"),
    ]
  )
  func refusals(answer: String, expected: String) async throws {
    let listener = try Listener(answering: answer)
    let store = Self.store(at: listener.port) { $0.readTimeout = .seconds(20) }
    let table = table
    let error = await failure { _ = try await store.count(of: table) }
    let code =
      answer.contains("OOM ") ? "full" : answer.hasPrefix("-BUSY") ? "busy" : "unavailable"
    #expect(error?.code == "online.\(code)", "\(error?.text ?? "")")
    #expect(error?.text.contains(expected) == true, "\(error?.text ?? "")")
    #expect(error?.text.contains("secret") == false)
  }

  @Test(
    "says of answers to another question that the store is damaged",
    arguments: [":5\r\n", "+OK\r\n", "*1\r\n:1\r\n", "$3\r\nabc\r\n", "$1\r\n-\r\n"]
  )
  func otherAnswers(answer: String) async throws {
    let listener = try Listener(answering: answer)
    let store = Self.store(at: listener.port) { $0.readTimeout = .seconds(20) }
    let table = table
    let error = await failure { _ = try await store.count(of: table) }
    #expect(error?.code == "online.damaged", "\(error?.text ?? "")")
    #expect(error?.text.contains("millrace:tests:spend_latest_aaaaaaaaaaaa") == true)
    let state = await failure { _ = try await store.state(of: table) }
    #expect(state?.code == "online.damaged")
    let rows = await failure { _ = try await store.read([[1]], of: table) }
    #expect(rows?.code == "online.damaged")
  }

  @Test(
    "says of what somebody else put under its key that the store is damaged",
    arguments: [
      "SET KEY 5", "LPUSH KEY a", "HSET KEY r\u{1} x count 1 state y changes z pass w",
    ]
  )
  func strangers(command: String) async throws {
    let server = try RedisServer()
    let store = server.store()
    let (table, rows) = (table, rows)
    let key = String(decoding: store.key(of: table), as: UTF8.self)
    let words = command.split(separator: " ").map { $0 == "KEY" ? key : String($0) }
    try server.ask(words.map { Array($0.utf8) })
    let state = MaterializationState(tables: [:], asOf: .earliest, generation: 1)
    for error in [
      await failure { _ = try await store.read([[1]], of: table) },
      await failure { _ = try await store.state(of: table) },
      await failure { _ = try await store.changes(of: [table]) },
      await failure { _ = try await store.begin(table) },
      await failure { _ = try await store.write(rows, to: table, as: .pass(generation: 1)) },
      await failure { _ = try await store.finish(state, of: table) },
      await failure { try await store.record(state, of: table) },
    ] {
      #expect(error?.code == "online.damaged", "\(error?.text ?? "no error")")
      #expect(error?.text.contains(key) == true, "\(error?.text ?? "")")
    }
    try server.ask("UNLINK \(key)")
    #expect(try await store.write(rows, to: table, as: .pass(generation: 1)) == rows.count)
  }

  @Test("finds rows that are cut or of another format")
  func noise() async throws {
    let server = try RedisServer()
    let store = server.store()
    let (table, rows) = (table, rows)
    _ = try await store.write(rows, to: table, as: .newest(generation: nil))
    let key = store.key(of: table)
    let field: [UInt8] = [0x72, 1]
    guard case .bytes(let whole) = try server.ask([.word("HGET"), key, field]) else { return }
    #expect(whole.count == 30)
    for count in 0..<29 {
      try server.ask([.word("HSET"), key, field, Array(whole.prefix(count))])
      let read = await failure { _ = try await store.read([[0], [1]], of: table) }
      #expect(read?.code == "online.damaged", "cut to \(count)")
      let written = await failure {
        _ = try await store.write(rows, to: table, as: .newest(generation: nil))
      }
      #expect(written?.code == "online.damaged", "cut to \(count)")
    }
    var later = whole
    later[0] = 2
    try server.ask([.word("HSET"), key, field, later])
    let read = await failure { _ = try await store.read([[1]], of: table) }
    #expect(read?.code == "online.damaged")
    #expect(try await store.read([[0]], of: table) == [rows[0]])
  }

  @Test("leaves all as it was when the memory of the server is used up")
  func fullMemory() async throws {
    let server = try RedisServer()
    let store = server.store()
    let (table, rows) = (table, rows)
    _ = try await store.write(rows, to: table, as: .pass(generation: 1))
    try server.ask("CONFIG SET maxmemory 1")
    let newer = rows.map { row in
      var row = row
      row.version.time = row.version.time + .seconds(1)
      return row
    }
    let error = await failure {
      _ = try await store.write(newer, to: table, as: .pass(generation: 2))
    }
    #expect(error?.code == "online.full")
    #expect(error?.text.contains("`maxmemory` is used up (OOM)") == true, "\(error?.text ?? "")")
    #expect(try await store.read(rows.map(\.key), of: table) == rows)
    try server.ask("CONFIG SET maxmemory 0")
    #expect(try await store.write(newer, to: table, as: .pass(generation: 2)) == rows.count)
  }

  @Test("tells a replica from a primary")
  func replica() async throws {
    let server = try RedisServer()
    let store = server.store()
    let (table, rows) = (table, rows)
    _ = try await store.write(rows, to: table, as: .newest(generation: nil))
    try server.ask("REPLICAOF 127.0.0.1 1")
    let error = await failure {
      _ = try await store.write([.sample([1], t: 900)], to: table, as: .newest(generation: nil))
    }
    #expect(error?.text.contains("(READONLY)") == true, "\(error?.text ?? "")")
    #expect(try await store.read([[1]], of: table) == [rows[1]])
  }

  // MARK: Passwords

  @Test("never shows a password, right or wrong")
  func passwords() async throws {
    let secret = "s3cret-\(UInt64.random(in: 0...UInt64.max))"
    let server = try RedisServer(password: secret)
    let table = table
    #expect(try await server.store().count(of: table) == 0)
    func text(_ password: String?, _ username: String? = nil) async -> String {
      var configuration = RedisConfiguration(endpoint: server.endpoint, project: "tests")
      configuration.endpoint.username = username
      configuration.readTimeout = .seconds(20)
      let store = RedisOnlineStore(configuration, password: password, in: .system())
      return await failure { _ = try await store.count(of: table) }?.text ?? ""
    }
    #expect(await text(nil).contains("(NOAUTH)"))
    #expect(await text("wrong-\(secret)").contains("(WRONGPASS)"))
    #expect(await text(secret, "nobody").contains("(WRONGPASS)"))
    #expect(await text(secret, "default").isEmpty)
    for password in ["wrong-\(secret)", ""] {
      #expect(await !text(password).contains(secret))
    }
    // A server without AUTH repeats what it was told.
    let listener = try Listener(answering: "-ERR unknown command `AUTH`: `\(secret)`\r\n")
    let store = Self.store(at: listener.port, password: secret)
    let error = await failure { _ = try await store.count(of: table) }
    #expect(error?.text.contains("unknown command `AUTH`") == true)
    #expect(error?.text.contains(secret) == false)
    // Nor does a server that wants none hear it in an error.
    let open = try RedisServer()
    let needless = RedisOnlineStore(
      RedisConfiguration(endpoint: open.endpoint, project: "tests", readTimeout: .seconds(20)),
      password: secret,
      in: .system()
    )
    let refused = await failure { _ = try await needless.count(of: table) }
    #expect(refused?.code == "online.unavailable")
    #expect(refused?.text.contains(secret) == false)
  }

  @Test("needs no more of an access list than the manual says")
  func accessList() async throws {
    let server = try RedisServer()
    let writer =
      "+hget +hmget +hset +hdel +hscan +hincrby +time +eval +evalsha +script|load +select"
    try server.ask("ACL SETUSER writer on >w ~millrace:* \(writer)")
    try server.ask("ACL SETUSER reader on >r ~millrace:* +hget +hmget +select")
    func store(_ user: String, _ password: String) -> RedisOnlineStore {
      var configuration = RedisConfiguration(endpoint: server.endpoint, project: "tests")
      configuration.endpoint.username = user
      configuration.endpoint.database = 1
      configuration.readTimeout = .seconds(20)
      return RedisOnlineStore(configuration, password: password, in: .system())
    }
    let (table, rows) = (table, rows)
    let writing = store("writer", "w")
    let pass = try await writing.begin(table)
    _ = try await writing.write(rows, to: table, as: .pass(generation: pass))
    let state = MaterializationState(tables: [:], asOf: .earliest, generation: pass)
    _ = try await writing.finish(state, of: table)
    try await writing.record(state, of: table)
    let next = try await writing.begin(table)
    let last = MaterializationState(tables: [:], asOf: .earliest, generation: next)
    _ = try await writing.write(Array(rows.prefix(5)), to: table, as: .pass(generation: next))
    #expect(try await writing.finish(last, of: table) == 45)
    #expect(try await writing.sample(9, of: table).count == 5)
    let reading = store("reader", "r")
    #expect(try await reading.read([[1]], of: table) == [rows[1]])
    #expect(try await reading.state(of: table) == last)
    #expect(try await reading.count(of: table) == 5)
    #expect(try await reading.changes(of: [table])[0] > 0)
    let error = await failure { _ = try await reading.begin(table) }
    #expect(error?.code == "online.unavailable")
    #expect(error?.text.contains("access list forbids") == true, "\(error?.text ?? "")")
    let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("docs/operate/online-stores.md")
    let manual = try String(contentsOf: page, encoding: .utf8)
      .split(whereSeparator: \.isWhitespace).joined(separator: " ")
    #expect(manual.contains(writer) && manual.contains("`+hget +hmget +select`"))
  }

  // MARK: URLs

  @Test(
    "reads where a server listens",
    arguments: [
      ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0", nil),
      ("redis://cache.example", "redis://cache.example:6379/0", nil),
      ("redis://cache.example/", "redis://cache.example:6379/0", nil),
      ("valkey://app@cache:7000/3", "redis://cache:7000/3", "app"),
      ("redis://[::1]:7000/2", "redis://[::1]:7000/2", nil),
      ("redis://[::1]", "redis://[::1]:6379/0", nil),
      ("unix:///run/redis.sock", "unix:///run/redis.sock", nil),
      ("unix:///run/redis.sock?db=4", "unix:///run/redis.sock?db=4", nil),
    ] as [(String, String, String?)]
  )
  func urls(url: String, expected: String, username: String?) throws {
    let endpoint = try RedisEndpoint(url: url)
    #expect(endpoint.description == expected)
    #expect(endpoint.username == username)
    var again = try RedisEndpoint(url: endpoint.description)
    again.username = username
    #expect(again == endpoint)
  }

  @Test(
    "says what is wrong with a URL",
    arguments: [
      ("127.0.0.1:6379", .scheme), ("http://a", .scheme), ("", .scheme), ("rediss://a", .tls),
      ("redis://", .host), ("redis:///0", .host), ("redis://a b", .host),
      ("redis://:pw@a", .password), ("redis://u:pw@a:1/0", .password),
      ("redis://a:b@c@d", .password), ("redis://a:b/c@d", .password), ("redis://a/b@d", .host),
      ("redis://a:0", .port("0")),
      ("redis://a:70000", .port("70000")),
      ("redis://a:", .port("")), ("redis://a/x", .database("x")), ("redis://a/-1", .database("-1")),
      ("redis://a/+1", .database("+1")), ("redis://a/1/2", .database("1/2")),
      ("unix://run/a", .path), ("unix:///", .path),
      ("unix:///" + String(repeating: "a", count: 120), .path), ("unix:///a?x=1", .database("x=1")),
    ] as [(String, RedisURLError)]
  )
  func badURLs(url: String, expected: RedisURLError) {
    #expect(throws: expected) { try RedisEndpoint(url: url) }
  }
}

// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillDuckDB
import Testing

@Suite("Stopping statements", .serialized, .timeLimit(.minutes(10)))
struct BindingInterruptTests {
  /// Five seconds, or more where other work slows everything down: as long as ten tasks take that wait
  /// for a statement of a fifth of a second.
  private func soon() async throws -> Duration {
    let session = try DuckDBSession(database: Database())
    let began = ContinuousClock.now
    let probe = Task { try await session.rows("SELECT sum(hash(i)) FROM range(20000000) r(i)") }
    _ = try await probe.value
    return max(.seconds(5), began.duration(to: .now) * 10)
  }

  @Test("an interrupt from another task ends an endless statement, and the next one runs")
  func interrupt() async throws {
    let session = try DuckDBSession(database: Database())
    try await session.withConnection { (connection) throws(DuckDBError) in
      try connection.trackProgress()
    }
    let running = Task { await failure(of: endlessQuery, on: session) }
    while session.progress == nil { await Task.yield() }
    let asked = ContinuousClock.now
    session.interrupt()
    let error = await running.value
    let latency = ContinuousClock.now - asked
    #expect(error?.kind == .interrupted)
    #expect(error?.errorClass == .cancelled)
    let bound = try await soon()
    #expect(latency < bound)
    #expect(try await session.rows("SELECT 1") == [[.int(1)]])
  }

  @Test("cancelling a task stops its statement whenever the cancel comes", arguments: 0..<40)
  func cancel(turns: Int) async throws {
    let session = try DuckDBSession(database: Database())
    let running = Task { await failure(of: "SELECT 1; SELECT 2; \(endlessQuery)", on: session) }
    for _ in 0..<turns * turns { await Task.yield() }
    running.cancel()
    #expect(await running.value?.kind == .interrupted)
  }

  @Test("cancelling a waiting task leaves the running statement alone")
  func cancelWaiting() async throws {
    let session = try DuckDBSession(database: Database())
    let sql = "SELECT count(*) FROM range(30000000) r(i) WHERE hash(i) % 3 = 1"
    async let first = session.rows(sql)
    let second = Task { await failure(of: endlessQuery, on: session) }
    second.cancel()
    #expect(try await first.count == 1)
    #expect(await second.value?.kind == .interrupted)
  }

  @Test("a deadline ends a statement and says that it was the deadline")
  func deadline() async throws {
    let connection = try openConnection()
    let start = ContinuousClock.now
    let error = #expect(throws: DuckDBError.self) {
      try connection.execute("SELECT 1; \(endlessQuery)", deadline: start + .milliseconds(100))
    }
    let latency = ContinuousClock.now - start
    #expect(error?.kind == .deadlineExceeded)
    let bound = try await soon()
    #expect(latency < bound)
    let rows = try connection.query("SELECT 1", deadline: .now + .seconds(60)).rows()
    #expect(rows == [[.int(1)]])
  }

  @Test("a deadline that is past runs nothing")
  func pastDeadline() throws {
    let connection = try openConnection()
    let error = #expect(throws: DuckDBError.self) {
      try connection.execute("CREATE TABLE t (i INTEGER)", deadline: .now - .seconds(1))
    }
    #expect(error?.kind == .deadlineExceeded)
    #expect(throws: DuckDBError.self) { _ = try connection.query("FROM t") }
  }

  @Test("a deadline ends a stream as well")
  func streamDeadline() throws {
    let connection = try openConnection()
    var result = try connection.query(
      "SELECT a.range FROM range(100000000) a, range(1000000) b",
      delivery: .streaming,
      deadline: .now + .milliseconds(200)
    )
    var kind: DuckDBError.Kind?
    do throws(DuckDBError) {
      while try result.nextChunk() != nil {}
    } catch {
      kind = error.kind
    }
    #expect(kind == .deadlineExceeded)
  }

  @Test("an idle connection is not disturbed, and a closed one does no harm")
  func idle() throws {
    let interrupter: Interrupter
    do {
      let connection = try openConnection()
      interrupter = connection.interrupter
      interrupter.interrupt()
      let rows = try connection.query("SELECT 1").rows()
      #expect(rows == [[.int(1)]])
    }
    interrupter.interrupt()
    #expect(interrupter.progress == nil)
  }

  @Test("a result outlives its connection and its database")
  func outliving() throws {
    func make() throws -> QueryResult {
      try openConnection().query("SELECT i FROM range(5000) r(i)")
    }
    #expect(try make().rows().count == 5000)
  }
}

private func failure(of sql: String, on session: DuckDBSession) async -> DuckDBError? {
  do throws(DuckDBError) {
    try await session.execute(sql)
    return nil
  } catch {
    return error
  }
}

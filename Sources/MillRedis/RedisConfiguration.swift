// SPDX-License-Identifier: Apache-2.0

/// Where an online store on Redis is, and how long it is waited for.
public struct RedisConfiguration: Hashable, Sendable {
  /// The server.
  public var endpoint: RedisEndpoint
  /// What the names of all keys begin with.
  public var prefix: String
  /// The project, which is in the name of each key.
  public var project: String
  /// How long a connection may take to be there.
  public var connectTimeout: Duration
  /// How long a read of up to 500 keys may take; a larger one may take as much for each 500.
  public var readTimeout: Duration
  /// How long one step of a write may take, of which a large write has many.
  public var writeTimeout: Duration
  /// How many connections there are at most, each with a thread.
  public var connections: Int
  /// How many failures in a row keep callers away from the server.
  public var failureThreshold: Int
  /// For how long they are kept away.
  public var coolDown: Duration

  /// A store with the usual bounds: 1 s to connect, 250 ms for a read, 5 s for a step of a write, and
  /// half a second of quiet after 5 failures in a row.
  public init(
    endpoint: RedisEndpoint,
    project: String,
    prefix: String = "millrace",
    connectTimeout: Duration = .seconds(1),
    readTimeout: Duration = .milliseconds(250),
    writeTimeout: Duration = .seconds(5),
    connections: Int = 4,
    failureThreshold: Int = 5,
    coolDown: Duration = .milliseconds(500)
  ) {
    precondition((1...256).contains(connections), "a store has 1 to 256 connections")
    self.endpoint = endpoint
    self.project = project
    self.prefix = prefix
    self.connectTimeout = connectTimeout
    self.readTimeout = readTimeout
    self.writeTimeout = writeTimeout
    self.connections = connections
    self.failureThreshold = failureThreshold
    self.coolDown = coolDown
  }
}

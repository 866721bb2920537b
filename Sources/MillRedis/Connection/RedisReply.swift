// SPDX-License-Identifier: Apache-2.0

internal import CRedis

/// What a server answered to one command.
package enum RedisReply: Hashable, Sendable {
  case null
  case integer(Int64)
  case bytes([UInt8])
  case status(String)
  /// The code is the first word.
  case error(String)
  case array([RedisReply])

  /// Copies what the library parsed; it nests 7 deep at most.
  ///
  /// - Returns: nil for a kind that RESP 2 does not have.
  init?(copying reply: UnsafePointer<redisReply>) {
    func text() -> [UInt8] {
      guard let start = reply.pointee.str else { return [] }
      return Array(UnsafeRawBufferPointer(start: start, count: reply.pointee.len))
    }
    switch reply.pointee.type {
    case REDIS_REPLY_STRING: self = .bytes(text())
    case REDIS_REPLY_STATUS: self = .status(String(decoding: text(), as: UTF8.self))
    case REDIS_REPLY_ERROR: self = .error(String(decoding: text(), as: UTF8.self))
    case REDIS_REPLY_INTEGER: self = .integer(Int64(reply.pointee.integer))
    case REDIS_REPLY_NIL: self = .null
    case REDIS_REPLY_ARRAY:
      var parts: [RedisReply] = []
      parts.reserveCapacity(reply.pointee.elements)
      for index in 0..<reply.pointee.elements {
        guard let part = reply.pointee.element[index], let copy = RedisReply(copying: part) else {
          return nil
        }
        parts.append(copy)
      }
      self = .array(parts)
    default: return nil
    }
  }
}

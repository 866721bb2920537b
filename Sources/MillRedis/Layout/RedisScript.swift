// SPDX-License-Identifier: Apache-2.0

/// What is decided within the server, so that nobody comes between a look and a change.
///
/// Each script touches one key, the hash of a table. It decides first and changes after, so an error
/// leaves all as it was. Numbers of 64 bits are compared as 8 bytes with the sign turned over, since a
/// number of Lua is a double; bytes are compared one by one, since `<` on texts follows the locale.
///
/// -1 as an answer means that somebody else was first, or that the server lost what was written
/// before; -2 that a field holds what Millrace did not write.
enum RedisScript: String, CaseIterable, Sendable {
  case begin
  case write
  case sweep
  case settle
  case keys

  /// The Lua text.
  var text: String { Self.common + body }

  private static let common = """
    local key = KEYS[1]
    local function precedes(a, b)
      local shared = math.min(#a, #b)
      for i = 1, shared do
        local x, y = string.byte(a, i), string.byte(b, i)
        if x ~= y then return x < y end
      end
      return #a < #b
    end
    -- Open work: 8 bytes of token, 8 of generation, 4 that count its pieces.
    local function find(open, token)
      for i = 1, #open, 20 do
        if string.sub(open, i, i + 7) == token then return i end
      end
    end
    local function note()
      local time = redis.call('TIME')
      local now = time[1] * 1000000 + time[2]
      local last = tonumber(redis.call('HGET', key, 'changes') or '0') or 0
      if now <= last then now = last + 1 end
      redis.call('HSET', key, 'changes', string.format('%.0f', now))
    end

    """

  private var body: String {
    switch self {
    case .begin: Self.beginText
    case .write: Self.writeText
    case .sweep: Self.sweepText
    case .settle: Self.settleText
    case .keys: Self.keysText
    }
  }

  /// Arguments: token.
  private static let beginText = """
    local number = redis.call('HINCRBY', key, 'pass', 1)
    local high = math.floor(number / 4294967296)
    local generation = struct.pack('>I4>I4', 2147483648 + high, number - high * 4294967296)
    local open = redis.call('HGET', key, 'open') or ''
    open = open .. ARGV[1] .. generation .. struct.pack('>I4', 0)
    redis.call('HSET', key, 'open', string.sub(open, -1280))
    return number
    """

  /// Arguments: pass or newest, generation, token or nothing, pieces before, then field and body of
  /// each row.
  private static let writeText = """
    local pass, generation, token = ARGV[1] == 'pass', ARGV[2], ARGV[3]
    local ofSource = string.byte(generation) >= 128
    local open
    if token ~= '' then
      open = redis.call('HGET', key, 'open') or ''
      local before = tonumber(ARGV[4])
      local at = find(open, token)
      if not at then
        if pass or before > 0 then return -1 end
        open = open .. token .. generation .. struct.pack('>I4', 0)
        at = #open - 19
      end
      local done = struct.unpack('>I4', open, at + 16)
      if done ~= before and done ~= before + 1 then return -1 end
      open = string.sub(open, 1, at + 15) .. struct.pack('>I4', before + 1)
        .. string.sub(open, at + 20)
    end
    local fields = {}
    for i = 5, #ARGV, 2 do fields[#fields + 1] = ARGV[i] end
    local found = redis.call('HMGET', key, unpack(fields))
    local held, dirty, order = {}, {}, {}
    for i = 1, #fields do held[fields[i]] = found[i] end
    local changed, added = 0, 0
    for i = 1, #fields do
      local field, body, old = fields[i], ARGV[4 + 2 * i], held[fields[i]]
      local value
      if not old then
        value = '\\1' .. generation .. body
        changed, added = changed + 1, added + 1
      else
        if #old < 29 or string.byte(old) ~= 1 then return -2 end
        local length = struct.unpack('>I4', old, 10)
        if #old < 13 + length then return -2 end
        local before = string.sub(old, 2, 9)
        local mine = string.byte(before) >= 128
        local greatest = generation
        if ofSource and precedes(generation, before) then greatest = before end
        if ofSource and mine and string.sub(old, 10) == body then
          if greatest ~= before then value = '\\1' .. greatest .. body end
        else
          local wins
          if pass and mine then
            wins = not precedes(generation, before)
          else
            wins = precedes(string.sub(old, 14, 13 + length),
              string.sub(body, 5, 4 + struct.unpack('>I4', body)))
          end
          if wins then
            value = '\\1' .. greatest .. body
            changed = changed + 1
          end
        end
      end
      if value then
        held[field] = value
        if not dirty[field] then
          dirty[field] = true
          order[#order + 1] = field
        end
      end
    end
    if #order > 0 then
      local pairs = {}
      for i = 1, #order do
        pairs[2 * i - 1], pairs[2 * i] = order[i], held[order[i]]
      end
      redis.call('HSET', key, unpack(pairs))
    end
    if added > 0 then redis.call('HINCRBY', key, 'count', added) end
    if open then redis.call('HSET', key, 'open', string.sub(open, -1280)) end
    if changed > 0 then note() end
    return changed
    """

  /// Whether a piece of work may go on: arguments generation, token or nothing, pieces before.
  private static let guardText = """
    local state = redis.call('HGET', key, 'state')
    if state and #state < 25 then return -2 end
    local last = state and string.sub(state, 2, 9)
    local open = redis.call('HGET', key, 'open') or ''
    local at
    if ARGV[2] ~= '' then
      at = find(open, ARGV[2])
      if not at then return -1 end
      local done = struct.unpack('>I4', open, at + 16)
      local before = tonumber(ARGV[3])
      if done ~= before and done ~= before + 1 then return -1 end
    end

    """

  /// More arguments: cursor, how many fields to look at.
  private static let sweepText =
    guardText + """
      if last and precedes(ARGV[1], last) then return -1 end
      local found = redis.call('HSCAN', key, ARGV[4], 'COUNT', ARGV[5])
      local gone, batch = 0, {}
      local function remove()
        if #batch == 0 then return end
        gone = gone + redis.call('HDEL', key, unpack(batch))
        batch = {}
      end
      for i = 1, #found[2], 2 do
        local field, value = found[2][i], found[2][i + 1]
        if string.byte(field) == 114 and string.byte(value, 2) and string.byte(value, 2) >= 128
          and precedes(string.sub(value, 2, 9), ARGV[1]) then
          batch[#batch + 1] = field
          if #batch == 1000 then remove() end
        end
      end
      remove()
      if gone > 0 then
        redis.call('HINCRBY', key, 'count', -gone)
        note()
      end
      return {found[1], gone}
      """

  /// More arguments: finish or record, the state.
  private static let settleText =
    guardText + """
      local kept = {}
      if ARGV[4] == 'finish' then
        if last and precedes(ARGV[1], last) then return -1 end
      elseif last ~= ARGV[1] then
        return -1
      end
      for i = 1, #open, 20 do
        local over = i == at
        if ARGV[4] == 'finish' then
          over = over or not precedes(ARGV[1], string.sub(open, i + 8, i + 15))
        end
        if not over then kept[#kept + 1] = string.sub(open, i, i + 19) end
      end
      redis.call('HSET', key, 'state', ARGV[5])
      if #kept > 0 then
        redis.call('HSET', key, 'open', table.concat(kept))
      elseif #open > 0 then
        redis.call('HDEL', key, 'open')
      end
      note()
      return 1
      """

  /// Arguments: cursor, how many fields to look at; the values stay where they are.
  private static let keysText = """
    local found = redis.call('HSCAN', key, ARGV[1], 'COUNT', ARGV[2])
    local keys = {}
    for i = 1, #found[2], 2 do
      local field = found[2][i]
      if string.byte(field) == 114 then keys[#keys + 1] = string.sub(field, 2) end
    end
    return {found[1], keys}
    """
}

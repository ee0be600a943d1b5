#!lua flags=allow-oom
--[[
  Reads a session for a request, which keeps it alive and shows that its client keeps ids; or only keeps it alive.

  Input:
    KEYS[1]  the session
    ARGV[1]  stamp of the copy the caller holds, or '' to get the whole session
    ARGV[2]  touchAfterMs, or '' to change nothing
    ARGV[3]  most bytes to answer with
    ARGV[4]  'load', or 'touch': keep alive, without the client having joined, and answer like 'unchanged' whatever the stamp

  Output, one text, since a client spends on each element of an array what it spends on a short text:
    0    0 1                                                     none; none, because it goes on under another key
    1 created used joined expires changed                        unchanged
    2 created used joined expires changed life stamp #field #value ... LF field value ...   found; life as it is stored
    3 bytes                                                      larger than allowed
    4                                                            not a session that this package wrote, or a damaged one

  #field and #value are bytes; the fields are those of the parts.

  `used` and `joined` are from before the call; `changed` is '1' when something was written. Runs when Redis is out of memory, too: reading and keeping alive must go on.
  Without the shebang it would run on a replica as long as it writes nothing, and answer with an old session.
]]
local key, known, touchAfterMs, maxBytes, mode = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]

local head = redis.pcall('HMGET', key, 'stamp', 'life', 'use')
-- WRONGTYPE is the only way in which it fails.
if head.err then return '4' end
local stamp, life, use = unpack(head)
if not stamp then
  -- An ended session leaves a mark; anything else under this key is not ours.
  local ended, renewed = unpack(redis.call('HMGET', key, 'ended', 'renewed'))
  if ended and renewed then return '0 1' end
  if ended or redis.call('EXISTS', key) == 0 then return '0' end
  return '4'
end
local created, idle, absolute, unjoined = string.match(life or '', '^(%d+) (%d+) (%d+) (%d+)$')
local used, joined = string.match(use or '', '^(%d+) ([01])$')
if not created or not used then return '4' end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function expiry(usedAt, isJoined)
  local wait = isJoined and tonumber(idle) or math.min(idle, unjoined)
  return math.min(usedAt + wait, created + absolute)
end

local expires = expiry(tonumber(used), joined == '1')
if expires <= now then
  redis.call('DEL', key)
  return '0'
end

local answer, parts = { 1, created, used, joined }, nil
if mode == 'load' and known ~= stamp then
  answer = { 2, created, used, joined, '', '', life, stamp }
  parts = {}
  local bytes, all = 0, redis.call('HGETALL', key)
  for i = 1, #all, 2 do
    local field, value = all[i], all[i + 1]
    bytes = bytes + #field + #value
    if string.sub(field, 1, 1) == ':' then
      answer[#answer + 1], answer[#answer + 2] = #field, #value
      parts[#parts + 1], parts[#parts + 2] = field, value
    end
  end
  if bytes > maxBytes then return '3 ' .. bytes end
end

local joins = mode == 'load' and joined == '0'
local touches = touchAfterMs ~= '' and (joins or now - used >= tonumber(touchAfterMs))
if touches then
  local hasJoined = joins or joined == '1'
  expires = expiry(now, hasJoined)
  redis.call('HSET', key, 'use', string.format('%.0f ', now) .. (hasJoined and '1' or '0'))
  redis.call('PEXPIREAT', key, string.format('%.0f', expires))
  -- CLIENT TRACKING follows a key that a script reads last.
  redis.call('HGET', key, 'stamp')
end
answer[5], answer[6] = string.format('%.0f', expires), touches and '1' or '0'
local line = table.concat(answer, ' ')
return parts and line .. '\n' .. table.concat(parts) or line

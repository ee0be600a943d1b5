#!lua flags=allow-oom
--[[
  Reads a session for a request, which keeps the session alive and shows that its client sends the id back. Or only
  keeps it alive. The functions of record.lua stand before this.

  Input:
    KEYS[1]  the session
    ARGV[1]  stamp of the copy that the caller holds, or '' to get the whole session
    ARGV[2]  touchAfterMs: the session is kept alive if it was used longer ago, or has not joined; '' to change nothing
    ARGV[3]  most bytes to answer with
    ARGV[4]  'load'; or 'touch': keep alive, do not join, and answer with code 1 whatever the stamp

  Output, one text: a client spends as much on each element of an array as on a short text.
    0                                          there is no session
    0 1                                        there is none, because it goes on under another key
    1 created used joined expires changed      unchanged: the caller's copy is the newest
    2 created used joined expires changed life stamp #field #value ... LF field value ...    the whole session
    3 bytes                                    the session is larger than allowed
    4                                          damaged, or not written by this package

  `life` is four words, as it is stored. #field and #value are lengths in bytes; the fields are those of the parts.
  `used` and `joined` are from before the call, `expires` from after it; `changed` is 1 if this call wrote, else 0.

  Runs when Redis is out of memory, too: reading and keeping alive must go on. Without the first line it would run on a
  replica as long as it does not write, and answer with an old session.
]]
local key, known, touchAfterMs, maxBytes, mode = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]

local head = redis.pcall('HMGET', key, 'stamp', 'life', 'use')
-- HMGET fails only with WRONGTYPE.
if head.err then return '4' end
local stamp, life, use = unpack(head)
if not stamp then
  -- An ended session leaves a mark; anything else under this key is not ours.
  local ended, renewed = unpack(redis.call('HMGET', key, 'ended', 'renewed'))
  if ended and renewed then return '0 1' end
  if ended or redis.call('EXISTS', key) == 0 then return '0' end
  return '4'
end
if not readTimes(life, use) then return '4' end

local now = serverTime()
local expires = expiry()
if expires <= now then
  redis.call('DEL', key)
  return '0'
end

local before = created .. ' ' .. used .. ' ' .. joined
local joins = mode == 'load' and joined == '0'
local touches = touchAfterMs ~= '' and (joins or now - used >= tonumber(touchAfterMs))
if touches then
  used = text(now)
  if joins then joined = '1' end
  expires = expiry()
end

local times = before .. ' ' .. text(expires) .. (touches and ' 1' or ' 0')
local answer, isTooLarge
if mode == 'load' and known ~= stamp then
  answer, isTooLarge = record(key, times, life, stamp, maxBytes)
  if isTooLarge then return answer end
else
  answer = '1 ' .. times
end

if touches then
  redis.call('HSET', key, 'use', used .. ' ' .. joined)
  redis.call('PEXPIREAT', key, text(expires))
  -- CLIENT TRACKING follows a key only if the script reads it after the last write.
  redis.call('HGET', key, 'stamp')
end
return answer

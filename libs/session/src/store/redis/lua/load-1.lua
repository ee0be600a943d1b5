#!lua flags=allow-oom
--[[
  Reads a session for a request, which keeps the session alive and shows that its client sends the id back. Or only
  keeps it alive. The functions of access.lua and record.lua stand before this.

  Input:
    KEYS[1]  the session
    ARGV[1]  access: a proof; or '#' and the number of logins
    ARGV[2]  stamp of the copy that the caller holds, or '' to get the whole session
    ARGV[3]  touchAfterMs: the session is kept alive if it was used longer ago, or if its client has not confirmed its
             id before; '' to change nothing
    ARGV[4]  most bytes to answer with
    ARGV[5]  'load'; or 'touch': keep alive, confirm nothing, and answer with code 1 whatever the stamp

  Output, one text: a client spends as much on each element of an array as on a short text.
    0                                       there is no such session, or not for this access
    1 changed expires authenticated times   unchanged: the caller's copy is the newest
    2 changed expires LF fields             the whole session
    3 bytes                                 the session is larger than allowed
    4                                       damaged, or not written by this package
    6                                       the access is that of a former id
    7 format                                a newer release wrote it

  `changed` is 1 if this call wrote, else 0. `expires` is from after the call, and `times`, the words of that field, are
  from before it. `authenticated` is '-' where nobody is logged in. `fields` are the fields of the session, each before
  its value, as an array in MessagePack.

  Runs when Redis is out of memory, too: reading and keeping alive must go on. Without the first line it would run on a
  replica as long as it does not write, and answer with an old session.
]]
local key, access, known, touchAfterMs, maxBytes, mode = KEYS[1], ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]

local fields = redis.pcall('HMGET', key, 'head', 'times', 'login')
-- HMGET fails only with WRONGTYPE.
if fields.err then return '4' end
local head, times, login = fields[1], fields[2], fields[3]
local refused = refusal(key, head, access)
if refused then return refused end
if string.sub(head, 1, 2) ~= '1 ' then return otherFormat(head) end
if not readTimes(times, login) then return '4' end

local now = serverTime()
local expires = expiry()
if expires <= now then
  redis.call('DEL', key)
  return '0'
end

local confirms = mode == 'load' and state ~= '2' and string.sub(access, 1, 1) ~= '#'
local touches = touchAfterMs ~= '' and (confirms or now - used >= tonumber(touchAfterMs))
if touches then
  -- A damaged session is left as it is.
  if not string.match(head, HEAD) then return '4' end
  used = text(now)
  if confirms then state = '2' end
  expires = expiry()
end

local changed, answer, isTooLarge = touches and '1' or '0', nil, nil
local isKnown = known ~= '' and string.find(head, known, -#known, true) and string.byte(head, -#known - 1) == 32
if isKnown or mode == 'touch' then
  answer = timesAnswer(changed, expires, times)
else
  answer, isTooLarge = recordAnswer(key, changed, expires, maxBytes)
  if isTooLarge then return answer end
end

if touches then
  redis.call('HSET', key, 'times', timesText())
  redis.call('PEXPIREAT', key, text(expires))
  -- CLIENT TRACKING follows a key only if the script reads it after the last write.
  redis.call('EXISTS', key)
end
return answer

#!lua flags=allow-oom
--[[
  Reads a session for a request, which keeps the session alive and shows that its client sends the id back. Or only
  keeps it alive.

  Input:
    KEYS[1]  the session
    ARGV[1]  access: a proof; or '#' and the number of logins
    ARGV[2]  stamp of the copy that the caller holds, or '' to get the whole session
    ARGV[3]  touchAfterMs: the session is kept alive if it was used longer ago, or if its client has not confirmed its
             id before; '' to change nothing
    ARGV[4]  most bytes to answer with
    ARGV[5]  'load'; or 'touch': keep alive, confirm nothing, and answer with code 9 whatever the stamp

  Output, one text: a client spends as much on each element of an array as on a short text.
    0                                    there is no such session, or not for this access
    2 changed now expires size LF lines  the whole session
    3 bytes                              the session is larger than allowed
    4                                    damaged, or not written by this package
    6                                    the access is that of a former id
    7 format                             a newer release wrote it
    9 changed now expires stamp LF head  unchanged: the caller's copy is the newest

  `changed` is 1 if this call wrote, else 0. `now` is the time of the server. `expires` is from after the call; `lines`
  and `head` are from before it. `size` is 'large' if the session is a hash, else 'small'.

  Runs when Redis is out of memory, too: reading and keeping alive must go on. Without the first line it would run on a
  replica as long as it does not write, and answer with an old session.
]]
-- include access
-- include record
local key, access, known, touchAfterMs, maxBytes, mode = KEYS[1], ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]

local found, isLarge = stored(key)
local refused = refusal(found, access)
if refused then return refused end
if string.sub(found, 1, 2) ~= '1 ' then return otherFormat(found) end
if not readHead(found) then return '4' end

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
  if (authenticated == '-') ~= not string.find(found, '\n%+principal [^\n]') then return '4' end
  used = now
  if confirms then state = '2' end
  expires = expiry()
end

local changed, stamp, answer, isTooLarge = touches and '1' or '0', n .. '.' .. writeId, nil, nil
if known == stamp or mode == 'touch' then
  answer = timesAnswer(changed, now, expires, stamp, found)
else
  answer, isTooLarge = recordAnswer(key, changed, now, expires, found, isLarge, maxBytes)
  if isTooLarge then return answer end
end

if touches then
  local touched = string.sub(found, 1, stateAt - 1) .. state .. ' ' .. text(used) .. string.sub(found, usedTo)
  if isLarge then
    redis.call('HSET', key, 'head', string.match(touched, '^[^\n]*'))
    redis.call('PEXPIREAT', key, text(expires))
  else
    redis.call('SET', key, touched, 'PXAT', text(expires))
  end
  -- CLIENT TRACKING follows a key only if the script reads it after the last write.
  redis.call('EXISTS', key)
end
return answer

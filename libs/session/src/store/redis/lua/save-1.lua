#!lua
--[[
  Replaces a session as the caller knows it: all of it or nothing. The caller has made the new session, and this script
  only compares and writes. If something else is stored than the caller knows, it answers with that.

  Input:
    KEYS[1]   the session
    KEYS[2]   its lock; only for a change that names one
    ARGV[1]   the beginning of the head as the caller knows it, up to the time of the last use; '' if there is no
              session; '?' if the caller wants to know it
    ARGV[2]   the new head, up to the time of the last use, which is the time of this call
    ARGV[3]   the rest: of the new head; or, for a small session, of the new session
    ARGV[4]   how long the session lives from now, in ms
    ARGV[5]   its latest end, in ms since 1970; or '+' and a time from now
    ARGV[6]   the end of the session as the caller knows it, in ms since 1970
    ARGV[7]   for all but the usual case: 'create' or 'update'; access: a proof, for 'create' that of the new id, or '#'
              and the number of logins; write id of the change; its short hash, 8 characters; most bytes to answer with;
              token that must hold the lock, or nothing
    ARGV[8]   'tracked' if CLIENT TRACKING shall follow the key, else '' or nothing
    ARGV[9]   nothing, to replace one small session by another, as it is. Else 'small' or 'large', which the new session
              is. Then '\n!' in all but parts of large sessions stands for the present time
    ARGV[10..] for a large session: field and value of each other line that is new; '' in place of a value removes it

  Output, one text; the other answers are explained in load-1.lua:
    0                              gone: there is no such session to update, or it ended lately
    1 now                          saved
    2 0 now expires size LF lines  the session as stored: it is not the one that the caller knows
    3 4 6 7                        as there
    5                              the token does not hold the lock
    9 0 now expires stamp LF head  saved when it was sent before, with this stamp
  or the error OOM

  All checks come before the first write: Redis does not take back what a script wrote before it failed. Without the
  first line a replica would answer with a session of its own, and lack of memory would be found half way.

  Redis knows the flags of a script by its first line. So redis-scripts.ts makes another one of this text, with the flag
  allow-oom, which is used for changes that were refused because Redis is full.
]]
local key, expected, front, rest, idleMs, last = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]

-- The usual case comes first, and alone: what stands below costs more than all of this.
if not ARGV[9] and redis.pcall('GETRANGE', key, 0, #expected - 1) == expected then
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  if now < tonumber(ARGV[6]) then
    redis.call('SET', key, front .. now .. rest, 'PXAT', math.min(now + idleMs, last))
    -- CLIENT TRACKING follows a key only if the script reads it after the last write.
    if ARGV[8] == 'tracked' then redis.call('EXISTS', key) end
    return '1 ' .. now
  end
end

-- include access
-- include record
local mode, access, ours, short, maxBytes, lock = string.match(ARGV[7], '^(%S+) (%S*) (%S+) (%S+) (%d+) ?(.*)$')
local found, isLarge = stored(key)
if found == nil then return '4' end
local ended = endedBy(found)
local now = serverTime()
if not found or ended then
  if mode ~= 'create' or ended and ended ~= '' then return '0' end
else
  if not readHead(found) then return refusal(found, access) or otherFormat(found) end
  local expires = expiry()
  if expires <= now then
    redis.call('DEL', key)
    return '0'
  end
  -- The same change may come again, because its answer was lost. A renewal has replaced the proof that it came with.
  local at = writeId == ours and 1 or string.find(recent, short, 1, true)
  while at and at % 8 ~= 1 do at = string.find(recent, short, at + 1, true) end
  if at then return timesAnswer('0', now, expires, text(n - (at - 1) / 8) .. '.' .. ours, found) end

  local refused = mode ~= 'create' and refusal(found, access)
  if refused then return refused end
  if lock ~= '' and redis.call('GET', KEYS[2]) ~= lock then return '5' end
  if mode == 'create' or string.sub(found, 1, #expected) ~= expected then
    return (recordAnswer(key, '0', now, expires, found, isLarge, tonumber(maxBytes)))
  end
end

local function timed(value)
  return (string.gsub(value, '\n!', text(now)))
end
local expires = text(math.min(now + idleMs, string.sub(last, 1, 1) == '+' and now + last or tonumber(last)))
local made = front .. text(now) .. timed(rest)
if ARGV[9] == 'large' then
  if not isLarge then redis.call('DEL', key) end
  redis.call('HSET', key, 'head', made)
  -- One by one: Lua's stack would limit the number of lines, and overflow half way.
  for i = 10, #ARGV, 2 do
    if ARGV[i + 1] == '' then
      redis.call('HDEL', key, ARGV[i])
    else
      -- Parts may be large, and have no times.
      redis.call('HSET', key, ARGV[i], ARGV[i] == '+former' and timed(ARGV[i + 1]) or ARGV[i + 1])
    end
  end
  redis.call('PEXPIREAT', key, expires)
else
  redis.call('SET', key, made, 'PXAT', expires)
end
redis.call('EXISTS', key)
return '1 ' .. text(now)

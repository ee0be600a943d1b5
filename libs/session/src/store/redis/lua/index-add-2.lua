#!lua flags=allow-oom
--[[
  Notes that a principal is about to log in to a session, before that is saved: so the index has all sessions of the
  principal at each moment, and may have more. Or keeps a session in the index for longer.

  Input:
    KEYS[1]  sessions of the principal by their last login, a sorted set; the score is the time, in ms since 1970
    KEYS[2]  the same sessions by the time from which on they are certainly over
    ARGV[1]  key of the session
    ARGV[2]  how long it lives at most from now on, in ms
    ARGV[3]  'login'; or 'keep', which leaves the time of the login as it is
    ARGV[4]  how many sessions the principal may have with this one; '' if that does not matter, or it is theirs already

  Output, an array:
    'new' or 'known', score           the session is in the index, with this score; whether it was before
    'limit', now, { session, score, ... }  the index has as many sessions as are allowed, these; it was not changed

  Both keys end when the last session is certainly over.
]]
-- include access
local logins, ends, session, lifeMs, mode, most = KEYS[1], KEYS[2], ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]

-- The server of the session may have another clock.
local MARGIN = 60000

-- In ms since 1970; Redis takes no later end.
local LATEST = 9000000000000000

local now = serverTime()
for _, over in ipairs(redis.call('ZRANGE', ends, '-inf', text(now), 'BYSCORE', 'LIMIT', 0, 100)) do
  redis.call('ZREM', logins, over)
  redis.call('ZREM', ends, over)
end

local known = redis.call('ZSCORE', logins, session)
if most ~= '' and redis.call('ZCARD', logins) - (known and 1 or 0) >= tonumber(most) then
  local all = redis.call('ZRANGE', logins, 0, -1, 'WITHSCORES')
  return { 'limit', text(now), all }
end

-- Each login has a score of its own: pages end between scores, and who takes one login back takes no other.
local newest = tonumber(redis.call('ZRANGE', logins, -1, -1, 'WITHSCORES')[2] or 0)
local score = known and mode == 'keep' and tonumber(known) or math.max(now, newest + 1)
redis.call('ZADD', logins, text(score), session)
local last = math.max(math.min(now + lifeMs + MARGIN, LATEST), tonumber(redis.call('ZSCORE', ends, session) or 0))
redis.call('ZADD', ends, text(last), session)
local latest = text(tonumber(redis.call('ZRANGE', ends, -1, -1, 'WITHSCORES')[2]))
redis.call('PEXPIREAT', logins, latest)
redis.call('PEXPIREAT', ends, latest)
return { known and 'known' or 'new', text(score) }

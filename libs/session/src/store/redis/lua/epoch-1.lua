#!lua flags=allow-oom
--[[
  Ends all sessions that have begun up to now.

  Input:
    KEYS[1]  a hash, whose field `at` is the time up to which all sessions have ended, in ms since 1970
    ARGV[1]  the latest time of all servers of a cluster, or 0

  Output: the new time
]]
-- include access
local at = math.max(serverTime(), tonumber(ARGV[1]), tonumber(redis.call('HGET', KEYS[1], 'at') or 0))
redis.call('HSET', KEYS[1], 'at', text(at))
return text(at)

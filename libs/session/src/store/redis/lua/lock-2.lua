#!lua flags=allow-oom
--[[
  Takes the lock of a session, or keeps it for longer. The lock is of the session, whatever id it has.

  Input:
    KEYS[1]  the session
    KEYS[2]  its lock
    ARGV[1]  access: a proof; or '#' and the number of logins
    ARGV[2]  token of the caller
    ARGV[3]  how long the lock is held, in ms

  Output:
    locked      the token holds the lock
    held        another token holds it
    none        there is no such session, or not for this access, or the key is not ours
    superseded  the access is that of a former id
]]
-- include access
local refused = refusal(stored(KEYS[1]), ARGV[1])
if refused then return refused == '6' and 'superseded' or 'none' end

local holder = redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[2] then return 'held' end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
return 'locked'

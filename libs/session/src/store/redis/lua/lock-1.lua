#!lua
--[[
  Takes the lock of a session, or keeps it for longer.

  Input:
    KEYS[1]  the lock
    ARGV[1]  token of the caller
    ARGV[2]  how long the lock is held, in ms

  Output:
    1  the token holds the lock
    0  another token holds it
]]
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1

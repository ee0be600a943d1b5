#!lua
--[[
  Takes the lock of a session, or keeps it.

  Input:
    KEYS[1]  the lock
    ARGV[1]  token of who asks
    ARGV[2]  for how long, in ms

  Output:
    1  the token holds it
    0  another one does
]]
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1

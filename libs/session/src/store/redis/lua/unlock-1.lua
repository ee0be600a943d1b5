#!lua flags=allow-oom
--[[
  Gives the lock of a session back.

  Input:
    KEYS[1]  the lock
    ARGV[1]  token of the caller

  Output:
    1  the token held the lock, which is free now
    0  the token did not hold it; nothing changed
]]
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])

#!lua flags=allow-oom
--[[
  Gives the lock of a session back.

  Input:
    KEYS[1]  the lock
    ARGV[1]  token of who gives it back

  Output:
    1  the token held it
    0  it did not: nothing changed
]]
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])

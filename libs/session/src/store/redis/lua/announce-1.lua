#!lua flags=allow-oom
--[[
  Notes what a server says of itself, and tells what others have said lately.

  Input:
    KEYS[1]  a hash: what a server says; when it said so last, in ms since 1970
    ARGV[1]  what this server says
    ARGV[2]  how long that is kept, in ms

  Output: for each other text that is kept: the text; how long ago it was said last, in ms
]]
-- include access
local key, said, kept = KEYS[1], ARGV[1], tonumber(ARGV[2])
local now = serverTime()
local others = {}
local all = redis.call('HGETALL', key)
for i = 1, #all, 2 do
  local age = now - (tonumber(all[i + 1]) or 0)
  -- Of a clock that was ahead, it would stay for ever.
  if math.abs(age) >= kept then
    redis.call('HDEL', key, all[i])
  elseif all[i] ~= said then
    others[#others + 1] = all[i]
    others[#others + 1] = text(age)
  end
end
redis.call('HSET', key, said, text(now))
redis.call('PEXPIRE', key, kept)
return others

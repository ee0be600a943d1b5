#!lua flags=allow-oom
--[[
  Ends a session and leaves a mark under its key, so that a creation which arrives late does not bring it back.

  Input:
    KEYS[1]  the session
    ARGV[1]  'any', or 'is <stamp>': only if its stamp is this one
    ARGV[2]  how long the mark stays, in ms
    ARGV[3]  id of this call

  Output:
    1  it has ended by this call, now or when the same call was sent before
    0  there was none, or it has another stamp, or what is there is not ours: nothing changed

  Runs when Redis is out of memory, too: logging out must go on, and frees memory.
]]
local head = redis.pcall('HMGET', KEYS[1], 'stamp', 'ended')
-- WRONGTYPE is the only way in which it fails.
if head.err then return 0 end
local stamp, ended = unpack(head)
if not stamp then
  if ended == ARGV[3] then return 1 end
  if ARGV[1] == 'any' and redis.call('EXISTS', KEYS[1]) == 0 then
    redis.call('HSET', KEYS[1], 'ended', ARGV[3])
    redis.call('PEXPIRE', KEYS[1], ARGV[2])
  end
  return 0
end
if ARGV[1] ~= 'any' and ARGV[1] ~= 'is ' .. stamp then return 0 end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'ended', ARGV[3])
-- Only a renewal asks for a stamp: the session goes on under another key.
if ARGV[1] ~= 'any' then redis.call('HSET', KEYS[1], 'renewed', '1') end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1

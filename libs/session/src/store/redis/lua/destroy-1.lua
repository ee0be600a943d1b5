#!lua flags=allow-oom
--[[
  Ends a session and leaves a mark under its key, so that a creation that arrives late does not bring the session back.
  The mark has the field `ended`, the id of the call, and the field `renewed` if the session goes on under another key.

  Input:
    KEYS[1]  the session
    ARGV[1]  'any'; or 'is <stamp>', to end the session only if it has this stamp
    ARGV[2]  how long the mark stays, in ms
    ARGV[3]  id of this call, the same when it is sent again

  Output:
    1  this call has ended the session, now or when it was sent before
    0  there is no session, or it has another stamp, or the key is not ours; no session was changed

  Runs when Redis is out of memory, too: logging out must go on, and frees memory.
]]
local head = redis.pcall('HMGET', KEYS[1], 'stamp', 'ended')
-- HMGET fails only with WRONGTYPE.
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
-- Only a renewal names a stamp: the session goes on under another key.
if ARGV[1] ~= 'any' then redis.call('HSET', KEYS[1], 'renewed', '1') end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1

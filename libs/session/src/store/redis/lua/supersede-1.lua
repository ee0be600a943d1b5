#!lua flags=allow-oom
--[[
  Makes a proof one of a former id where there is no session: a client that presented it has logged in, and no other of
  its requests shall begin a session. The functions of access.lua and former.lua stand before this.

  Input:
    KEYS[1]  the session
    ARGV[1]  the proof
    ARGV[2]  how long the mark stays, in ms

  Output:
    1  the proof is answered with code 6 from now on
    0  there is a session, or the key is not ours; nothing was changed
]]
local key, proof = KEYS[1], ARGV[1]
local fields = redis.pcall('HMGET', key, 'head', 'superseded')
-- HMGET fails only with WRONGTYPE.
if fields.err or fields[1] or refusal(key, fields[1], proof) == '4' then return 0 end
redis.call('HSET', key, 'superseded', formerWith(proof, fields[2], serverTime()))
redis.call('PEXPIRE', key, ARGV[2])
return 1

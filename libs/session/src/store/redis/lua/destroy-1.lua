#!lua flags=allow-oom
--[[
  Ends a session and leaves a mark under its key, so that a creation that arrives late does not bring the session back.
  The mark is the field `ended`, in every format. A mark is also left where there is no session: its creation may be on
  its way. The functions of access.lua stand before this.

  Input:
    KEYS[1]  the session
    ARGV[1]  access: a proof; or '#' and the number of logins
    ARGV[2]  how long the mark stays, in ms
    ARGV[3]  id of this call, the same when it is sent again

  Output:
    ended       this call has ended the session, now or when it was sent before
    none        there is no such session, or not for this access, or the key is not ours; no session was changed
    superseded  the access is that of a former id; nothing was changed

  Ends a session of a newer format as well, and one that is damaged behind the proof: who has the id may log out. Runs
  when Redis is out of memory, too: logging out must go on, and frees memory.
]]
local key, access, markMs, callId = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local fields = redis.pcall('HMGET', key, 'head', 'ended')
-- HMGET fails only with WRONGTYPE.
if fields.err then return 'none' end
local head, ended = fields[1], fields[2]
if ended == callId then return 'ended' end

local function mark(by)
  redis.call('HSET', key, 'ended', by)
  redis.call('PEXPIRE', key, markMs)
end

local refused = refusal(key, head, access)
if not refused then
  redis.call('DEL', key)
  mark(callId)
  return 'ended'
end
if not head and not ended and refused ~= '4' then mark('-') end
return refused == '6' and 'superseded' or 'none'

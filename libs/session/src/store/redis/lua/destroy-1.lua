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
local fields = redis.pcall('HMGET', KEYS[1], 'head', 'ended')
-- HMGET fails only with WRONGTYPE.
if fields.err then return 'none' end
local head, ended = fields[1], fields[2]
if not head and ended then return ended == ARGV[3] and 'ended' or 'none' end
if not head and redis.call('EXISTS', KEYS[1]) == 1 then return 'none' end
local refused = head and refusal(KEYS[1], head, ARGV[1])
if refused then return refused == '6' and 'superseded' or 'none' end

redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'ended', head and ARGV[3] or '-')
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return head and 'ended' or 'none'

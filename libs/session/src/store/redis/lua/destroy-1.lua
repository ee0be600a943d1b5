#!lua flags=allow-oom
--[[
  Ends a session and leaves a mark under its key, so that a creation that arrives late does not bring the session back.
  A mark is also left where there is no session: its creation may be on its way.

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
-- include access
local key, access, markMs, callId = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local found = stored(key)
local ended = endedBy(found)
if ended == callId then return 'ended' end

local refused = refusal(found, access)
if not refused then
  redis.call('SET', key, '- ' .. callId, 'PX', markMs)
  return 'ended'
end
if found == false or ended == '' then
  redis.call('SET', key, '- -' .. string.sub(found or '', 3), 'PX', markMs)
end
return refused == '6' and 'superseded' or 'none'

#!lua flags=allow-oom
--[[
  Makes a proof one of a former id where there is no session: a client that presented it has logged in, and no other of
  its requests shall begin a session.

  Input:
    KEYS[1]  the session
    ARGV[1]  the proof
    ARGV[2]  how long the mark stays, in ms

  Output:
    1  the proof is answered with code 6 from now on
    0  there is a session, or the key is not ours; nothing was changed
]]
-- include access
local key, proof = KEYS[1], ARGV[1]
local MOST_FORMER = 4
local found = stored(key)
local ended = endedBy(found)
if found ~= false and not ended then return 0 end

local count, all = 1, proof .. ' ' .. text(serverTime())
for each, since in string.gmatch(string.match(found or '', '\n%+superseded ([^\n]*)') or '', '(%S+) (%d+)') do
  if each ~= proof and count < MOST_FORMER then
    count = count + 1
    all = all .. ' ' .. each .. ' ' .. since
  end
end
redis.call('SET', key, '- ' .. (ended or '') .. '\n+superseded ' .. all, 'PX', ARGV[2])
return 1

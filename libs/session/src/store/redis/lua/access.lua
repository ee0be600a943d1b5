--[[
  The functions with which the scripts compare what a caller knows with what is stored, before they do, change or tell
  anything. redis-scripts.ts puts them behind the flags of a script. The fields under a key are in the header of
  save-2.lua. This much of them is the same in every format, so that a release can compare the access to a record that a
  newer one has written:

    head        begins with the format, which is one character, the proof, and the number of logins
    former      proofs that open nothing any more, newest first, each with the time since when
    superseded  the same where there is no session
    ended       there is no session under this key, and none begins under it
]]

-- How long a former proof is recognised, in ms.
local RECOGNISED = 120000

-- The time of the server, in ms since 1970.
local function serverTime()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- A number as text. Lua by itself would write 1.7e+12.
local function text(number)
  return string.format('%.0f', number)
end

-- Nil if `access` opens the session with this head. Else the answer of the script: '0' if there is no such session, '6'
-- if the access is that of a former id, '4' if the key is not ours, or so damaged that nothing can be compared.
-- `access` is a proof; or '#' and the number of logins.
local function refusal(key, head, access)
  if head then
    if string.find(head, access, 3, true) == 3 and string.byte(head, #access + 3) == 32 then return nil end
    local logins = string.match(head, '^%w %S+ (%d+) ')
    if not logins then return '4' end
    if access == '#' .. logins then return nil end
  elseif redis.call('EXISTS', key) == 0 then
    return '0'
  end
  local former = redis.call('HGET', key, head and 'former' or 'superseded')
  if former then
    local now = serverTime()
    -- %f: only where a word begins. A damaged field would take time by the square of its length otherwise.
    for proof, since in string.gmatch(former, '%f[^%s%z]([^%s%z]+) (%d+)') do
      if proof == access and now - since < RECOGNISED then return '6' end
    end
  elseif not head and redis.call('HEXISTS', key, 'ended') == 0 then
    return '4'
  end
  return '0'
end

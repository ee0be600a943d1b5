--[[
  The functions with which the scripts compare what a caller knows with what is stored, before they do, change or tell
  anything. redis-scripts.ts puts them behind the flags of a script. The fields of a stored session are in the header of
  save-2.lua. This much of them is the same in every format, so that a release can compare the access to a record that a
  newer one has written:

    head    begins with the format, which is one character, the proof, and the number of logins
    former  proofs of former ids, newest first, each with the time when it was replaced
]]
local FORMAT = '1'

-- The head of this format: proof, logins, generation, number of saves, id of the last one.
local HEAD = '^1 (%S+) (%d+) (%d+) (%d+)%.(%S+)$'

-- How long a former proof is recognised, in ms.
local RECOGNISED = 120000

-- The time of the server, in ms since 1970.
local function serverTime()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Nil if `access` opens the session that has this head. Else the answer of the script: '0' if there is no such session,
-- '6' if the access is that of a former id, '4' if the head is damaged, so that nothing can be compared.
-- `access` is a proof; or '#' and the number of logins.
local function refusal(key, head, access)
  if string.sub(head, 2, #access + 3) == ' ' .. access .. ' ' then return nil end
  local logins = string.match(head, '^%w %S+ (%d+) ')
  if not logins then return '4' end
  if access == '#' .. logins then return nil end
  local former = redis.call('HGET', key, 'former')
  if former then
    local now = serverTime()
    for proof, replaced in string.gmatch(former, '(%S+) (%d+)') do
      if proof == access and now - replaced < RECOGNISED then return '6' end
    end
  end
  return '0'
end

-- The answer for a head that is not of this format: '7 <format>' if a newer release wrote it; else '4', it is damaged.
local function otherFormat(head)
  local format = string.match(head, '^(%w) ')
  return format and format > FORMAT and '7 ' .. format or '4'
end

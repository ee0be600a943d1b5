--[[
  The functions with which the scripts compare what a caller knows with what is stored, before they do, change or tell
  anything. redis-scripts.ts puts them behind the flags of a script. The fields under a key are in the header of
  save-2.lua. This much of them is the same in every format, so that a release can compare the access to a record that a
  newer one has written:

    head    begins with the format, which is one character, the proof, and the number of logins
    former  proofs that open nothing any more, newest first, each with the time since when
]]
local FORMAT = '1'

-- The head of this format: proof, logins, generation, number of saves, id of the last one.
local HEAD = '^1 (%S+) (%d+) (%d+) (%d+)%.(%S+)$'

-- How long a former proof is recognised, in ms; how many are.
local RECOGNISED, MOST_FORMER = 120000, 4

-- The time of the server, in ms since 1970.
local function serverTime()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- A number as text. Lua by itself would write 1.7e+12.
local function text(number)
  return string.format('%.0f', number)
end

local function isFormer(former, proof)
  local now = former and serverTime()
  for each, since in string.gmatch(former or '', '(%S+) (%d+)') do
    if each == proof and now - since < RECOGNISED then return true end
  end
  return false
end

-- The field `former` with one more proof.
local function formerWith(proof, former, now)
  local count, all = 1, proof .. ' ' .. text(now)
  for each, since in string.gmatch(former or '', '(%S+) (%d+)') do
    if each ~= proof and now - since < RECOGNISED and count < MOST_FORMER then
      count = count + 1
      all = all .. ' ' .. each .. ' ' .. since
    end
  end
  return all
end

-- The answer where there is no head: '0' if there is no session; '6' if there is none, and its proof is a former one;
-- '4' if the key is not ours.
local function absence(key, access)
  if redis.call('EXISTS', key) == 0 then return '0' end
  local mark = redis.call('HMGET', key, 'ended', 'former')
  if isFormer(mark[2], access) then return '6' end
  return (mark[1] or mark[2]) and '0' or '4'
end

-- Nil if `access` opens the session that has this head. Else the answer of the script: '0' if there is no such session,
-- '6' if the access is that of a former id, '4' if the key is not ours, or so damaged that nothing can be compared.
-- `access` is a proof; or '#' and the number of logins.
local function refusal(key, head, access)
  if not head then return absence(key, access) end
  if string.sub(head, 2, #access + 3) == ' ' .. access .. ' ' then return nil end
  local logins = string.match(head, '^%w %S+ (%d+) ')
  if not logins then return '4' end
  if access == '#' .. logins then return nil end
  return isFormer(redis.call('HGET', key, 'former'), access) and '6' or '0'
end

-- The answer for a head that is not of this format: '7 <format>' if a newer release wrote it; else '4', it is damaged.
local function otherFormat(head)
  local format = string.match(head, '^(%w) ')
  return format and format > FORMAT and '7 ' .. format or '4'
end

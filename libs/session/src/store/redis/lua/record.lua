--[[
  The functions that load-1.lua and save-1.lua share, after those of access.lua.
]]

-- The words of the head, as texts, and where `state` begins and `used` ends. A script may change the words before it
-- asks for the expiry.
local n, writeId, state, used, created, idle, absolute, unjoined, authenticated, recent, stateAt, usedTo

-- Sets them. False if the head is damaged.
local function readHead(found)
  n, writeId, stateAt, state, used, usedTo, created, idle, absolute, unjoined, authenticated, recent = string.match(
    found .. '\n',
    '^1 %S+ %d+ (%d+)%.(%S+) ()([012]) (%d+)() %d+ (%d+) (%d+) (%d+) (%d+) (%S+) (%S+)\n'
  )
  return n and (authenticated == '-' or string.match(authenticated, '^%d+$'))
    -- No time and no duration has more digits, and Redis takes no end of life beyond 64 bits.
    and math.max(#used, #created, #idle, #absolute, #unjoined, #authenticated) <= 16
end

-- The end of the session's life, in ms since 1970. In TypeScript it is `sessionExpiry`.
local function expiry()
  local wait = state == '0' and math.min(idle, unjoined) or tonumber(idle)
  return math.min(used + wait, (tonumber(authenticated) or created) + absolute)
end

-- The answer that tells of times alone.
local function timesAnswer(changed, now, expires, stamp, found)
  local head = string.match(found, '^[^\n]*')
  return '9 ' .. changed .. ' ' .. text(now) .. ' ' .. text(expires) .. ' ' .. stamp .. '\n' .. head
end

-- The answer with all of a session; or '3 <bytes>', and true, if it is larger than `maxBytes`.
local function recordAnswer(key, changed, now, expires, found, isLarge, maxBytes)
  local lines = found
  if isLarge then
    local all = redis.call('HGETALL', key)
    local texts = {}
    for i = 1, #all, 2 do
      if all[i] == 'head' then texts[1] = all[i + 1] end
    end
    for i = 1, #all, 2 do
      if all[i] ~= 'head' then texts[#texts + 1] = all[i] .. ' ' .. all[i + 1] end
    end
    lines = table.concat(texts, '\n')
  end
  if #lines > maxBytes then return '3 ' .. #lines, true end
  local size = isLarge and ' large\n' or ' small\n'
  return '2 ' .. changed .. ' ' .. text(now) .. ' ' .. text(expires) .. size .. lines
end

-- The answer for a head that is not of this format: '7 <format>' if a newer release wrote it; else '4', it is damaged.
local function otherFormat(found)
  local format = string.match(found, '^(%w) ')
  return format and format > '1' and '7 ' .. format or '4'
end

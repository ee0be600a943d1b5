--[[
  The functions that load-1.lua and save-2.lua share, after those of access.lua. The fields of a stored session are in
  the header of save-2.lua.
]]

-- The head of this format: identity, number of saves, id of the last one.
local HEAD = '^(1 %S+ %d+ %d+) (%d+)%.(%S+)$'

-- The times of the session, as texts. A script changes them before it writes them. `authenticated` is nil where nobody
-- is logged in.
local state, used, created, idle, absolute, unjoined, authenticated

-- Sets them from the fields of a stored session. False if one of the fields is damaged.
local function readTimes(times, login)
  state, used, created, idle, absolute, unjoined =
    string.match(times or '', '^([012]) (%d+) (%d+) (%d+) (%d+) (%d+)$')
  authenticated = login and string.match(login, '^(%d+) .')
  return state and (authenticated or not login)
    -- No time and no duration has more digits, and Redis takes no end of life beyond 64 bits.
    and math.max(#used, #created, #idle, #absolute, #unjoined, #(authenticated or '')) <= 16
end

-- The field `times`.
local function timesText()
  return state .. ' ' .. used .. ' ' .. created .. ' ' .. idle .. ' ' .. absolute .. ' ' .. unjoined
end

-- The end of the session's life, in ms since 1970. In TypeScript it is `sessionExpiry`.
local function expiry()
  local wait = state == '0' and math.min(idle, unjoined) or tonumber(idle)
  return math.min(used + wait, (authenticated or created) + absolute)
end

-- The answer that tells of times alone. `times` are a field `times`.
local function timesAnswer(changed, expires, times)
  return '1 ' .. changed .. ' ' .. text(expires) .. ' ' .. (authenticated or '-') .. ' ' .. times
end

-- The answer with all of a session; or '3 <bytes>', and true, if it is larger than `maxBytes`.
-- To join lengths and texts in Lua takes Redis three times as long as to make MessagePack of them.
local function recordAnswer(key, changed, expires, maxBytes)
  local packed = cmsgpack.pack(redis.call('HGETALL', key))
  if #packed > maxBytes then return '3 ' .. #packed, true end
  return '2 ' .. changed .. ' ' .. text(expires) .. '\n' .. packed
end

-- The answer for a head that is not of this format: '7 <format>' if a newer release wrote it; else '4', it is damaged.
local function otherFormat(head)
  local format = string.match(head, '^(%w) ')
  return format and format > '1' and '7 ' .. format or '4'
end

--[[
  The functions that load-1.lua and save-2.lua share, after those of access.lua. The fields of a stored session are in
  the header of save-2.lua.
]]

-- The times of the session, as texts. A script changes them before it writes them. `lifetime` has the next three;
-- `authenticated` is nil where nobody is logged in.
local state, used, created, lifetime, idle, absolute, unjoined, authenticated

-- Sets them from the fields of a stored session. False if one of the fields is damaged.
local function readTimes(times, login)
  state, used, created, lifetime, idle, absolute, unjoined =
    string.match(times or '', '^([012]) (%d+) (%d+) ((%d+) (%d+) (%d+))$')
  authenticated = login and string.match(login, '^(%d+) .')
  return state and (authenticated or not login)
end

-- The field `times`.
local function timesText()
  return state .. ' ' .. used .. ' ' .. created .. ' ' .. lifetime
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

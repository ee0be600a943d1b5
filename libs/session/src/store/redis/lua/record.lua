--[[
  The functions that load-1.lua and save-2.lua share. redis-scripts.ts puts them between the flags of a script and the
  rest of it. The fields of a stored session are in the header of save-2.lua.
]]

-- The times of the session, as texts: those of its life and of its use. A script changes them before it writes them.
local created, idle, absolute, unjoined, used, joined

-- Sets them from the fields of a stored session. False if one of the fields is damaged.
local function readTimes(life, use)
  created, idle, absolute, unjoined = string.match(life or '', '^(%d+) (%d+) (%d+) (%d+)$')
  used, joined = string.match(use or '', '^(%d+) ([01])$')
  return created and used
end

-- The end of the session's life, in ms since 1970.
local function expiry()
  local wait = joined == '1' and tonumber(idle) or math.min(idle, unjoined)
  return math.min(used + wait, created + absolute)
end

-- A time as text. Lua by itself would write 1.7e+12.
local function text(number)
  return string.format('%.0f', number)
end

-- The time of the server, in ms since 1970.
local function serverTime()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- All of a stored session: '2 <times> <life> <stamp> <length of each field and value> LF <each field and value>'.
-- `times` are the words that the answer has first; lengths are in bytes; the fields are those of the parts.
-- Or '3 <bytes>', and true, if the session is larger than `maxBytes`.
local function record(key, times, life, stamp, maxBytes)
  local head, parts, bytes, all = { '2', times, life, stamp }, {}, 0, redis.call('HGETALL', key)
  local firstByte, colon = string.byte, 58
  for i = 1, #all, 2 do
    local field, value = all[i], all[i + 1]
    bytes = bytes + #field + #value
    if firstByte(field) == colon then
      head[#head + 1] = #field
      head[#head + 1] = #value
      parts[#parts + 1] = field
      parts[#parts + 1] = value
    end
  end
  if bytes > maxBytes then return '3 ' .. bytes, true end
  return table.concat(head, ' ') .. '\n' .. table.concat(parts)
end

#!lua flags=allow-oom
--[[
  Reads a session for a list, and changes nothing.

  Input:
    KEYS[1]    the session
    ARGV[1..]  the parts to read: ':' and the name, as in record-lines.ts

  Output, one text:
    0                              there is no session
    8                              it has ended, and none begins under this key any more
    2 0 now expires small LF lines the head, the principal, and these parts
    4 7                            as in load-1.lua
]]
-- include access
-- include record
local key = KEYS[1]
local found, isLarge = stored(key)
local ended = endedBy(found)
if ended and ended ~= '' then return '8' end
if found == false or ended then return '0' end
if not found then return '4' end
if string.sub(found, 1, 2) ~= '1 ' then return otherFormat(found) end
if not readHead(found) then return '4' end
local now = serverTime()
local expires = expiry()
if expires <= now then return '0' end

local lines = { string.match(found, '^[^\n]*'), string.match(found, '\n(%+principal [^\n]*)') }
for _, part in ipairs(ARGV) do
  local line
  if isLarge then
    local text = redis.call('HMGET', key, part)[1]
    line = text and part .. ' ' .. text
  else
    local at = string.find(found, '\n' .. part .. ' ', 1, true)
    line = at and string.match(found, '^[^\n]*', at + 1)
  end
  lines[#lines + 1] = line or nil
end
return '2 0 ' .. text(now) .. ' ' .. text(expires) .. ' small\n' .. table.concat(lines, '\n')

--[[
  The functions with which the scripts read what lies under a key, and compare what a caller knows with it, before they
  do, change or tell anything. The lines of a session are in record-lines.ts. This much of them is the same in every
  format, so that a release can compare the access to a session that a newer one has written:

    head         the first line. It begins with the format, which is one character, the proof, and the number of logins
    +principal   who is logged in
    +former      proofs that open nothing any more, newest first, each with the time since when

  Where there is no session (any more), there may be a mark:

    -            the first line, if a session may begin under this key
    - <id>       the first line, if none begins: id of the call that ended the session, or '-' if there was none
    +superseded  as `+former`: ids of a session that is over, with one of which a client has logged in since

  A session is a text, with line feeds between its lines. A large one is a hash, with a field for each line.
]]

-- How long a former proof is recognised, in ms.
local RECOGNISED = 120000

-- The time of the server, in ms since 1970.
local function serverTime()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- A number as text. Lua by itself would write 1.7e+15.
local function text(number)
  return string.format('%.0f', number)
end

-- What lies under the key: a session or a mark; of a large session, and the second result is true then, the lines that
-- stand above. False if nothing does, nil if it is not ours.
local function stored(key)
  local found = redis.pcall('GET', key)
  if type(found) ~= 'table' then return found, false end
  -- HMGET fails only with WRONGTYPE.
  local fields = redis.pcall('HMGET', key, 'head', '+former', '+principal')
  if fields.err or not fields[1] then return nil end
  local former = fields[2] and '\n+former ' .. fields[2] or ''
  return fields[1] .. former .. (fields[3] and '\n+principal ' .. fields[3] or ''), true
end

-- The id of the call that has ended the session, '' for a mark that allows one to begin. Nil if it is no mark.
local function endedBy(found)
  return found and string.match(found .. '\n', '^%- ?(%S*)\n')
end

-- Nil if `access` opens the session. Else the answer of the script: '0' if there is no such session, '6' if the access
-- is that of a former id, '4' if the key is not ours, or so damaged that nothing can be compared.
-- `access` is a proof; or '#' and the number of logins.
local function refusal(found, access)
  if found == false then return '0' end
  local former
  if endedBy(found) then
    former = string.match(found, '\n%+superseded ([^\n]*)')
  else
    local logins = found and string.match(found, '^%w %S+ (%d+) ')
    if not logins then return '4' end
    if access == '#' .. logins or string.sub(found, 3, #access + 3) == access .. ' ' then return nil end
    former = string.match(found, '\n%+former ([^\n]*)')
  end
  if former then
    local now = serverTime()
    -- %f: only where a word begins. A damaged line would take time by the square of its length otherwise.
    for proof, since in string.gmatch(former, '%f[^%s%z]([^%s%z]+) (%d+)') do
      if proof == access and now - since < RECOGNISED then return '6' end
    end
  end
  return '0'
end

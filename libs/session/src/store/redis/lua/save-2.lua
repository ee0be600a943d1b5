#!lua
--[[
  Applies one change to a session: all of it or nothing.

  Input:
    KEYS[1]  the session
    KEYS[2]  its lock
    ARGV[1]  'create' or 'update'
    ARGV[2]  write id of the change
    ARGV[3]  short hash of the write id, 8 characters
    ARGV[4]  life: 'created idle absolute unjoined' in ms, created '' = now; '' to keep it
    ARGV[5]  most bytes to answer with
    ARGV[6]  token that must hold the lock, or ''
    ARGV[7..] for each part: name, version it was made from ('' = it did not exist), 'set' or 'remove', new payload

  Output:
    1 created used joined expires changed stamp                   saved, now (1) or when the same change was sent before (0)
    2 created used joined expires 0 life stamp #field #value ... LF field value ...   conflict: what is stored instead, as in load
    3 bytes    4                                                  as in load: too large to answer, or not ours or damaged
    0                                                             gone
    5                                                             the lock is not held

  Fields: `stamp` n.writeId of the last save; `life` created idle absolute unjoined; `use` last used, joined; `recent` the
  short hashes of the last 8 writes, newest first; `:name` version, line feed, payload.

  Everything is looked at before the first write, because Redis does not take back what a script that fails has written.
  Without the shebang a conflict would be answered by a replica, from what it has; and out of memory would show half way.
]]
local key, mode, writeId, short, newLife, maxBytes, lock = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6]
local SHORT, KEPT = 8, 8

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local head = redis.pcall('HMGET', key, 'stamp', 'life', 'use', 'recent')
-- WRONGTYPE is the only way in which it fails.
if head.err then return '4' end
local stamp, life, use, recent = unpack(head)
recent = recent or ''
if not stamp then
  if redis.call('HEXISTS', key, 'ended') == 1 then return '0' end
  if redis.call('EXISTS', key) == 1 then return '4' end
  if mode == 'update' then return '0' end
end

local created, idle, absolute, unjoined, used, joined
local function read(text)
  created, idle, absolute, unjoined = string.match(text, '^(%d*) (%d+) (%d+) (%d+)$')
end
local function expiry()
  local wait = joined == '1' and tonumber(idle) or math.min(idle, unjoined)
  return string.format('%.0f', math.min(used + wait, created + absolute))
end
local function saved(changed, as)
  return table.concat({ 1, created, used, joined, expiry(), changed, as }, ' ')
end

local n, last = 0, nil
if stamp then
  read(life or '')
  used, joined = string.match(use or '', '^(%d+) ([01])$')
  n, last = string.match(stamp, '^(%d+)%.(.+)$')
  if not created or created == '' or not used or not n then return '4' end
  if tonumber(expiry()) <= now then
    redis.call('DEL', key)
    return '0'
  end
  -- The same change again, because its answer was lost.
  if last == writeId then return saved(0, stamp) end
  for i = 0, math.min(KEPT, #recent / SHORT) - 1 do
    if string.sub(recent, i * SHORT + 1, (i + 1) * SHORT) == short then
      return saved(0, string.format('%.0f.', n - i) .. writeId)
    end
  end
end

if lock ~= '' and redis.call('GET', KEYS[2]) ~= lock then return '5' end

local conflict = stamp and mode == 'create'
for i = 7, #ARGV, 4 do
  local stored = redis.call('HGET', key, ':' .. ARGV[i])
  local version = ''
  if stored then
    version = string.match(stored, '^(%d+%.[^\n]+)\n')
    -- A part without a version is damaged. Taken for one that does not exist, it would be overwritten.
    if not version then return '4' end
  end
  if version ~= ARGV[i + 1] then conflict = true end
end
if conflict then
  local answer, parts, bytes, all = { 2, created, used, joined, expiry(), 0, life, stamp }, {}, 0, redis.call('HGETALL', key)
  for i = 1, #all, 2 do
    local field, value = all[i], all[i + 1]
    bytes = bytes + #field + #value
    if string.sub(field, 1, 1) == ':' then
      answer[#answer + 1], answer[#answer + 2] = #field, #value
      parts[#parts + 1], parts[#parts + 2] = field, value
    end
  end
  if bytes > maxBytes then return '3 ' .. bytes end
  return table.concat(answer, ' ') .. '\n' .. table.concat(parts)
end

if not stamp then
  read(newLife)
  -- A session that goes on under a new id has a client that keeps ids.
  joined = created == '' and '0' or '1'
  if created == '' then created = string.format('%.0f', now) end
elseif newLife ~= '' then
  local began = created
  read(newLife)
  created = began
end
used = string.format('%.0f', now)
stamp = string.format('%.0f.', n + 1) .. writeId
redis.call('HSET', key,
  'stamp', stamp,
  'life', table.concat({ created, idle, absolute, unjoined }, ' '),
  'use', used .. ' ' .. joined,
  'recent', string.sub(short .. recent, 1, KEPT * SHORT))
-- One by one: Lua's stack would bound the number of parts, and overflow half way.
for i = 7, #ARGV, 4 do
  if ARGV[i + 2] == 'set' then
    redis.call('HSET', key, ':' .. ARGV[i], stamp .. '\n' .. ARGV[i + 3])
  else
    redis.call('HDEL', key, ':' .. ARGV[i])
  end
end
redis.call('PEXPIREAT', key, expiry())
-- CLIENT TRACKING follows a key that a script reads last.
redis.call('HGET', key, 'stamp')
return saved(1, stamp)

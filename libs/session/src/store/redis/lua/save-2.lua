#!lua
--[[
  Applies one change to a session: all of it or nothing. The functions of record.lua stand before this.

  Input:
    KEYS[1]  the session
    KEYS[2]  its lock
    ARGV[1]  'create' or 'update'
    ARGV[2]  write id of the change
    ARGV[3]  short hash of the write id, 8 characters
    ARGV[4]  life: 'created idle absolute unjoined' in ms, `created` empty for now; or '' to keep the life
    ARGV[5]  most bytes to answer with
    ARGV[6]  token that must hold the lock, or ''
    ARGV[7..] for each part: name; version it was made from, '' if it did not exist; 'set' or 'remove'; new payload

  Output, one text:
    0                                              gone: there is no session to update, or it ended lately
    1 created used joined expires changed stamp    saved, by this call (changed 1) or when it was sent before (0)
    2 created used joined expires 0 life stamp #field #value ... LF field value ...    conflict: the session as stored
    3 bytes                                        conflict with a session that is larger than allowed
    4                                              damaged, or not written by this package
    5                                              the token does not hold the lock

  The words are explained in load-1.lua. Fields of a stored session:
    stamp    number and write id of the last save: n.writeId
    life     created idle absolute unjoined
    use      last use, and 1 if the client has sent the id back, else 0
    recent   short hashes of the last 8 writes, newest first
    :name    a part: the stamp of the save that wrote it, line feed, payload

  All checks come before the first write: Redis does not take back what a script wrote before it failed. Without the
  first line a replica would answer with a conflict of its own, and lack of memory would be found half way.
]]
local key, mode, writeId, short, newLife = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local maxBytes, lock = tonumber(ARGV[5]), ARGV[6]
local SHORT, KEPT = 8, 8

local now = serverTime()
local head = redis.pcall('HMGET', key, 'stamp', 'life', 'use', 'recent')
-- HMGET fails only with WRONGTYPE.
if head.err then return '4' end
local stamp, life, use, recent = unpack(head)
recent = recent or ''
if not stamp then
  if redis.call('HEXISTS', key, 'ended') == 1 then return '0' end
  if redis.call('EXISTS', key) == 1 then return '4' end
  if mode == 'update' then return '0' end
end

local function times(changed)
  return created .. ' ' .. used .. ' ' .. joined .. ' ' .. text(expiry()) .. ' ' .. changed
end
local function saved(changed, as)
  return '1 ' .. times(changed) .. ' ' .. as
end

local n, last = 0, nil
if stamp then
  n, last = string.match(stamp, '^(%d+)%.(.+)$')
  if not readTimes(life, use) or not n then return '4' end
  if expiry() <= now then
    redis.call('DEL', key)
    return '0'
  end
  -- The same change may come again, because its answer was lost.
  if last == writeId then return saved(0, stamp) end
  for i = 0, math.min(KEPT, #recent / SHORT) - 1 do
    if string.sub(recent, i * SHORT + 1, (i + 1) * SHORT) == short then
      return saved(0, text(n - i) .. '.' .. writeId)
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
    -- A part without a version is damaged. If it passed for one that does not exist, it would be overwritten.
    if not version then return '4' end
  end
  if version ~= ARGV[i + 1] then conflict = true end
end
if conflict then return (record(key, times(0), life, stamp, maxBytes)) end

if newLife ~= '' then
  local began
  began, idle, absolute, unjoined = string.match(newLife, '^(%d*) (%d+) (%d+) (%d+)$')
  if not stamp then
    created = began == '' and text(now) or began
    -- A session that goes on under a new id has a time of creation, and a client that sends ids back.
    joined = began == '' and '0' or '1'
  end
end
used = text(now)
stamp = text(n + 1) .. '.' .. writeId
redis.call('HSET', key,
  'stamp', stamp,
  'life', created .. ' ' .. idle .. ' ' .. absolute .. ' ' .. unjoined,
  'use', used .. ' ' .. joined,
  'recent', string.sub(short .. recent, 1, KEPT * SHORT))
-- One by one: Lua's stack would limit the number of parts, and overflow half way.
for i = 7, #ARGV, 4 do
  if ARGV[i + 2] == 'set' then
    redis.call('HSET', key, ':' .. ARGV[i], stamp .. '\n' .. ARGV[i + 3])
  else
    redis.call('HDEL', key, ':' .. ARGV[i])
  end
end
redis.call('PEXPIREAT', key, text(expiry()))
-- CLIENT TRACKING follows a key only if the script reads it after the last write.
redis.call('HGET', key, 'stamp')
return saved(1, stamp)

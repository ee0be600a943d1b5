#!lua
--[[
  Applies one change to a session: all of it or nothing. The functions of access.lua, former.lua and
  record.lua stand before this.

  Input:
    KEYS[1]  the session
    KEYS[2]  its lock
    ARGV[1]  'create'; 'update'; or 'renew', an update that gives the session a new id
    ARGV[2]  access: a proof, for 'create' that of the new id; or '#' and the number of logins
    ARGV[3]  write id of the change
    ARGV[4]  short hash of the write id, 8 characters
    ARGV[5]  lifetime: 'idle absolute unjoined' in ms; or '' to keep it
    ARGV[6]  most bytes to answer with
    ARGV[7]  token that must hold the lock, or ''
    only for 'create' and 'renew': the principal who logs in with this change, or ''
    only for 'renew': the proof of the new id; the number of parts that go on, or 'all'; the names of these parts
    for each part of the change: name; version it was made from, '' if it did not exist; 'set' or 'remove'; new payload

  Output, one text; the words are explained in load-1.lua:
    0                                             gone: there is no such session to update, or it ended lately
    1 changed expires authenticated times stamp   saved, by this call (changed 1) or when it was sent before (0)
    2 0 expires LF fields                         conflict: the session as stored
    3 bytes                                       conflict with a session that is larger than allowed
    4                                             damaged, or not written by this package
    5                                             the token does not hold the lock
    6                                             the access is that of a former id
    7 format                                      a newer release wrote it
  or the error OOM, see below

  Fields of a stored session; the words of a field have blanks between them:
    head    format; proof of the id; logins, which is how often the principal has changed; generation, which is how
            often the id was renewed; stamp of the last save, which is its number, a dot and its write id
    times   0 until the client has joined, 2 when it has confirmed its id, 1 between; last use; creation; the idle, the
            absolute and the unjoined timeout. Times are in ms since 1970, and timeouts in ms
    login   when the principal has logged in last; the principal, up to the end. Only where one is logged in
    recent  short hashes of the last 8 writes, newest first, without blanks
    former  up to 4 former ids, newest first: proof; when it was replaced. Only where the id was renewed
    :name   a part: the stamp of the save that wrote it, line feed, payload
  Fields of a mark, where there is no session (any more):
    ended       id of the call that has ended the session; '-' if there was none. No session begins under this key
    superseded  as `former`: ids of a session that is over, with one of which a client has logged in since

  Only saves change the head, and each save does: for a caller that knows all of it, access, versions and repetition
  could be compared at once. A field that is usual has 64 bytes at most, so that Redis keeps a session with small parts
  in one piece.

  All checks come before the first write: Redis does not take back what a script wrote before it failed. Without the
  first line a replica would answer with a conflict of its own, and lack of memory would be found half way.

  Redis knows the flags of a script by its first line. So redis-scripts.ts makes another one of this text, with the flag
  allow-oom, which is used for changes that were refused because Redis is full. It lets the sessions of users go on, and
  gives anonymous ones little: GROWTH_WHEN_FULL, in bytes per save, is set there.
]]
local key, mode, access, writeId, short = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local newLifetime, maxBytes, lock = ARGV[5], tonumber(ARGV[6]), ARGV[7]
local SHORT, KEPT = 8, 8
local GROWTH_WHEN_FULL = nil
local OUT_OF_MEMORY = 'OOM Redis is full, and this would take more memory for somebody who is not logged in'

local fields = redis.pcall('HMGET', key, 'head', 'times', 'login', 'recent')
-- HMGET fails only with WRONGTYPE.
if fields.err then return '4' end
local head, times, login, recent = fields[1], fields[2], fields[3], fields[4] or ''
if not head then
  if refusal(key, head, access) == '4' then return '4' end
  if mode ~= 'create' or redis.call('HEXISTS', key, 'ended') == 1 then return '0' end
end

local now, expires = serverTime(), nil
local function saved(changed, stamp)
  return timesAnswer(changed, expires, timesText()) .. ' ' .. stamp
end

local whose, n, last = '1 ' .. access .. ' 0 0', 0, nil
if head then
  whose, n, last = string.match(head, HEAD)
  if not whose or not readTimes(times, login) then return refusal(key, head, access) or otherFormat(head) end
  expires = expiry()
  if expires <= now then
    redis.call('DEL', key)
    return '0'
  end
  -- The same change may come again, because its answer was lost. A renewal has replaced the proof that it came with.
  if last == writeId then return saved('0', n .. '.' .. writeId) end
  local at = string.find(recent, short, 1, true)
  while at and at % SHORT ~= 1 do at = string.find(recent, short, at + 1, true) end
  if at then return saved('0', text(n - (at - 1) / SHORT) .. '.' .. writeId) end

  if mode == 'create' then return (recordAnswer(key, '0', expires, maxBytes)) end
  local refused = refusal(key, head, access)
  if refused then return refused end
end
if lock ~= '' and redis.call('GET', KEYS[2]) ~= lock then return '5' end

local principal, newProof, kept, firstPart = '', nil, nil, 8
if mode == 'create' then
  principal, firstPart = ARGV[8], 9
elseif mode == 'renew' then
  principal, newProof, firstPart = ARGV[8], ARGV[9], 11
  if ARGV[10] ~= 'all' then
    kept, firstPart = {}, 11 + ARGV[10]
    for i = 11, firstPart - 1 do kept[':' .. ARGV[i]] = true end
  end
end

local conflict, growth = false, 0
for i = firstPart, #ARGV, 4 do
  local field = ':' .. ARGV[i]
  local stored = (not kept or kept[field]) and redis.call('HGET', key, field)
  local version = ''
  if stored then
    version = string.match(stored, '^(%d+%.[^\n]+)\n')
    -- A part without a version is damaged. If it passed for one that does not exist, it would be overwritten.
    if not version then return '4' end
  end
  if version ~= ARGV[i + 1] then conflict = true end
  growth = growth + #ARGV[i + 3] - (stored and #stored - #version - 1 or 0)
end
if conflict then return (recordAnswer(key, '0', expires, maxBytes)) end
if GROWTH_WHEN_FULL and not login and principal == '' then
  if mode == 'create' or growth > GROWTH_WHEN_FULL then return redis.error_reply(OUT_OF_MEMORY) end
end
local dropped = {}
for _, field in ipairs(kept and redis.call('HKEYS', key) or {}) do
  if string.sub(field, 1, 1) == ':' and not kept[field] then dropped[#dropped + 1] = field end
end

if newLifetime ~= '' then
  idle, absolute, unjoined = string.match(newLifetime, '^(%d+) (%d+) (%d+)$')
end
used = text(now)
if not head then state, created = '0', used end
local former
if newProof or principal ~= '' then
  local proof, logins, generation = string.match(whose, '^1 (%S+) (%d+) (%d+)$')
  if newProof then
    former = formerWith(proof, redis.call('HGET', key, 'former'), now)
    proof, generation = newProof, text(generation + 1)
    if state == '2' then state = '1' end
  end
  if principal ~= '' then
    local before = login and string.sub(login, #authenticated + 2)
    if principal ~= before then logins = text(logins + 1) end
    if before and principal ~= before then created = used end
    authenticated = used
  end
  whose = '1 ' .. proof .. ' ' .. logins .. ' ' .. generation
end

expires = expiry()
local stamp = text(n + 1) .. '.' .. writeId
-- A mark of `supersede` gives way to a session.
if not head then redis.call('DEL', key) end
redis.call('HSET', key,
  'head', whose .. ' ' .. stamp,
  'times', timesText(),
  'recent', string.sub(short .. recent, 1, KEPT * SHORT))
if principal ~= '' then redis.call('HSET', key, 'login', authenticated .. ' ' .. principal) end
if former then redis.call('HSET', key, 'former', former) end
for _, field in ipairs(dropped) do redis.call('HDEL', key, field) end
-- One by one: Lua's stack would limit the number of parts, and overflow half way.
for i = firstPart, #ARGV, 4 do
  if ARGV[i + 2] == 'set' then
    redis.call('HSET', key, ':' .. ARGV[i], stamp .. '\n' .. ARGV[i + 3])
  else
    redis.call('HDEL', key, ':' .. ARGV[i])
  end
end
redis.call('PEXPIREAT', key, text(expires))
-- CLIENT TRACKING follows a key only if the script reads it after the last write.
redis.call('EXISTS', key)
return saved('1', stamp)

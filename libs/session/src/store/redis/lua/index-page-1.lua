#!lua flags=allow-oom
--[[
  Reads a page of the index of a principal's sessions, the newest login first.

  Input:
    KEYS[1]  sessions of the principal by their last login
    ARGV[1]  how many to read
    ARGV[2]  score of the session behind which the page begins, or ''
    ARGV[3]  read only if there are more than this; '' to read in any case

  Output, an array: the time of the server; an array of session, score, ...

  Without the first line it would run on a replica, and answer with an old index.
]]
-- include access
local logins, most, score, ifMoreThan = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local now = text(serverTime())
if ifMoreThan ~= '' and redis.call('ZCARD', logins) <= tonumber(ifMoreThan) then return { now, {} } end
local from = score == '' and '+inf' or '(' .. score
return { now, redis.call('ZRANGE', logins, from, '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, most, 'WITHSCORES') }

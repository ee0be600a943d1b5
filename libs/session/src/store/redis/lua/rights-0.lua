#!lua flags=no-writes
--[[
  Finds the commands of the other scripts that this connection may not use. Runs once per connection, when it is ready.

  Input:
    ARGV[1]  a key as sessions have it

  Output: an array of the names of these commands, empty if all are allowed
]]
local missing = {}
local function check(...)
  if not redis.acl_check_cmd(...) then missing[#missing + 1] = (...) end
end
local key = ARGV[1]
check('GET', key)
check('GETEX', key)
check('GETRANGE', key, '0', '1')
check('SET', key, 't', 'PXAT', '1')
check('HMGET', key, 'f')
check('HGETALL', key)
check('HSET', key, 'f', 'v')
check('HDEL', key, 'f')
check('EXISTS', key)
check('PEXPIRE', key, '1')
check('PEXPIREAT', key, '1')
check('DEL', key)
check('ZADD', key, '1', 'm')
check('ZCARD', key)
check('ZRANGE', key, '0', '1')
check('ZREM', key, 'm')
check('ZSCORE', key, 'm')
check('HGET', key, 'f')
check('TIME')
check('GET', key .. ':lock')
return missing

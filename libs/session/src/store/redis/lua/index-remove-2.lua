#!lua flags=allow-oom
--[[
  Removes sessions from the index of a principal, which were found to be over, or not to be the principal's.

  Input:
    KEYS[1]    sessions of the principal by their last login
    KEYS[2]    the same sessions by their latest end
    ARGV[1..]  session, score, ...; one that has another score by now stays, for the principal has logged in again

  Output: 1
]]
for i = 1, #ARGV, 2 do
  if redis.call('ZSCORE', KEYS[1], ARGV[i]) == ARGV[i + 1] then
    redis.call('ZREM', KEYS[1], ARGV[i])
    redis.call('ZREM', KEYS[2], ARGV[i])
  end
end
return 1

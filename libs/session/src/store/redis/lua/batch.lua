--[[
  Runs another script for several sessions, as one step. What stands in front of this, put there by redis-scripts.ts:

    one(KEYS, ARGV)   that script, as a function
    KEYS_PER_CALL     how many keys it takes

  Input:
    KEYS     those of the calls, one call after the other
    ARGV[1]  bytes: once the answers have as many, no more calls are run
    then for each call: how many arguments it has, and these

  Output: what each call answered, '' for one that was not run
]]
local most, bytes, at = tonumber(ARGV[1]), 0, 2
local answers = {}
for call = 1, #KEYS / KEYS_PER_CALL do
  local count = tonumber(ARGV[at])
  local answer = ''
  if bytes < most then
    local keys, arguments = {}, {}
    for i = 1, KEYS_PER_CALL do keys[i] = KEYS[(call - 1) * KEYS_PER_CALL + i] end
    -- Not unpack, which Lua's stack bounds.
    for i = 1, count do arguments[i] = ARGV[at + i] end
    answer = one(keys, arguments)
    -- One that was too large to be answered has been read all the same.
    bytes = bytes + (string.sub(answer, 1, 2) == '3 ' and most or #answer)
  end
  answers[call] = answer
  at = at + count + 1
end
return answers

--[[
  Runs another script for several sessions, in one atomic step. redis-scripts.ts puts before this:

    one(KEYS, ARGV)   the other script, as a function
    KEYS_PER_CALL     the number of its keys

  Input:
    KEYS     the keys of each call, one call after the other
    ARGV[1]  bytes: no more calls are run once the answers have as many
    ARGV[2..] for each call: the number of its arguments, and the arguments

  Output: an array with the answer of each call, '' for a call that was not run
]]
local most, bytes, at = tonumber(ARGV[1]), 0, 2
local answers = {}
for call = 1, #KEYS / KEYS_PER_CALL do
  local count = tonumber(ARGV[at])
  local answer = ''
  if bytes < most then
    local keys, arguments = {}, {}
    for i = 1, KEYS_PER_CALL do keys[i] = KEYS[(call - 1) * KEYS_PER_CALL + i] end
    -- One by one: Lua's stack would limit `unpack`.
    for i = 1, count do arguments[i] = ARGV[at + i] end
    answer = one(keys, arguments)
    -- A session that is too large to be answered was read all the same.
    bytes = bytes + (string.sub(answer, 1, 2) == '3 ' and most or #answer)
  end
  answers[call] = answer
  at = at + count + 1
end
return answers

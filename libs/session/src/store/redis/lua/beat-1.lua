#!lua flags=allow-oom
--[[
  Does nothing, which proves that the server serves this slot as a primary: only there may a script run that could write.

  Input:
    KEYS[1]  any key of the slot

  Output: 1
]]
return 1

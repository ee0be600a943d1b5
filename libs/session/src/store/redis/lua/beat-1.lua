#!lua flags=allow-oom
--[[
  Does nothing. That it runs proves that the server serves this slot as a primary: a script that could write runs
  nowhere else.

  Input:
    KEYS[1]  any key of the slot

  Output: 1
]]
return 1

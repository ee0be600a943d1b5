--[[
  The function that save-2.lua and supersede-1.lua share, after those of access.lua.
]]
local MOST_FORMER = 4

-- The field `former` or `superseded` with one more proof.
local function formerWith(proof, former, now)
  local count, all = 1, proof .. ' ' .. text(now)
  for each, since in string.gmatch(former or '', '%f[^%s%z]([^%s%z]+) (%d+)') do
    if each ~= proof and now - since < RECOGNISED and count < MOST_FORMER then
      count = count + 1
      all = all .. ' ' .. each .. ' ' .. since
    end
  end
  return all
end

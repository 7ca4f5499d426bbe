-- What is kept of an answer, and the lock to compute it anew when that is not fresh.
-- KEYS: the answer, "<made at, in microseconds of Valkey's clock> <body>"; its lock, the token of who computes.
-- ARGV: token; milliseconds that the lock lasts; microseconds for which an answer is fresh.
-- Returns what is kept or false, the time in microseconds, and whether the lock was given, 1 or 0.
redis.set_repl(redis.REPL_NONE) -- neither log nor replicas: what is lost is computed again

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local kept = redis.pcall('GET', KEYS[1])
if type(kept) ~= 'string' then
  kept = false -- nothing, or no string
end
local made_at = kept and tonumber(string.match(kept, '^(%d+) '))
local fresh = made_at and made_at <= now and now - made_at < tonumber(ARGV[3])
local given = not fresh and redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2])
return { kept, now, given and 1 or 0 }

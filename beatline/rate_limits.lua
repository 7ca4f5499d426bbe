-- Settles with one token bucket, at one moment of Valkey's clock, which all processes and machines share.
-- KEYS[1]: the bucket, a hash of its tokens (below zero: in debt) at a time in microseconds. No key: it is full.
-- ARGV: rate, tokens a second; burst, what a full bucket holds; owed, tokens to pay whether they are there or
--   not; cost, tokens to take if they are there; longest debt, in seconds of refilling. More is forgiven.
-- Returns whether the cost was taken, 1 or 0, and the tokens that are left, as text.
local rate, burst, owed, cost, longest_debt =
  tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])

redis.set_repl(redis.REPL_NONE) -- neither log nor replicas: a bucket that is lost is a full one

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local kept = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = tonumber(kept[1] or burst)
local at = tonumber(kept[2] or now)

local refilled = math.max(now - at, 0) * rate / 1000000
tokens = math.max(math.min(tokens + refilled, burst) - owed, -longest_debt * rate)
local taken = tokens >= math.min(cost, burst)
if taken then
  tokens = tokens - cost
end
if tokens < burst then
  redis.call('HSET', KEYS[1], 'tokens', tokens, 'at', now)
  redis.call('PEXPIRE', KEYS[1], math.ceil((burst - tokens) / rate * 1000) + 1)
end
return { taken and 1 or 0, string.format('%.17g', tokens) }

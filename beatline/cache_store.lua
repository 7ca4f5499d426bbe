-- Keeps an answer and gives the lock back. Who computed for longer than the lock lasts replaces no other answer.
-- KEYS: the answer; its lock.
-- ARGV: token; what to keep, empty: nothing; milliseconds to keep it.
redis.set_repl(redis.REPL_NONE) -- neither log nor replicas: what is lost is computed again

local mine = redis.pcall('GET', KEYS[2]) == ARGV[1]
if ARGV[2] ~= '' then
  if mine then
    redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
  else
    redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3], 'NX')
  end
end
if mine then
  redis.call('DEL', KEYS[2])
end

-- For the rest of the transaction: read events in the order of an index and stop in time. What properties hold the planner
-- cannot guess; thinking a value rare, it would sort a whole day to find a page.
select set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true),
       set_config('enable_sort', 'off', true), set_config('jit', 'off', true)

-- For the rest of the transaction: a statement may take so many milliseconds. What a report reads is read whole, so
-- compiling its expressions costs more than it saves for most.
select set_config('statement_timeout', %(milliseconds)s::text, true), set_config('jit', 'off', true)

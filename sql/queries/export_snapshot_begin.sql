-- Read, until the transaction ends, what is committed now.
set transaction isolation level repeatable read, read only

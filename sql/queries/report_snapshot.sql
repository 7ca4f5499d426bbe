-- All statements of a report see the same events. The first statement of its transaction.
set transaction isolation level repeatable read read only

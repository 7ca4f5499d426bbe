-- Forget ids that are older than one to two times min_age; true when the ledger was rotated.
select rotate_event_ledger(%(at)s, %(min_age)s)

-- Wait until nobody else stores alerts; until the transaction's end.
select pg_advisory_xact_lock(hashtext('beatline alerts'))

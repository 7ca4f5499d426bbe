-- Keep others from changing a watch until the transaction ends.
select from watches where watch_id = %(watch_id)s for no key update

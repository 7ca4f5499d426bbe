-- Drops a part of an index that belongs to no whole, while its table is written to.
drop index concurrently if exists {name}

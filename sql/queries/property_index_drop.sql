-- Drops an index on a property with its parts.
drop index if exists {name}

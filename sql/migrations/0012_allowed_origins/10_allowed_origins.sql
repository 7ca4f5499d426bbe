-- Whose pages may send events to a project, as browsers name them in Origin; null: everybody's.
alter table projects add column allowed_origins text[] check (cardinality(allowed_origins) <= 50);

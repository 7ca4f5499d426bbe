-- A table of what a load's users remember, for this connection only.
create temporary table remembered (kind text not null, id text not null)

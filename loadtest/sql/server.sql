-- What the server has done until now: log, checkpoints, transactions and the time of its sessions in milliseconds.
select wal.wal_records, wal.wal_fpi, wal.wal_bytes::bigint, checkpoints.num_timed, checkpoints.num_requested,
       checkpoints.write_time, checkpoints.sync_time, checkpoints.buffers_written,
       own.xact_commit, own.xact_rollback, own.active_time, own.blks_read, own.blks_hit, own.deadlocks
from pg_stat_wal as wal, pg_stat_checkpointer as checkpoints, pg_stat_database as own
where own.datname = current_database()

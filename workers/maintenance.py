"""The jobs that keep the storage in order: plain functions, safe to run twice and beside themselves."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime, timedelta

import structlog
from psycopg import Connection

from beatline.errors import SpillError, StorageError
from beatline.live import Publisher
from beatline.settings import Settings
from beatline.storage.drain import drain
from beatline.storage.engine import POSTGRES, read_engine
from beatline.storage.queries import query, read_count
from beatline.storage.spill import Spill
from beatline.storage.store import Store, connected

log = structlog.get_logger()

LEDGER_AGE = timedelta(hours=24)  # CONTRACTS, section 11, pitfall 2: ids are checked over at least 24 h
PARTITIONS_AHEAD = timedelta(days=7)
SALT_AGE = timedelta(days=2)
JOB_RUNS_AGE = timedelta(days=30)
DEAD_LETTERS_AGE = timedelta(days=90)
LISTEN_SECONDS = 1.0  # that a drain waits to know who watches


def drain_spill(settings: Settings, now: datetime) -> None:
    """Write what waits in the spill into the database. One at a time: others return at once."""
    with closing(open_spill(settings)) as spill:
        try:
            if spill.backlog():
                drain_into(settings, spill)
        except (SpillError, StorageError) as error:
            log.warning("spill not drained", error=str(error).strip())


def drain_into(settings: Settings, spill: Spill) -> None:
    """Drain while holding the drain's lock, and show what is drained to who watches."""
    with closing(Store.connect(str(settings.database_url))) as store:
        if try_lock(store.connection, "beatline drain"):
            with closing(Publisher(str(settings.redis_url))) as live:
                live.listening.wait(LISTEN_SECONDS)
                drained = drain(spill, store, live.offer)
            log.info("spill drained", batches=drained.batches, events=drained.events)


def open_spill(settings: Settings) -> Spill:
    """The spill that the settings name."""
    return Spill(str(settings.redis_url), settings.spill_entries)


def rotate_ledger(settings: Settings, now: datetime) -> None:
    """Forget ids that are older than one to two days; not while batches wait in the spill, since the id of
    one that was committed without anybody hearing of it must not be forgotten before it is drained."""
    with closing(open_spill(settings)) as spill:
        if spill.backlog():
            log.warning("ledger not rotated: the spill is not empty")
            return
    with connected(settings.database_url) as connection:
        parameters = {"at": now, "min_age": LEDGER_AGE}
        connection.execute(query("rotate_event_ledger"), parameters)


def make_partitions(settings: Settings, now: datetime) -> None:
    """Make the daily partitions of the coming week (postgres engine)."""
    with connected(settings.database_url) as connection:
        if read_engine(connection) == POSTGRES:
            parameters = {"now": now, "ahead": PARTITIONS_AHEAD}
            read_count(connection, "make_event_partitions_ahead", parameters)


def drop_expired_events(settings: Settings, now: datetime) -> None:
    """Drop what retention has passed. Without an archive these are the partitions of the postgres engine;
    TimescaleDB's policy does its own."""
    if settings.retention_days is None:
        return
    before = now - timedelta(days=settings.retention_days)
    with connected(settings.database_url) as connection:
        if settings.archive:
            drop_what_is_archived(settings, connection, before, now)
        elif read_engine(connection) == POSTGRES:
            read_count(connection, "drop_event_partitions", {"before": before})


def drop_what_is_archived(
    settings: Settings, connection: Connection, before: datetime, now: datetime
) -> None:
    """Drop partitions or chunks of which every event is archived."""
    from beatline.archive.archiving import open_archive  # noqa: PLC0415 - Arrow, only for who archives
    from beatline.archive.dropping import drop_archived  # noqa: PLC0415

    connection.execute("set statement_timeout = '30min'")
    drop_archived(open_archive(settings, settings.data / "dropping"), connection, before, now)


def trim_rejected_events(settings: Settings, now: datetime) -> None:
    """Keep only the newest rejected events of each project."""
    with connected(settings.database_url) as connection:
        read_count(connection, "trim_rejected_events", {"kept": settings.rejected_events_kept})


def trim_alert_history(settings: Settings, now: datetime) -> None:
    """Forget alerts that Grafana told nothing of for long."""
    with connected(settings.database_url) as connection:
        before = now - timedelta(days=settings.alert_history_days)
        read_count(connection, "trim_alert_history", {"before": before})


def trim_job_runs(settings: Settings, now: datetime) -> None:
    """Forget runs of the schedule and dead letters of long ago."""
    with connected(settings.database_url) as connection:
        parameters = {"before": now - JOB_RUNS_AGE, "dead_before": now - DEAD_LETTERS_AGE}
        connection.execute(query("trim_job_runs"), parameters)


def forget_visitor_salts(settings: Settings, now: datetime) -> None:
    """Forget the secrets of days gone by, and with them who the visitors of those days were."""
    with connected(settings.database_url) as connection:
        connection.execute(query("forget_visitor_salts"), {"before": (now - SALT_AGE).date()})


def try_lock(connection: Connection, name: str) -> bool:
    """Take a lock that ends with the connection; false when somebody else has it."""
    row = connection.execute(query("try_lock"), {"name": name}).fetchone()
    return bool(row and row[0])

"""The schedule: what runs when. One process at a time is the leader, held by a lock of the database."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event as StopSignal

import psycopg
import structlog
from psycopg import Connection

from beatline.events import utc_now
from beatline.settings import Settings
from beatline.storage.store import CONNECT_OPTIONS
from workers import imports, maintenance, property_indexes

log = structlog.get_logger()

Job = Callable[[Settings, datetime], None]

# Everything is due when a leader starts; what was missed meanwhile runs once.
SCHEDULE: tuple[tuple[Job, timedelta], ...] = (
    (maintenance.drain_spill, timedelta(seconds=1)),
    (imports.run_imports, timedelta(seconds=1)),
    (property_indexes.work_on_property_indexes, timedelta(seconds=5)),
    (maintenance.trim_rejected_events, timedelta(minutes=10)),
    (maintenance.make_partitions, timedelta(hours=1)),
    (maintenance.drop_expired_events, timedelta(hours=1)),
    (maintenance.rotate_ledger, timedelta(hours=1)),
    (maintenance.forget_visitor_salts, timedelta(hours=1)),
    (imports.forget_imports, timedelta(hours=1)),
    (maintenance.trim_alert_history, timedelta(hours=1)),
)
TICK_SECONDS = 0.5


@dataclass
class Pulse:
    """Signs of life of the schedule; beat_at is of time.monotonic()."""

    leads: bool = False
    beat_at: float = field(default_factory=time.monotonic)

    def beat(self, *, leads: bool) -> None:
        """Note one turn of the schedule."""
        self.leads = leads
        self.beat_at = time.monotonic()


def due_jobs(last_sent: dict[str, datetime], now: datetime) -> list[str]:
    """The names of the jobs whose time has come; notes them as sent."""
    due = []
    for job, every in SCHEDULE:
        if job.__name__ not in last_sent or now - last_sent[job.__name__] >= every:
            last_sent[job.__name__] = now
            due.append(job.__name__)
    return due


def run_schedule(settings: Settings, send: Callable[[str], None], stop: StopSignal, pulse: Pulse) -> None:
    """Send due jobs while we are the leader; try to become it again and again otherwise."""
    while not stop.is_set():
        try:
            with psycopg.connect(str(settings.database_url), **CONNECT_OPTIONS) as connection:
                lead(connection, send, stop, pulse)
        except Exception as error:  # the database or Valkey is away; both come back
            log.warning("schedule interrupted", error=str(error).strip())
        pulse.beat(leads=False)
        stop.wait(1.0)


def lead(connection: Connection, send: Callable[[str], None], stop: StopSignal, pulse: Pulse) -> None:
    """Send due jobs until told to stop or the connection breaks; return at once when another one leads."""
    if not maintenance.try_lock(connection, "beatline schedule"):
        return
    log.info("leading the schedule")
    pulse.beat(leads=True)
    last_sent: dict[str, datetime] = {}
    while not stop.wait(TICK_SECONDS):
        connection.execute("select 1")
        for name in due_jobs(last_sent, utc_now()):
            send(name)
        pulse.beat(leads=True)

"""The schedule as a table: what runs when, how long it may take, and what becomes of missed runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from beatline.due_times import Missed, When, daily, every, hourly
from beatline.settings import Settings
from workers import (
    aggregates,
    archive,
    exports,
    imports,
    maintenance,
    notifications,
    property_indexes,
    reports,
    sessions,
    watches,
)  # fmt: skip
from workers.tasks import BULK, IMPORTS, MAINTENANCE, PUSHES

Job = Callable[[Settings, datetime], None]

RECORDED = timedelta(minutes=1)  # runs that are due so rarely, or more so, are rows of job_runs


@dataclass(frozen=True)
class Row:
    """A job. may_take is its time limit, after which it is interrupted and counts as failed.

    A job must be safe to run twice and beside itself: a run is begun again when its worker dies.
    """

    job: Job
    when: When
    may_take: timedelta
    missed: Missed = Missed.ONCE
    queue: str = MAINTENANCE

    @property
    def name(self) -> str:
        """The job's name, in the table of runs, metrics and messages."""
        return self.job.__name__

    @property
    def is_recorded(self) -> bool:
        """Whether each run is a row. What is due more often is only remembered by the leader; missed runs of
        it are skipped."""
        return self.when.every >= RECORDED


def minutes(count: int) -> timedelta:
    """So many minutes."""
    return timedelta(minutes=count)


SCHEDULE: tuple[Row, ...] = (
    Row(maintenance.drain_spill, every(seconds=1), minutes(60), Missed.SKIP),
    Row(imports.run_imports, every(seconds=1), minutes(5), Missed.SKIP, IMPORTS),
    Row(property_indexes.work_on_property_indexes, every(seconds=5), minutes(600), Missed.SKIP, BULK),
    Row(notifications.spread_notifications, every(seconds=1), minutes(1), Missed.SKIP, PUSHES),
    Row(watches.evaluate_watches, every(seconds=15), minutes(1), Missed.SKIP),
    Row(reports.request_due_reports, every(minutes=1), minutes(5)),
    Row(sessions.close_sessions, every(minutes=10), minutes(5)),
    Row(sessions.close_old_sessions, daily(hour=3), minutes(60), queue=BULK),
    Row(maintenance.trim_rejected_events, every(minutes=10), minutes(5)),
    Row(maintenance.make_partitions, every(hours=1), minutes(10)),
    Row(archive.archive_days, hourly(minute=20), minutes(120), queue=BULK),
    Row(maintenance.drop_expired_events, every(hours=1), minutes(60), queue=BULK),
    Row(maintenance.rotate_ledger, every(hours=1), minutes(5)),
    Row(maintenance.forget_visitor_salts, every(hours=1), minutes(5)),
    Row(imports.forget_imports, every(hours=1), minutes(30), queue=BULK),
    Row(exports.expire_exports, every(hours=1), minutes(30), queue=BULK),
    Row(maintenance.trim_alert_history, every(hours=1), minutes(5)),
    Row(notifications.trim_notifications, every(hours=1), minutes(30), queue=BULK),
    Row(watches.trim_watch_history, every(hours=1), minutes(5)),
    Row(aggregates.complete_hour, hourly(minute=5), minutes(30), Missed.EACH, BULK),
    Row(aggregates.complete_day, daily(hour=1), minutes(60), Missed.EACH, BULK),
    Row(maintenance.trim_job_runs, daily(hour=2), minutes(5)),
)

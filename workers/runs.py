"""Runs of the schedule, as a worker performs them: each is begun, and its end noted, in the table job_runs.

Who works on a run holds the lock of its job, which ends with the connection. So a job never runs beside
itself, and a run whose worker was killed is free at once: it is open and nobody holds the lock, and the
leader sends it again (sql/queries/job_runs_to_send.sql).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from dramatiq.middleware import TimeLimitExceeded
from psycopg import Connection

from beatline.due_times import Missed
from beatline.errors import BeatlineError, StorageError
from beatline.events import utc_now
from beatline.settings import Settings
from beatline.storage.queries import query
from beatline.storage.store import connected
from workers.maintenance import try_lock
from workers.schedule import Row

log = structlog.get_logger()

MOST_FAILURES = 3  # then a run has failed for good
MOST_ATTEMPTS = 20  # also counts those whose worker died, so that no run kills workers for ever
FIRST_PAUSE = timedelta(seconds=15)  # after a failure; the next one is four times as long
ERROR_LENGTH = 1_000


class GivenUp(BeatlineError):  # noqa: N818 - said of the run
    """A run was begun too often."""


Measure = Callable[[str], AbstractContextManager[None]]


@dataclass(frozen=True)
class Run:
    """A run whose job's lock the connection has."""

    connection: Connection
    row: Row
    due_at: datetime

    def note(self, statement: str, **parameters: object) -> tuple[int, int] | None:
        """Execute a statement on the run's row. Answers its attempts and failures, or nothing."""
        run = {"job": self.row.name, "due_at": self.due_at, "now": utc_now()}
        cursor = self.connection.execute(query(statement), run | parameters)
        return cursor.fetchone() if cursor.description else None


def perform_run(settings: Settings, row: Row, due_at: datetime, measure: Measure) -> None:
    """Perform a run, unless it has ended or somebody works on the job. Raises what the job raised when that
    was the last attempt."""
    failed = None
    try:
        with connected(settings.database_url) as connection:
            if try_lock(connection, f"beatline job {row.name}"):
                failed = begin(Run(connection, row, due_at), settings, measure)
    except StorageError as error:  # the run stays open, and the leader sends it again
        log.warning("run not noted", job=row.name, due_at=due_at, error=str(error).strip())
    if failed:
        raise failed


def begin(run: Run, settings: Settings, measure: Measure) -> BaseException | None:
    """Begin an attempt, unless the run has ended. Answers why it failed, when that is for good."""
    begun = run.note("job_run_begin")
    if begun is None:
        return None
    attempts, failures = begun
    if attempts > MOST_ATTEMPTS:
        died = attempts - 1 - failures
        return fail(run, GivenUp(f"{failures} attempts failed, and in {died} the worker died."))
    try:
        with measure(run.row.name):
            run.row.job(settings, run.due_at if run.row.missed is Missed.EACH else utc_now())
    except (Exception, TimeLimitExceeded) as error:
        if failures + 1 >= MOST_FAILURES:
            return fail(run, error)
        log.warning("job failed, is tried again", job=run.row.name, exc_info=True)
        send_after = utc_now() + FIRST_PAUSE * 4**failures
        run.note("job_run_again", error=describe(error), send_after=send_after)
    else:
        run.note("job_run_end", outcome="done", error=None)
    return None


def fail(run: Run, error: BaseException) -> BaseException:
    """Note that a run has failed for good; answers the error."""
    run.note("job_run_end", outcome="failed", error=describe(error))
    return error


def describe(error: BaseException) -> str:
    """An error in a line that a table can keep: which, and what it says."""
    text = f"{type(error).__name__}: {error}".replace("\0", "")
    return text.strip()[:ERROR_LENGTH]

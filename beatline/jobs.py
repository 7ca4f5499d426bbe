"""The schedule, its runs and dead letters, for those who look after them (docs/workers.md)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from psycopg import Connection
from psycopg.rows import class_row, dict_row

from beatline.due_times import When
from beatline.storage.queries import query


@dataclass(frozen=True)
class JobRun:
    """A run of a job. outcome is done, failed or skipped; None while it is open."""

    job: str
    due_at: datetime
    sent_at: datetime | None
    attempts: int
    failures: int
    started_at: datetime | None
    ended_at: datetime | None
    outcome: str | None
    error: str | None

    @property
    def place(self) -> RunPlace:
        """Where the page behind this run begins."""
        return RunPlace(self.due_at, self.job)


@dataclass(frozen=True)
class Job:
    """A job of the schedule. recorded: whether its runs are kept, else last_run is always None."""

    job: str
    queue: str
    when: When
    may_take: timedelta
    missed: str
    recorded: bool
    last_run: JobRun | None
    next_run_at: datetime

    @property
    def state(self) -> str:
        """What its last run is at: unknown, waiting, running, done, failed or skipped."""
        if self.last_run is None:
            return "unknown"
        if self.last_run.outcome:
            return self.last_run.outcome
        return "running" if self.last_run.started_at else "waiting"


class RunPlace(NamedTuple):
    """The run behind which a page begins."""

    due_at: datetime
    job: str


class LetterPlace(NamedTuple):
    """The dead letter behind which a page begins."""

    at: datetime
    dead_letter_id: int


@dataclass(frozen=True)
class DeadLetter:
    """A message that failed for good, however often. send_asked_at: since then it is to be sent again."""

    dead_letter_id: int
    queue: str
    actor: str
    arguments: list[Any]
    error: str
    traceback: str
    first_at: datetime
    at: datetime
    times: int
    send_asked_at: datetime | None

    @property
    def place(self) -> LetterPlace:
        """Where the page behind this letter begins."""
        return LetterPlace(self.at, self.dead_letter_id)


def read_jobs(connection: Connection, now: datetime) -> list[Job]:
    """The schedule as its leader last knew it, the most frequent jobs first."""
    with connection.cursor(row_factory=dict_row) as rows:
        return [job_of(row, now) for row in rows.execute(query("job_schedule")).fetchall()]


def job_of(row: dict[str, Any], now: datetime) -> Job:
    """A job from its row and that of its last run."""
    when = When(row["every"], row["past"])
    run = {name: row[name] for name in JobRun.__dataclass_fields__}
    last = JobRun(**run) if row["due_at"] else None
    plan = {name: row[name] for name in ("job", "queue", "may_take", "missed", "recorded")}
    return Job(**plan, when=when, last_run=last, next_run_at=when.next(now))


def read_runs(
    connection: Connection, job: str | None, outcome: str | None, behind: RunPlace | None, limit: int
) -> list[JobRun]:
    """At most so many runs behind a place, those due last first."""
    behind_at, behind_job = behind or (None, None)
    parameters = {
        "job": job, "outcome": outcome, "behind_at": behind_at, "behind_job": behind_job, "limit": limit
    }  # fmt: skip
    with connection.cursor(row_factory=class_row(JobRun)) as rows:
        return rows.execute(query("job_runs_page"), parameters).fetchall()


def read_dead_letters(
    connection: Connection, queue: str | None, actor: str | None, behind: LetterPlace | None, limit: int
) -> list[DeadLetter]:
    """At most so many dead letters behind a place, those that failed last first."""
    behind_at, behind_id = behind or (None, None)
    parameters = {
        "queue": queue, "actor": actor, "behind_at": behind_at, "behind_id": behind_id, "limit": limit
    }  # fmt: skip
    with connection.cursor(row_factory=class_row(DeadLetter)) as rows:
        return rows.execute(query("dead_letters_page"), parameters).fetchall()


def ask_to_send(connection: Connection, dead_letter_id: int, now: datetime) -> DeadLetter | None:
    """Have the leader of the schedule send a dead letter again; None when there is none."""
    parameters = {"dead_letter_id": dead_letter_id, "now": now}
    with connection.cursor(row_factory=class_row(DeadLetter)) as rows:
        return rows.execute(query("dead_letter_ask"), parameters).fetchone()


def delete_dead_letter(connection: Connection, dead_letter_id: int) -> DeadLetter | None:
    """Delete a dead letter; None when there is none."""
    with connection.cursor(row_factory=class_row(DeadLetter)) as rows:
        return rows.execute(query("dead_letter_delete"), {"dead_letter_id": dead_letter_id}).fetchone()

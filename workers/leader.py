"""The leader of the schedule: one process at a time, held by a lock of the database, sends what is due."""

from __future__ import annotations

from datetime import datetime, timedelta
from threading import Event as StopSignal

import psycopg
import structlog
from dramatiq import Broker
from dramatiq.errors import ActorNotFound
from psycopg import Connection

from beatline.due_times import Missed
from beatline.events import utc_now
from beatline.settings import Settings
from beatline.storage.queries import query
from beatline.storage.store import CONNECT_OPTIONS
from workers.actors import Work
from workers.broker import queue_length
from workers.maintenance import try_lock
from workers.pulse import Pulse
from workers.schedule import Row
from workers.tasks import QUEUES

log = structlog.get_logger()

TICK_SECONDS = 0.5
TASKS_EVERY = timedelta(seconds=1)
SEND_AGAIN = timedelta(seconds=10)  # a run that nobody works on; its message may be lost, or its worker dead
MOST_MESSAGES = 1_000  # that wait in a queue; more would not help whoever comes to work them off
MOST_MISSED = 1_000  # runs that a leader makes up for at once
SKIP_AFTER = timedelta(minutes=1)  # a run that may not be made up for was missed then
# A leader that stands still lets go of the lock: the server ends its connection.
STANDS_STILL = "set idle_session_timeout = '15s'"


def run_schedule(settings: Settings, work: Work, broker: Broker, stop: StopSignal, pulse: Pulse) -> None:
    """Send what is due while we are the leader; try to become it again and again otherwise."""
    while not stop.is_set():
        try:
            with psycopg.connect(str(settings.database_url), **CONNECT_OPTIONS) as connection:
                lead(connection, work, broker, stop, pulse)
        except Exception as error:  # the database or the broker is away; both come back
            log.warning("schedule interrupted", error=str(error).strip() or type(error).__name__)
        pulse.beat(leads=False)
        stop.wait(1.0)


def lead(connection: Connection, work: Work, broker: Broker, stop: StopSignal, pulse: Pulse) -> None:
    """Send what is due until told to stop or a connection breaks; return at once when another one leads."""
    if not try_lock(connection, "beatline schedule"):
        return
    log.info("leading the schedule")
    pulse.beat(leads=True)
    connection.execute(STANDS_STILL)
    turn = Turns(connection, work, broker, utc_now())
    while not stop.wait(TICK_SECONDS):
        turn.take(utc_now())
        pulse.beat(leads=True)


def due_runs(row: Row, last: datetime | None, now: datetime) -> list[datetime]:
    """When a recorded job was due since its last run, as far as that is made up for; the last is also the
    first one of a job that never ran."""
    latest = row.when.latest(now)
    if last is not None and latest <= last:
        return []
    if last is None or row.missed is not Missed.EACH:
        return [latest]
    first = max(row.when.next(last), latest - row.when.every * (MOST_MISSED - 1))
    return [first + row.when.every * number for number in range((latest - first) // row.when.every + 1)]


class Turns:
    """The turns of one leader."""

    def __init__(self, connection: Connection, work: Work, broker: Broker, now: datetime) -> None:
        self.connection = connection
        self.work = work
        self.broker = broker
        self.recorded = [row for row in work.schedule if row.is_recorded]
        self.remembered = [row for row in work.schedule if not row.is_recorded]
        self.last_sent: dict[str, datetime] = {}  # of those that are remembered
        self.tasks_sent = now - TASKS_EVERY
        self.publish(now)
        names = [row.name for row in self.recorded]
        self.last_due: dict[str, datetime] = dict(
            connection.execute(query("job_runs_last"), {"jobs": names}).fetchall()
        )

    def publish(self, now: datetime) -> None:
        """Put the schedule into its table, for those who look at it."""
        for row in self.work.schedule:
            parameters = {
                "job": row.name, "queue": row.queue, "every": row.when.every, "past": row.when.past,
                "may_take": row.may_take, "missed": row.missed.value, "recorded": row.is_recorded,
            }  # fmt: skip
            self.connection.execute(query("job_schedule_put"), parameters)
        names = [row.name for row in self.work.schedule]
        self.connection.execute(query("job_schedule_keep"), {"jobs": names, "now": now})

    def take(self, now: datetime) -> None:
        """Enter runs that are due, then send messages of all that wants one. Raises what the drivers of
        database and broker raise."""
        for row in self.recorded:
            self.enter(row, now)
        self.send_again_dead_letters(now)
        full = self.full_queues()
        self.send_runs(full, now)
        self.send_remembered(full, now)
        if now - self.tasks_sent >= TASKS_EVERY:
            self.tasks_sent = now
            self.send_tasks(full, now)

    def enter(self, row: Row, now: datetime) -> None:
        """Enter the runs of a job that are due."""
        for due_at in due_runs(row, self.last_due.get(row.name), now):
            missed = row.missed is Missed.SKIP and now - due_at > SKIP_AFTER
            parameters = {
                "job": row.name, "due_at": due_at, "now": now, "supersede": row.missed is not Missed.EACH
            }  # fmt: skip
            self.connection.execute(query("job_run_skip" if missed else "job_run_enter"), parameters)
            self.last_due[row.name] = due_at

    def full_queues(self) -> set[str]:
        """The queues that nobody works off."""
        queues = self.broker.get_declared_queues() & set(QUEUES)
        return {queue for queue in queues if queue_length(self.broker, queue) >= MOST_MESSAGES}

    def send_runs(self, full: set[str], now: datetime) -> None:
        """Send open runs."""
        not_now = [row.name for row in self.recorded if row.queue in full]
        parameters = {"now": now, "again_at": now + SEND_AGAIN, "not_now": not_now}
        for job, due_at in self.connection.execute(query("job_runs_to_send"), parameters).fetchall():
            self.send(job, due_at.isoformat())

    def send_remembered(self, full: set[str], now: datetime) -> None:
        """Send jobs that are due every few seconds."""
        for row in self.remembered:
            latest = row.when.latest(now)
            if row.queue not in full and self.last_sent.get(row.name) != latest:
                self.last_sent[row.name] = latest
                self.send(row.name)

    def send_tasks(self, full: set[str], now: datetime) -> None:
        """Send the rows of each task that are due."""
        for task in self.work.tasks:
            if task.queue not in full:
                for (row_id,) in self.connection.execute(query(task.due), {"now": now}).fetchall():
                    self.send(task.perform.__name__, str(row_id))

    def send_again_dead_letters(self, now: datetime) -> None:
        """Send what somebody wants sent again; a run of the schedule is opened again instead. A leader that
        is killed here sends twice rather than never."""
        with self.connection.transaction():
            for _, actor, arguments in self.connection.execute(query("dead_letters_to_send")).fetchall():
                if arguments and actor in self.last_due:
                    run = {"job": actor, "due_at": arguments[0], "now": now}
                    self.connection.execute(query("job_run_reopen"), run)
                else:
                    self.send(actor, *arguments)

    def send(self, actor: str, *arguments: str) -> None:
        """Send one message."""
        try:
            self.broker.get_actor(actor).send(*arguments)
        except ActorNotFound:
            log.error("not sent: no such job", job=actor, arguments=arguments)

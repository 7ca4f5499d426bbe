"""Dramatiq: an actor for each job of the schedule and for each task. An actor is a thin shell; what
it does is a plain function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import dramatiq
from dramatiq import Broker, Middleware
from dramatiq.broker import MessageProxy
from dramatiq.middleware import AgeLimit, Retries, SkipMessage, TimeLimit
from prometheus_client import CollectorRegistry

from beatline.events import utc_now
from beatline.settings import Settings
from workers.broker import open_broker
from workers.dead_letters import DeadLetters
from workers.metrics import JobMetrics, MessageMetrics
from workers.runs import perform_run
from workers.schedule import SCHEDULE, Row
from workers.tasks import BULK, EXPORTS, IMPORTS, MAINTENANCE, PUSHES, QUEUES, TASKS, Task

# Threads of a process for each queue, so that what takes long in one never keeps another waiting.
THREADS = {MAINTENANCE: 4, BULK: 3, IMPORTS: 1, EXPORTS: 2, PUSHES: 8}
MESSAGE_AGE = timedelta(seconds=10)  # an older message is dropped once the schedule has sent the next one
TASK_RETRIES = 3  # of what a task did not expect; what it does, is in its own table
FIRST_RETRY, LAST_RETRY = timedelta(seconds=5), timedelta(minutes=5)
SOONER, LATER = 0, 10  # among the messages that a process has: the smaller number first
MILLISECOND = timedelta(milliseconds=1)


class DropOld(AgeLimit):
    """Drops messages that waited too long. They did not fail, so they are no dead letters."""

    def before_process_message(self, broker: Broker, message: MessageProxy) -> None:
        """Skip an old message."""
        try:
            super().before_process_message(broker, message)  # type: ignore[no-untyped-call]
        except SkipMessage:
            message.failed = False
            raise


@dataclass(frozen=True)
class Work:
    """What there is to do. Tests bring their own."""

    schedule: tuple[Row, ...] = SCHEDULE
    tasks: tuple[Task, ...] = TASKS


@dataclass(frozen=True)
class Actors:
    """Makes brokers that all count in one registry."""

    settings: Settings
    work: Work
    metrics: JobMetrics
    middleware: tuple[Middleware, ...]

    def broker(self, *queues: str) -> Broker:
        """A broker with the actors of some queues, or of all. Raises StartError."""
        broker = open_broker(self.settings, self.middleware)
        for row in self.work.schedule:
            if not queues or row.queue in queues:
                declare_job(broker, row, self.settings, self.metrics)
        for task in self.work.tasks:
            if not queues or task.queue in queues:
                declare_task(broker, task, self.settings, self.metrics)
        return broker


def make_actors(settings: Settings, registry: CollectorRegistry, work: Work) -> Actors:
    """The actors of a process, which count in a registry."""
    messages = MessageMetrics(registry)
    metrics = JobMetrics(registry, [row.name for row in work.schedule])
    middleware = (messages, DropOld(), TimeLimit(), Retries(), DeadLetters(settings))
    return Actors(settings, work, metrics, middleware)


def declare_job(broker: Broker, row: Row, settings: Settings, metrics: JobMetrics) -> None:
    """An actor for a job of the schedule. Its message is not retried: the schedule sends it again."""

    def perform_now() -> None:
        with metrics.measure(row.name):
            row.job(settings, utc_now())

    def perform_recorded(due_at: str) -> None:
        perform_run(settings, row, datetime.fromisoformat(due_at), metrics.measure)

    declare(
        broker, row, row.name, perform_recorded if row.is_recorded else perform_now,
        priority=LATER if row.is_recorded else SOONER,
        max_retries=0,
        max_age=max(row.when.every, MESSAGE_AGE) / MILLISECOND,
    )  # fmt: skip


def declare_task(broker: Broker, task: Task, settings: Settings, metrics: JobMetrics) -> None:
    """An actor for a task. It takes the id of a row."""
    name = task.perform.__name__

    def perform(row_id: str) -> None:
        with metrics.measure(name):
            task.perform(settings, row_id, utc_now())

    declare(
        broker, task, name, perform,
        priority=LATER,
        max_retries=TASK_RETRIES,
        min_backoff=FIRST_RETRY / MILLISECOND,
        max_backoff=LAST_RETRY / MILLISECOND,
    )  # fmt: skip


def declare(
    broker: Broker, entry: Row | Task, name: str, perform: Callable[..., None], **options: Any
) -> None:
    """An actor on the queue and with the time limit of its entry."""
    time_limit = entry.may_take / MILLISECOND
    as_actor = dramatiq.actor(
        broker=broker, actor_name=name, queue_name=entry.queue, time_limit=time_limit, **options
    )
    as_actor(perform)


def sending_broker(actors: Actors) -> Broker:
    """The broker that knows all actors, to send them messages; the process's metrics begin here."""
    broker = actors.broker()
    broker.emit_after("process_boot")
    return broker


def make_workers(actors: Actors, queues: tuple[str, ...] = QUEUES) -> list[dramatiq.Worker]:
    """The threads for each queue, not yet started. Dramatiq wants one worker for a broker, so each queue has
    both."""
    return [
        dramatiq.Worker(actors.broker(queue), queues={queue}, worker_threads=THREADS[queue])
        for queue in queues
    ]

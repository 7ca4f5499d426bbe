"""Dramatiq: the broker, and an actor for each job. An actor is a thin shell; the job is a plain function."""

from __future__ import annotations

from datetime import timedelta

import dramatiq
from dramatiq.broker import Broker, MessageProxy
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import AgeLimit, Retries, SkipMessage, TimeLimit
from prometheus_client import CollectorRegistry

from beatline.events import utc_now
from beatline.settings import Settings
from workers.metrics import JobMetrics, MessageMetrics
from workers.schedule import SCHEDULE, Job

QUEUE = "maintenance"
MESSAGE_AGE = timedelta(seconds=10)  # an older message is dropped once the schedule has sent the next one
MOST_MESSAGES = 1_000  # that wait; more would not help whoever comes to work them off
TIME_LIMIT_MS = 3_600_000


class DropOld(AgeLimit):
    """Drops messages that waited too long. They did not fail, so they are no dead letters."""

    def before_process_message(self, broker: Broker, message: MessageProxy) -> None:
        """Skip an old message."""
        try:
            super().before_process_message(broker, message)  # type: ignore[no-untyped-call]
        except SkipMessage:
            message.failed = False
            raise


def make_broker(settings: Settings, registry: CollectorRegistry) -> RedisBroker:
    """The broker with every actor declared on it, counting in a registry."""
    middleware = [MessageMetrics(registry), DropOld(), TimeLimit(), Retries()]
    broker = RedisBroker(url=settings.redis_url, heartbeat_timeout=10_000, middleware=middleware)  # type: ignore[no-untyped-call]
    metrics = JobMetrics(registry)
    for job, every in SCHEDULE:
        declare(broker, job, max(every, MESSAGE_AGE), settings, metrics)
    broker.emit_after("process_boot")
    return broker


def declare(
    broker: RedisBroker, job: Job, max_age: timedelta, settings: Settings, metrics: JobMetrics
) -> None:
    """An actor for a job of the schedule. It is not retried: the schedule sends it again."""

    def perform() -> None:
        with metrics.measure(job.__name__):
            job(settings, utc_now())

    as_actor = dramatiq.actor(
        broker=broker,
        actor_name=job.__name__,
        queue_name=QUEUE,
        max_retries=0,
        max_age=max_age / timedelta(milliseconds=1),
        time_limit=TIME_LIMIT_MS,
    )
    as_actor(perform)


def send(broker: RedisBroker, name: str) -> None:
    """Queue a job by its name, unless the queue is full since nobody works."""
    if broker.do_qsize(QUEUE) < MOST_MESSAGES:
        broker.get_actor(name).send()

"""Dramatiq: the broker, and an actor for each job. An actor is a thin shell; the job is a plain function."""

from __future__ import annotations

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from beatline.events import utc_now
from beatline.settings import Settings
from workers.schedule import SCHEDULE, Job

QUEUE = "maintenance"
MESSAGE_AGE_MS = 10_000  # an older message is dropped: the schedule has sent the next one
TIME_LIMIT_MS = 3_600_000


def make_broker(settings: Settings) -> RedisBroker:
    """The broker with every actor declared on it."""
    broker = RedisBroker(url=settings.redis_url, heartbeat_timeout=10_000)  # type: ignore[no-untyped-call]
    for job, _ in SCHEDULE:
        declare(broker, job, settings)
    return broker


def declare(broker: RedisBroker, job: Job, settings: Settings) -> None:
    """An actor for a job of the schedule. It is not retried: the schedule sends it again."""

    def perform() -> None:
        job(settings, utc_now())

    as_actor = dramatiq.actor(
        broker=broker,
        actor_name=job.__name__,
        queue_name=QUEUE,
        max_retries=0,
        max_age=MESSAGE_AGE_MS,
        time_limit=TIME_LIMIT_MS,
    )
    as_actor(perform)


def send(broker: RedisBroker, name: str) -> None:
    """Queue a job by its name."""
    broker.get_actor(name).send()

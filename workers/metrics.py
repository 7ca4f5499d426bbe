"""The workers' Prometheus metrics: what Dramatiq counts, the jobs, and the state of the parts at each scrape.

Every workers' process is one process and has its own; the state of the parts is the same in each of them.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg
import redis
from dramatiq import Broker
from prometheus_client import CollectorRegistry, Gauge, Histogram, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.registry import Collector

from beatline.build_info import export_version
from beatline.settings import Settings
from beatline.storage.spill import STREAM, UNREADABLE
from workers.schedule import SCHEDULE, Pulse

# Dramatiq's module makes this folder for the processes of its own command when it is imported; we need none.
os.environ.setdefault("dramatiq_prom_db", os.curdir)
from dramatiq.middleware.prometheus import Prometheus

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3_600.0)
MULTIPROCESS = ("PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir")
VALKEY_OPTIONS: dict[str, Any] = {"socket_connect_timeout": 1, "socket_timeout": 1, "retry": None}
DATABASE_OPTIONS: dict[str, Any] = {
    "autocommit": True,
    "connect_timeout": 2,
    "tcp_user_timeout": 2_000,
    "options": "-c statement_timeout=2s",
}
# How many batches wait in the spill, and how long the oldest has, without reading it. Valkey's clock decides.
SPILL_STATE = """
local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)
if #first == 0 then return {0, 0} end
local now = redis.call('TIME')
local age = now[1] * 1000 + math.floor(now[2] / 1000) - tonumber(string.match(first[1][1], '^%d+'))
return {redis.call('XLEN', KEYS[1]), math.max(age, 0)}
"""


class MessageMetrics(Prometheus):
    """Dramatiq's metrics, of this process alone and in a registry of ours."""

    def __init__(self, registry: CollectorRegistry) -> None:
        super().__init__()
        self.registry = registry

    def after_process_boot(self, broker: Broker) -> None:
        """Make the metrics, every actor's at zero."""
        before = {name: os.environ.get(name) for name in MULTIPROCESS}
        super().after_process_boot(broker)  # type: ignore[no-untyped-call]
        for name, text in before.items():
            restore(name, text)
        for metric in [value for value in vars(self).values() if isinstance(value, MetricWrapperBase)]:
            self.registry.register(metric)
            for actor in broker.actors.values():
                metric.labels(actor.queue_name, actor.actor_name)


def restore(name: str, text: str | None) -> None:
    """Set an environment variable as it was."""
    os.environ.pop(name, None)
    if text is not None:
        os.environ[name] = text


class JobMetrics:
    """How long the jobs take, and when each of them last ended well."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.seconds = Histogram(
            "beatline_job_seconds", "Time of one run of a job, whether it ended well or not.",
            ["job"], buckets=SECONDS, registry=registry,
        )  # fmt: skip
        self.last_success = Gauge(
            "beatline_job_last_success_timestamp_seconds", "When a job last ended well in this process.",
            ["job"], registry=registry,
        )  # fmt: skip
        for job, _ in SCHEDULE:
            self.seconds.labels(job.__name__)

    @contextmanager
    def measure(self, job: str) -> Iterator[None]:
        """Measure one run of a job."""
        with self.seconds.labels(job).time():
            yield
        self.last_success.labels(job).set(time.time())


class StateOfParts(Collector):
    """What is read at each scrape. A part that does not answer soon is down, and its gauges are left out."""

    def __init__(self, settings: Settings, queues: Iterable[str]) -> None:
        self.settings = settings
        self.queues = sorted(queues)

    def collect(self) -> Iterator[Metric]:
        """The gauges."""
        yield gauge("beatline_database_up", "Whether the database answers.", database_answers(self.settings))
        try:
            state = read_valkey(self.settings, self.queues)
        except redis.RedisError:
            yield gauge("beatline_valkey_up", "Whether Valkey answers.", False)
        else:
            yield gauge("beatline_valkey_up", "Whether Valkey answers.", True)
            yield from state
        yield from read_disk(self.settings)


def make_registry(settings: Settings, queues: Iterable[str], pulse: Pulse) -> CollectorRegistry:
    """A registry with what does not belong to the jobs."""
    registry = CollectorRegistry()
    export_version(registry)
    leader = Gauge("beatline_schedule_leader", "1 in the process that leads the schedule.", registry=registry)
    leader.set_function(lambda: pulse.leads)
    registry.register(StateOfParts(settings, queues))
    return registry


def gauge(name: str, about: str, value: float) -> Metric:
    """A gauge without labels."""
    return GaugeMetricFamily(name, about, value=value)


def database_answers(settings: Settings) -> bool:
    """Whether the database answers soon."""
    try:
        with psycopg.connect(str(settings.database_url), **DATABASE_OPTIONS) as connection:
            connection.execute("select 1")
    except psycopg.Error:
        return False
    return True


def valkey_answers(settings: Settings) -> bool:
    """Whether Valkey answers soon."""
    try:
        with closing(redis.Redis.from_url(str(settings.redis_url), **VALKEY_OPTIONS)) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def read_valkey(settings: Settings, queues: list[str]) -> list[Metric]:
    """What waits in Valkey. Raises redis.RedisError."""
    with closing(redis.Redis.from_url(str(settings.redis_url), **VALKEY_OPTIONS)) as client:
        asked = client.pipeline(transaction=False)
        asked.eval(SPILL_STATE, 1, STREAM)
        asked.xlen(UNREADABLE)
        for queue in queues:
            asked.hlen(f"dramatiq:{queue}.msgs")
            asked.zcard(f"dramatiq:{queue}.XQ")
        (batches, milliseconds), unreadable, *counts = asked.execute()
    return [
        gauge("beatline_spill_batches", "Batches that wait in the spill for the database.", batches),
        gauge(
            "beatline_spill_oldest_seconds", "Age of the oldest of them; 0: none waits.", milliseconds / 1e3
        ),
        gauge(
            "beatline_spill_unreadable_batches", "Batches set aside, since nobody can read them.", unreadable
        ),
        *queue_gauges(queues, counts),
    ]


def queue_gauges(queues: list[str], counts: list[int]) -> list[Metric]:
    """The gauges of Dramatiq's queues; counts are messages and dead letters in turns."""
    messages = GaugeMetricFamily(
        "beatline_queue_messages", "Messages that wait or are being worked on.", labels=["queue"]
    )
    dead_letters = GaugeMetricFamily(
        "beatline_dead_letters", "Messages that failed for good, kept for a week.", labels=["queue"]
    )
    for queue, waiting, dead in zip(queues, counts[::2], counts[1::2], strict=True):
        messages.add_metric([queue], waiting)
        dead_letters.add_metric([queue], dead)
    return [messages, dead_letters]


def read_disk(settings: Settings) -> list[Metric]:
    """The file system of BEATLINE_DATA; nothing while that folder is missing."""
    try:
        usage = shutil.disk_usage(settings.data)
    except OSError:
        return []
    return [
        gauge("beatline_disk_free_bytes", "Free bytes of the file system of BEATLINE_DATA.", usage.free),
        gauge("beatline_disk_size_bytes", "All bytes of the file system of BEATLINE_DATA.", usage.total),
    ]

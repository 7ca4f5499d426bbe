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

from beatline.archive.days import count_by_state
from beatline.build_info import export_version
from beatline.settings import Settings
from beatline.storage.queries import query
from beatline.storage.spill import STREAM, UNREADABLE
from workers.broker import VALKEY_OPTIONS, read_queue_lengths
from workers.pulse import Pulse

# Dramatiq's module makes this folder for the processes of its own command when it is imported; we need none.
os.environ.setdefault("dramatiq_prom_db", os.curdir)
from dramatiq.middleware.prometheus import Prometheus

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3_600.0)
MULTIPROCESS = ("PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir")
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

    def __init__(self, registry: CollectorRegistry, names: Iterable[str]) -> None:
        self.seconds = Histogram(
            "beatline_job_seconds", "Time of one run of a job, whether it ended well or not.",
            ["name"], buckets=SECONDS, registry=registry,
        )  # fmt: skip
        self.last_success = Gauge(
            "beatline_job_last_success_timestamp_seconds", "When a job last ended well in this process.",
            ["name"], registry=registry,
        )  # fmt: skip
        for name in names:
            self.seconds.labels(name)

    @contextmanager
    def measure(self, name: str) -> Iterator[None]:
        """Measure one run of a job or a task."""
        with self.seconds.labels(name).time():
            yield
        self.last_success.labels(name).set(time.time())


class StateOfParts(Collector):
    """What is read at each scrape. A part that does not answer soon is down, and its gauges are left out."""

    def __init__(self, settings: Settings, queues: Iterable[str]) -> None:
        self.settings = settings
        self.queues = sorted(queues)

    def collect(self) -> Iterator[Metric]:
        """The gauges."""
        yield from read_database(self.settings, self.queues)
        yield from read_spill(self.settings)
        yield from read_broker(self.settings, self.queues)
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


def read_database(settings: Settings, queues: list[str]) -> list[Metric]:
    """Whether the database answers, and what it has of dead letters and archived days."""
    up = gauge("beatline_database_up", "Whether the database answers.", database_answers(settings))
    try:
        with psycopg.connect(str(settings.database_url), **DATABASE_OPTIONS) as connection:
            counts = dict(connection.execute(query("dead_letters_by_queue")).fetchall())
            days = count_by_state(connection)
    except psycopg.Error:
        return [up]
    about = "How often messages failed for good that nobody sent again or deleted."
    letters = gauge_by_queue("beatline_dead_letters", about, dict.fromkeys(queues, 0) | counts)
    archived = GaugeMetricFamily("beatline_archive_days", "Days of the archive by state.", labels=["state"])
    for state, number in days.items():
        archived.add_metric([state], number)
    return [up, letters, archived]


def read_spill(settings: Settings) -> list[Metric]:
    """Whether Valkey answers, and what waits in the spill."""
    try:
        with closing(redis.Redis.from_url(str(settings.redis_url), **VALKEY_OPTIONS)) as client:
            asked = client.pipeline(transaction=False)
            asked.eval(SPILL_STATE, 1, STREAM)
            asked.xlen(UNREADABLE)
            (batches, milliseconds), unreadable = asked.execute()
    except redis.RedisError:
        return [gauge("beatline_valkey_up", "Whether Valkey answers.", False)]
    return [
        gauge("beatline_valkey_up", "Whether Valkey answers.", True),
        gauge("beatline_spill_batches", "Batches that wait in the spill for the database.", batches),
        gauge(
            "beatline_spill_oldest_seconds", "Age of the oldest of them; 0: none waits.", milliseconds / 1e3
        ),
        gauge(
            "beatline_spill_unreadable_batches", "Batches set aside, since nobody can read them.", unreadable
        ),
    ]


def read_broker(settings: Settings, queues: list[str]) -> list[Metric]:
    """Whether the broker answers, and how many messages its queues have."""
    lengths = read_queue_lengths(settings, queues)
    up = gauge("beatline_broker_up", "Whether the broker of messages answers.", lengths is not None)
    about = "Messages that wait; with Valkey also those that are being worked on."
    return [up] if lengths is None else [up, gauge_by_queue("beatline_queue_messages", about, lengths)]


def gauge_by_queue(name: str, about: str, values: dict[str, int]) -> Metric:
    """A gauge with a value for each queue."""
    metric = GaugeMetricFamily(name, about, labels=["queue"])
    for queue, value in values.items():
        metric.add_metric([queue], value)
    return metric


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

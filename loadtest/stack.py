"""The whole stack for a load test: the services of loadtest/bench, with PostgreSQL's statistics of
statements."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from beatline import embedded
from beatline.embedded import postgres, valkey
from beatline.events import DEFAULT_PROJECT
from beatline.settings import Settings
from beatline.source_admin import SourceOptions, create_source
from collector.__main__ import server_command
from loadtest import seeding
from loadtest.bench import services
from loadtest.bench.services import ADMIN_TOKEN, OUT_OF_REACH, Bench, program, ready
from loadtest.locust_process import Target

SOURCE, SECRET = "loadtest", "what the load test signs with"
OPTIONS = {
    "max_connections": "250",  # for services that take one for each request
    "shared_preload_libraries": "pg_stat_statements",
    "track_io_timing": "on",
    "track_activity_query_size": "2048",
}


@dataclass(frozen=True)
class Part:
    """A running part of the stack: the lock of the process that it is (loadtest/performance/sampling.py)."""

    name: str
    pid: int


@contextmanager
def servers(folder: Path, quick: bool) -> Iterator[Bench]:
    """Start PostgreSQL, with pg_stat_statements in every database made from now on, and Valkey."""
    with ExitStack() as stack:
        make_statistics(folder)
        database = postgres.start(folder, options=OPTIONS)
        stack.callback(database.stop)
        cache = valkey.start(folder)
        stack.callback(cache.stop)
        yield Bench(folder, database.url, cache.url, quick)


def make_statistics(folder: Path) -> None:
    """Put pg_stat_statements into the template of databases. Only a superuser may, and none can connect."""
    postgres.start(folder).stop()
    data = folder.absolute() / postgres.NAME
    options = postgres.as_arguments({**OPTIONS, "exit_on_error": "on"})
    command = [*postgres.server(data, "--single"), *options, "template1"]
    postgres.run_once(command, postgres.choose_account(data), "CREATE EXTENSION pg_stat_statements;\n")


def settings_of(bench: Bench, database_url: str, name: str) -> Settings:
    """The settings of a part: those of a new installation, with the limits a client out of reach."""
    return Settings(
        port=embedded.free_port(), live_port=embedded.free_port(), workers_port=embedded.free_port(),
        data=bench.folder / name, database_url=database_url, redis_url=bench.redis_url, log_level="warning",
        key_rate=OUT_OF_REACH, key_burst=OUT_OF_REACH, ip_rate=OUT_OF_REACH, ip_burst=OUT_OF_REACH,
        admin_token=ADMIN_TOKEN,
    )  # fmt: skip


@contextmanager
def collector(bench: Bench, settings: Settings, name: str = "collector") -> Iterator[int]:
    """Run `python -m collector`; its port."""
    command = [sys.executable, "-m", "collector"]
    with program(bench, name, command, settings, ready("GET", settings.port, "/health/ready")):
        yield settings.port


@contextmanager
def served(bench: Bench, app: str, name: str, settings: Settings, path: str) -> Iterator[int]:
    """Run another WSGI application on the collector's server with its settings; its port."""
    command = [*server_command(settings)[:-1], app]
    with program(bench, name, command, settings, ready("GET", settings.port, path)):
        yield settings.port


@contextmanager
def whole(bench: Bench, database: str, events_a_day: int = seeding.EVENTS_A_DAY) -> Iterator[Target]:
    """Run collector, workers and live server on a new database with a seeded history."""
    url = bench.database(database)
    expected = seeding.seed(url, datetime.now(UTC), events_a_day)
    with psycopg.connect(url) as connection:
        create_source(connection, SOURCE, DEFAULT_PROJECT, "generic", SourceOptions(None, SECRET))
    settings = settings_of(bench, url, "collector")
    with ExitStack() as stack:
        stack.enter_context(collector(bench, settings))
        stack.enter_context(workers(bench, replace(settings, data=bench.folder / "workers")))
        stack.enter_context(live(bench, settings))
        yield Target(
            f"http://{embedded.LOOPBACK}:{settings.port}", f"http://{embedded.LOOPBACK}:{settings.live_port}",
            url, ADMIN_TOKEN, SOURCE, SECRET, expected,
        )  # fmt: skip


@contextmanager
def workers(bench: Bench, settings: Settings) -> Iterator[None]:
    """Run `python -m workers`."""
    is_ready = ready("GET", settings.workers_port, "/health")
    with program(bench, "workers", [sys.executable, "-m", "workers"], settings, is_ready):
        yield


@contextmanager
def live(bench: Bench, settings: Settings) -> Iterator[None]:
    """Run `python -m collector.live`."""
    is_ready = ready("GET", settings.live_port, "/health")
    with program(bench, "live", [sys.executable, "-m", "collector.live"], settings, is_ready):
        yield


def pid_of(bench: Bench, name: str) -> int:
    """The process of a part that runs now."""
    return int((bench.folder / "run" / f"{name}.lock").read_text())


__all__ = ["collector", "live", "pid_of", "served", "servers", "services", "whole", "workers"]

"""What is measured: PostgreSQL and Valkey in a temporary folder, and the real collector in front of them."""

from __future__ import annotations

import http.client
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from beatline import embedded
from beatline.embedded import postgres, valkey
from beatline.events import utc_now
from beatline.settings import Settings
from beatline.storage.migrate import migrate
from beatline.storage.queries import query
from collector.__main__ import server_command

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 60.0
ADMIN_TOKEN = "whoever measures"  # noqa: S105 - of a collector that nobody else reaches
OUT_OF_REACH = 10_000_000  # events a second of the one write key: the limits are at work, and refuse nothing
SERVERS = ("granian", "gthread", "gevent")


@dataclass(frozen=True)
class Bench:
    """The running services of one run, and how thorough it is.

    quick: a tenth of the sizes and times, to try the harness; its figures say nothing.
    """

    folder: Path
    postgres_url: str
    redis_url: str
    quick: bool

    def seconds(self, full: float) -> float:
        """How long one round lasts."""
        return max(1.0, full / 10) if self.quick else full

    def size(self, full: int) -> int:
        """How much there is of something."""
        return full // 10 if self.quick else full

    @property
    def rounds(self) -> int:
        """How often everything is measured; the median counts."""
        return 1 if self.quick else 3

    def database(self, name: str) -> str:
        """A new database, migrated, with partitions for today and tomorrow; its URL."""
        with psycopg.connect(self.postgres_url, autocommit=True) as connection:
            identifier = sql.Identifier(name)
            connection.execute(sql.SQL("drop database if exists {} with (force)").format(identifier))
            connection.execute(sql.SQL("create database {}").format(identifier))
        url = urlsplit(self.postgres_url)._replace(path=f"/{name}").geturl()
        migrate(url)
        with psycopg.connect(url, autocommit=True) as connection:
            days = {"now": utc_now(), "ahead": timedelta(days=1)}
            connection.execute(query("make_event_partitions_ahead"), days)
        return url


@contextmanager
def services(folder: Path, quick: bool) -> Iterator[Bench]:
    """Start PostgreSQL and Valkey with the settings of `make up`, stop them at the end."""
    with ExitStack() as stack:
        database = postgres.start(folder)
        stack.callback(database.stop)
        cache = valkey.start(folder)
        stack.callback(cache.stop)
        yield Bench(folder, database.url, cache.url, quick)


@contextmanager
def collector(
    bench: Bench,
    database_url: str,
    server: str = Settings().server,
    workers: int = Settings().workers,
    *,
    cache: bool = True,
) -> Iterator[int]:
    """Run `python -m collector`; its port."""
    settings = Settings(
        port=embedded.free_port(), server=server, workers=workers, data=bench.folder / "collector",
        database_url=database_url, redis_url=bench.redis_url, log_level="warning",
        key_rate=OUT_OF_REACH, key_burst=OUT_OF_REACH, cache=cache,
        admin_token=ADMIN_TOKEN,
    )  # fmt: skip
    command = [sys.executable, "-m", "collector"]
    name = f"collector-{settings.port}"
    with program(bench, name, command, settings, ready("GET", settings.port, "/health/ready")):
        yield settings.port


@contextmanager
def noop_server(bench: Bench, server: str) -> Iterator[int]:
    """Run the no-op Flask route on the same server with the same settings; its port."""
    settings = Settings(port=embedded.free_port(), server=server)
    command = [*server_command(settings)[:-1], "loadtest.bench.noop:app"]
    name = f"noop-{settings.port}"
    with program(bench, name, command, settings, ready("POST", settings.port, "/noop")):
        yield settings.port


@contextmanager
def program(
    bench: Bench,
    name: str,
    command: list[str],
    settings: Settings,
    is_ready: Callable[[], bool],
) -> Iterator[None]:
    """Run a program until the end of the block. Raises StartError when it does not get ready."""
    process = embedded.launch(bench.folder, name, command, environ=environment(settings), folder=ROOT)
    try:
        embedded.wait_ready(bench.folder, name, process, is_ready, READY_SECONDS)
        yield
    finally:
        embedded.terminate(process, signal.SIGTERM)


@contextmanager
def traffic(bench: Bench, port: int, rate: int) -> Iterator[None]:
    """Run `beatline generate` against a collector until the end of the block."""
    url = f"http://{embedded.LOOPBACK}:{port}"
    command = [sys.executable, "-m", "beatline", "generate", "--rate", str(rate), "--url", url]
    with program(bench, f"traffic-{port}", command, Settings(), lambda: True):
        yield


def environment(settings: Settings) -> dict[str, str]:
    """Our environment, without our own BEATLINE_ variables, with those of the settings."""
    ours = {name: text for name, text in os.environ.items() if not name.startswith("BEATLINE_")}
    wanted = {
        "host": settings.host, "port": settings.port, "server": settings.server,
        "workers": settings.workers, "threads": settings.threads, "data": settings.data,
        "database_url": settings.database_url, "redis_url": settings.redis_url,
        "log_level": settings.log_level, "live_port": settings.live_port,
        "workers_port": settings.workers_port,
        "key_rate": settings.key_rate, "key_burst": settings.key_burst, "admin_token": settings.admin_token,
        "ip_rate": settings.ip_rate, "ip_burst": settings.ip_burst, "flush_events": settings.flush_events,
        "cache": "on" if settings.cache else "off",
    }  # fmt: skip
    given = {f"BEATLINE_{name.upper()}": str(value) for name, value in wanted.items() if value}
    return ours | given | {"PYTHONPATH": str(ROOT)}


def ready(method: str, port: int, path: str) -> Callable[[], bool]:
    """A test of whether a server answers a request with success."""

    def test() -> bool:
        connection = http.client.HTTPConnection(embedded.LOOPBACK, port, timeout=5)
        with closing(connection), suppress(OSError, http.client.HTTPException):
            connection.request(method, path)
            return 200 <= connection.getresponse().status < 300
        return False

    return test


def start_clean(database_url: str) -> None:
    """Empty the events and write out what is dirty, so that measurements start alike."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("truncate events, sessions")
        connection.execute("checkpoint")


def expect_stored(database_url: str, acknowledged: int) -> None:
    """Raise AssertionError unless exactly the acknowledged events are stored."""
    stored = count_stored(database_url)
    assert stored == acknowledged, f"{acknowledged} events acknowledged, {stored} stored"


def count_stored(database_url: str) -> int:
    """How many events are stored."""
    with psycopg.connect(database_url) as connection:
        row = connection.execute("select count(*) from events").fetchone()
    return int(row[0]) if row else 0


def settle(seconds: float = 1.0) -> None:
    """Let the servers finish what a load has left, before the next one is measured."""
    time.sleep(seconds)

"""What a collector process holds: settings, writer, spill, and the pool of connections for reading."""

from __future__ import annotations

import atexit
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import cast

import psycopg
from flask import current_app
from psycopg import Connection
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout

from beatline.cache import Cache
from beatline.errors import StartError, StorageError
from beatline.live import Publisher
from beatline.projects import Directory, Projects, read_directory
from beatline.rate_limits import RateLimits
from beatline.settings import Settings
from beatline.storage.spill import Spill
from beatline.storage.store import Store
from beatline.storage.writer import Limits, Writer
from collector.metrics import IngestMetrics

READ_OPTIONS = {
    "autocommit": True,
    "connect_timeout": 3,
    "options": "-c statement_timeout=15s -c timezone=UTC",
}
POOL_WAIT_SECONDS = 3.0


@dataclass(slots=True)
class Services:
    """The services of one process; close() stops them in order."""

    settings: Settings
    writer: Writer
    spill: Spill | None
    live: Publisher | None
    pool: ConnectionPool
    projects: Projects
    rate_limits: RateLimits
    cache: Cache

    def close(self) -> None:
        """Flush what is queued, then let go of the database and Valkey."""
        self.writer.close()
        if self.live:
            self.live.close()
        self.projects.close()
        self.rate_limits.close()
        self.cache.close()
        self.pool.close()
        if self.spill:
            self.spill.close()


def start_services(settings: Settings, metrics: IngestMetrics) -> Services:
    """Start the writer and the pool. The database may be away; it is connected to when it is needed."""
    if settings.database_url is None:
        raise StartError("BEATLINE_DATABASE_URL is not set; `beatline up` sets it for an embedded database")
    spill = Spill(settings.redis_url, settings.spill_entries) if settings.redis_url else None
    live = Publisher(settings.redis_url, metrics.live) if settings.redis_url else None
    writer = Writer(
        connect=partial(Store.connect, settings.database_url),
        spill=spill,
        limits=Limits(settings.flush_events, settings.queue_events, settings.queue_bytes),
        on_flush=metrics.flushed,
        on_commit=live.offer if live else lambda _: None,
    )
    pool = ConnectionPool(
        settings.database_url, kwargs=READ_OPTIONS, min_size=1, max_size=8,
        open=False, timeout=POOL_WAIT_SECONDS, check=ConnectionPool.check_connection,
    )  # fmt: skip
    projects = Projects(partial(read_projects, pool))
    rate_limits = RateLimits(settings.redis_url, metrics.rate_limits_open.inc)
    cache = Cache(settings.redis_url, metrics.cached, metrics.cache_computed.observe)
    services = Services(settings, writer, spill, live, pool, projects, rate_limits, cache)
    atexit.register(services.close)
    return services


def services() -> Services:
    """The services of the current application."""
    return cast(Services, current_app.extensions["beatline"])


@contextmanager
def reading() -> Iterator[Connection]:
    """A connection for reading. Raises StorageError when the database is away or too slow."""
    with pooled(services().pool) as connection:
        yield connection


@contextmanager
def pooled(pool: ConnectionPool) -> Iterator[Connection]:
    """A connection of the pool. Raises StorageError when the database is away or too slow."""
    try:
        pool.open()
        with pool.connection() as connection:
            yield connection
    except (psycopg.Error, PoolTimeout, PoolClosed) as error:
        raise StorageError(f"the database did not answer: {error}", permanent=False) from error


def read_projects(pool: ConnectionPool, known: Directory | None) -> Directory:
    """The projects, as the database has them now. Raises StorageError."""
    with pooled(pool) as connection:
        return read_directory(connection, known)

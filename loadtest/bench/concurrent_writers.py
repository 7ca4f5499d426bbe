"""Writers beside each other on the same rows of the aggregates: what the triggers cost."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager
from datetime import datetime
from functools import partial
from statistics import median
from threading import Barrier

import psycopg

from beatline.events import utc_now
from beatline.storage.store import Batch, Store
from loadtest.bench import services, workload
from loadtest.bench.copying import copy
from loadtest.bench.report import Section, Table, thousands
from loadtest.bench.services import Bench
from loadtest.bench.workload import BATCH_EVENTS, batches

WRITERS = (1, 2, 4)
ROWS = 40_000
PATIENCE_SECONDS = 60.0
ABOUT = """\
1, 2 and 4 connections, each of a process of its own, store batches of {events} events of the same
minute, so all of them count up the same rows of the aggregates, and a second writer waits for the
first one's commit. Three ways: COPY with the triggers off (no aggregates), COPY with them on, and
`store_batch()`, which is what the collector's writer runs: events and aggregates, sessions and
the ledger of batches. {rows:,} events a connection, median of {rounds} rounds, events a second of
all connections together."""
READING = """\
The distance from the first to the second column is what exact aggregates cost, the one from the
second to the third what sessions and exactly-once storage cost. Triggers run at the end of a
statement, right before the commit, so the rows are locked for a short time only."""


def measure(bench: Bench) -> Section:
    """Every way with every number of writers."""
    database_url = bench.database("concurrent_writers")
    rows = []
    for writers in WRITERS:
        with triggers_off(database_url):
            bare = rate(bench, database_url, copying, writers)
        counted = rate(bench, database_url, copying, writers)
        stored = rate(bench, database_url, storing, writers)
        rows.append([str(writers), *map(thousands, (bare, counted, stored))])
    columns = ["connections", "COPY, triggers off", "COPY, triggers on", "store_batch()"]
    return Section(
        title="Concurrent writers",
        about=ABOUT.format(events=BATCH_EVENTS, rows=bench.size(ROWS), rounds=bench.rounds),
        table=Table(columns, rows),
        reading=READING,
    )


@contextmanager
def triggers_off(database_url: str) -> Iterator[None]:
    """Store without aggregates for the time of the block."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("alter table events disable trigger user")
        try:
            yield
        finally:
            connection.execute("alter table events enable trigger user")


Way = Callable[[str, datetime, int, Barrier], float]


def rate(bench: Bench, database_url: str, way: Way, writers: int) -> float:
    """Events a second of so many writers together, the median of the rounds."""
    return median(together(bench, database_url, way, writers) for _ in range(bench.rounds))


def together(bench: Bench, database_url: str, way: Way, writers: int) -> float:
    """One round: all start at the same moment; events a second until the last one is done."""
    services.start_clean(database_url)
    spawn = multiprocessing.get_context("spawn")
    size = bench.size(ROWS)
    with spawn.Manager() as manager, ProcessPoolExecutor(writers, spawn) as processes:
        work = partial(way, database_url, utc_now(), size)
        seconds = list(processes.map(work, [manager.Barrier(writers)] * writers))
    services.expect_stored(database_url, writers * size)
    return writers * size / max(seconds)


def copying(database_url: str, at: datetime, size: int, start: Barrier) -> float:
    """One writer that copies; its seconds."""
    rows = workload.rows(size, at)
    with psycopg.connect(database_url) as connection:
        start.wait(PATIENCE_SECONDS)
        return size / copy(connection, rows, BATCH_EVENTS)


def storing(database_url: str, at: datetime, size: int, start: Barrier) -> float:
    """One writer that stores as the collector does; its seconds."""
    queue = [Batch(list(events)) for events in batches(workload.stored_events([at] * size))]
    with closing(Store.connect(database_url)) as store:
        start.wait(PATIENCE_SECONDS)
        started = time.perf_counter()
        for batch in queue:
            store.write(batch)
        return time.perf_counter() - started

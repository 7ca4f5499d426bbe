"""What each index and each aggregate costs the writer: the same batches with it and without it."""

from __future__ import annotations

import time
from contextlib import closing
from datetime import timedelta
from statistics import median

import psycopg
from psycopg import Connection, sql

from beatline.events import utc_now
from beatline.storage.store import Batch, Store
from loadtest.bench import services, workload
from loadtest.bench.report import Section, Table, thousands
from loadtest.bench.services import Bench
from loadtest.bench.workload import BATCH_EVENTS, batches

ROWS = 40_000
INDEXES = ("events_project_ts", "sessions_last_seen")
AGGREGATES = {  # with the trigger of each
    "events_by_minute": "count_3_events_by_minute",
    "events_by_hour": "count_3_events_by_hour",
    "events_by_day": "count_3_events_by_day",
    "pages_by_minute": "count_2_pages_by_minute",
    "pages_by_hour": "count_2_pages_by_hour",
    "pages_by_day": "count_2_pages_by_day",
    "users_by_hour": "count_1_users_by_hour",
}
ABOUT = """\
One connection stores {rows:,} events with `store_batch()` in batches of {events}, with everything in
place and without one index or one aggregate's trigger, in turns. The share is how much more time a batch
takes with it than without; the bytes are what it holds afterwards, for each event. Median of {rounds}
rounds; a share of a few per cent lies within the noise."""
READING = """\
docs/schema.md says what each is for. Users an hour cost most among the aggregates: they touch a row for
nearly every event, where the others touch a handful of rows for a whole batch. Users a day are a view
on them on this engine, for that reason."""


def measure(bench: Bench) -> Section:
    """With and without one thing after the other."""
    database_url = bench.database("index_costs")
    with psycopg.connect(database_url, autocommit=True) as connection:
        rows = [compared(bench, database_url, connection, name) for name in (*INDEXES, *AGGREGATES)]
    return Section(
        title="What indexes and aggregates cost",
        about=ABOUT.format(rows=bench.size(ROWS), events=BATCH_EVENTS, rounds=bench.rounds),
        table=Table(["what", "time it adds", "bytes an event", "events/s without it"], rows),
        reading=READING,
    )


def compared(bench: Bench, database_url: str, connection: Connection, name: str) -> list[str]:
    """A row of the table: rounds with and without an index or an aggregate, in turns."""
    whole, without, size = [], [], ""
    for _ in range(bench.rounds):
        whole.append(store_all(bench, database_url))
        size = bytes_per_event(connection, name)
        without.append(seconds_without(bench, database_url, connection, name))
    share = median(whole) / median(without) - 1
    return [f"`{name}`", f"{share:+.0%}", size, thousands(bench.size(ROWS) / median(without))]


def seconds_without(bench: Bench, database_url: str, connection: Connection, name: str) -> float:
    """The seconds of a round in which an index or an aggregate's trigger is not there."""
    if name in AGGREGATES:
        trigger = sql.Identifier(AGGREGATES[name])
        alter = sql.SQL("alter table events {} trigger {}")
        connection.execute(alter.format(sql.SQL("disable"), trigger))
        taken = store_all(bench, database_url)
        connection.execute(alter.format(sql.SQL("enable"), trigger))
        return taken
    row = connection.execute("select pg_get_indexdef(%s::regclass)", [name]).fetchone()
    assert row
    connection.execute(sql.SQL("drop index {}").format(sql.Identifier(name)))
    taken = store_all(bench, database_url)
    connection.execute(row[0].replace(" ON ONLY ", " ON "))
    return taken


def store_all(bench: Bench, database_url: str) -> float:
    """One round on empty tables; its seconds."""
    services.start_clean(database_url)
    now = utc_now()
    times = [now + timedelta(milliseconds=number) for number in range(bench.size(ROWS))]
    events = workload.stored_events(times)
    queue = [Batch(list(batch)) for batch in batches(events)]
    with closing(Store.connect(database_url)) as store:
        started = time.perf_counter()
        for batch in queue:
            store.write(batch)
        return time.perf_counter() - started


def bytes_per_event(connection: Connection, name: str) -> str:
    """The size of an index with those of its partitions, or of a table with its index, for each event."""
    statement = """
        select sum(pg_total_relation_size(relid)) / (select count(*) from events)
        from (select %(name)s::regclass as relid union select relid from pg_partition_tree(%(name)s)) as tree
    """
    row = connection.execute(statement, {"name": name}).fetchone()
    return f"{float(row[0]):.1f}" if row else ""

"""Batches over HTTP against a bare psycopg COPY of the same rows into the same table."""

from __future__ import annotations

from itertools import count
from statistics import median

import psycopg

from beatline.settings import Settings
from loadtest.bench import load_client, services, workload
from loadtest.bench.copying import copy
from loadtest.bench.load_client import Load
from loadtest.bench.report import Bar, Goal, Section, Table, thousands
from loadtest.bench.services import Bench
from loadtest.bench.workload import BATCH_EVENTS

CONNECTIONS = 8
SECONDS = 8.0
COPIED = 100_000
LARGE = 10_000
WANTED = 0.6
NUMBERS_A_ROUND = 1_000_000
HTTP, HTTP_IDS = "HTTP", "HTTP, client ids"
SMALL_COPY, LARGE_COPY = f"COPY, {BATCH_EVENTS} rows", f"COPY, {LARGE:,} rows"
ABOUT = """\
{connections} connections post batches of {events} events to `/api/v1/analytics/batch/`, each the
next one when it has the answer to the last, which comes after the commit. The second row has a
client id on every event, a fresh random UUID, which the ledger checks so that a retry is stored
once. The yardstick is psycopg's `COPY` of the same events over one connection into the same
table, with its index, partitions and the triggers that keep the aggregates exact, but without
what only Beatline does: HTTP, JSON, validation, sessions and ledger. All take turns, {rounds}
rounds; the table has the medians."""
READING = """\
The collector has {workers} processes with a writer each, and a writer puts the batches that wait
together into one transaction; that is how it keeps up with a yardstick that does less."""


def measure(bench: Bench) -> Section:
    """Alternate the four ways of storing the same events."""
    database_url = bench.database("batches")
    rates = measure_rates(bench, database_url)
    medians = {name: median(values) for name, values in rates.items()}
    small, large = medians[SMALL_COPY], medians[LARGE_COPY]
    columns = ["way", "events/s", f"of {SMALL_COPY}", f"of {LARGE_COPY}"]
    rows = [
        [name, thousands(rate), f"{rate / small:.2f}", f"{rate / large:.2f}"]
        for name, rate in medians.items()
    ]
    return Section(
        title=f"Batches of {BATCH_EVENTS}",
        about=ABOUT.format(connections=CONNECTIONS, events=BATCH_EVENTS, rounds=bench.rounds),
        table=Table(columns, rows),
        bars=[Bar(name, rate) for name, rate in medians.items()],
        reading=READING.format(workers=Settings().workers),
        goals=[
            Goal(
                f"rate of batches of {BATCH_EVENTS} over that of {SMALL_COPY} a transaction",
                medians[HTTP] / small,
                at_least=WANTED,
            )
        ],
    )


def measure_rates(bench: Bench, database_url: str) -> dict[str, list[float]]:
    """Events a second of each way, one figure a round. Checks what is stored."""
    rates: dict[str, list[float]] = {HTTP: [], HTTP_IDS: [], SMALL_COPY: [], LARGE_COPY: []}
    requests = {HTTP: workload.batch_requests(False), HTTP_IDS: workload.batch_requests(True)}
    first = count(step=NUMBERS_A_ROUND)
    with services.collector(bench, database_url) as port, psycopg.connect(database_url) as connection:
        for _ in range(bench.rounds):
            for name in (HTTP, HTTP_IDS):
                services.start_clean(database_url)
                load = Load(
                    port, requests[name], CONNECTIONS, bench.seconds(SECONDS),
                    first_number=next(first),
                )  # fmt: skip
                result = load_client.run(load)
                services.expect_stored(database_url, result.answered * BATCH_EVENTS)
                rates[name].append(result.rate * BATCH_EVENTS)
            for name, size in ((SMALL_COPY, BATCH_EVENTS), (LARGE_COPY, LARGE)):
                services.start_clean(database_url)
                rows = workload.rows(bench.size(COPIED))
                rates[name].append(copy(connection, rows, size))
    return rates

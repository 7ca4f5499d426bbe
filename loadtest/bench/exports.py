"""Millions of events as a file: the workers and psql's COPY of the same statement, in turns."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any

import psycopg
from psycopg import ClientCursor

from beatline.analytics.event_log import FIRST, LAST, Filter
from beatline.embedded.postgres import binary
from beatline.events import utc_now
from beatline.export_files import EVENT_FORMATS
from beatline.exports import EventsRequest, Export, NewExport, export_store, find_export, request_export
from beatline.settings import Settings
from beatline.storage.queries import query
from loadtest.bench import history
from loadtest.bench.imports import peak_megabytes, workers
from loadtest.bench.report import Goal, Section, Table, thousands
from loadtest.bench.services import Bench

EVENTS = 5_000_000
TURNS = {"csv": 3, "ndjson": 1, "parquet": 1}
MOST_MEGABYTES = 300.0
LEAST_RATIO = 0.5
POLL_SECONDS = 0.2
ABOUT = """\
{events:,} events over {days} days on PostgreSQL are exported by the workers (`python -m workers`, a
process of its own for each format), from the beginning of the attempt until the file is in the file
store, a folder. The yardstick is psql, which runs the same statement (`COPY … TO STDOUT`) over all time
at once, into a file; for Parquet it is the statement from whose CSV the file is made. Medians; CSV
{csv_turns} times, the others once, psql and workers in turns. Memory is the largest resident size of the
workers' process so far (VmHWM), before the first export and after the last one."""
READING = """\
psql reads in one statement, which sorts all of the events; the workers read part after part of time in the
order of an index, look first where the parts begin, and wait until the file is on disk. Memory holds one
row, of Parquet one row group, however many events there are."""


@dataclass(frozen=True)
class Result:
    """What came of a format. Rows a second of psql and of the workers, in turns; megabytes of the file and
    of memory."""

    name: str
    psql: list[float]
    workers: list[float]
    file: float
    before: float
    peak: float

    @property
    def ratio(self) -> float:
        """The workers' rows a second over those of psql."""
        return median(ours / theirs for ours, theirs in zip(self.workers, self.psql, strict=True))


def measure(bench: Bench) -> Section:
    """Fill a database and export all of it in each format."""
    database_url, events = bench.database("exports"), bench.size(EVENTS)
    history.fill_history(database_url, events, utc_now())
    results = [exported(bench, database_url, name, events) for name in TURNS]
    return section(events, results)


def exported(bench: Bench, database_url: str, name: str, events: int) -> Result:
    """psql and the workers in turns."""
    psql, ours, size = [], [], 0.0
    with workers(bench, database_url) as process:
        before = peak_megabytes([process])
        for _ in range(TURNS[name]):
            psql.append(events / copied(bench, database_url, name, events))
            with an_export(bench, database_url, name) as export:
                assert (export.state, export.rows_written) == ("done", events), export
                ours.append(events / seconds_of(export))
                size = (export.bytes or 0) / 1e6
        return Result(name, psql, ours, size, before, peak_megabytes([process]))


def copied(bench: Bench, database_url: str, name: str, events: int) -> float:
    """The seconds in which psql writes what a format's statement gives of all events."""
    path = bench.folder / "psql.out"
    with psycopg.connect(database_url) as connection:
        statement = ClientCursor(connection).mogrify(
            query(EVENT_FORMATS[name].statement), Filter(1).parameters()
        )
    command = [str(binary("psql")), "--no-psqlrc", "--quiet", "--dbname", database_url]
    started = time.perf_counter()
    with path.open("wb") as file:
        subprocess.run([*command, "--command", statement], stdout=file, check=True)
    seconds = time.perf_counter() - started
    with path.open("rb") as file:
        assert sum(piece.count(b"\n") for piece in iter(lambda: file.read(2**20), b"")) == events
    path.unlink()
    return seconds


def seconds_of(export: Export) -> float:
    """How long the attempt took that made the file."""
    assert export.started_at
    assert export.ended_at
    return (export.ended_at - export.started_at).total_seconds()


@contextmanager
def an_export(bench: Bench, database_url: str, name: str) -> Iterator[Export]:
    """An export of all events that has ended; its file is deleted afterwards."""
    new = NewExport(1, EventsRequest(FIRST, LAST), name)
    with psycopg.connect(database_url, autocommit=True) as connection:
        export_id = request_export(connection, new, utc_now())
        while (export := find_export(connection, export_id)) and export.state in ("waiting", "running"):
            time.sleep(POLL_SECONDS)
    assert export
    yield export
    export_store(Settings(data=bench.folder / "collector")).delete(str(export.file_name))


def section(events: int, results: list[Result]) -> Section:
    """The report."""
    csv = results[0]
    return Section(
        title="Exports",
        about=ABOUT.format(events=events, days=history.DAYS, csv_turns=TURNS["csv"]),
        table=Table(
            [
                "format",
                "psql rows/s",
                "workers rows/s",
                "ratio",
                "file, MB",
                "memory before, MB",
                "largest, MB",
            ],
            [row(result) for result in results],
        ),
        reading=READING,
        goals=[
            Goal("memory of the workers in an export to CSV, in MB,", csv.peak, at_most=MOST_MEGABYTES),
            Goal("rows a second of an export to CSV over those of psql", csv.ratio, at_least=LEAST_RATIO),
        ],
    )


def row(result: Result) -> list[Any]:
    """A row of the table."""
    rates = [thousands(median(result.psql)), thousands(median(result.workers)), f"{result.ratio:.2f}"]
    return [result.name, *rates, *(f"{size:.0f}" for size in (result.file, result.before, result.peak))]

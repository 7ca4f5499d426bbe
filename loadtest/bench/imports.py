"""A file of a million rows through the real collector and workers: how fast, and in how much memory."""

from __future__ import annotations

import csv
import http.client
import json
import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil

from beatline import embedded
from beatline.events import utc_now
from beatline.settings import Settings
from loadtest.bench import services
from loadtest.bench.report import Goal, Section, Table, thousands
from loadtest.bench.services import Bench
from loadtest.bench.workload import shop_events

ROWS = 1_000_000
DISTINCT = 20_000  # events of the shop, repeated
DAYS = 28
MOST_MEGABYTES = 300.0
POLL_SECONDS = 0.2
COLUMNS = ("timestamp", "event_type", "user_id", "session_id", "page_url", "plan", "amount")
ABOUT = """\
A CSV file of {rows:,} rows ({megabytes:.0f} MB) of the last {days} days, in order of time, is posted to
`/api/v1/imports` and stored by the workers, which nobody else troubles meanwhile. Memory is the largest
resident size of a process so far (VmHWM): of the collector's processes after the upload, of the workers'
process after the last row. A process that has just started is the yardstick."""
READING = """\
The file is read and stored in chunks of 2,000 rows, each with how far the import came in one transaction;
memory does not grow with the file."""


def measure(bench: Bench) -> Section:
    """One import, from the first byte sent to the last row stored."""
    database_url = bench.database("imports")
    rows = bench.size(ROWS)
    path = write_file(bench.folder / "events.csv", rows)
    megabytes = path.stat().st_size / 1e6
    with services.collector(bench, database_url) as port, workers(bench, database_url) as worker:
        idle = [peak_megabytes(collector_processes(port)), peak_megabytes([worker])]
        began = time.perf_counter()
        url = upload(port, path)
        uploaded = time.perf_counter() - began
        shown = wait_done(port, url)
        peaks = [peak_megabytes(collector_processes(port)), peak_megabytes([worker])]
    assert (shown["status"], shown["stored"]) == ("done", rows), shown
    services.expect_stored(database_url, rows)

    def rates(seconds: float) -> tuple[float, float]:
        return rows / seconds, megabytes / seconds

    return Section(
        title="An import",
        about=ABOUT.format(rows=rows, megabytes=megabytes, days=DAYS),
        table=Table(
            ["what", "rows/s", "MB/s", "memory before, MB", "largest memory, MB"],
            [
                line("received by the collector", rates(uploaded), (idle[0], peaks[0])),
                line("stored by the workers", rates(rows / shown["rate"]), (idle[1], peaks[1])),
            ],
        ),
        reading=READING,
        goals=[Goal("memory of the workers in an import, in MB,", peaks[1], at_most=MOST_MEGABYTES)],
    )


def line(what: str, rates: tuple[float, float], memory: tuple[float, float]) -> list[str]:
    """A row of the table: rows and megabytes a second, memory before and at most."""
    rows, megabytes = rates
    return [what, thousands(rows), f"{megabytes:.1f}", *(f"{size:.0f}" for size in memory)]


def write_file(path: Path, rows: int) -> Path:
    """A CSV file of the shop's events, evenly over the days."""
    events = shop_events(min(rows, DISTINCT))
    start, step = utc_now() - timedelta(days=DAYS), timedelta(days=DAYS) / rows
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for number in range(rows):
            event = events[number % len(events)]
            at = (start + number * step).isoformat()
            known = [event[name] for name in COLUMNS[1:5]]  # type: ignore[literal-required]
            writer.writerow([at, *known, ("free", "pro")[number % 2], f"{number % 1000 / 10:.2f}"])
    return path


@contextmanager
def workers(bench: Bench, database_url: str) -> Iterator[psutil.Process]:
    """Run `python -m workers` on the collector's folder."""
    settings = Settings(
        database_url=database_url,
        redis_url=bench.redis_url,
        data=bench.folder / "collector",
        log_level="warning",
        workers_port=embedded.free_port(),
    )
    command = [sys.executable, "-m", "workers"]
    with services.program(bench, "workers-imports", command, settings, lambda: True):
        (process,) = [child for child in psutil.Process().children() if "workers" in child.cmdline()]
        time.sleep(3)
        yield process


def collector_processes(port: int) -> list[psutil.Process]:
    """The processes of the collector on a port."""
    children = psutil.Process().children()
    (main,) = [child for child in children if f"{port}" in child.cmdline()]
    return [main, *main.children(recursive=True)]


def peak_megabytes(processes: list[psutil.Process]) -> float:
    """The largest resident size that one of the processes ever had."""
    sizes = []
    for process in processes:
        status = Path(f"/proc/{process.pid}/status").read_text()
        match = re.search(r"VmHWM:\s+(\d+) kB", status)
        sizes.append(int(match[1]) * 1024 / 1e6 if match else 0.0)
    return max(sizes)


def upload(port: int, path: Path) -> str:
    """Post a file; where its progress is."""
    connection = http.client.HTTPConnection(embedded.LOOPBACK, port, timeout=300)
    with path.open("rb") as file:
        headers = {"Content-Type": "text/csv", "Content-Length": str(os.path.getsize(path))}
        connection.request("POST", "/api/v1/imports", file, headers)
        answer = connection.getresponse()
        content = json.load(answer)
    assert answer.status == 202, content
    return str(content["url"])


def wait_done(port: int, url: str) -> dict[str, Any]:
    """Ask how far an import is until it ended."""
    while True:
        connection = http.client.HTTPConnection(embedded.LOOPBACK, port, timeout=60)
        connection.request("GET", url)
        shown: dict[str, Any] = json.load(connection.getresponse())
        connection.close()
        if shown["status"] in ("done", "failed"):
            return shown
        time.sleep(POLL_SECONDS)

"""What readers of the live preview cost: ingestion with and without them, one of them stuck."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median

import psutil

from beatline import embedded
from beatline.settings import Settings
from loadtest.bench import live_readers, load_client, services, workload
from loadtest.bench.load_client import Load, Result, percentile
from loadtest.bench.report import Bar, Goal, Section, Table, milliseconds, thousands
from loadtest.bench.services import Bench

CONNECTIONS = 64
READERS = 50
STUCK = 1
SECONDS = 8.0
PAIRS_A_ROUND = 2
RATE = 1_000
START_SECONDS = 30.0
CATCH_UP_SECONDS = 5.0
WANTED = 0.9
ABOUT = """\
{readers} readers hold a WebSocket to the live server (`python -m collector.live`); {stuck} of them never
reads its socket. Without and with them, {connections} connections each send their next `POST /track`
when they have the answer to the last one, {pairs} pairs of {seconds:g} s each after 2 s of warm-up, with
and without readers first in turns; the live server runs all the time. The table has the medians, of the
ratio that of the pairs. Then `beatline generate` sends {rate:,} events/s, and what the readers were shown is
compared with what is stored."""
READING = """\
The readers run on the same machine and take a part of what is missing themselves: {cpu:.0%} of one core
while ingestion goes as fast as it can, when each of them is shown {shown:,.0f} events/s and the live server
uses {busy:.0%} of one core.

At {rate:,} events/s {stored:,} events were stored. Each of the {reading} readers that read was shown at least
{least:,} and at most {most:,} of them, the last event of a message {p50:.0f} ms (median) and {p95:.0f} ms
(p95) after the collector had received it. The live server used {server:.0%} of one core."""


@dataclass(frozen=True)
class Watched:
    """A load with readers: what one of them was shown a second; use of one core by them and by the server."""

    result: Result
    shown: float
    cpu: float
    server: float


@dataclass(frozen=True)
class Steady:
    """RATE events a second: what was stored, what was shown, and the live server's use of one core."""

    stored: int
    seen: live_readers.Seen
    cpu: float


def measure(bench: Bench) -> Section:
    """Alternate loads without and with readers, then look at a steady stream."""
    database_url = bench.database("live")
    without: list[Result] = []
    watched: list[Watched] = []
    with services.collector(bench, database_url) as port, live_server(bench) as (live_port, process):
        ways = (
            lambda: without.append(apply(bench, database_url, port)),
            lambda: watched.append(apply_watched(bench, database_url, port, live_port, process)),
        )
        for number in range(PAIRS_A_ROUND * bench.rounds):
            for way in ways if number % 2 == 0 else reversed(ways):
                way()
        services.start_clean(database_url)
        steady = watch_steadily(bench, database_url, port, live_port, process)
    return section(bench, without, watched, steady)


@contextmanager
def live_server(bench: Bench) -> Iterator[tuple[int, psutil.Process]]:
    """Run `python -m collector.live`; its port and process."""
    settings = Settings(live_port=embedded.free_port(), redis_url=bench.redis_url, log_level="warning")
    command = [sys.executable, "-m", "collector.live"]
    name = f"live-{settings.live_port}"
    with services.program(
        bench, name, command, settings, services.ready("GET", settings.live_port, "/health")
    ):
        pid = int((bench.folder / "run" / f"{name}.lock").read_text())
        yield settings.live_port, psutil.Process(pid)


def apply(bench: Bench, database_url: str, port: int) -> Result:
    """A load of single events into an empty table. Checks what is stored."""
    services.start_clean(database_url)
    services.settle()
    requests = workload.single_requests("/track")
    result = load_client.run(Load(port, requests, CONNECTIONS, bench.seconds(SECONDS)))
    services.expect_stored(database_url, result.answered)
    return result


def apply_watched(
    bench: Bench, database_url: str, port: int, live_port: int, process: psutil.Process
) -> Watched:
    """The same with readers."""
    with live_readers.readers(live_port, READERS, STUCK) as sight:
        used, began = cpu_seconds(process), time.perf_counter()
        result = apply(bench, database_url, port)
        seconds = time.perf_counter() - began
        server = (cpu_seconds(process) - used) / seconds
    seen = sight.seen[0]
    return Watched(result, median(seen.events) / seconds, seen.cpu, server)


def watch_steadily(
    bench: Bench, database_url: str, port: int, live_port: int, process: psutil.Process
) -> Steady:
    """Show a stream of RATE events a second to the readers."""
    with live_readers.readers(live_port, READERS, STUCK) as sight:
        with services.traffic(bench, port, RATE):
            wait_for(sight, 1, START_SECONDS)
            used, began = cpu_seconds(process), time.perf_counter()
            time.sleep(bench.seconds(SECONDS))
            cpu = (cpu_seconds(process) - used) / (time.perf_counter() - began)
        stored = services.count_stored(database_url)
        wait_for(sight, stored, CATCH_UP_SECONDS)
    return Steady(stored, sight.seen[0], cpu)


def wait_for(sight: live_readers.Sight, events: int, seconds: float) -> None:
    """Wait until every reader was shown so many events, at most for so long."""
    deadline = time.perf_counter() + seconds
    while sight.least() < events and time.perf_counter() < deadline:
        time.sleep(0.1)


def cpu_seconds(process: psutil.Process) -> float:
    """The time that a process has spent on a processor."""
    times = process.cpu_times()
    return float(times.user + times.system)


def section(bench: Bench, without: list[Result], watched: list[Watched], steady: Steady) -> Section:
    """What came of it."""
    alone = median(result.rate for result in without)
    with_readers = median(one.result.rate for one in watched)
    pairs = zip(without, watched, strict=True)
    ratio = median(one.result.rate / bare.rate for bare, one in pairs)
    delays = sorted(steady.seen.delays)
    return Section(
        title="Live preview",
        about=ABOUT.format(
            readers=READERS, stuck=STUCK, connections=CONNECTIONS, pairs=len(without),
            seconds=bench.seconds(SECONDS), rate=RATE,
        ),
        table=table(without, [one.result for one in watched], ratio),
        bars=[Bar("without readers", alone), Bar(f"with {READERS} readers", with_readers)],
        reading=READING.format(
            cpu=median(one.cpu for one in watched), shown=median(one.shown for one in watched),
            busy=median(one.server for one in watched),
            rate=RATE, stored=steady.stored, reading=len(steady.seen.events),
            least=min(steady.seen.events), most=max(steady.seen.events),
            p50=percentile(delays, 0.5), p95=percentile(delays, 0.95), server=steady.cpu,
        ),
        goals=[
            Goal(f"rate of single events with {READERS} readers over that without", ratio, at_least=WANTED),
            Goal(
                f"share of {RATE:,} events/s that every reader was shown",
                min(steady.seen.events) / steady.stored,
                at_least=1.0,
            ),
        ],
    )  # fmt: skip


def table(without: list[Result], watched: list[Result], ratio: float) -> Table:
    """One row each, without and with readers."""
    rows = [
        [
            name,
            thousands(median(result.rate for result in results)),
            share,
            *(milliseconds(median(getattr(result, which) for result in results)) for which in ("p50", "p99")),
        ]
        for name, share, results in (
            ("without readers", "1.00", without),
            (f"with {READERS} readers", f"{ratio:.2f}", watched),
        )
    ]
    return Table(["single events", "events/s", "ratio", "p50 ms", "p99 ms"], rows)

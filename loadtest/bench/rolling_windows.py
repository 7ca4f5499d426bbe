"""The rolling metrics with few and with many stored events: the time must not grow with the table."""

from __future__ import annotations

import http.client
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from statistics import median

import msgspec

from beatline import embedded
from beatline.events import utc_now
from loadtest.bench import history, services
from loadtest.bench.load_client import percentile
from loadtest.bench.report import Goal, Section, Table, milliseconds
from loadtest.bench.services import Bench

RATE = 100
RECENT = timedelta(minutes=16)
SMALL, LARGE = 100_000, 10_000_000
REQUESTS = 200
WANTED = 1.5
ENDPOINTS = {
    "overview": "/api/v1/metrics/overview",
    "active users": "/api/v1/metrics/active-users",
    "top pages": "/api/v1/metrics/top-pages",
    "active sessions of a user": "/api/v1/metrics/active-sessions?user_id=usr_1",
}
ABOUT = """\
Two databases, one with {small:,} events and one with {large:,}. Both have the same last
{recent:g} minutes at {rate} events/s; the rest is spread over the {days} days before. In front of
each runs a collector without the cache, and into each `beatline generate` sends {rate} events/s over
HTTP all the time. One client asks both in turns, one request at a time over a keep-alive
connection, {requests} times each."""
READING = """\
The times are those a client sees, with HTTP and Flask, on a machine busy with twice {rate}
events/s."""


@dataclass(frozen=True)
class Times:
    """How long one endpoint took with few and with many stored events, in milliseconds."""

    endpoint: str
    small: Sequence[float]
    large: Sequence[float]

    @property
    def ratio(self) -> float:
        """The median time with many events over that with few."""
        return median(self.large) / median(self.small)


def measure(bench: Bench) -> Section:
    """Fill both databases, then ask both while events arrive."""
    sizes = {"small": bench.size(SMALL), "large": bench.size(LARGE)}
    recent = timedelta(seconds=bench.seconds(RECENT.total_seconds()))
    urls = {name: bench.database(f"rolling_{name}") for name in sizes}
    in_recent = int(RATE * recent.total_seconds())
    for name, size in sizes.items():
        history.fill_history(urls[name], size - in_recent, utc_now() - recent)
    with ExitStack() as stack:
        collectors = [services.collector(bench, url, workers=1, cache=False) for url in urls.values()]
        ports = [stack.enter_context(collector) for collector in collectors]
        now = utc_now()
        for url in urls.values():
            history.fill_recent(url, RATE, now - recent, now)
        for port in ports:
            stack.enter_context(services.traffic(bench, port, RATE))
        services.settle(bench.seconds(10))
        times = [compare(bench, name, path, ports) for name, path in ENDPOINTS.items()]
        for port in ports:
            expect_traffic(port)
    return section(bench, sizes, recent, times)


def compare(bench: Bench, name: str, path: str, ports: Sequence[int]) -> Times:
    """Ask both collectors in turns."""
    small: list[float] = []
    large: list[float] = []
    connections = [http.client.HTTPConnection(embedded.LOOPBACK, port, timeout=60) for port in ports]
    for _ in range(bench.size(REQUESTS)):
        small.append(ask(connections[0], path))
        large.append(ask(connections[1], path))
    for connection in connections:
        connection.close()
    return Times(name, small, large)


def ask(connection: http.client.HTTPConnection, path: str) -> float:
    """Milliseconds until the whole answer is there."""
    started = time.perf_counter()
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == 200, f"{path} answered {answer.status}: {body[:300]!r}"
    return 1000 * (time.perf_counter() - started)


def expect_traffic(port: int) -> None:
    """Raise AssertionError unless events arrive at nearly RATE."""
    connection = http.client.HTTPConnection(embedded.LOOPBACK, port, timeout=60)
    connection.request("GET", ENDPOINTS["overview"])
    answer = msgspec.json.decode(connection.getresponse().read())
    connection.close()
    assert answer["events_per_second"] > RATE / 2, f"hardly any events arrived: {answer}"


def section(bench: Bench, sizes: dict[str, int], recent: timedelta, times: Sequence[Times]) -> Section:
    """The report."""
    few, many = f"{sizes['small']:,} events", f"{sizes['large']:,} events"
    columns = ["metric", f"{few}: p50 ms", "p95 ms", f"{many}: p50 ms", "p95 ms", "ratio of p50"]
    return Section(
        title="Rolling windows",
        about=ABOUT.format(
            **sizes,
            recent=recent.total_seconds() / 60,
            rate=RATE,
            days=history.DAYS,
            requests=bench.size(REQUESTS),
        ),
        table=Table(columns, [row(one) for one in times]),
        reading=READING.format(rate=RATE),
        goals=[
            Goal(
                f"time of {one.endpoint} with {many} over that with {few}",
                one.ratio,
                at_most=WANTED,
            )
            for one in times
        ],
    )


def row(one: Times) -> list[str]:
    """One endpoint's line of the table."""
    figures = (
        percentile(sorted(values), share) for values in (one.small, one.large) for share in (0.5, 0.95)
    )
    return [one.endpoint, *map(milliseconds, figures), f"{one.ratio:.2f}"]

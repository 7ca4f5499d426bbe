"""100 open dashboards, with and without the cache: what the database and those who look have of it."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, fields
from datetime import timedelta
from functools import partial
from statistics import median

import psycopg

from beatline import embedded
from beatline.events import utc_now
from loadtest.bench import history, load_client, services
from loadtest.bench.load_client import Load, get, percentile
from loadtest.bench.report import Bar, Goal, Section, Table, milliseconds, thousands
from loadtest.bench.rolling_windows import ask
from loadtest.bench.services import Bench

DASHBOARDS = 100
RATE = 100
RECENT = timedelta(minutes=16)
EVENTS = 1_000_000
SECONDS = 20.0
WARM_UP = 2  # seconds
WANTED = 0.2
PATH = "/api/v1/metrics/overview"
DATABASE_TIME = "select active_time from pg_stat_database where datname = current_database()"
ABOUT = """\
{dashboards} dashboards, each a keep-alive connection that asks for `{path}`: once a second, as the live
page does, or again as soon as it has its answer. The database has {events:,} events, {rate} a second
in the last {recent:g} minutes, and gets {rate} more a second all the time. With and without the cache
(`BEATLINE_CACHE`) take turns, {rounds} rounds of {seconds:g} s each after {warm_up} s of warm-up; the
table has the medians. The time of the database, warm-up included, is `active_time` of
`pg_stat_database`, in which its connections run statements: with several at once it may be more than
1,000 ms a second. "Nobody looks" is what the arriving events cost by themselves."""
READING = """\
While {dashboards} dashboards ask once a second, the database has {plain:.0f} ms of work a second without
the cache and {cached:.0f} ms with it, and {idle:.0f} ms when nobody looks. All ask for the same here;
dashboards of several projects or users share nothing. An answer is at most a second old."""


@dataclass(frozen=True)
class Answers:
    """What those who looked had of it: answers a second, and times to answer in milliseconds."""

    rate: float = 0.0
    p50: float = 0.0
    p95: float = 0.0
    p99: float = 0.0


@dataclass(frozen=True)
class Round:
    """What came of one round. database: milliseconds a second in which its connections worked."""

    answers: Answers
    database: float


def nobody(bench: Bench, port: int) -> Answers:
    """Nobody looks."""
    time.sleep(bench.seconds(SECONDS))
    return Answers()


def once_a_second(bench: Bench, port: int) -> Answers:
    """Each dashboard asks once a second, at a moment of its own."""
    seconds = int(bench.seconds(SECONDS))
    with ThreadPoolExecutor(DASHBOARDS) as threads:
        begin_at = time.perf_counter() + 1
        starts = [begin_at + number / DASHBOARDS for number in range(DASHBOARDS)]
        times = [each for one in threads.map(partial(watch, port, seconds), starts) for each in one]
        took = max(time.perf_counter() - begin_at - WARM_UP, seconds)
    ascending = sorted(times)
    p50, p95, p99 = (percentile(ascending, share) for share in (0.5, 0.95, 0.99))
    return Answers(len(times) / took, p50, p95, p99)


def watch(port: int, seconds: int, start: float) -> list[float]:
    """One dashboard: the time of each answer after the warm-up, in milliseconds. One that is late asks again
    at once."""
    times = []
    with closing(http.client.HTTPConnection(embedded.LOOPBACK, port, timeout=60)) as connection:
        for number in range(WARM_UP + seconds):
            time.sleep(max(0.0, start + number - time.perf_counter()))
            times.append(ask(connection, PATH))
    return times[WARM_UP:]


def all_the_time(bench: Bench, port: int) -> Answers:
    """Each dashboard asks again as soon as it has its answer."""
    result = load_client.run(Load(port, [get(PATH)], DASHBOARDS, bench.seconds(SECONDS)))
    return Answers(result.rate, result.p50, result.p95, result.p99)


ROUNDS: dict[str, tuple[Callable[[Bench, int], Answers], bool]] = {
    "nobody looks": (nobody, True),
    "once a second, no cache": (once_a_second, False),
    "once a second, cache": (once_a_second, True),
    "all the time, no cache": (all_the_time, False),
    "all the time, cache": (all_the_time, True),
}


def measure(bench: Bench) -> Section:
    """Fill a database, then look at it in each way, in turns."""
    url = bench.database("cache")
    recent = timedelta(seconds=bench.seconds(RECENT.total_seconds()))
    in_recent = int(RATE * recent.total_seconds())
    history.fill_history(url, bench.size(EVENTS) - in_recent, utc_now() - recent)
    now = utc_now()
    history.fill_recent(url, RATE, now - recent, now)
    rounds: dict[str, list[Round]] = {name: [] for name in ROUNDS}
    for _ in range(bench.rounds):
        for name, (way, kept) in ROUNDS.items():
            rounds[name].append(one_round(bench, url, way, cache=kept))
    return section(bench, recent, {name: middle(done) for name, done in rounds.items()})


def one_round(bench: Bench, url: str, way: Callable[[Bench, int], Answers], *, cache: bool) -> Round:
    """Look at a collector of its own. PostgreSQL has all the time of its connections when they have ended."""
    before = database_time(url)
    with services.collector(bench, url, cache=cache) as port, services.traffic(bench, port, RATE):
        started = time.perf_counter()
        answers = way(bench, port)
        seconds = time.perf_counter() - started
    services.settle()
    return Round(answers, (database_time(url) - before) / seconds)


def database_time(url: str) -> float:
    """The milliseconds in which connections to a database have worked until now."""
    with psycopg.connect(url) as connection:
        row = connection.execute(DATABASE_TIME).fetchone()
    return float(row[0]) if row else 0.0


def middle(rounds: Sequence[Round]) -> Round:
    """The median of each figure."""
    figures = ([getattr(each.answers, field.name) for each in rounds] for field in fields(Answers))
    return Round(Answers(*map(median, figures)), median(each.database for each in rounds))


def section(bench: Bench, recent: timedelta, rounds: dict[str, Round]) -> Section:
    """The report."""
    plain, cached = rounds["once a second, no cache"], rounds["once a second, cache"]
    idle = rounds["nobody looks"].database
    columns = ["dashboards ask", "answers/s", "p50 ms", "p95 ms", "p99 ms", "database ms/s"]
    return Section(
        title="Cache",
        about=ABOUT.format(
            dashboards=DASHBOARDS, path=PATH, events=bench.size(EVENTS), rate=RATE,
            recent=recent.total_seconds() / 60, rounds=bench.rounds, seconds=bench.seconds(SECONDS),
            warm_up=WARM_UP,
        ),
        table=Table(columns, [row(name, each) for name, each in rounds.items()]),
        bars=[Bar(name, each.answers.rate) for name, each in rounds.items() if each.answers.rate],
        reading=READING.format(
            dashboards=DASHBOARDS, plain=plain.database, cached=cached.database, idle=idle
        ),
        goals=[
            Goal(
                f"database time of {DASHBOARDS} dashboards, once a second, with the cache over without",
                (cached.database - idle) / (plain.database - idle),
                at_most=WANTED,
            )
        ],
    )  # fmt: skip


def row(name: str, done: Round) -> list[str]:
    """One line of the table."""
    answers = done.answers
    times = [answers.p50, answers.p95, answers.p99]
    shown = [thousands(answers.rate), *map(milliseconds, times)] if answers.rate else ["", "", "", ""]
    return [name, *shown, thousands(done.database)]

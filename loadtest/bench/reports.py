"""Reports: the same question answered from the aggregates and from the events, in turns."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from unittest import mock

import psycopg

from beatline.events import utc_now
from beatline.reports import engine
from beatline.reports.definition import By, Definition, Grouping, Kind, Measure
from beatline.reports.engine import AGGREGATES, EVENTS, run_report
from beatline.reports.periods import Last, Unit
from beatline.reports.result import Result
from loadtest.bench import history
from loadtest.bench.report import Goal, Section, Table, milliseconds
from loadtest.bench.services import Bench

EVENTS_STORED = 2_000_000
TURNS = 5
SECONDS = 120.0
PERIOD = Last(history.DAYS, Unit.DAY)
WANTED_RATIO = 20.0
QUESTIONS = {
    "events per day": Definition(PERIOD, grain=Unit.DAY),
    "events per day and type": Definition(PERIOD, grain=Unit.DAY, groupings=[Grouping(By.EVENT_TYPE)]),
    "events per day in Berlin": Definition(PERIOD, grain=Unit.DAY, time_zone="Europe/Berlin"),
    "users per day": Definition(PERIOD, Measure(Kind.USERS), Unit.DAY),
}
ABOUT = """\
{events:,} events over {days} days on PostgreSQL. Each question is about the last {days} whole days, and
answered {turns} times from the aggregates and {turns} times from the events, in turns, on one connection."""
READING = """\
Counts by type come from a few rows for each day or hour. Users have a row for each hour that they were
there in, which is much of what there is of events when users come for short visits."""


@dataclass(frozen=True)
class Times:
    """The milliseconds that a question took, by what answered it."""

    question: str
    aggregates: Sequence[float]
    events: Sequence[float]

    @property
    def ratio(self) -> float:
        """How many times as long the events take."""
        return median(self.events) / median(self.aggregates)


def measure(bench: Bench) -> Section:
    """Fill a database and ask."""
    database_url, now = bench.database("reports"), utc_now()
    history.fill_history(database_url, bench.size(EVENTS_STORED), now)
    with psycopg.connect(database_url, autocommit=True) as connection:
        times = [asked(connection, name, definition, now) for name, definition in QUESTIONS.items()]
    return section(bench, times)


def asked(connection: psycopg.Connection, name: str, definition: Definition, now: datetime) -> Times:
    """Ask a question in both ways, in turns, and see that the answers are the same."""

    def ask() -> Result:
        return run_report(connection, 1, definition, now, SECONDS)

    def ask_events() -> Result:
        with mock.patch.multiple(engine, from_counts=nothing, from_users=nothing):
            return ask()

    known, counted = ask(), ask_events()
    assert (known.source, counted.source) == (AGGREGATES, EVENTS)
    assert known.series == counted.series, "the answers differ"
    turns = [(timed(ask), timed(ask_events)) for _ in range(TURNS)]
    aggregates, events = zip(*turns, strict=True)
    return Times(name, aggregates, events)


def nothing(*_: object) -> None:
    """What an aggregate says that does not know."""


def timed(ask: Callable[[], Result]) -> float:
    """How long an answer takes, in milliseconds."""
    started = time.perf_counter()
    ask()
    return 1000 * (time.perf_counter() - started)


def section(bench: Bench, times: Sequence[Times]) -> Section:
    """The report."""
    columns = ["question", "aggregates ms", "events ms", "ratio"]
    rows = [
        [
            one.question,
            milliseconds(median(one.aggregates)),
            milliseconds(median(one.events)),
            f"{one.ratio:.1f}",
        ]
        for one in times
    ]
    return Section(
        title="Reports",
        about=ABOUT.format(events=bench.size(EVENTS_STORED), days=history.DAYS, turns=TURNS),
        table=Table(columns, rows),
        reading=READING,
        goals=[Goal("times as fast from aggregates, events per day", times[0].ratio, at_least=WANTED_RATIO)],
    )

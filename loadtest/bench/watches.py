"""Evaluating ten thousand watches of all kinds: it has to be done long before the next evaluation is due."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import cycle, islice
from statistics import median
from typing import Any

import psycopg
from psycopg import Connection

from beatline.events import utc_now
from beatline.watches.evaluation import evaluate
from beatline.watches.stored import Draft, create_watch
from loadtest.bench import history
from loadtest.bench.report import Goal, Section, Table, milliseconds, thousands
from loadtest.bench.services import Bench

WATCHES = 10_000
PROJECTS = 5
NAMES = 200  # event types, and as many pages
RATE = 100
RECENT = timedelta(hours=1)
ROUNDS = 5
EVERY = timedelta(seconds=15)
WANTED_SECONDS = 5.0
WINDOWS = (1, 2, 5, 10, 15, 30, 60, 120, 240, 360, 720, 1440)
NEVER = 1e12  # a level that nothing reaches
EVENTS = """
insert into events (project_id, event_id, ts, received_at, event_type, user_id, session_id, page_url)
select 1 + number %% %(projects)s, uuidv7(), at, at,
       case when number %% 2 = 0 then 'page_view' else 'type_' || number / 8 %% %(names)s end,
       'usr_' || number / 20 %% 50000, 'visit_' || number / 20, '/page/' || number / 8 %% %(names)s
from (select number, %(since)s + number * (%(until)s::timestamptz - %(since)s) / %(count)s as at
      from generate_series(0, %(count)s::bigint - 1) as number) as numbered
"""
ABOUT = """\
{watches:,} watches in {projects} projects: thresholds of all measures, absences, and changes against
the window before and a week ago, of {names} event types and {names} pages, with windows of 1 minute to a
day. The database has one hour of {rate} events/s. An evaluation reads the watches, counts by one statement
for each kind, judges, and stores the states in one transaction; there are {rounds}."""
READING = """\
Windows begin and end at few times, so the minutes are read once for each project and kind, however many
watches there are. The workers evaluate every {every:g} s."""


def measure(bench: Bench) -> Section:
    """Fill a database with an hour and with watches, and evaluate them."""
    database_url = bench.database("watches")
    count = bench.size(WATCHES)
    now = utc_now()
    with psycopg.connect(database_url, autocommit=True) as connection:
        fill(connection, bench.size(int(RATE * RECENT.total_seconds())), now)
        make_watches(connection, count, now)
        connection.execute("vacuum analyze")
        seconds = [timed(connection, now + number * EVERY, count) for number in range(ROUNDS)]
    return section(count, seconds)


def fill(connection: Connection, events: int, now: datetime) -> None:
    """An hour of events, with sessions and aggregates."""
    for day in (now, now - RECENT):
        connection.execute("select make_event_partition(%s)", [day])
    for project in range(2, PROJECTS + 1):
        connection.execute("insert into projects (name) values (%s)", [f"project {project}"])
    bounds = {"projects": PROJECTS, "names": NAMES, "since": now - RECENT, "until": now, "count": events}
    connection.execute("alter table events disable trigger user")
    connection.execute(EVENTS, bounds)
    connection.execute("alter table events enable trigger user")
    connection.execute(history.SESSIONS)
    history.fill_aggregates(connection)


def make_watches(connection: Connection, count: int, now: datetime) -> None:
    """So many watches of all kinds, evenly; none of them ever fires."""
    with connection.transaction():
        for number, (kind, condition) in enumerate(islice(cycle(conditions()), count)):
            draft = Draft(None, f"watch {number}", kind, condition, "info", 60, 300, None, True)
            create_watch(connection, 1 + number % PROJECTS, draft, now)


def conditions() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every kind with every window, type and page."""
    above = {"measure": "events", "direction": "above", "level": NEVER}
    up = {"direction": "up", "percent": 1e6, "minimum_count": 10**9}
    for name in range(NAMES):
        for what in ({"event_type": f"type_{name}"}, {"page_url": f"/page/{name}"}):
            for window in WINDOWS:
                yield "threshold", {"window_minutes": window, **above, **what}
                against = "week_ago" if window % 2 else "window_before"
                yield "change", {"window_minutes": window, "compared_with": against, **up, **what}
            yield "absence", {"window_minutes": 60, **what}
            for measured in ("users", "sessions", "rejected"):
                yield "threshold", {"window_minutes": WINDOWS[name % 12], **above, "measure": measured}


def timed(connection: Connection, now: datetime, count: int) -> float:
    """Seconds of one evaluation of all watches."""
    started = time.perf_counter()
    evaluated = evaluate(connection, now, complete=True)
    seconds = time.perf_counter() - started
    assert evaluated.watches == count, f"{evaluated.watches} of {count} watches were evaluated"
    return seconds


def section(count: int, seconds: Sequence[float]) -> Section:
    """The report."""
    figures = (median(seconds), max(seconds))
    row = [thousands(count), *(milliseconds(1_000 * figure) for figure in figures)]
    about = {"watches": count, "projects": PROJECTS, "names": NAMES, "rounds": ROUNDS, "rate": RATE}
    return Section(
        title="Watches",
        about=ABOUT.format(**about),
        table=Table(["watches", "median ms", "longest ms"], [row]),
        reading=READING.format(every=EVERY.total_seconds()),
        goals=[Goal("longest evaluation of all watches in seconds", max(seconds), at_most=WANTED_SECONDS)],
    )

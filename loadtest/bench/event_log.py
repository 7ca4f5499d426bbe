"""The event log over millions of events: pages near and far, filters with and without an index."""

from __future__ import annotations

import http.client
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any
from urllib.parse import urlencode

import msgspec
import psycopg

from beatline import embedded
from beatline.analytics.event_log import Place
from beatline.events import utc_now
from beatline.property_indexes import request_index
from beatline.settings import Settings
from collector.api.cursors import cursor_of
from loadtest.bench import history, services
from loadtest.bench.load_client import percentile
from loadtest.bench.report import Goal, Section, Table, milliseconds, thousands
from loadtest.bench.services import ADMIN_TOKEN, Bench
from workers.property_indexes import work_on_property_indexes

EVENTS = 10_000_000
PAGE = 50
FAR = 10_000  # the number of a page
RARE = 20  # events that have the rare property, evenly over the whole time
REQUESTS = 100
SEARCHES = 5  # of what takes seconds
WANTED_MS = 100.0
PATH = "/api/v1/events"
RARE_PROPERTY = {"property": '{"property": "campaign", "operator": "equals", "value": "spring"}'}
COMMON_PROPERTY = {"property": '{"property": "device", "operator": "equals", "value": "phone"}'}
PLANT = """
update events set properties = properties || '{"campaign": "spring"}'
where (ts, event_id) in (
    select ts, event_id
    from (select ts, event_id, row_number() over (order by ts) as number from events) as numbered
    where number %% (%(events)s / %(rare)s) = 0
)
"""
LAST_BEFORE = """
select ts, event_id from events where project_id = 1 order by ts desc, event_id desc offset %s limit 1
"""
ABOUT = """\
{events:,} events over {days} days; {rare} of them have a property that no other has. One client asks a
collector over a keep-alive connection, one request at a time. A page has {page} events. A search that is
cut short after two seconds is gone on with until the page is full or all was searched; then the time is
that of all its requests."""
READING = """\
A page begins at a place and not at a number, so it costs the same however deep it lies. What only a few
events have is found by looking at all of them, a bounded number a statement, unless the property has an
index. Building that index took {seconds:.0f} s beside nothing else; it has {size:.1f} bytes for each of all
events (it holds those only that have the property)."""


@dataclass(frozen=True)
class Times:
    """How long a question took in milliseconds, and how many requests each answer needed."""

    question: str
    milliseconds: Sequence[float]
    requests: int


def measure(bench: Bench) -> Section:
    """Fill a database, ask, build the index, ask again."""
    events = bench.size(EVENTS)
    database_url = bench.database("event_log")
    history.fill_history(database_url, events, utc_now())
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(PLANT, {"events": events, "rare": RARE})
        connection.execute("vacuum analyze events")
        place = connection.execute(LAST_BEFORE, [bench.size(FAR) * PAGE - 1]).fetchone()
        assert place, "there are fewer pages"
        far = {"cursor": str(cursor_of(Place(*place)))}
        with services.collector(bench, database_url, workers=1) as port:
            questions: dict[str, Mapping[str, str]] = {
                "first page": {}, f"page {bench.size(FAR):,}": far, "a type": {"event_type": "search"},
                "a user's": {"user_id": "usr_77"}, "a page's": {"page_url": "/products/7"},
                "a property that all have": COMMON_PROPERTY,
            }  # fmt: skip
            times = [asked(bench, port, name, given) for name, given in questions.items()]
            times.append(asked(bench, port, "a rare property, no index", RARE_PROPERTY, SEARCHES))
            seconds, size = build_index(connection, database_url, events)
            times.append(asked(bench, port, "a rare property, with its index", RARE_PROPERTY))
    return section(bench, times, seconds, size)


def asked(bench: Bench, port: int, question: str, given: Mapping[str, str], most: int = REQUESTS) -> Times:
    """Ask a question again and again."""
    connection = http.client.HTTPConnection(embedded.LOOPBACK, port, timeout=60)
    times, requests = [], 0
    for _ in range(max(1, min(most, bench.size(REQUESTS)))):
        started = time.perf_counter()
        found, requests = answered(connection, {"limit": str(PAGE), **given})
        times.append(1000 * (time.perf_counter() - started))
        assert found, f"{question}: nothing was found"
    connection.close()
    return Times(question, times, requests)


def answered(connection: http.client.HTTPConnection, given: Mapping[str, str]) -> tuple[int, int]:
    """Ask until the page is full or all was searched: how many events were found, in how many requests."""
    found, requests, cursor = 0, 0, given
    while True:
        page = page_of(connection, cursor)
        found, requests = found + len(page["events"]), requests + 1
        if found >= PAGE or page["searched_until"] is None:
            return found, requests
        cursor = {**given, "cursor": page["next_cursor"]}


def page_of(connection: http.client.HTTPConnection, given: Mapping[str, str]) -> Any:
    """One answer."""
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    connection.request("GET", f"{PATH}?{urlencode(given)}", headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == 200, f"{given} was answered {answer.status}: {body[:300]!r}"
    return msgspec.json.decode(body)


def build_index(connection: psycopg.Connection, database_url: str, events: int) -> tuple[float, float]:
    """Have the rare property indexed: the seconds that it took, and the bytes it holds for each event."""
    with connection.transaction():
        index = request_index(connection, 1, ("campaign",), utc_now())
    started = time.perf_counter()
    work_on_property_indexes(Settings(database_url=database_url), utc_now())
    seconds = time.perf_counter() - started
    row = connection.execute(
        "select sum(pg_relation_size(relid)) from pg_partition_tree(%s)", [index.name]
    ).fetchone()
    return seconds, float(row[0]) / events if row else 0.0


def section(bench: Bench, times: Sequence[Times], seconds: float, size: float) -> Section:
    """The report."""
    events = bench.size(EVENTS)
    return Section(
        title="Event log",
        about=ABOUT.format(events=events, days=history.DAYS, rare=RARE, page=PAGE),
        table=Table(["page", "p50 ms", "p95 ms", "requests"], [row(one) for one in times]),
        reading=READING.format(seconds=seconds, size=size),
        goals=[
            Goal(f"ms of {one.question} of the event log", median(one.milliseconds), at_most=WANTED_MS)
            for one in (*times[:2], times[-1])
        ],
    )


def row(one: Times) -> list[str]:
    """One question's line of the table."""
    figures = (percentile(sorted(one.milliseconds), share) for share in (0.5, 0.95))
    return [one.question, *map(milliseconds, figures), thousands(one.requests)]

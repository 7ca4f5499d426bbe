"""A database with something on every board: some days of events of a small shop, the same every time.

Nothing here reads a clock: NOW is when the dashboards are looked at, to the millisecond, as Grafana knows it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import msgspec
import psycopg

from beatline.events import Event, Reason, RejectedEvent
from beatline.storage.engine import POSTGRES, TIMESCALEDB
from beatline.storage.store import Batch, Store
from tests.fixtures.rows import AGGREGATES

NOW = datetime(2026, 3, 4, 12, 34, 56, 789_000, tzinfo=UTC)
MICROSECOND, SECOND, MINUTE = timedelta(microseconds=1), timedelta(seconds=1), timedelta(minutes=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DEFAULT, SHOP, QUIET = 1, 2, 3  # projects: the first of all, a second one, and one that never had an event
PROJECTS = {SHOP: "shop", QUIET: "O'Brien's quiet corner"}
USERS = [f"usr_{number:03}" for number in range(60)]
PAGES = [
    "/",
    "/pricing",
    "/products/electronics",
    "/products/books",
    "/cart",
    "/blog/it's-here",
    "/search?q=a%20b",
]
TYPES = {"page_view": 50, "view": 15, "click": 20, "purchase": 6, "location": 6, "sign'up": 3}
CITIES = [(52.52, 13.405), (48.137, 11.575), (40.713, -74.006), (-33.868, 151.209)]
SYSTEMS = [("iOS", "18.3"), ("Android", "15"), ("Windows", "11"), (None, None)]
BATCH = 250
EARLIER = [DAY, 2 * DAY, 3 * DAY, 7 * DAY, 8 * DAY, 14 * DAY, 40 * DAY]  # days of events before today


def seed(database_url: str) -> list[Event]:
    """Fill a migrated database, and return the events that it has now."""
    seeded = list(events())
    with closing(Store.connect(database_url)) as store:
        connection = store.connection
        for name in PROJECTS.values():
            connection.execute("insert into projects (name) values (%s)", [name])
        make_partitions(connection, store.engine, seeded)
        for start in range(0, len(seeded), BATCH):
            store.write(Batch(seeded[start : start + BATCH]))
        store.write(Batch([], rejected=list(rejected())))
        for row in imports():
            connection.execute(IMPORT, row)
        if store.engine == TIMESCALEDB:
            materialize(connection)
        connection.execute("analyze")
    return seeded


def make_partitions(connection: psycopg.Connection, engine: str | None, events: list[Event]) -> None:
    """A day each, as it was at NOW, however long ago that is when the tests run."""
    if engine == POSTGRES:
        for day in sorted({event.ts.date() for event in events}):
            at = datetime(day.year, day.month, day.day, tzinfo=UTC)
            connection.execute("select make_event_partition(%s, %s)", [at, NOW])


def materialize(connection: psycopg.Connection) -> None:
    """What the refresh policies would have materialised by NOW."""
    delays = {"minute": 2 * MINUTE, "hour": 10 * MINUTE, "day": HOUR}
    for aggregate in AGGREGATES:
        end = NOW - delays[aggregate.name.rpartition("_")[2]]
        call = "call refresh_continuous_aggregate(%s::regclass, null, %s::timestamptz)"
        connection.execute(call, [aggregate.name, end])


def events() -> Iterator[Event]:
    """All events, in the order in which they came."""
    random = Random(20260304)
    made = [*history(random), *recent(random), *edges(random)]
    yield from sorted(made, key=lambda event: (event.received_at, event.event_id))


def history(random: Random) -> Iterator[Event]:
    """More by day than by night, and today up to now."""
    for project, daily in ((DEFAULT, 260), (SHOP, 80)):
        for ago in [timedelta(), *EARLIER]:
            midnight = NOW.replace(hour=0, minute=0, second=0, microsecond=0) - ago
            for _ in range(daily):
                at = midnight + timedelta(seconds=random.triangular(0, 86399, 50_000))
                if at < NOW - 15 * MINUTE:
                    yield event(random, project, at)


def recent(random: Random) -> Iterator[Event]:
    """The last quarter of an hour, busier, and some of it delivered late."""
    for project, count in ((DEFAULT, 400), (SHOP, 120)):
        for _ in range(count):
            at = NOW - timedelta(microseconds=random.randrange(1, int(15 * MINUTE / MICROSECOND)))
            delay = timedelta(seconds=random.choice([0, 0, 0, 0.2, 30, 240]))
            yield event(random, project, at, received_at=min(at + delay, NOW))


def edges(random: Random) -> Iterator[Event]:
    """At, just before and just after every edge of a window; clocks ahead; visitors without a name."""
    for window in (timedelta(), 10 * SECOND, 5 * MINUTE, 15 * MINUTE):
        for aside in (-MICROSECOND, timedelta(), MICROSECOND):
            page = {"event_type": "page_view", "page_url": "/edge"}
            at = NOW - window + aside
            yield event(
                random, DEFAULT, at, received_at=min(at, NOW), user_id=f"edge_{window}{aside}", **page
            )
    for seconds in (1, 3, 90, 3600):
        at, page = NOW + timedelta(seconds=seconds), {"event_type": "page_view", "page_url": PAGES[0]}
        yield event(random, DEFAULT, at, received_at=NOW, event_type="page_view", page_url="/ahead")
        yield event(random, SHOP, at, received_at=NOW, **page)
    for number in range(5):
        at = NOW - number * MINUTE
        yield event(random, DEFAULT, at, user_id=None, anonymous_id=f"anon_{number}", session_id=None)
        yield event(random, DEFAULT, at, user_id=None, session_id=f"nobody's_{number % 2}")


def event(random: Random, project_id: int, at: datetime, **fields: Any) -> Event:
    """An event at a time, the rest at random unless fields say so."""
    user = random.choice(USERS[: 20 * project_id])
    kind = fields.get("event_type") or random.choices(list(TYPES), list(TYPES.values()))[0]
    system, version = random.choice(SYSTEMS)
    chosen: dict[str, Any] = {
        "received_at": at,
        "event_type": kind,
        "user_id": user,
        "session_id": f"{user}_{at:%Y%m%d%H}",
        "page_url": random.choices(PAGES, range(len(PAGES), 0, -1))[0] if kind in PAGED else None,
        "app_version": random.choice(["1.4.0", "1.5.0"]),
        "os_name": system,
        "os_version": version,
        "properties": msgspec.Raw(msgspec.json.encode(properties(random, kind))),
    }
    made = Event(
        project_id=project_id,
        event_id=UUID(int=random.getrandbits(128), version=4),
        ts=at,
        **(chosen | fields),
    )
    if made.user_id is not None and made.user_id.startswith("usr"):
        made.profile = msgspec.Raw(b"{}")
    return made


PAGED = ("page_view", "view", "click")


def properties(random: Random, kind: str) -> dict[str, Any]:
    """What an event of a type says of itself."""
    if kind == "location":
        latitude, longitude = random.choice(CITIES)
        place = {
            "latitude": latitude + random.uniform(-0.1, 0.1),
            "longitude": longitude + random.uniform(-0.1, 0.1),
        }
        return place | {"accuracy": random.choice([5, 20, 100])}
    if kind == "purchase":
        return {"amount": round(random.uniform(5, 250), 2), "currency": "EUR", "coupon": 'O\'Brien "10%"'}
    return {"plan": random.choice(["free", "team"]), "position": random.randrange(10)}


def rejected() -> Iterator[RejectedEvent]:
    """Refused events of some routes, for some reasons, over two days."""
    random = Random(7)
    reasons = [Reason.INVALID, Reason.SCHEMA, Reason.TIMESTAMP, Reason.TOO_LARGE]
    for number in range(60):
        at = NOW - timedelta(seconds=random.randrange(2 * 86400 if number % 2 else 1800))
        errors = msgspec.Raw(b'{"event":["Bad."]}')
        project = random.choice([DEFAULT, DEFAULT, SHOP])
        yield RejectedEvent(
            project, at, random.choice(["batch", "track"]), random.choice(reasons), errors, "{}"
        )


IMPORT = """
    insert into imports (import_id, project_id, status, created_at, started_at, finished_at, file_bytes,
                         bytes_read, rows_read, stored, duplicates, rejected, error)
    values (%(id)s, %(project)s, %(status)s, %(at)s, %(at)s, %(finished)s, 4096,
            %(read)s, %(rows)s, %(rows)s, 1, 2, %(error)s)"""


def imports() -> Iterator[dict[str, Any]]:
    """A file in each state."""
    for number, status in enumerate(("waiting", "running", "done", "failed"), start=1):
        ended = status in ("done", "failed")
        yield {
            "id": UUID(int=number),
            "project": DEFAULT,
            "status": status,
            "at": NOW - number * HOUR,
            "finished": NOW - number * HOUR + MINUTE if ended else None,
            "read": 4096 if ended else 1024,
            "rows": number * 10,
            "error": "no header" if status == "failed" else None,
        }

"""The rolling windows on both engines: always what a count over the events themselves gives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from beatline.analytics.active_sessions import active_sessions
from beatline.analytics.active_users import active_users
from beatline.analytics.overview import overview
from beatline.analytics.throughput import throughput
from beatline.analytics.top_pages import page_views, top_pages
from beatline.analytics.windows import ACTIVE, PAGES
from beatline.events import Event
from beatline.storage.engine import TIMESCALEDB
from beatline.storage.store import Batch, Store
from tests.fixtures.storage import make_event

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
MICROSECOND, SECOND, MINUTE, HOUR = (
    timedelta(microseconds=1),
    timedelta(seconds=1),
    timedelta(minutes=1),
    timedelta(hours=1),
)
ON_TIME = 2 * MINUTE  # TimescaleDB's refresh stays away from what is younger
USERS = ["u1", "u2", "both"]
projects = count(1)


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """A store on a fresh database of each engine."""
    with closing(Store.connect(database_url)) as store:
        yield store


def actor(event: Event) -> str | None:
    """Who: the user, or else the anonymous visitor."""
    return event.user_id or event.anonymous_id


def seen(event: Event) -> datetime:
    """When somebody was active: a clock that runs ahead does not count."""
    return min(event.ts, event.received_at)


def active(events: list[Event], now: datetime) -> list[Event]:
    """The events of the last 5 minutes."""
    return [event for event in events if now - ACTIVE < seen(event) <= now]


def visits(events: list[Event], now: datetime, user: str | None = None) -> int:
    """The sessions of the last 5 minutes; without a session id, a user's own implicit one."""
    current = [event for event in active(events, now) if user is None or actor(event) == user]
    explicit = {event.session_id for event in current if event.session_id}
    implicit = {actor(event) for event in current if not event.session_id and actor(event)}
    return len(explicit) + len(implicit)


def views(events: list[Event], now: datetime) -> Counter[str]:
    """The page views of the last 15 minutes by URL."""
    viewed = [event for event in events if event.event_type in ("view", "page_view")]
    return Counter(event.page_url for event in viewed if event.page_url and now - PAGES < event.ts <= now)


def most_viewed(events: list[Event], now: datetime, limit: int) -> list[tuple[str, int]]:
    """The pages of most views; equal ones by URL."""
    return sorted(views(events, now).items(), key=lambda page: (-page[1], page[0]))[:limit]


def steps(
    events: list[Event], now: datetime, window: timedelta, step: timedelta
) -> list[tuple[datetime, int]]:
    """The events of each whole step of the window."""
    starts = [now - number * step for number in range(window // step, 0, -1)]
    return [(start, sum(start <= event.ts < start + step for event in events)) for start in starts]


def measured(store: Store, project_id: int, now: datetime) -> dict[str, Any]:
    """Every rolling window, as the product gives it."""
    asked = (store.connection, project_id, now)
    return {
        "active users": active_users(*asked),
        "active sessions": [active_sessions(*asked, user) for user in [None, *USERS, "nobody"]],
        "page views": page_views(*asked),
        "top pages": [top_pages(*asked, limit) for limit in (2, 100)],
        "throughput": [throughput(*asked, window, step) for window, step in STEPS],
        "overview": overview(*asked, 2, "both"),
    }


def counted(events: list[Event], now: datetime) -> dict[str, Any]:
    """The same by hand."""
    users = {actor(event) for event in active(events, now)} - {None}
    pages = most_viewed(events, now, 2)
    return {
        "active users": len(users),
        "active sessions": [visits(events, now, user) for user in [None, *USERS, "nobody"]],
        "page views": views(events, now).total(),
        "top pages": [pages, most_viewed(events, now, 100)],
        "throughput": [steps(events, now, window, step) for window, step in STEPS],
        "overview": {
            "as_of": now,
            "active_users": len(users),
            "active_sessions": visits(events, now, "both"),
            "page_views": views(events, now).total(),
            "events_per_second": steps(events, now, 10 * SECOND, 10 * SECOND)[0][1] / 10,
            "top_pages": [{"page_url": url, "views": viewed} for url, viewed in pages],
            "windows": {"active_users": 300, "active_sessions": 300, "top_pages": 900},
        },
    }


STEPS = [(5 * MINUTE, 5 * SECOND), (MINUTE, 7 * SECOND), (HOUR, HOUR)]

nearly = st.sampled_from([-MICROSECOND, timedelta(), MICROSECOND])
edges = st.builds(
    lambda edge, aside: edge + aside,
    st.sampled_from([timedelta(), -10 * SECOND, -ACTIVE, -PAGES, -MINUTE, -PAGES - MINUTE]),
    nearly,
)
offsets = edges | st.timedeltas(-20 * MINUTE, 10 * SECOND) | st.timedeltas(-3 * HOUR, 3 * HOUR)
fresh_offsets = nearly | st.timedeltas(-ON_TIME + SECOND, 10 * SECOND) | st.timedeltas(timedelta(), 3 * HOUR)
delays = st.sampled_from([timedelta(), MICROSECOND, ACTIVE, ACTIVE - MICROSECOND]) | st.timedeltas(
    timedelta(), 10 * MINUTE
)
moments = st.builds(
    lambda minutes, aside: NOON + minutes * MINUTE + aside,
    st.integers(0, 59),
    nearly | st.timedeltas(timedelta(), MINUTE),
)
texts = {
    "event_type": st.sampled_from(["view", "page_view", "click"]),
    "user_id": st.sampled_from([None, "u1", "u2", "both"]),
    "anonymous_id": st.sampled_from([None, "a1", "both"]),
    "session_id": st.sampled_from([None, "s1", "s2", "s3"]),
    "page_url": st.sampled_from([None, "/", "/a", "/b"]),
}


def drafts(around: st.SearchStrategy[timedelta]) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Events as the fields that differ; ts and received_at relative to now."""
    return st.lists(st.fixed_dictionaries({"offset": around, "delay": delays, **texts}), max_size=15)


def events_of(fields: list[dict[str, Any]], project_id: int, now: datetime) -> list[Event]:
    """The events that drafts describe. None of them is received after now."""
    return [
        make_event(
            project_id=project_id,
            ts=now + draft["offset"],
            received_at=now - draft["delay"],
            **{name: draft[name] for name in texts},
        )
        for draft in fields
    ]


def refresh(store: Store, now: datetime) -> None:
    """Materialise what TimescaleDB's policy would have by now; the postgres engine counts at once."""
    if store.engine == TIMESCALEDB:
        call = "call refresh_continuous_aggregate('pages_by_minute', %s::timestamptz, %s::timestamptz)"
        store.connection.execute(call, [now - 4 * HOUR, now - ON_TIME])


VISIT = {"event_type": "view", "user_id": "u1", "anonymous_id": None, "session_id": None, "page_url": "/"}
NOW_AND_LATER = st.lists(edges.map(abs) | st.timedeltas(timedelta(), HOUR), min_size=1, max_size=2)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moments, drafts(offsets), drafts(fresh_offsets), NOW_AND_LATER)
@example(
    now=NOON,
    early=[VISIT | {"offset": -window + aside, "delay": timedelta()} for window in (ACTIVE, PAGES)
           for aside in (-MICROSECOND, timedelta(), MICROSECOND)],
    fresh=[VISIT | {"offset": aside, "delay": timedelta()} for aside in (timedelta(), MICROSECOND)],
    later=[timedelta(), MICROSECOND, ACTIVE],
)  # fmt: skip
def test_rolling_windows_equal_a_count_by_hand(
    store: Store,
    now: datetime,
    early: list[dict[str, Any]],
    fresh: list[dict[str, Any]],
    later: list[timedelta],
) -> None:
    """Given events of any time in any order, some before and some after TimescaleDB's refresh.

    Each example has a project of its own, and hours of its own: a refresh is for all projects.
    """
    project_id = next(projects)
    now += project_id * 6 * HOUR
    written = [events_of(fields, project_id, now) for fields in (early, fresh)]
    store.write(Batch(written[0]))
    refresh(store, now)
    for event in written[1]:
        store.write(Batch([event]))

    for wait in later:
        assert measured(store, project_id, now + wait) == counted([*written[0], *written[1]], now + wait)

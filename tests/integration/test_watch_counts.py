"""What watches count, on both engines: always what counting the events one by one gives."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg import Connection

from beatline.events import Event, RejectedEvent
from beatline.storage.store import Batch, Store
from beatline.watches.counts import Count, Source
from beatline.watches.evaluation import Subject, measure
from beatline.watches.kinds import checked_condition
from beatline.watches.kinds.condition import Condition
from tests.fixtures.storage import make_event, make_rejected

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
MICROSECOND, SECOND, MINUTE = timedelta(microseconds=1), timedelta(seconds=1), timedelta(minutes=1)
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
MOMENTS = [NOON, NOON + MICROSECOND, NOON - MICROSECOND, NOON + 17 * SECOND, NOON + 59 * SECOND]
WINDOWS = [1, 2, 5, 60, 1440]
TYPES = ["view", "page_view", "buy"]
PAGES = ["/", "/shop", None]


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """A store on a fresh database of each engine."""
    with closing(Store.connect(database_url)) as store:
        yield store


def conditions() -> list[Condition]:
    """Conditions of every kind and measure, of all of these windows."""
    found = []
    for window in WINDOWS:
        for what in (
            {},
            {"event_type": "buy"},
            {"event_type": "never"},
            {"page_url": "/"},
            {"page_url": "/no"},
        ):
            found += [
                of("threshold", window, measure="events", direction="above", level=1, **what),
                of("absence", window, **what),
                of("change", window, compared_with="window_before", direction="up", percent=1, **what),
                of("change", window, compared_with="week_ago", direction="up", percent=1, **what),
            ]
        for measured in ("users", "sessions", "rejected"):
            found.append(of("threshold", window, measure=measured, direction="above", level=1))
    return found


def of(kind: str, window: int, **fields: Any) -> Condition:
    """A condition."""
    return checked_condition(kind, {"window_minutes": window, **fields}, None)


def measured(connection: Connection, now: datetime) -> dict[Count, int]:
    """What the database counts for all conditions in both projects."""
    subjects = [Subject(project_id, each) for project_id in (1, 2) for each in conditions()]
    answers = measure(connection, subjects, now)
    return {
        count: counted
        for subject in subjects
        for count, counted in zip(
            subject.condition.counts(subject.project_id, now), answers[subject], strict=True
        )
    }


def by_hand(events: list[Event], rejected: list[RejectedEvent], count: Count) -> int:
    """The same over the events themselves."""
    own = [event for event in events if event.project_id == count.project_id]
    within = [event for event in own if count.since < event.ts <= count.until]
    seen = [event for event in own if count.since < min(event.ts, event.received_at) <= count.until]
    if count.source is Source.TYPE:
        return sum(event.event_type == count.key for event in within)
    if count.source is Source.PAGE:
        views = [event for event in within if event.event_type in ("view", "page_view")]
        return sum(event.page_url == count.key for event in views)
    if count.source is Source.USERS:
        return len({event.user_id for event in seen if event.user_id})
    if count.source is Source.SESSIONS:
        named = [event for event in seen if event.session_id or event.user_id]
        return len({event.session_id or ("of", event.user_id) for event in named})
    if count.source is Source.REJECTED:
        of_project = [each for each in rejected if each.project_id == count.project_id]
        return sum(count.since < each.received_at <= count.until for each in of_project)
    return len(within)


def some_events(seed: int) -> list[Event]:
    """Events around the edges of every window, dated ahead too, and some at any time of the last days."""
    chosen = random.Random(seed)
    widths = [window * MINUTE for window in WINDOWS]
    edges = [NOON - back for width in widths for back in (width, 2 * width, WEEK, WEEK + width)]
    aside = [-MICROSECOND, timedelta(), MICROSECOND, 17 * SECOND, 59 * SECOND, 61 * SECOND, -40 * SECOND]
    times = [edge + each for edge in [*edges, NOON] for each in aside]
    times += [NOON - chosen.random() * chosen.choice([MINUTE, HOUR, DAY, 9 * DAY]) for _ in range(150)]
    return [
        make_event(
            project_id=chosen.choice([1, 1, 2]),
            ts=at,
            received_at=at + chosen.choice([timedelta(), timedelta(), SECOND, HOUR, -HOUR]),
            event_type=chosen.choice(TYPES),
            page_url=chosen.choice(PAGES),
            user_id=chosen.choice(["ann", "bob", "eve", None]),
            session_id=chosen.choice(["s1", "s2", "s3", None]),
        )
        for at in times
    ]


def test_given_nothing_at_all_then_everything_is_zero(store: Store) -> None:
    counted = measured(store.connection, NOON)

    assert len(counted) == 2 * len(WINDOWS) * (5 * 3 + 3)
    assert set(counted.values()) == {0}


@pytest.mark.parametrize("seed", [1, 2])
def test_given_events_at_every_edge_then_each_count_is_exact_at_awkward_moments(
    store: Store, seed: int
) -> None:
    events = some_events(seed)
    refused = [
        make_rejected(project_id=1 + number % 2, received_at=NOON - number * 11 * SECOND - MICROSECOND)
        for number in range(40)
    ]
    for start in range(0, len(events), 50):
        store.write(Batch(events[start : start + 50], refused[start : start + 50]))

    for now in MOMENTS:
        counted = measured(store.connection, now)
        # Somebody's last event tells when they were seen; that of the future is the present's.
        expected = {count: by_hand(events, refused, seen_until_now(count)) for count in counted}
        wrong = {
            count: (counted[count], expected[count]) for count in counted if counted[count] != expected[count]
        }
        assert wrong == {}, now


def seen_until_now(count: Count) -> Count:
    """Users and sessions have no end: nobody is seen later than now, but for the clocks of two machines."""
    people = count.source in (Source.USERS, Source.SESSIONS)
    return count._replace(until=NOON + DAY) if people else count


def test_given_an_event_that_comes_late_then_it_counts_in_its_window(store: Store) -> None:
    late = make_event(ts=NOON - 50 * MINUTE, received_at=NOON, event_type="buy")
    condition = of("threshold", 60, measure="events", direction="above", level=0, event_type="buy")
    subject = Subject(1, condition)

    before = measure(store.connection, [subject], NOON)
    store.write(Batch([late]))

    assert before[subject] == (0,)
    assert measure(store.connection, [subject], NOON)[subject] == (1,)
    assert measure(store.connection, [subject], NOON + 10 * MINUTE)[subject] == (0,)
    assert measure(store.connection, [subject], NOON + 10 * MINUTE - MICROSECOND)[subject] == (1,)

"""What events say of users and groups ends up in users, user_aliases and groups, on both engines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from beatline.events import Event, uuid7
from beatline.ingest.profiles import tell_profile
from beatline.storage.store import Batch, Store
from tests.fixtures.storage import NOON, make_event

MINUTE = timedelta(minutes=1)


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """A store on an empty database of either engine."""
    with closing(Store.connect(database_url)) as store:
        yield store


def told(event_type: str, properties: dict[str, Any], ts: datetime = NOON, **fields: Any) -> Event:
    """An event that has been through the pipeline's reading of profiles."""
    event = make_event(event_type=event_type, ts=ts, **fields)
    event.properties = msgspec.Raw(msgspec.json.encode(properties))
    tell_profile(event, properties)
    return event


def write(store: Store, *events: Event) -> None:
    """Store events as one batch."""
    store.write(Batch(list(events)))


def users(store: Store) -> dict[str, tuple[datetime, datetime, dict[str, Any]]]:
    """{user: (first seen, last seen, traits)} of project 1."""
    statement = "select user_id, first_seen_at, last_seen_at, traits from users where project_id = 1"
    return {user: rest for user, *rest in map(list, store.connection.execute(statement))}  # type: ignore[misc]


def traits_of(store: Store, user: str = "u") -> dict[str, Any]:
    """The traits of one user."""
    return users(store)[user][2]


def test_a_user_is_known_from_the_first_event_that_names_them(store: Store) -> None:
    write(store, make_event(), make_event(ts=NOON - MINUTE), make_event(user_id=None, anonymous_id="a"))

    assert users(store) == {"u": [NOON - MINUTE, NOON, {}]}


def test_last_seen_moves_on_with_the_minutes(store: Store) -> None:
    for seconds in (0, 30, 61):
        at = NOON + timedelta(seconds=seconds)
        write(store, make_event(ts=at, received_at=at))

    assert users(store)["u"][:2] == [NOON, NOON + timedelta(seconds=61)]


def test_an_earlier_event_moves_first_seen_back(store: Store) -> None:
    write(store, make_event())
    write(store, make_event(ts=NOON - timedelta(days=400)))

    assert users(store)["u"][0] == NOON - timedelta(days=400)


CASES: list[tuple[str, list[tuple[str, dict[str, Any], int]], dict[str, Any]]] = [
    ("identify", [("$identify", {"name": "Ann", "$context": {"ip": "::1"}}, 0)], {"name": "Ann"}),
    ("newer wins", [("$identify", {"a": 1, "b": 1}, 0), ("$identify", {"a": 2}, 1)], {"a": 2, "b": 1}),
    (
        "older arrives later",
        [("$identify", {"a": 2}, 1), ("$identify", {"a": 1, "b": 1}, 0)],
        {"a": 2, "b": 1},
    ),
    ("set on any event", [("buy", {"price": 3, "$set": {"plan": "pro"}}, 0)], {"plan": "pro"}),
    (
        "set once keeps the first",
        [("x", {"$set_once": {"a": 1}}, 0), ("x", {"$set_once": {"a": 2}}, 1)],
        {"a": 1},
    ),
    ("set beats set once", [("x", {"$set": {"a": 2}}, 0), ("x", {"$set_once": {"a": 1}}, 1)], {"a": 2}),
    ("null unsets", [("$identify", {"a": 1, "b": 2}, 0), ("$identify", {"a": None}, 1)], {"b": 2}),
    ("$set of an identify is all", [("$identify", {"title": "t", "$set": {"a": 1}}, 0)], {"a": 1}),
    ("other properties are no traits", [("buy", {"price": 3}, 0)], {}),
    ("$set that is no object", [("buy", {"$set": [1]}, 0)], {}),
]


@pytest.mark.parametrize("together", [True, False], ids=["one batch", "batch each"])
@pytest.mark.parametrize(("calls", "traits"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_traits(
    store: Store, calls: list[tuple[str, dict[str, Any], int]], traits: dict[str, Any], together: bool
) -> None:
    events = [told(name, properties, NOON + MINUTE * minute) for name, properties, minute in calls]
    if together:
        write(store, *events)
    else:
        for event in events:
            write(store, event)

    assert traits_of(store) == traits


@pytest.mark.parametrize("call", ["$identify", "$alias"])
def test_an_anonymous_id_is_merged_with_its_past(store: Store, call: str) -> None:
    write(store, make_event(user_id=None, anonymous_id="a", ts=NOON - MINUTE))
    write(store, told(call, {}, anonymous_id="a"))
    write(store, told(call, {}, anonymous_id="a"))

    merged = store.connection.execute("select anonymous_id, user_id from user_aliases").fetchall()
    assert merged == [("a", "u")]
    assert users(store)["u"][0] == NOON - MINUTE


def test_a_device_of_two_users_is_merged_into_both(store: Store) -> None:
    for user in ("u1", "u2"):
        write(store, told("$identify", {}, user_id=user, anonymous_id="a"))

    merged = store.connection.execute("select user_id from user_aliases order by user_id").fetchall()
    assert merged == [("u1",), ("u2",)]


def test_groups_have_traits(store: Store) -> None:
    write(store, told("$group", {"group_id": "acme", "group_type": "company", "seats": 3, "plan": "free"}))
    write(store, told("$group", {"group_id": "acme", "group_type": "company", "plan": "pro"}, NOON + MINUTE))
    write(store, told("$group", {"group_id": 7}), told("$group", {"name": "without an id"}))

    statement = "select group_type, group_key, traits from groups order by group_type"
    assert store.connection.execute(statement).fetchall() == [
        ("company", "acme", {"seats": 3, "plan": "pro"}),
        ("group", "7", {}),
    ]


def test_an_event_sent_again_tells_nothing_new(store: Store) -> None:
    event_id = uuid7()
    first = told("$identify", {"a": 1}, event_id=event_id, client_id=True)
    again = told("$identify", {"a": 2}, NOON + MINUTE, event_id=event_id, client_id=True)
    write(store, first)
    write(store, again)

    assert traits_of(store) == {"a": 1}


def test_a_user_of_another_project_is_somebody_else(store: Store) -> None:
    write(store, told("$identify", {"a": 1}), told("$identify", {"a": 2}, project_id=2))

    assert traits_of(store) == {"a": 1}

"""Sessions: begun and ended by clients, closed by the workers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from flask.testing import FlaskClient

from beatline.settings import Settings
from beatline.storage.store import Batch, Store
from tests.fixtures.people import Tokens
from tests.fixtures.storage import make_event
from workers.sessions import close_old_sessions, close_sessions

START = "/api/v1/analytics/session/start/"
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
READ = "select user_id, session_id, last_seen_at, ended_at from sessions order by user_id, session_id"


def end_path(session_id: str) -> str:
    """The path that ends a session."""
    return f"/api/v1/analytics/session/{session_id}/end/"


def stored(connection: psycopg.Connection) -> list[tuple[Any, ...]]:
    """The events: type, user, anonymous id, session."""
    return connection.execute(
        "select event_type, user_id, anonymous_id, session_id from events order by event_id"
    ).fetchall()


@pytest.mark.parametrize(
    ("who", "user_id", "anonymous_id"),
    [
        ({"user_id": "u"}, "u", None), ({"distinct_id": "d"}, "d", None), ({"anonymous_id": "a"}, None, "a"),
        ({}, None, None),
    ],
)  # fmt: skip
def test_a_session_is_begun_and_ended_by_its_id_alone(
    events: FlaskClient, connection: psycopg.Connection, who: dict[str, str], user_id: Any, anonymous_id: Any
) -> None:
    begun = events.post(START, json=who | {"device_id": "phone"})
    session_id = begun.json["session_id"]
    ended = events.put(end_path(session_id))

    assert (begun.status_code, ended.status_code) == (200, 200), ended.text
    assert ended.json["session_id"] == session_id
    assert ended.json["started_at"] == begun.json["started_at"] <= ended.json["ended_at"]
    assert stored(connection) == [
        ("session_start", user_id, anonymous_id, session_id),
        ("session_end", user_id, anonymous_id, session_id),
    ]
    ((_, _, last_seen_at, ended_at),) = connection.execute(READ).fetchall()
    assert ended_at == last_seen_at


def test_given_an_id_of_the_clients_then_it_is_the_sessions_and_ending_twice_changes_nothing(
    events: FlaskClient, connection: psycopg.Connection
) -> None:
    events.post(START, json={"user_id": "u", "session_id": "mine"})
    first = events.put(end_path("mine"), json={"user_id": "u", "properties": {"why": "closed"}})
    second = events.put(end_path("mine"), json={"user_id": "u"})

    assert (first.status_code, second.json) == (200, first.json)
    assert [kind for kind, *_ in stored(connection)] == ["session_start", "session_end"]


def test_given_events_after_the_end_then_the_session_is_open_again_and_can_be_ended_again(
    events: FlaskClient, boss: Tokens
) -> None:
    events.post(START, json={"user_id": "u", "session_id": "s"})
    events.put(end_path("s"))
    events.post("/track", json={"event_type": "view", "user_id": "u", "session_id": "s"})

    def ended_at() -> str | None:
        (session,) = boss("GET", "/api/v1/analytics/admin/sessions/?project_id=1").json["sessions"]
        return session["ended_at"]  # type: ignore[no-any-return]

    assert ended_at() is None
    assert events.put(end_path("s")).status_code == 200
    assert ended_at() is not None


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "field"),
    [
        ("PUT", end_path("unknown"), {}, 404, None),
        ("PUT", end_path("x" * 201), {}, 404, None),
        ("POST", end_path("unknown"), {}, 405, None),
        ("PUT", START, {}, 405, None),
        ("POST", START, {"session_id": "x" * 201}, 400, "session_id"),
        ("POST", START, {"event_type": "view"}, 400, "event_type"),
        ("POST", START, {"timestamp": "yesterday"}, 400, "timestamp"),
        ("POST", START, [], 400, "event"),
    ],
)
def test_given_bad_input_then_a_clear_refusal(
    events: FlaskClient, method: str, path: str, body: Any, status: int, field: str | None
) -> None:
    answer = events.open(path, method=method, json=body)

    assert answer.status_code == status, answer.text
    assert field is None or field in answer.json["errors"]


def test_given_another_project_then_its_sessions_cannot_be_ended(
    events: FlaskClient, connection: psycopg.Connection
) -> None:
    connection.execute("insert into projects (project_id, name) overriding system value values (7, 'other')")
    connection.execute(
        "insert into sessions values (7, 'u', 's', now(), now(), 1)"
    )  # of a project that the request is not of
    assert events.put(end_path("s")).status_code == 404


def store(url: str, seen: dict[tuple[str, str], datetime]) -> None:
    """Store an event of each user and session."""
    store = Store.connect(url)
    for (user_id, session_id), at in seen.items():
        store.write(
            Batch([make_event(user_id=user_id, session_id=session_id or None, ts=at, received_at=at)])
        )
    store.connection.close()


def minutes_ago(minutes: float) -> datetime:
    """So many minutes before noon."""
    return NOON - timedelta(minutes=minutes)


def test_sessions_not_seen_for_30_minutes_are_closed_and_those_seen_again_are_open(
    postgres_url: str, connection: psycopg.Connection
) -> None:
    settings = Settings(database_url=postgres_url)
    seen = {
        ("a", "s"): minutes_ago(30.1), ("a", ""): minutes_ago(31), ("b", "s"): minutes_ago(29.9),
        ("c", "s"): minutes_ago(200), ("d", "old"): minutes_ago(24 * 60),
    }  # fmt: skip
    store(postgres_url, seen)

    def open_ones() -> set[tuple[str, str]]:
        rows = connection.execute(READ).fetchall()
        assert all(ended_at in (None, last_seen_at) for _, _, last_seen_at, ended_at in rows)
        return {(user, session) for user, session, _, ended_at in rows if ended_at is None}

    close_sessions(settings, NOON)
    assert open_ones() == {("b", "s"), ("d", "old")}
    close_old_sessions(settings, NOON)
    assert open_ones() == {("b", "s")}

    store(postgres_url, {("a", "s"): minutes_ago(1)})
    close_sessions(settings, NOON)
    state = {(user, session): ended == last for user, session, last, ended in connection.execute(READ)}
    assert state["a", "s"] is False
    close_sessions(settings, NOON + timedelta(minutes=30))
    state = {(user, session): ended == last for user, session, last, ended in connection.execute(READ)}
    assert state["a", "s"] is True


def test_a_row_that_a_writer_holds_is_left_for_the_next_time(
    postgres_url: str, connection: psycopg.Connection
) -> None:
    settings = Settings(database_url=postgres_url)
    store(postgres_url, {("a", "s"): minutes_ago(40), ("b", "s"): minutes_ago(40)})
    with psycopg.connect(postgres_url) as writer:
        writer.execute("update sessions set events = events + 1 where user_id = 'a'")
        close_sessions(settings, NOON)
        assert [ended for *_, ended in connection.execute(READ)] == [None, minutes_ago(40)]
    close_sessions(settings, NOON)
    assert [ended for *_, ended in connection.execute(READ)] == [minutes_ago(40)] * 2


def test_more_sessions_than_one_statement_takes_are_closed_too(
    postgres_url: str, connection: psycopg.Connection
) -> None:
    connection.execute(
        "insert into sessions select 1, n::text, 's', %(at)s, %(at)s + (n / 2) * interval '1 millisecond', 1"
        " from generate_series(1, 25000) as n",
        {"at": minutes_ago(120)},
    )
    close_sessions(Settings(database_url=postgres_url), NOON)
    row = connection.execute("select count(*) from sessions where ended_at = last_seen_at").fetchone()
    assert row == (25_000,)

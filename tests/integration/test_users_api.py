"""Users by the API: found, shown with their groups, aliases, sessions and timeline."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from flask.testing import FlaskClient

from beatline.analytics import users
from tests.fixtures.admin import Admin
from tests.fixtures.event_log import after


@pytest.fixture
def known(admin: Admin, events: FlaskClient, connection: psycopg.Connection) -> Admin:
    """Whoever administers a project with some users."""
    connection.execute("insert into projects (name) values ('other')")
    send(events, "view", anonymous_id="anon-1", session_id="before", timestamp="2026-03-04T10:00:00Z")
    send(events, "$identify", user_id="ann", anonymous_id="anon-1", session_id="s1",
         timestamp="2026-03-04T11:00:00Z",
         properties={"name": "Ann Ä", "plan": "pro", "age": 33})  # fmt: skip
    send(events, "$group", user_id="ann", session_id="s1", timestamp="2026-03-04T11:01:00Z",
         properties={"group_type": "company", "group_id": "acme", "seats": 3})  # fmt: skip
    send(events, "buy", user_id="ann", session_id="s2", timestamp="2026-03-04T12:00:00Z")
    for number in range(6):
        send(events, "$identify", user_id=f"bob{number}", timestamp=f"2026-03-04T1{number}:30:00Z",
             properties={"plan": "free"})  # fmt: skip
    send(events, "view", anonymous_id="stranger", timestamp="2026-03-04T09:00:00Z")
    return admin


def send(events: FlaskClient, event_type: str, **fields: Any) -> None:
    """Store an event."""
    answer = events.post("/track", json={"event_type": event_type, **fields})
    assert answer.status_code == 202, answer.text


def listed(admin: Admin, query: str = "") -> list[str]:
    """The ids of the users that are found, page by page."""
    found: list[str] = []
    cursor = ""
    while True:
        page = admin.done("GET", f"users?{query}{cursor}")
        found += [user["user_id"] for user in page["users"]]
        if not page["next_cursor"]:
            return found
        cursor = f"&cursor={page['next_cursor']}"


def test_users_are_listed_the_last_seen_first(known: Admin) -> None:
    everybody = ["bob5", "bob4", "bob3", "bob2", "ann", "bob1", "bob0"]
    assert listed(known) == listed(known, "limit=2") == listed(known, "limit=7") == everybody


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("bob", ["bob5", "bob4", "bob3", "bob2", "bob1", "bob0"]), ("bob3", ["bob3"]), ("ann", ["ann"]),
        ("ANN", ["ann"]), ("%C3%A4", ["ann"]), ("pro", ["ann"]), ("33", ["ann"]), ("plan", []), ("ob3", []),
        ("%25", []), ("_", []), ("'", []), ("%22", []),
    ],
)  # fmt: skip
@pytest.mark.parametrize("rows_at_once", [2, 10_000])
def test_users_are_found_by_the_start_of_their_id_or_a_trait(
    known: Admin, monkeypatch: pytest.MonkeyPatch, search: str, found: list[str], rows_at_once: int
) -> None:
    monkeypatch.setattr(users, "ROWS_AT_ONCE", rows_at_once)

    assert listed(known, f"search={search}&limit=4") == found


def test_a_search_that_is_out_of_time_goes_on(
    known: Admin, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(users, "ROWS_AT_ONCE", 2)
    page = users.find_users(connection, users.UserChoice(1, "bob0"), None, 5, after(1))
    assert (page.users, page.searched_until) == ([], page.next and page.next.last_seen_at)
    rest = users.find_users(connection, users.UserChoice(1, "bob0"), page.next, 5, after(9))
    assert [user.user_id for user in rest.users] == ["bob0"]


def test_a_user_is_shown_with_all_that_is_known(known: Admin) -> None:
    shown = known.done("GET", "users/ann")

    assert shown.items() >= {
        "user_id": "ann", "known": True, "sessions": 2, "events": 3, "aliases": ["anon-1"],
        "traits": {"name": "Ann Ä", "plan": "pro", "age": 33},
        "first_seen_at": "2026-03-04T10:00:00+00:00", "last_seen_at": "2026-03-04T12:00:00+00:00",
    }.items()  # fmt: skip
    (group,) = shown["groups"]
    assert group.items() >= {"group_type": "company", "group_key": "acme", "traits": {"seats": 3}}.items()


def test_somebody_without_a_name_is_shown_by_their_sessions(known: Admin) -> None:
    shown = known.done("GET", "users/stranger")

    assert shown.items() >= {"known": False, "sessions": 1, "events": 1, "traits": {}, "groups": []}.items()


def test_the_timeline_and_sessions_have_what_was_before_the_name(known: Admin) -> None:
    timeline = known.done("GET", "users/ann/events?limit=3")
    rest = known.done("GET", f"users/ann/events?limit=3&cursor={timeline['next_cursor']}")
    types = [event["event_type"] for event in timeline["events"] + rest["events"]]
    assert types == ["buy", "$group", "$identify", "view"]
    assert [
        event["event_type"] for event in known.done("GET", "users/ann/events?event_type=buy")["events"]
    ] == ["buy"]
    sessions = known.done("GET", "users/ann/sessions?limit=2")
    rest = known.done("GET", f"users/ann/sessions?limit=2&cursor={sessions['next_cursor']}")
    names = [session["session_id"] for session in sessions["sessions"] + rest["sessions"]]
    assert names == ["s2", "s1", "before"]


def test_users_of_another_project_are_not_there(known: Admin) -> None:
    assert known.done("GET", "users", project=2)["users"] == []
    assert known.done("GET", "users/ann/events", project=2)["events"] == []
    assert known.done("GET", "users/ann/sessions", project=2)["sessions"] == []
    assert known("GET", "users/ann", project=2).status_code == 404
    assert known("GET", "users", project=99).status_code == 404


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("users/nobody", 404), ("users/%00", 404), ("users/%00/events", 404), ("users/%00/sessions", 404),
        ("users?search=", 400), ("users?search=%00", 400), ("users?cursor=x", 400), ("users?limit=501", 400),
        ("users?colour=red", 400), ("users/ann/events?cursor=WyIyMDI2Il0=", 400),
        ("users/ann/sessions?x=1", 400),
        ("users/" + "x" * 3_000, 404), ("users/a%2Fb", 404), ("users/'; drop table users; --", 404),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(known: Admin, path: str, status: int) -> None:
    answer = known("GET", path)

    assert answer.status_code == status, answer.text
    assert answer.json.keys() == {"code", "message", "errors", "request_id"}

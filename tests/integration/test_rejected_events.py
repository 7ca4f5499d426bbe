"""Rejected events: listed, dismissed, and replayed once the catalogue is mended."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from flask.testing import FlaskClient
from psycopg.rows import dict_row

from beatline import project_admin, rejected_events
from beatline.events import Event
from beatline.rejected_events import Choice
from beatline.settings import Settings
from collector import create_app
from tests.fixtures.admin import TOKEN, Admin
from tests.fixtures.storage import NOON, count, read_sessions

BATCH = "/api/v1/analytics/batch/"
PURCHASE = {"required": ["amount"], "properties": {"amount": {"type": "number"}}}
BAD = {"event_type": "purchase", "user_id": "u", "properties": {"amount": "3"}}
ERRORS = {"properties.amount": ['value is not of type "number"']}
Row = dict[str, Any]


@pytest.fixture(autouse=True)
def enforced(admin: Admin) -> None:
    """Purchases have to have an amount."""
    admin.done("PUT", "event-types/purchase", {"schema": PURCHASE})
    admin.done("PUT", "catalogue", {"mode": "enforce"})


@pytest.fixture
def other_admin(postgres_url: str, redis_url: str) -> Iterator[Admin]:
    """Another collector on the same database."""
    app = create_app(Settings(database_url=postgres_url, redis_url=redis_url, admin_token=TOKEN))
    yield Admin(app.test_client())
    app.extensions["beatline"].close()


def refuse(events: FlaskClient, *bad: Any, **headers: str) -> None:
    """Send events that are all refused."""
    answer = events.post(BATCH, json={"events": bad}, headers=headers)
    assert (answer.json["accepted"], len(answer.json["rejected"])) == (0, len(bad))


def mend(admin: Admin) -> None:
    """Let purchases have any amount."""
    admin.done("PUT", "event-types/purchase", {"schema": {"required": ["amount"]}})


def replay(admin: Admin, **choice: Any) -> Row:
    """Replay rejected events; what came of it, without what is empty."""
    answer: Row = admin.done("POST", "rejected-events/replay", choice)
    return {name: value for name, value in answer.items() if value}


def listed(admin: Admin, query: str = "") -> Row:
    """A page of rejected events."""
    page: Row = admin.done("GET", f"rejected-events?{query}")
    return page


def ids(admin: Admin) -> list[int]:
    """The ids of the rejected events, the newest first."""
    return [row["id"] for row in listed(admin)["rejected_events"]]


def stored(connection: psycopg.Connection) -> list[Row]:
    """The stored events by time."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute("select * from events order by ts").fetchall()


# Replaying


def test_a_mended_catalogue_lets_events_in_as_they_came_and_once(
    admin: Admin, events: FlaskClient, connection: psycopg.Connection
) -> None:
    named = BAD | {"event_id": "order-1", "timestamp": "2026-01-02T03:04:05Z", "session_id": "s"}
    refuse(events, named, BAD)
    received_at = datetime.fromisoformat(listed(admin)["rejected_events"][0]["received_at"])
    both = ids(admin)
    assert replay(admin, ids=both) == {
        "still_refused": [{"id": each, "errors": ERRORS} for each in sorted(both)]
    }
    assert count(connection, "events") == 0

    mend(admin)
    assert replay(admin, ids=both) == {"replayed": 2}
    assert replay(admin, ids=both) == {"not_replayable": sorted(both)}

    first, second = stored(connection)
    assert first["ts"] == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert second["ts"] == first["received_at"] == second["received_at"] == received_at
    assert (first["session_id"], first["properties"]) == ("s", {"amount": "3"})
    kept = connection.execute("select (event ->> 'event_id')::uuid from rejected_events").fetchall()
    assert {first["event_id"], second["event_id"]} == {event_id for (event_id,) in kept}
    assert read_sessions(connection) == {(1, "u", "s"): 1, (1, "u", ""): 1}
    assert not any(row["replayable"] for row in listed(admin)["rejected_events"])

    assert events.post("/track", json=named).status_code == 202
    assert count(connection, "events") == 2


def test_replays_at_the_same_time_store_once(
    admin: Admin, other_admin: Admin, events: FlaskClient, connection: psycopg.Connection
) -> None:
    refuse(events, *[BAD | {"user_id": str(number)} for number in range(300)])
    mend(admin)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(replay, [admin, other_admin] * 4))

    assert sum(answer.get("replayed", 0) for answer in answers) == 300
    assert sorted(row["user_id"] for row in stored(connection)) == sorted(map(str, range(300)))


def test_a_replay_that_was_cut_off_before_its_mark_stores_once(
    admin: Admin, events: FlaskClient, connection: psycopg.Connection
) -> None:
    refuse(events, BAD, BAD | {"event_id": "x"})
    mend(admin)
    for _ in range(2):
        assert replay(admin) == {"replayed": 2}
        connection.execute("update rejected_events set replayed_at = null")
    assert count(connection, "events") == 2


def test_an_event_that_was_refused_twice_is_stored_once(
    admin: Admin, events: FlaskClient, connection: psycopg.Connection
) -> None:
    for _ in range(2):
        refuse(events, BAD | {"event_id": "x"})
    mend(admin)
    assert replay(admin) == {"replayed": 2}
    assert count(connection, "events") == 1


def test_what_an_event_says_of_its_user_is_replayed(
    admin: Admin, events: FlaskClient, connection: psycopg.Connection
) -> None:
    refuse(events, BAD | {"properties": {"amount": "3", "$set": {"plan": "pro"}}})
    mend(admin)
    assert replay(admin) == {"replayed": 1}
    assert connection.execute("select user_id, traits from users").fetchall() == [("u", {"plan": "pro"})]


def test_a_replay_takes_what_it_is_told(
    admin: Admin, events: FlaskClient, connection: psycopg.Connection
) -> None:
    write_key = project_admin.create_project(connection, "shop")
    admin.done("PUT", "event-types/other", {"schema": False})
    refuse(events, BAD, {"event_type": "other"}, {"user_id": "no type"})
    malformed, other, bad = ids(admin)
    admin.done("PUT", "event-types/other", {"schema": PURCHASE}, project=2)
    admin.done("PUT", "catalogue", {"mode": "enforce"}, project=2)
    refuse(events, {"event_type": "other"}, **{"X-Write-Key": write_key})
    mend(admin)

    assert replay(admin, ids=[malformed, 10**9, bad + 10]) == {
        "not_replayable": sorted([malformed, 10**9, bad + 10])
    }
    assert replay(admin, event_type="nothing") == replay(admin, reason="invalid") == {}
    assert replay(admin, since="2999-01-01") == replay(admin, source="track") == {}
    assert replay(admin, event_type="other")["still_refused"][0]["id"] == other
    assert replay(admin, reason="schema", source="batch", since="2000-01-01")["replayed"] == 1
    admin.done("PUT", "catalogue", {"mode": "off"})
    assert replay(admin) == {"replayed": 1}
    assert {row["project_id"] for row in stored(connection)} == {1}


def test_in_flag_mode_a_replay_marks(
    admin: Admin, events: FlaskClient, connection: psycopg.Connection
) -> None:
    refuse(events, BAD)
    admin.done("PUT", "catalogue", {"mode": "flag"})
    assert replay(admin) == {"replayed": 1}
    errors = ['properties.amount: value is not of type "number"']
    assert stored(connection)[0]["properties"] == {"amount": "3", "$schema_errors": errors}


def test_a_replay_is_bounded_and_goes_on(
    admin: Admin, events: FlaskClient, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rejected_events, "CHUNK", 3)
    amounts = ["3", None, None, None, "3", None, "3", "3", "3"]
    refuse(events, *[BAD | {"properties": {"amount": a} if a else {}} for a in amounts])
    mend(admin)

    first = replay(admin, limit=4)
    assert (first["replayed"], len(first["still_refused"]), first["remaining"]) == (1, 3, 5)
    second = replay(admin, limit=4, after=first["next"])
    assert (second["replayed"], len(second["still_refused"]), second["remaining"]) == (3, 1, 1)
    assert replay(admin, after=second["next"]) == {"replayed": 1}
    assert count(connection, "events") == 5
    assert len(replay(admin)["still_refused"]) == 4


def test_what_storage_refuses_for_good_stays_refused(
    events: FlaskClient, connection: psycopg.Connection
) -> None:
    refuse(events, BAD, BAD)

    def store(given: list[Event]) -> list[Any]:
        return [(given[0], {"event": ["Bad luck."]})]

    result = rejected_events.replay(connection, Choice(1), None, store, NOON)
    assert (result.replayed, [each["errors"] for each in result.still_refused]) == (
        1,
        [{"event": ["Bad luck."]}],
    )
    assert count(connection, "rejected_events where replayed_at is null") == 1


# Looking


def test_they_are_listed_newest_first_page_by_page(admin: Admin, events: FlaskClient) -> None:
    refuse(events, *[BAD] * 5, {"user_id": "no type"})
    events.post("/track", json=BAD)

    page = listed(admin, "limit=4")
    assert page["counts"] == {"invalid": 1, "schema": 5}
    rest = listed(admin, f"limit=4&cursor={page['next_cursor']}")
    assert rest["next_cursor"] is None
    shown = page["rejected_events"] + rest["rejected_events"]
    assert [row["id"] for row in shown] == sorted((row["id"] for row in shown), reverse=True)
    assert len(shown) == 6
    expected = {"reason": "schema", "source": "batch", "event_type": "purchase", "errors": ERRORS}
    assert shown[1].items() >= (expected | {"replayable": True, "replayed_at": None}).items()
    assert shown[0].items() >= {"reason": "invalid", "event_type": None, "replayable": False}.items()
    assert '"amount"' in shown[1]["raw"]


def test_they_are_found_by_what_they_are(admin: Admin, events: FlaskClient) -> None:
    refuse(events, BAD, {"user_id": "no type"})
    for query, reasons in {
        "reason=schema": ["schema"], "reason=timestamp": [], "source=batch": ["invalid", "schema"],
        "source=track": [], "event_type=purchase": ["schema"], "event_type=x": [],
        "since=2000-01-01T00:00:00Z": ["invalid", "schema"], "since=2999-01-01T00:00:00": [],
        "reason=invalid&source=batch": ["invalid"],
    }.items():  # fmt: skip
        assert [row["reason"] for row in listed(admin, query)["rejected_events"]] == reasons, query
    assert listed(admin, "reason=schema&source=batch")["counts"] == {"invalid": 1, "schema": 1}
    assert listed(admin, "event_type=purchase")["counts"] == {"schema": 1}


def test_one_is_shown_whole_and_dismissed(admin: Admin, events: FlaskClient) -> None:
    long = BAD | {"properties": {"amount": "x" * 5_000}}
    refuse(events, long)
    (row,) = listed(admin)["rejected_events"]
    assert len(row["raw"]) == 1_000

    whole = admin.done("GET", f"rejected-events/{row['id']}")
    assert len(whole["raw"]) > 5_000
    assert (whole["event"]["event_type"], whole["event"]["properties"]) == ("purchase", long["properties"])
    admin.done("DELETE", f"rejected-events/{row['id']}")
    assert admin("DELETE", f"rejected-events/{row['id']}").status_code == 404
    assert ids(admin) == []


def test_a_bad_parameter_is_named(admin: Admin) -> None:
    for query, field in {
        "reason=bad": "reason", "source=": "source", "source=%00": "source", "event_type=%00": "event_type",
        "since=yesterday": "since", "limit=0": "limit", "limit=501": "limit", "cursor=-1": "cursor",
        "cursor=9223372036854775808": "cursor", "colour=red": "colour",
    }.items():  # fmt: skip
        answer = admin("GET", f"rejected-events?{query}")
        assert (answer.status_code, list(answer.json["errors"])) == (400, [field]), query
    bodies: list[Row] = [
        {"ids": []}, {"ids": ["x"]}, {"ids": [2**63]}, {"ids": 5}, {"after": -1}, {"reason": 5}, {"all": True}
    ]  # fmt: skip
    for body in bodies:
        answer = admin("POST", "rejected-events/replay", body)
        assert (answer.status_code, list(answer.json["errors"])) == (400, list(body)), body

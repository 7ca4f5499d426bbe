"""Events in: every ingest route, what it stores, and what it answers to bad input."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from flask.testing import FlaskClient

from beatline.settings import Settings
from collector import create_app

TRACK, CAPTURE, BATCH = "/track", "/api/v1/analytics/capture/", "/api/v1/analytics/batch/"
COMMERCE = {  # REQUIREMENTS I3
    "timestamp": "2024-03-15T14:30:00Z",
    "user_id": "usr_789",
    "event_type": "page_view",
    "page_url": "/products/electronics",
    "session_id": "sess_456",
}


def stored(connection: psycopg.Connection, *columns: str) -> list[tuple[Any, ...]]:
    """The stored events, in the order of their arrival."""
    return connection.execute(f"select {', '.join(columns)} from events order by event_id").fetchall()


def test_it_works(client: FlaskClient, connection: psycopg.Connection) -> None:
    answer = client.post(
        "/events", json={"user_id": "u1", "event_type": "view", "payload": {"url": "/a", "title": "A"}}
    )

    assert answer.status_code == 202
    event_id = UUID(answer.json["event_id"])
    assert stored(connection, "event_id", "event_type", "user_id", "page_url", "properties") == [
        (event_id, "view", "u1", "/a", {"url": "/a", "title": "A"})
    ]


@pytest.mark.parametrize(
    ("event_type", "payload"),
    [
        ("view", {"url": "/a"}),
        ("click", {}),
        ("click", {"element_id": "buy", "text": "Buy", "xpath": "/html/body/button"}),
        ("location", {"latitude": -90, "longitude": 180.0}),
        ("location", {"latitude": 52.5, "longitude": 13.4, "accuracy": 0}),
        ("view", {"url": "/a", "more": {"kept": [1, None]}}),
    ],
)
def test_events_takes_the_built_in_types(
    client: FlaskClient, connection: psycopg.Connection, event_type: str, payload: dict[str, Any]
) -> None:
    answer = client.post("/events", json={"user_id": "u", "event_type": event_type, "payload": payload})

    assert answer.status_code == 202
    assert stored(connection, "event_type", "properties") == [(event_type, payload)]


@pytest.mark.parametrize("path", [TRACK, TRACK + "/", CAPTURE, CAPTURE.rstrip("/")])
def test_commerce_event_is_taken_by_every_single_route(
    client: FlaskClient, connection: psycopg.Connection, path: str
) -> None:
    answer = client.post(path, json=COMMERCE)

    assert answer.status_code == (202 if path.startswith(TRACK) else 200)
    ts = datetime(2024, 3, 15, 14, 30, tzinfo=UTC)
    assert stored(connection, "ts", "user_id", "event_type", "page_url", "session_id") == [
        (ts, "usr_789", "page_view", "/products/electronics", "sess_456")
    ]


def test_commerce_event_is_taken_by_the_batch_route(
    client: FlaskClient, connection: psycopg.Connection
) -> None:
    answer = client.post(BATCH, json={"events": [COMMERCE, COMMERCE]})

    assert (answer.status_code, answer.json) == (200, {"accepted": 2, "rejected": []})
    assert len(stored(connection, "event_id")) == 2


def test_capture_maps_every_field(client: FlaskClient, connection: psycopg.Connection) -> None:
    event = {
        "distinct_id": "d1", "event_type": "login", "properties": {"plan": "pro"}, "device_id": "dev",
        "app_version": "1.2", "os_name": "iOS", "os_version": "17", "timestamp": "2001-02-03 04:05:06",
    }  # fmt: skip
    assert client.post(CAPTURE, json=event).status_code == 200

    columns = (
        "user_id",
        "event_type",
        "properties",
        "device_id",
        "app_version",
        "os_name",
        "os_version",
        "ts",
    )
    assert stored(connection, *columns) == [
        ("d1", "login", {"plan": "pro"}, "dev", "1.2", "iOS", "17", datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC))
    ]


@pytest.mark.parametrize(
    ("timestamp", "expected"),
    [
        ("2024-03-15T14:30:00Z", datetime(2024, 3, 15, 14, 30, tzinfo=UTC)),
        ("2024-03-15T14:30:00", datetime(2024, 3, 15, 14, 30, tzinfo=UTC)),
        ("2024-03-15T14:30:00+02:00", datetime(2024, 3, 15, 12, 30, tzinfo=UTC)),
        ("2024-03-15T14:30:00.123456Z", datetime(2024, 3, 15, 14, 30, 0, 123456, tzinfo=UTC)),
        ("2024-03-15", datetime(2024, 3, 15, tzinfo=UTC)),
        ("2001-01-01T00:00:00Z", datetime(2001, 1, 1, tzinfo=UTC)),
        ("1970-01-01T00:00:00Z", datetime(1970, 1, 1, tzinfo=UTC)),
    ],
)
def test_timestamp_of_any_year_and_zone_is_kept(
    client: FlaskClient, connection: psycopg.Connection, timestamp: str, expected: datetime
) -> None:
    assert client.post(TRACK, json={"event_type": "x", "timestamp": timestamp}).status_code == 202
    assert stored(connection, "ts") == [(expected,)]


def test_timestamp_far_ahead_becomes_the_time_of_receipt(
    client: FlaskClient, connection: psycopg.Connection
) -> None:
    ahead = (datetime.now(UTC) + timedelta(hours=25)).isoformat()
    assert client.post(TRACK, json={"event_type": "x", "timestamp": ahead}).status_code == 202

    assert stored(connection, "ts = received_at", "properties") == [(True, {"$client_timestamp": ahead})]


@pytest.mark.parametrize("given", ["11111111-2222-4333-8444-555555555555", "order-17", "1"])
def test_event_with_a_client_id_is_stored_once(
    client: FlaskClient, connection: psycopg.Connection, given: str
) -> None:
    answers = [
        client.post(TRACK, json={"event_type": "x", "event_id": given, "timestamp": f"2024-01-0{day}"})
        for day in (1, 2, 3)
    ]

    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json["event_id"] for answer in answers}) == 1
    assert len(stored(connection, "event_id")) == 1


def test_empty_texts_are_absent(client: FlaskClient, connection: psycopg.Connection) -> None:
    event = {"event_type": "x", "user_id": "", "session_id": "", "page_url": "", "event_id": ""}
    assert client.post(TRACK, json=event).status_code == 202
    assert stored(connection, "user_id", "session_id", "page_url") == [(None, None, None)]


def test_batch_stores_good_events_and_keeps_bad_ones(
    client: FlaskClient, connection: psycopg.Connection
) -> None:
    body = (
        b'{"events":[{"event_type":"good","user_id":"a"},{"user_id":"no type"},'
        b'{"event_type":"nul","properties":{"a":"\\u0000"}},{"event_type":"surrogate \\ud800"},17,'
        b'{"event_type":"bytes \xff"},{"event_type":"deep","properties":' + nested(2_000) + b"},"
        b'{"event_type":"good","user_id":"b"}]}'
    )
    answer = client.post(BATCH, data=body, content_type="application/json")

    assert answer.status_code == 200
    assert answer.json["accepted"] == 2
    assert [rejected["index"] for rejected in answer.json["rejected"]] == [1, 2, 3, 4, 5, 6]
    assert all(rejected["errors"] for rejected in answer.json["rejected"])
    assert stored(connection, "user_id") == [("a",), ("b",)]
    kept = connection.execute(
        "select reason, source, raw from rejected_events order by rejected_id"
    ).fetchall()
    assert [row[0] for row in kept] == [
        "invalid", "character", "malformed", "invalid", "malformed", "malformed"
    ]  # fmt: skip
    assert kept[0][1:] == ("batch", '{"user_id":"no type"}')


def nested(levels: int) -> bytes:
    """A JSON object with so many levels."""
    return b'{"a":' * levels + b"1" + b"}" * levels


def event(**fields: Any) -> bytes:
    """An event for /track as JSON."""
    return json.dumps({"event_type": "x"} | fields).encode()


BAD_BODIES: list[tuple[str, bytes, int, str]] = [
    ("nothing", b"", 400, "malformed"),
    ("broken JSON", b'{"event_type":', 400, "malformed"),
    ("two documents", b'{"event_type":"x"}{}', 400, "malformed"),
    ("no JSON", b"\x00\x01\x02", 400, "malformed"),
    ("NaN", b'{"event_type":"x","properties":{"a":NaN}}', 400, "malformed"),
    ("no UTF-8", b'{"event_type":"\xff"}', 400, "malformed"),
    ("a list", b"[]", 400, "invalid"),
    ("null", b"null", 400, "invalid"),
    ("a text", b'"x"', 400, "invalid"),
    ("no type", b"{}", 400, "invalid"),
    ("type is a number", b'{"event_type":1}', 400, "invalid"),
    ("type is empty", b'{"event_type":""}', 400, "invalid"),
    ("type too long", event(event_type="x" * 129), 400, "invalid"),
    ("user is a number", event(user_id=1), 400, "invalid"),
    ("user too long", event(user_id="x" * 201), 400, "invalid"),
    ("properties are a list", event(properties=[]), 400, "invalid"),
    ("timestamp is a number", event(timestamp=1_700_000_000), 400, "invalid"),
    ("timestamp is no time", event(timestamp="yesterday"), 400, "timestamp"),
    ("year 0001", event(timestamp="0001-01-01T00:00:00Z"), 400, "timestamp"),
    ("year 0001 with zone", event(timestamp="0001-01-01T00:00:00+14:00"), 400, "timestamp"),
    ("year 9999", event(timestamp="9999-12-31T23:59:59Z"), 400, "timestamp"),
    ("year 9999 with zone", event(timestamp="9999-12-31T23:59:59-14:00"), 400, "timestamp"),
    ("NUL in a value", event(properties={"a": ["\0"]}), 400, "character"),
    ("NUL in a key", event(properties={"\0": 1}), 400, "character"),
    ("NUL in the user", event(user_id="a\0b"), 400, "character"),
    ("lone surrogate", b'{"event_type":"\\ud800"}', 400, "malformed"),
    ("lone surrogate in a key", b'{"event_type":"x","properties":{"\\udfff":1}}', 400, "malformed"),
    ("huge float", b'{"event_type":"x","properties":{"a":1e999}}', 400, "malformed"),
    ("huge integer", b'{"event_type":"x","properties":{"a":' + b"9" * 200_000 + b"}}", 400, "malformed"),
    ("deep", b'{"event_type":"x","properties":' + nested(5_000) + b"}", 400, "malformed"),
    ("rather deep", b'{"event_type":"x","properties":' + nested(200) + b"}", 400, "too_large"),
    ("long URL", event(page_url="/" + "x" * 2_048), 400, "too_large"),
    ("long URL in bytes", event(page_url="/" + "é" * 1_024), 400, "too_large"),
    ("large properties", event(properties={"a": "x" * 2**20}), 400, "too_large"),
    ("10 MB", event(properties={"a": "x" * 10_000_000}), 413, "too_large"),
]


@pytest.mark.parametrize(
    ("body", "status", "code"), [case[1:] for case in BAD_BODIES], ids=[case[0] for case in BAD_BODIES]
)
@pytest.mark.parametrize("path", [TRACK, CAPTURE])
def test_bad_event_is_refused_with_a_reason(
    client: FlaskClient, connection: psycopg.Connection, path: str, body: bytes, status: int, code: str
) -> None:
    answer = client.post(path, data=body, headers={"X-Request-Id": "req-1"})

    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert answer.json.keys() == {"code", "message", "errors", "request_id"}
    assert answer.json["message"]
    assert answer.json["request_id"] == "req-1"
    assert stored(connection, "event_id") == []


BAD_PAYLOADS: list[tuple[str, Any, dict[str, Any]]] = [
    ("view", {}, {"payload": {"url": ["Missing data for required field."]}}),
    ("view", {"url": 1}, {"payload": {"url": ["Not a valid string."]}}),
    ("view", None, {"payload": ["Field may not be null."]}),
    ("click", {"element_id": 1}, {"payload": {"element_id": ["Not a valid string."]}}),
    ("location", {"latitude": 1}, {"payload": {"longitude": ["Missing data for required field."]}}),
    ("location", {"latitude": "1", "longitude": 1}, {"payload": {"latitude": ["Not a valid number."]}}),
    ("location", {"latitude": True, "longitude": 1}, {"payload": {"latitude": ["Not a valid number."]}}),
    (
        "location",
        {"latitude": 90.1, "longitude": -180.1, "accuracy": -1},
        {
            "payload": {
                "latitude": ["Must be greater than or equal to -90 and less than or equal to 90."],
                "longitude": ["Must be greater than or equal to -180 and less than or equal to 180."],
                "accuracy": ["Must be greater than or equal to 0."],
            }
        },
    ),
    ("purchase", {}, {"event_type": ["Must be one of: view, click, location."]}),
]


@pytest.mark.parametrize(("event_type", "payload", "errors"), BAD_PAYLOADS)
def test_events_says_what_is_wrong_field_by_field(
    client: FlaskClient, event_type: str, payload: Any, errors: dict[str, Any]
) -> None:
    answer = client.post("/events", json={"user_id": "u", "event_type": event_type, "payload": payload})

    assert (answer.status_code, answer.json["errors"]) == (400, errors)


def test_events_needs_a_user(client: FlaskClient) -> None:
    answer = client.post("/events", json={"event_type": "click", "payload": {}})
    assert answer.status_code == 400
    assert answer.json["errors"] == {"user_id": ["Missing data for required field."]}


BAD_BATCHES: list[tuple[str, bytes, int, str]] = [
    ("nothing", b"", 400, "malformed"),
    ("empty", b'{"events":[]}', 400, "invalid"),
    ("no events", b"{}", 400, "invalid"),
    ("events are an object", b'{"events":{}}', 400, "invalid"),
    ("cut off", b'{"events":[{"event_type":"x"},{"event_type":"x"}', 400, "malformed"),
    ("brackets that do not match", b'{"events":[{"event_type":"x"}}]', 400, "malformed"),
    ("10,001 events", b'{"events":[' + b",".join([b'{"event_type":"x"}'] * 10_001) + b"]}", 413, "too_large"),
    ("10 MB", b'{"events":["' + b"x" * 10_000_000 + b'"]}', 413, "too_large"),
]


@pytest.mark.parametrize(
    ("body", "status", "code"), [case[1:] for case in BAD_BATCHES], ids=[case[0] for case in BAD_BATCHES]
)
def test_bad_batch_is_refused_whole(
    client: FlaskClient, connection: psycopg.Connection, body: bytes, status: int, code: str
) -> None:
    answer = client.post(BATCH, data=body)

    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert answer.json["errors"]
    assert stored(connection, "event_id") == []


def test_batch_of_the_allowed_size_is_stored(client: FlaskClient, connection: psycopg.Connection) -> None:
    answer = client.post(BATCH, json={"events": [{"event_type": "x"}] * 10_000})

    assert answer.json == {"accepted": 10_000, "rejected": []}
    assert connection.execute("select sum(events) from events_by_day").fetchone() == (10_000,)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_other_methods_are_refused(client: FlaskClient, method: str) -> None:
    answer = client.open(TRACK, method=method)

    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert answer.json["code"] == "method_not_allowed"


@pytest.mark.parametrize("content_type", ["text/csv", "multipart/form-data; boundary=x", "application/xml"])
def test_other_content_types_are_refused(client: FlaskClient, content_type: str) -> None:
    answer = client.post(TRACK, data=event(), content_type=content_type)
    assert (answer.status_code, answer.json["code"]) == (415, "unsupported_media_type")


def test_event_without_a_key_is_refused_when_ingest_is_not_open(postgres_url: str, redis_url: str) -> None:
    app = create_app(Settings(database_url=postgres_url, redis_url=redis_url, open_ingest=False))
    answer = app.test_client().post(TRACK, data=event())
    app.extensions["beatline"].close()

    assert (answer.status_code, answer.json["code"]) == (401, "unauthorized")

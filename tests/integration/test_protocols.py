"""SDKs' requests as CONTRACTS shows them: what is stored, and what is answered."""

from __future__ import annotations

import base64
import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from psycopg.rows import dict_row

from beatline.events import client_event_id
from beatline.project_admin import create_project, pause_project
from beatline.settings import Settings
from collector import create_app
from collector.ingest.front_door import ROUTES
from tests.fixtures.storage import count
from workers import maintenance

PROJECT, DOMAIN = 2, "shop.example"
KEY = "KEY"  # stands for the project's write key in the examples
SEGMENT, POSTHOG, PLAUSIBLE = b'{"success":true}', b'{"status":1}', b"ok"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Mobile/15E148"
)


@pytest.fixture
def key(connection: psycopg.Connection) -> str:
    """The write key of a project beside the default one."""
    return create_project(connection, "shop", (DOMAIN,))


@pytest.fixture
def closed(postgres_url: str, redis_url: str) -> Iterator[FlaskClient]:
    """A collector that takes nothing without a write key."""
    with running(postgres_url, redis_url, open_ingest=False) as client:
        yield client


@contextmanager
def running(postgres_url: str, redis_url: str, **settings: Any) -> Iterator[FlaskClient]:
    """A collector with other settings, until the end of the block."""
    app = create_app(Settings(database_url=postgres_url, redis_url=redis_url, **settings))
    yield app.test_client()
    app.extensions["beatline"].close()


def basic(user: str) -> dict[str, str]:
    """Basic credentials without a password, as Segment's SDKs send them."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:".encode()).decode()}


def rows(connection: psycopg.Connection) -> list[dict[str, Any]]:
    """The stored events, the oldest first."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute("select * from events order by ts, event_id").fetchall()


def shown(row: dict[str, Any]) -> dict[str, Any]:
    """What an event says, but for its times and id."""
    hidden = {"event_id", "ts", "received_at"}
    return {name: value for name, value in row.items() if value is not None and name not in hidden}


Pack = Callable[[bytes], bytes]


def form(body: bytes) -> bytes:
    """The body as base64 in a form, as old releases of posthog-js send it."""
    return urlencode({"data": base64.b64encode(body), "compression": "base64"}).encode()


# Each: path, headers, body, how it is packed, the answer, the stored event. KEY is replaced by the real key.
Example = tuple[str, dict[str, str], Any, Pack, bytes, dict[str, Any]]
EXAMPLES: dict[str, Example] = {
    "segment-python": (
        "/v1/batch",
        basic(KEY),
        {
            "batch": [
                {
                    "type": "track", "event": "Order Completed", "userId": "u1", "anonymousId": "anon1",
                    "properties": {"total": 9.99}, "timestamp": "2026-11-22T13:27:12.097+00:00",
                    "context": {
                        "app": {"version": "1.2.3"},
                        "library": {"name": "analytics-python", "version": "2.4.0"},
                    },
                    "messageId": "4f57bc81-0d4c-4d6f-9a49-2a1a3c5be3b0", "integrations": {},
                }
            ],
            "sentAt": "2026-11-22T13:27:12.597+00:00",
            "writeKey": KEY,
        },
        bytes,
        SEGMENT,
        {
            "event_type": "Order Completed", "user_id": "u1", "anonymous_id": "anon1", "app_version": "1.2.3",
            "properties": {
                "total": 9.99,
                "$client_timestamp": "2026-11-22T13:27:12.097+00:00",
                "$context": {"library": {"name": "analytics-python", "version": "2.4.0"}},
            },
        },
    ),
    "analytics.js": (
        "/v1/p",
        {"Content-Type": "text/plain"},
        {
            "type": "page", "name": "Pricing", "category": None, "anonymousId": "a1", "userId": None,
            "properties": {"url": "https://shop.example/pricing", "title": "Pricing"},
            "context": {
                "page": {"url": "https://shop.example/pricing"}, "userAgentData": {"platform": "macOS"}
            },
            "messageId": "ajs-next-1795371408795-1085bbd9-b800-40a3-8a9c-fa8e1e5bc787", "writeKey": KEY,
        },
        bytes,
        SEGMENT,
        {
            "event_type": "page_view", "anonymous_id": "a1", "page_url": "https://shop.example/pricing",
            "os_name": "macOS",
            "properties": {
                "name": "Pricing", "url": "https://shop.example/pricing", "title": "Pricing",
                "$context": {"userAgentData": {"platform": "macOS"}},
            },
        },
    ),
    "rudderstack beacon": (
        f"/beacon/v1/batch?writeKey={KEY}",
        {"Content-Type": "text/plain", "Cookie": "theirs=1"},
        {
            "batch": [
                {
                    "type": "track", "event": "Product Viewed", "userId": "", "anonymousId": "a1",
                    "properties": {"sku": "A-1"}, "messageId": "m1",
                    "context": {
                        "sessionId": 1795371469034, "os": {"name": "", "version": ""},
                        "app": {"namespace": "com.rudderlabs.javascript", "version": "3.34.1"},
                    },
                }
            ]
        },
        bytes,
        SEGMENT,
        {
            "event_type": "Product Viewed", "anonymous_id": "a1", "session_id": "1795371469034",
            "properties": {
                "sku": "A-1",
                "$context": {"app": {"namespace": "com.rudderlabs.javascript", "version": "3.34.1"}},
            },
        },
    ),
    "posthog-python": (
        "/batch/",
        {},
        {
            "batch": [
                {
                    "event": "$groupidentify", "distinct_id": "u1",
                    "uuid": "1cf2870a-a280-42ca-9f36-50a27ff52b2f",
                    "properties": {
                        "$group_type": "company", "$group_key": "g1", "$group_set": {"seats": 5},
                        "$lib": "posthog-python", "$is_server": True, "$os": "Linux",
                    },
                }
            ],
            "historical_migration": True, "api_key": KEY,
        },
        bytes,
        POSTHOG,
        {
            "event_type": "$group", "user_id": "u1",
            "properties": {
                "group_type": "company", "group_id": "g1", "$group_set": {"seats": 5},
                "$lib": "posthog-python", "$is_server": True, "$os": "Linux",
            },
        },
    ),
    "posthog-js": (
        "/i/v0/e/",
        {"Content-Type": "text/plain"},
        {
            "api_key": KEY,
            "batch": [
                {
                    "uuid": "01a20479-da40-7b65-b95e-baa6d1b0c69d", "event": "$pageview",
                    "properties": {
                        "$os": "Linux", "$current_url": "https://shop.example/pricing",
                        "$session_id": "s1", "$window_id": "w1", "$device_id": "d1", "distinct_id": "u1",
                        "$user_id": "u1", "$screen_width": 1280, "token": KEY, "gclid": None,
                        "$is_identified": True,
                    },
                }
            ],
        },
        gzip.compress,
        POSTHOG,
        {
            "event_type": "page_view", "user_id": "u1", "anonymous_id": "d1", "session_id": "s1",
            "device_id": "d1", "page_url": "https://shop.example/pricing", "os_name": "Linux",
            "properties": {"$window_id": "w1", "$screen_width": 1280, "$is_identified": True},
        },
    ),
    "posthog-js 1.100": (
        "/e/?ip=1&_=0&ver=1.100.0",
        {"Content-Type": "application/x-www-form-urlencoded"},
        [
            {
                "event": "Viewed",
                "properties": {"token": KEY, "distinct_id": "d1", "$device_id": "d1", "$lib": "web"},
            }
        ],
        form,
        POSTHOG,
        {"event_type": "Viewed", "anonymous_id": "d1", "device_id": "d1", "properties": {"$lib": "web"}},
    ),
    "legacy pixel": (
        "/track/",
        {},
        {"event": "Viewed", "properties": {"token": KEY, "distinct_id": "u1"}},
        bytes,
        POSTHOG,
        {"event_type": "Viewed", "user_id": "u1", "properties": {}},
    ),
    "legacy people": (
        "/engage/",
        {},
        {"$token": KEY, "$distinct_id": "u1", "$set": {"plan": "pro"}},
        bytes,
        POSTHOG,
        {"event_type": "$identify", "user_id": "u1", "properties": {"$set": {"plan": "pro"}}},
    ),
    "plausible": (
        "/api/event",
        {"Content-Type": "text/plain", "User-Agent": IPHONE},
        {"n": "engagement", "u": "https://shop.example/", "d": "Shop.Example", "e": 4378, "sd": 100, "v": 36},
        bytes,
        PLAUSIBLE,
        {
            "event_type": "$engagement", "page_url": "https://shop.example/", "os_name": "iOS",
            "os_version": "18.1", "properties": {"$engagement_ms": 4378, "$scroll_depth": 100},
        },
    ),
}  # fmt: skip


def with_key(body: Any, key: str) -> bytes:
    """A body as JSON, with the real write key."""
    return json.dumps(body).replace(KEY, key).encode()


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)
def test_a_request_is_stored_as_the_mapping_says(
    closed: FlaskClient, connection: psycopg.Connection, key: str, example: Example
) -> None:
    path, headers, body, pack, answer, stored = example
    headers = basic(key) if headers == basic(KEY) else headers
    response = closed.post(path.replace(KEY, key), data=pack(with_key(body, key)), headers=headers)

    assert (response.status_code, response.data) == (200, answer)
    (row,) = rows(connection)
    if path == "/api/event":
        assert len(row.pop("anonymous_id")) == 32
    assert shown(row) == {"project_id": PROJECT} | stored
    assert count(connection, "rejected_events") == 0


def test_a_get_with_data_is_an_event(client: FlaskClient, connection: psycopg.Connection, key: str) -> None:
    data = base64.b64encode(json.dumps({"event": "Seen", "distinct_id": "u1", "api_key": key}).encode())
    response = client.get("/e/", query_string={"data": data.decode()})

    assert (response.status_code, response.data) == (200, POSTHOG)
    assert [(row["event_type"], row["project_id"]) for row in rows(connection)] == [("Seen", PROJECT)]


SINGLE = {"track": "t", "identify": "i", "page": "p", "screen": "s", "group": "g", "alias": "a"}
STORED_AS = ("Done", "$identify", "page_view", "screen_view", "$group", "$alias")


def test_every_call_has_a_long_and_a_short_route(client: FlaskClient, connection: psycopg.Connection) -> None:
    event = {"event": "Done", "userId": "u1", "previousId": "a0", "groupId": "g1"}
    for call, short in SINGLE.items():
        for path in (f"/v1/{call}", f"/v1/{call}/", f"/v1/{short}"):
            assert client.post(path, json=event).data == SEGMENT
    assert Counter(row["event_type"] for row in rows(connection)) == dict.fromkeys(STORED_AS, 3)


CALL = {"type": "track", "event": "x", "userId": "u1"}
CAPTURE = {"event": "x", "distinct_id": "u1"}
SITE = {"n": "x", "u": "https://a/"}
# Each stores one event of the default project.
REQUESTS: list[tuple[str, Any, bytes]] = [
    *[
        (path, {"batch": [CALL]}, SEGMENT)
        for path in ("/v1/batch", "/v1/b", "/v1/import", "/beacon/v1/batch")
    ],
    *[
        (path, {"batch": [CAPTURE]}, POSTHOG)
        for path in ("/batch", "/e", "/i/v0/e", "/capture", "/i/v0/ai/batch", "/engage")
    ],
    ("/api/event", SITE, PLAUSIBLE),
    ("/e", [CAPTURE], POSTHOG),
    ("/v1/batch", CALL, SEGMENT),
]


def test_success_is_200_and_the_event_is_stored(client: FlaskClient, connection: psycopg.Connection) -> None:
    for path, body, answer in REQUESTS:
        for slash in ("", "/"):
            response = client.post(path + slash, data=json.dumps(body))
            assert (response.status_code, response.data) == (200, answer), path
            assert response.headers["Access-Control-Allow-Origin"] == "*", path
    assert [row["event_type"] for row in rows(connection)] == ["x"] * 2 * len(REQUESTS)


def test_what_is_not_kept_is_taken(client: FlaskClient, connection: psycopg.Connection) -> None:
    for path in ("/v1/m", "/s/", "/i/v1/logs", "/i/v1/metrics"):
        assert client.post(path, data=b'{"series":[').status_code == 200
    assert count(connection, "events") == 0


TRACK = {"event_type": "x", "user_id": "u1"}


def test_track_is_still_beatlines_own(client: FlaskClient, connection: psycopg.Connection) -> None:
    packed = gzip.compress(json.dumps(TRACK | {"properties": {"event": 1, "token": 2}}).encode())
    assert client.post("/track", json=TRACK).status_code == 202
    assert client.post("/track", data=packed).status_code == 202
    assert client.post("/track", json={"event": "x", "user_id": "u1"}).json["code"] == "invalid"

    legacy = json.dumps(CAPTURE | {"api_key": ""}).encode()
    for pack in (bytes, gzip.compress, form):
        assert client.post("/track/", data=pack(legacy)).data == POSTHOG
    assert count(connection, "events") == 5


# Who: keys


BATCH = {"batch": [CALL]}
KEYED: dict[str, tuple[str, Any, dict[str, str]]] = {
    "Basic": ("/v1/batch", BATCH, basic(KEY)),
    "Basic before the body": ("/v1/batch", BATCH | {"writeKey": "wrong"}, basic(KEY)),
    "body": ("/v1/batch", BATCH | {"writeKey": KEY}, {}),
    "body before OAuth": ("/v1/batch", BATCH | {"writeKey": KEY}, {"Authorization": "Bearer of OAuth"}),
    "event": ("/v1/track", CALL | {"writeKey": KEY}, {}),
    "Segment's query": (f"/v1/batch?writeKey={KEY}", BATCH, {}),
    "Bearer": ("/i/v1/analytics/events", {"batch": [CAPTURE]}, {"Authorization": f"Bearer {KEY}"}),
    "api_key": ("/batch/", {"api_key": KEY, "batch": [CAPTURE]}, {}),
    "token": ("/batch/", {"token": KEY, "batch": [CAPTURE]}, {}),
    "properties of one event": ("/e/", CAPTURE | {"properties": {"token": KEY}}, {}),
    "properties of the first event": ("/e/", [CAPTURE | {"properties": {"token": KEY}}], {}),
    "PostHog's query": (f"/e/?token={KEY}", [CAPTURE], {}),
    "domain": ("/api/event", SITE | {"d": DOMAIN}, {}),
}


def test_the_key_is_found_where_the_sdk_puts_it(
    closed: FlaskClient, connection: psycopg.Connection, key: str
) -> None:
    def send(path: str, body: Any, headers: dict[str, str]) -> Any:
        headers = (
            basic(key) if headers == basic(KEY) else {k: v.replace(KEY, key) for k, v in headers.items()}
        )
        return closed.post(path.replace(KEY, key), data=with_key(body, key), headers=headers)

    for name, request in KEYED.items():
        assert send(*request).status_code == 200, name
    assert [row["project_id"] for row in rows(connection)] == [PROJECT] * len(KEYED)

    pause_project(connection, PROJECT, paused=True)
    closed.application.extensions["beatline"].projects.refresh()
    for name, request in KEYED.items():
        answer = send(*request)
        assert (answer.status_code, answer.json["code"]) == (403, "paused"), name


def test_an_unknown_key_is_refused_with_words_for_every_sdk(
    closed: FlaskClient, connection: psycopg.Connection
) -> None:
    for path, body, headers in KEYED.values():
        unknown = json.dumps(body).replace(DOMAIN, "other.example")
        response = closed.post(path, data=unknown, headers=headers)

        assert (response.status_code, response.json["code"]) == (401, "unauthorized")
        assert response.json["message"]
        assert path.startswith(("/v1", "/api")) or response.json["detail"] == response.json["message"]
        assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert count(connection, "events") == 0


def test_an_unknown_domain_belongs_to_the_default_project_where_ingestion_is_open(
    client: FlaskClient, closed: FlaskClient, connection: psycopg.Connection
) -> None:
    for site in (SITE, SITE | {"d": "other.example"}):
        assert client.post("/api/event", json=site).status_code == 200
        assert closed.post("/api/event", json=site).status_code == 401
    assert [row["project_id"] for row in rows(connection)] == [1, 1]


# How often, and when


UUID7 = "01a20479-91c6-7274-8b16-a2172123c278"
TWICE: list[tuple[str, dict[str, Any], str | None]] = [
    ("/v1/t", CALL | {"messageId": "order-4711/imported"}, "order-4711/imported"),
    ("/e/", CAPTURE | {"uuid": UUID7}, UUID7),
    ("/e/", CAPTURE | {"properties": {"$insert_id": "g2ilj8rjdz9vvwzu"}}, "g2ilj8rjdz9vvwzu"),
    ("/batch/", CAPTURE | {"timestamp": "2026-11-22T18:16:43.702206+00:00"}, None),  # posthog-python 5
]


def test_an_event_that_is_sent_again_is_stored_once(
    client: FlaskClient, connection: psycopg.Connection
) -> None:
    for path, event, given in TWICE:
        for second in range(3):
            sent = {"sent_at": f"2026-11-22T18:16:5{second}Z", "sentAt": f"2026-11-22T18:16:5{second}Z"}
            body = event | sent if path == "/v1/t" else {"batch": [event], **sent}
            assert client.post(path, json=body).status_code == 200
        (row,) = rows(connection)
        assert given is None or row["event_id"] == client_event_id(1, given)
        connection.execute("truncate events")


def test_two_alike_without_id_and_time_are_two(client: FlaskClient, connection: psycopg.Connection) -> None:
    for _ in range(2):
        client.post("/e/", json=CAPTURE)
        client.post("/v1/t", json=CALL)
    assert count(connection, "events") == 4


AHEAD = timedelta(hours=3)
ELSEWHERE = {  # a request of a client whose clock is so far ahead, and whose event is a minute old
    "segment": ("/v1/t", lambda sent, event: CALL | {"timestamp": text(event), "sentAt": text(sent)}, {}),
    "posthog": ("/e/", lambda sent, event: in_batch(timestamp=text(event)) | {"sent_at": text(sent)}, {}),
    "posthog, sentAt": (
        "/e/",
        lambda sent, event: in_batch(timestamp=text(event)) | {"sentAt": text(sent)},
        {},
    ),
    "posthog, offset": ("/e/", lambda sent, event: in_batch(offset=60_000), {}),
    "posthog, $time and _": (
        "/e/?_=SENT",
        lambda sent, event: in_batch(offset=99_000, properties={"$time": event.timestamp()}),
        {},
    ),
    "capture v1": (
        "/i/v1/analytics/events",
        lambda sent, event: in_batch(timestamp=text(event), uuid="1"),
        {"PostHog-Request-Timestamp": "SENT"},
    ),
    "not to be corrected": (
        "/e/",
        lambda sent, event: (
            in_batch(timestamp=text(event - AHEAD), properties={"$ignore_sent_at": True})
            | {"sent_at": text(sent)}
        ),
        {},
    ),
}


def text(time: datetime) -> str:
    """A time as browsers write it."""
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def in_batch(**fields: Any) -> dict[str, Any]:
    """A batch with one event."""
    return {"batch": [CAPTURE | fields]}


@pytest.mark.parametrize(("path", "body", "headers"), ELSEWHERE.values(), ids=ELSEWHERE)
def test_a_wrong_clock_is_corrected(
    client: FlaskClient, connection: psycopg.Connection, path: str, body: Any, headers: dict[str, str]
) -> None:
    sent = datetime.now(UTC) + AHEAD
    response = client.post(
        path.replace("SENT", str(int(sent.timestamp() * 1000))),
        json=body(sent, sent - timedelta(minutes=1)),
        headers={name: text(sent) for name in headers},
    )
    assert response.status_code == 200
    (row,) = rows(connection)
    assert abs(row["received_at"] - row["ts"] - timedelta(minutes=1)) < timedelta(seconds=5)


# What is wrong with events and bodies


def test_a_broken_event_costs_its_neighbours_nothing(
    client: FlaskClient, connection: psycopg.Connection
) -> None:
    call, capture = json.dumps(CALL).encode(), json.dumps(CAPTURE).encode()
    nul = rb'{"event":"a\u0000b","distinct_id":"u","type":"track","userId":"u"}'
    bad = rb'{"event":"\ud800"},17,%s,{"type":"track"}' % nul
    for path, body in {
        "/v1/batch": b'{"batch":[%s,%s,%s],"sentAt":"2026"}' % (call, bad, call),
        "/batch/": b'{"api_key":"","batch":[%s,%s,%s]}' % (capture, bad, capture),
        "/e/": b"[%s,%s,%s]" % (capture, bad, capture),
    }.items():
        assert client.post(path, data=body).status_code == 200
        assert count(connection, "events") == 2
        reasons = connection.execute("select reason from rejected_events order by rejected_id").fetchall()
        assert [reason for (reason,) in reasons] == ["malformed", "invalid", "character", "invalid"]
        connection.execute("truncate events, rejected_events")


LACKING: list[tuple[str, Any, str]] = [
    ("/e/", {"distinct_id": "u1"}, "event"),
    ("/e/", {"event": "x"}, "distinct_id"),
    ("/e/", {}, "event"),
    ("/v1/t", {"userId": "u1"}, "event"),
    ("/v1/batch", {"batch": [{"type": "track", "event": "x"}]}, "userId"),
    ("/api/event", {"u": "https://a/"}, "n"),
]


def test_an_event_that_lacks_something_is_acknowledged_and_kept_with_the_reason(
    client: FlaskClient, connection: psycopg.Connection
) -> None:
    for path, body, _ in LACKING:
        assert client.post(path, json=body).status_code == 200
    assert count(connection, "events") == 0
    kept = connection.execute("select reason, errors from rejected_events order by rejected_id").fetchall()
    for (reason, errors), (path, _, named) in zip(kept, LACKING, strict=True):
        assert reason == "invalid"
        assert errors["event"][0].startswith(f"{named}:"), path


def test_capture_v1_says_what_became_of_each_event(
    client: FlaskClient, connection: psycopg.Connection
) -> None:
    events = [CAPTURE | {"uuid": "a"}, {"uuid": "b"}, CAPTURE, 17]
    response = client.post("/i/v1/analytics/events", json={"created_at": "2026", "batch": events})

    assert response.status_code == 200
    results = response.json["results"]
    assert results.keys() == {"a", "b"}
    assert results["a"] == {"result": "ok"}
    assert results["b"]["result"] == "drop"
    assert "event: Missing" in results["b"]["details"]
    assert count(connection, "events") == 2


UNREADABLE: dict[str, tuple[bytes, int, str]] = {
    "nothing": (b"", 400, "malformed"),
    "cut off": (b'{"batch":[{"event":"x"},', 400, "malformed"),
    "no JSON": (b"hello", 400, "malformed"),
    "a text": (b'"x"', 400, "malformed"),
    "one event with a lone surrogate": (b'{"event":"\\ud800"}', 400, "malformed"),
    "one event nested without end": (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, 400, "malformed"),
    "a text without an end": (b'{"batch":["' + b'\\"' * 100_000, 400, "malformed"),
    "10 MB": (b'{"a":"' + b"x" * 10_000_000 + b'"}', 413, "too_large"),
    "10 MB packed": (gzip.compress(b'{"a":"' + b"x" * 10_000_000 + b'"}'), 413, "too_large"),
    "two million values": (gzip.compress(b"[" + b"1," * 2_000_000 + b"1]"), 413, "too_large"),
}


@pytest.mark.parametrize(("body", "status", "code"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_body_that_cannot_be_read_is_refused_with_words(
    client: FlaskClient, connection: psycopg.Connection, body: bytes, status: int, code: str
) -> None:
    for path in ("/v1/batch", "/v1/t", "/batch/", "/i/v1/analytics/events", "/api/event"):
        response = client.post(path, data=body)
        assert (response.status_code, response.json["code"]) == (status, code), path
        assert response.json["message"]
    assert count(connection, "events") == 0


def test_a_batch_that_is_none_or_too_many_is_refused(client: FlaskClient) -> None:
    for path, event in (("/v1/batch", CALL), ("/e/", CAPTURE)):
        assert client.post(path, json={"batch": "x"}).json["code"] == "malformed"
        response = client.post(path, json={"batch": [event] * 10_001})
        assert (response.status_code, response.json["code"]) == (413, "too_large")


def test_what_a_batch_says_for_all_is_checked_like_an_event(client: FlaskClient) -> None:
    nul = client.post("/v1/batch", json={"batch": [CALL], "context": {"a": "\0"}})
    assert (nul.status_code, nul.json["code"]) == (400, "character")
    much = client.post("/v1/batch", json={"batch": [CALL] * 9_000, "context": {"a": "x" * 1_000}})
    assert (much.status_code, much.json["code"]) == (413, "too_large")


# What SDKs ask


def test_analytics_js_is_told_where_to_send_with_the_key_it_has(client: FlaskClient) -> None:
    response = client.get("/v1/projects/any-key/settings", headers={"Host": "events.example:8443"})
    destination = {"apiKey": "any-key", "apiHost": "events.example:8443/v1", "protocol": "http"}
    assert response.json["integrations"] == {"Segment.io": destination}
    assert response.headers["Access-Control-Allow-Origin"] == "*"

    assert client.get("/v1/projects/k/settings", headers={"Host": "a b"}).status_code == 400


def test_forwarded_addresses_are_believed_of_trusted_proxies_only(
    client: FlaskClient, postgres_url: str, redis_url: str
) -> None:
    headers = {"Host": "inner:8000", "X-Forwarded-Host": "events.example", "X-Forwarded-Proto": "https"}

    def told(client: FlaskClient) -> tuple[str, str]:
        destination = client.get("/v1/projects/k/settings", headers=headers).json["integrations"][
            "Segment.io"
        ]
        return destination["protocol"], destination["apiHost"]

    assert told(client) == ("http", "inner:8000/v1")
    with running(postgres_url, redis_url, trusted_proxies=1) as behind_a_proxy:
        assert told(behind_a_proxy) == ("https", "events.example/v1")


def test_rudderstack_is_told_of_a_source_without_destinations(client: FlaskClient, key: str) -> None:
    for ask in (
        lambda: client.get(f"/sourceConfig/?p=npm&writeKey={key}"),
        lambda: client.get("/sourceConfig/", headers=basic(key)),
    ):
        source = ask().json["source"]
        assert (source["id"], source["writeKey"]) == (key, key)
        assert (source["enabled"], source["destinations"]) == (True, [])


def test_posthog_js_is_told_its_configuration(client: FlaskClient) -> None:
    response = client.get("/array/any-key/config")
    assert response.json["analytics"] == {"endpoint": "/i/v0/e/"}
    assert response.json["supportedCompression"] == ["gzip-js"]
    assert response.json["sessionRecording"] is False

    script = client.get("/array/any-key/config.js")
    assert script.status_code == 200
    assert script.headers["Content-Type"].startswith("text/javascript")
    assert script.data.startswith(b"/*")
    assert script.data.endswith(b"*/")


def test_there_are_no_flags_in_any_shape(client: FlaskClient) -> None:
    for path, configures in {
        "/flags/?v=2": False,
        "/flags?v=4": False,
        "/flags/?v=2&config=true": True,
        "/decide/?v=3": True,
    }.items():
        answer = client.post(path, data=b"data=whatever").json
        assert (answer["flags"], answer["featureFlags"], answer["featureFlagPayloads"]) == ({}, {}, {})
        assert answer["errorsWhileComputingFlags"] is False
        assert ("supportedCompression" in answer) is configures


def test_add_ons_are_answered(client: FlaskClient) -> None:
    for path, status in {
        "/static/recorder.js": 404,
        "/static/1.449.2/surveys.js": 404,
        "/api/surveys/?token=k": 200,
        "/api/web_experiments/": 200,
        "/api/early_access_features/": 200,
        "/api/product_tours/": 200,
    }.items():
        response = client.get(path)
        assert (response.status_code, response.headers["Content-Type"]) == (status, "application/json"), path


# Browsers


ASKED = {
    "/v1/t": "authorization,content-type",
    "/v1/track": "anonymousid,authorization,content-type,sentat",
    "/v1/projects/k/settings": "x-custom",
    "/sourceConfig/": "authorization",
    "/e/": "content-type",
    "/flags/": "content-type",
    "/i/v1/analytics/events": "authorization,content-type,posthog-attempt",
    "/api/event": "content-type",
}


def test_a_preflight_allows_the_headers_by_name(client: FlaskClient) -> None:
    for path, asked in ASKED.items():
        headers = {"Origin": "https://shop.example", "Access-Control-Request-Headers": asked}
        response = client.options(path, headers=headers)

        assert response.status_code == 204, path
        assert response.headers["Access-Control-Allow-Headers"] == asked
        assert {"GET", "POST"} <= set(response.headers["Access-Control-Allow-Methods"].split(", "))
        assert response.headers["Access-Control-Allow-Origin"] in {"*", "https://shop.example"}
        assert response.headers["Access-Control-Max-Age"]


def test_old_posthog_js_may_read_answers_to_requests_with_cookies(client: FlaskClient) -> None:
    for method, path in (("POST", "/e/"), ("POST", "/decide/"), ("OPTIONS", "/e/")):
        response = client.open(
            path, method=method, data=b"broken", headers={"Origin": "https://shop.example"}
        )

        assert response.headers["Access-Control-Allow-Origin"] == "https://shop.example"
        assert response.headers["Access-Control-Allow-Credentials"] == "true"
        assert response.headers["Vary"] == "Origin"


def test_other_answers_are_for_requests_without_cookies(client: FlaskClient) -> None:
    response = client.post("/v1/t", json=CALL, headers={"Origin": "https://shop.example"})
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in response.headers


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/e/", CAPTURE, 503),
        ("/api/event", SITE, 503),
        ("/v1/t", CALL, 429),
        ("/beacon/v1/batch", BATCH, 429),
    ],
)
def test_who_sends_too_much_is_told_so_in_a_way_that_its_sdk_sends_again(
    postgres_url: str, redis_url: str, path: str, body: Any, status: int
) -> None:
    with running(postgres_url, redis_url, ip_rate=1, ip_burst=1) as client:
        responses = [client.post(path, json=body) for _ in range(3)]

    assert responses[0].status_code == 200
    assert responses[-1].status_code == status
    assert 1 <= int(responses[-1].headers["Retry-After"]) <= 30
    assert responses[-1].headers["Access-Control-Allow-Origin"] == "*"
    assert "Retry-After" in responses[-1].headers["Access-Control-Expose-Headers"]


# Plausible's visitors


def visitor(client: FlaskClient, connection: psycopg.Connection, address: str, **headers: str) -> str:
    """The anonymous id of somebody's event."""
    response = client.post("/api/event", json=SITE, headers=headers, environ_base={"REMOTE_ADDR": address})
    assert response.status_code == 200
    row = connection.execute("delete from events returning anonymous_id, events::text").fetchone()
    assert row
    assert address not in row[1]
    return str(row[0])


def test_a_visitor_is_known_for_a_day(
    app: Flask, client: FlaskClient, connection: psycopg.Connection, postgres_url: str, redis_url: str
) -> None:
    before = visitor(client, connection, "192.0.2.1", **{"User-Agent": IPHONE})
    assert visitor(client, connection, "192.0.2.1", **{"User-Agent": IPHONE}) == before
    assert visitor(client, connection, "192.0.2.1", **{"User-Agent": "curl"}) != before
    assert visitor(client, connection, "192.0.2.2", **{"User-Agent": IPHONE}) != before
    forwarded = {"User-Agent": IPHONE, "X-Forwarded-For": "192.0.2.1"}
    assert visitor(client, connection, "192.0.2.9", **forwarded) != before
    with running(postgres_url, redis_url, trusted_proxies=1) as behind_a_proxy:
        assert visitor(behind_a_proxy, connection, "192.0.2.9", **forwarded) == before

    connection.execute("update visitor_salts set salt = gen_random_uuid()")  # as on another day
    app.extensions["beatline"].projects.refresh()
    assert visitor(client, connection, "192.0.2.1", **{"User-Agent": IPHONE}) != before


def test_salts_are_made_ahead_and_forgotten(
    app: Flask, connection: psycopg.Connection, workers_url: str
) -> None:
    now = datetime.now(UTC)
    app.extensions["beatline"].projects.refresh()
    for age in range(6):
        connection.execute(
            "insert into visitor_salts (day) values (%s) on conflict do nothing",
            [now.date() - timedelta(age)],
        )
    maintenance.forget_visitor_salts(Settings(database_url=workers_url), now)

    days = connection.execute("select day from visitor_salts order by day").fetchall()
    assert [(day - now.date()).days for (day,) in days] == [-2, -1, 0, 1]


# Profiles


def test_identify_and_group_calls_describe_users_and_groups(
    client: FlaskClient, connection: psycopg.Connection
) -> None:
    client.post("/v1/identify", json={"userId": "s1", "anonymousId": "s0", "traits": {"plan": "pro"}})
    client.post("/v1/group", json={"userId": "s1", "groupId": "sg", "traits": {"seats": 5}})
    identify = {"event": "$identify", "distinct_id": "p1", "$set": {"plan": "free"}}
    client.post("/e/", json=identify | {"properties": {"$anon_distinct_id": "p0", "utm": "no trait"}})
    group = {"$group_type": "company", "$group_key": "pg", "$group_set": {"seats": 7}, "utm": "no trait"}
    client.post("/e/", json={"event": "$groupidentify", "distinct_id": "p1", "properties": group})

    users = connection.execute("select user_id, traits from users order by user_id").fetchall()
    assert users == [("p1", {"plan": "free"}), ("s1", {"plan": "pro"})]
    aliases = connection.execute("select anonymous_id, user_id from user_aliases order by user_id").fetchall()
    assert aliases == [("p0", "p1"), ("s0", "s1")]
    groups = connection.execute("select group_type, group_key, traits from groups order by 1").fetchall()
    assert groups == [("company", "pg", {"seats": 7}), ("group", "sg", {"seats": 5})]


OWNED = {  # CONTRACTS, section 1, but for flag definitions
    *("/v1/batch", "/v1/b", "/v1/import", "/v1/m", "/v1/projects/{}/settings"),
    *(f"/v1/{call}" for pair in SINGLE.items() for call in pair),
    *("/beacon/v1/batch", "/sourceConfig", "/api/event"),
    *("/batch", "/e", "/i/v0/e", "/capture", "/track", "/engage", "/i/v0/ai/batch", "/i/v1/analytics/events"),
    *("/flags", "/decide", "/array/{}/config", "/array/{}/config.js", "/s", "/i/v1/logs", "/i/v1/metrics"),
    *(
        "/static/{}",
        "/api/surveys",
        "/api/web_experiments",
        "/api/early_access_features",
        "/api/product_tours",
    ),
}


def test_every_route_of_the_contract_is_owned() -> None:
    assert set() == OWNED - ROUTES.keys()

"""PostHog's events as canonical ones (CONTRACTS, sections 6, 9 and 10)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from beatline.ingest.wire import TrackedEvent
from collector.ingest.posthog import (
    Batch,
    Sender,
    key_of,
    key_of_events,
    result_of,
    sent_at_of,
    translate,
    uuid_of,
)
from collector.ingest.request import Request

NOW = datetime(2026, 11, 22, 13, 30, tzinfo=UTC)
SENT = "2026-11-22T13:29:50.000Z"  # ten seconds before NOW
WRONG = "2026-11-22T12:00:00.000Z"  # a clock that is off
TIME = 1795354170.5  # 2026-11-22T13:29:30.5Z
AT_TIME = "2026-11-22T13:29:30.500000+00:00"
NAMED = {"event": "x", "distinct_id": "u1"}
WEB = {"$lib": "web"}
NODE = {"$lib": "posthog-node"}


def translated(fields: dict[str, Any], **sender: Any) -> TrackedEvent:
    """The event that a captured one becomes, received at NOW."""
    return translate(json.dumps(fields).encode(), Sender(sender.pop("sent_at", None), NOW, **sender))


def columns(event: TrackedEvent) -> dict[str, Any]:
    """What the event says, without what it leaves out."""
    return {name: value for name, value in msgspec.structs.asdict(event).items() if value is not None}


EVENTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "least of the API": (
        {"event": "x", "distinct_id": "u1"},
        {"event_type": "x", "user_id": "u1", "properties": {}},
    ),
    "distinct_id among the properties": (
        {"event": "x", "properties": {"distinct_id": 7, "token": "k", "a": None, "b": {"c": None}}},
        {"event_type": "x", "user_id": "7", "properties": {"b": {"c": None}}},
    ),
    "page view": (
        NAMED | {"event": "$pageview", "uuid": "id", "properties": {"$current_url": "https://a/b"}},
        {
            "event_type": "page_view",
            "user_id": "u1",
            "event_id": "id",
            "page_url": "https://a/b",
            "properties": {},
        },
    ),
    "screen": (
        NAMED | {"event": "$screen", "properties": {"$screen_name": "S"}},
        {"event_type": "screen_view", "user_id": "u1", "properties": {"$screen_name": "S"}},
    ),
    "every column": (
        NAMED
        | {
            "properties": {
                "$session_id": "s1",
                "$device_id": "d1",
                "$user_id": "u1",
                "$app_version": "1.2",
                "app_version": "mine",
                "$os": "Linux",
                "$os_version": "6",
                "$insert_id": "i1",
            }
        },
        {
            "event_type": "x",
            "user_id": "u1",
            "anonymous_id": "d1",
            "session_id": "s1",
            "device_id": "d1",
            "app_version": "1.2",
            "os_name": "Linux",
            "os_version": "6",
            "event_id": "i1",
            "properties": {"app_version": "mine", "$insert_id": "i1"},
        },
    ),
    "Android's names": (
        NAMED | {"properties": {"$os_name": "Android", "app_version": "1.2.3"}},
        {"event_type": "x", "user_id": "u1", "os_name": "Android", "app_version": "1.2.3", "properties": {}},
    ),
    "a server's system is no visitor's": (
        NAMED | {"properties": {"$os": "Linux", "$os_version": "12", "$is_server": True}},
        {
            "event_type": "x",
            "user_id": "u1",
            "properties": {"$os": "Linux", "$os_version": "12", "$is_server": True},
        },
    ),
    "too long for a column": (
        NAMED | {"properties": {"$current_url": "/" + "x" * 3_000, "$session_id": "s" * 201}},
        {
            "event_type": "x",
            "user_id": "u1",
            "properties": {"$current_url": "/" + "x" * 3_000, "$session_id": "s" * 201},
        },
    ),
    "identify": (
        {
            "event": "$identify",
            "distinct_id": "u1",
            "$set": {"email": "e", "old": None},
            "$set_once": {"first": 1, "utm": None},
            "properties": {
                "$anon_distinct_id": "a1",
                "$device_id": "d1",
                "plan": "no trait",
                "$set": {"a": 1},
            },
        },
        {
            "event_type": "$identify",
            "user_id": "u1",
            "anonymous_id": "a1",
            "device_id": "d1",
            "properties": {
                "plan": "no trait",
                "$set": {"a": 1, "email": "e", "old": None},
                "$set_once": {"first": 1},
            },
        },
    ),
    "identify without traits": (
        NAMED | {"event": "$identify", "properties": {"plan": "no trait", "$set": None}},
        {"event_type": "$identify", "user_id": "u1", "properties": {"plan": "no trait", "$set": {}}},
    ),
    "alias": (
        {"event": "$create_alias", "distinct_id": "u1", "properties": {"alias": "a0", "distinct_id": "u1"}},
        {"event_type": "$alias", "user_id": "u1", "anonymous_id": "a0", "properties": {}},
    ),
    "alias of Python": (
        {
            "event": "$create_alias",
            "distinct_id": "a0",
            "properties": {"alias": "u1", "$lib": "posthog-python"},
        },
        {
            "event_type": "$alias",
            "user_id": "u1",
            "anonymous_id": "a0",
            "properties": {"$lib": "posthog-python"},
        },
    ),
    "group": (
        NAMED
        | {
            "event": "$groupidentify",
            "properties": {
                "$group_type": "company",
                "$group_key": 5,
                "$group_set": {"seats": 3},
                "utm": "no trait",
            },
        },
        {
            "event_type": "$group",
            "user_id": "u1",
            "properties": {
                "group_type": "company",
                "group_id": "5",
                "$group_set": {"seats": 3},
                "utm": "no trait",
            },
        },
    ),
    "group that nobody in particular described": (
        {
            "event": "$groupidentify",
            "distinct_id": "$company_5",
            "properties": {"$group_type": "company", "$group_key": "5"},
        },
        {"event_type": "$group", "properties": {"group_type": "company", "group_id": "5"}},
    ),
    "capture v1": (
        NAMED
        | {
            "uuid": "id",
            "session_id": "s1",
            "window_id": "w1",
            "options": {"process_person_profile": False, "disable_skew_correction": True},
        },
        {
            "event_type": "x",
            "anonymous_id": "u1",
            "session_id": "s1",
            "event_id": "id",
            "properties": {"$window_id": "w1", "$process_person_profile": False, "$ignore_sent_at": True},
        },
    ),
    "odd values where objects are usual": (
        NAMED | {"$set": "a", "options": [], "properties": {"$set_once": 7, "$os": {"a": 1}}},
        {"event_type": "x", "user_id": "u1", "properties": {"$set_once": {}, "$os": {"a": 1}}},
    ),
}


@pytest.mark.parametrize(("fields", "expected"), EVENTS.values(), ids=EVENTS)
def test_an_event_becomes_a_canonical_one(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    assert columns(translated(fields)) == expected


ACTORS: dict[str, tuple[dict[str, Any], tuple[str | None, str | None]]] = {
    "server": (NODE, ("u1", None)),
    "server without a profile": (NODE | {"$process_person_profile": False}, (None, "u1")),
    "nobody knows what": ({}, ("u1", None)),
    "visitor": (WEB | {"$device_id": "u1", "$is_identified": False}, (None, "u1")),
    "visitor of an old release": (WEB | {"$device_id": "u1"}, (None, "u1")),
    "visitor without a device": (WEB | {"$device_id": None, "$is_identified": False}, (None, "u1")),
    "user": (WEB | {"$device_id": "d1", "$user_id": "u1", "$is_identified": True}, ("u1", "d1")),
    "user who has no profile": (WEB | {"$user_id": "u1", "$process_person_profile": False}, ("u1", None)),
    "user known from the start": (WEB | {"$device_id": "d1", "$is_identified": True}, ("u1", "d1")),
    "app": ({"$lib": "posthog-android", "$is_identified": True}, ("u1", None)),
    "app of a visitor": ({"$lib": "posthog-ios", "$is_identified": False}, (None, "u1")),
}


@pytest.mark.parametrize(("properties", "actor"), ACTORS.values(), ids=ACTORS)
def test_who_it_was(properties: dict[str, Any], actor: tuple[str | None, str | None]) -> None:
    event = translated(NAMED | {"properties": properties})
    assert (event.user_id, event.anonymous_id) == actor


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no name": ({"distinct_id": "u1", "event": ""}, "event"),
    "nobody": ({"event": "x", "distinct_id": "", "properties": {"distinct_id": {}}}, "distinct_id"),
    "properties that are none": (NAMED | {"properties": "a"}, "properties"),
    "a name too long": (NAMED | {"event": "x" * 129}, "event_type"),
    "an id too long": (NAMED | {"distinct_id": "x" * 201}, "user_id"),
}


@pytest.mark.parametrize(("fields", "named"), REFUSED.values(), ids=REFUSED)
def test_an_event_that_lacks_something_is_refused_by_its_name(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=named):
        translated(fields)


def test_the_oldest_route_names_its_events() -> None:
    fields = {"$distinct_id": "u1", "$token": "k", "$set": {"plan": "pro"}}
    event = translated(fields, default_name="$identify")
    assert (event.event_type, event.user_id) == ("$identify", "u1")
    assert event.properties == {"$set": {"plan": "pro"}}


def test_the_sdk_may_be_named_by_a_header() -> None:
    alias = {"event": "$create_alias", "distinct_id": "a0", "properties": {"alias": "u1"}}
    assert translated(alias, library="posthog-python").user_id == "u1"
    assert translated(alias, library="posthog-node").user_id == "a0"


Times = tuple[str | None, str | None]
TIMES: dict[str, tuple[dict[str, Any], str | None, Times]] = {
    "none": ({}, SENT, (None, SENT)),
    "timestamp": ({"timestamp": "t", "properties": WEB | {"$time": TIME}}, SENT, ("t", SENT)),
    "only $time": ({"properties": WEB | {"$time": TIME}}, SENT, (AT_TIME, SENT)),
    "$time that is none": ({"properties": {"$time": 1e300}}, SENT, (None, SENT)),
    "offset": ({"offset": 3_000}, None, ("2026-11-22T13:29:57+00:00", None)),
    "offset, which is late after a retry": (
        {"offset": 3_000, "properties": WEB | {"$time": TIME}},
        SENT,
        (AT_TIME, SENT),
    ),
    "offset that is none": ({"offset": 1e300, "timestamp": "t"}, None, ("t", None)),
    "not to be corrected": ({"timestamp": "t", "properties": {"$ignore_sent_at": True}}, WRONG, ("t", None)),
    "not to be corrected, in v1": (
        {"timestamp": "t", "options": {"disable_skew_correction": True}},
        WRONG,
        ("t", None),
    ),
    "a server whose clock is good": ({"timestamp": "t", "properties": NODE}, SENT, ("t", None)),
    "a server whose clock is off": ({"timestamp": "t", "properties": NODE}, WRONG, ("t", WRONG)),
}


@pytest.mark.parametrize(("fields", "sent_at", "expected"), TIMES.values(), ids=TIMES)
def test_times_are_those_of_the_clock_rules(
    fields: dict[str, Any], sent_at: str | None, expected: Times
) -> None:
    event = translated(NAMED | fields, sent_at=sent_at)
    assert (event.timestamp, event.sent_at) == expected


def test_without_an_id_the_content_is_one() -> None:
    fields = NAMED | {"timestamp": SENT, "properties": {"a": 1}}
    once, again = translated(fields, sent_at=SENT), translated(fields, sent_at=WRONG)
    assert once.event_id
    assert once.event_id == again.event_id
    others = {"event": "y", "distinct_id": "u2", "timestamp": WRONG, "properties": {"a": 2}, "$set": {"a": 1}}
    for other in ({name: value} for name, value in others.items()):
        assert translated(fields | other).event_id != once.event_id


def test_without_an_id_and_a_time_two_alike_are_two() -> None:
    assert translated(NAMED).event_id is None


KEYS: dict[str, tuple[dict[str, Any], str | None]] = {
    "api_key": ({"api_key": "k", "token": "t"}, "k"),
    "token": ({"token": "k"}, "k"),
    "$token": ({"$token": "k"}, "k"),
    "in the properties": ({"properties": {"token": "k"}}, "k"),
    "odd values": ({"api_key": {}, "token": "", "properties": []}, None),
}


@pytest.mark.parametrize(("body", "key"), KEYS.values(), ids=KEYS)
def test_where_the_write_key_is(body: dict[str, Any], key: str | None) -> None:
    text = json.dumps(body).encode()
    assert key_of(msgspec.json.decode(text, type=Batch)) == key
    assert key_of_events([msgspec.Raw(b'"\\ud800"'), msgspec.Raw(b"17"), msgspec.Raw(text)]) == key


SENT_MS = "1795354190000"  # SENT, as browsers write it into the query
SENT_AT: dict[str, tuple[dict[str, Any], str, str | None, str | None]] = {
    "body": ({"sent_at": "s"}, f"_={SENT_MS}", "h", "s"),
    "body of older SDKs": ({"sentAt": "s"}, "", None, "s"),
    "header": ({}, f"_={SENT_MS}", "h", "h"),
    "query": ({}, f"_={SENT_MS}", None, "2026-11-22T13:29:50+00:00"),
    "query of a retry, which old releases repeat": ({}, f"_={SENT_MS}&retry_count=1", None, NOW.isoformat()),
    "query of a retry by a clock that is off": ({}, "_=0&retry_count=1", None, "1970-01-01T00:00:00+00:00"),
    "nonsense": ({}, "_=soon", None, None),
    "nothing": ({}, "", None, None),
}


@pytest.mark.parametrize(("body", "query", "header", "expected"), SENT_AT.values(), ids=SENT_AT)
def test_when_a_request_was_sent(
    body: dict[str, Any], query: str, header: str | None, expected: str | None
) -> None:
    request = Request({"REQUEST_METHOD": "POST", "PATH_INFO": "/e/", "QUERY_STRING": query})
    if header:
        request.environ["HTTP_POSTHOG_REQUEST_TIMESTAMP"] = header
    request.received_at = NOW
    assert sent_at_of(msgspec.convert(body, Batch), request) == expected


def test_results_of_capture_v1() -> None:
    assert result_of(None) == {"result": "ok"}
    assert uuid_of(b'{"uuid":"a"}') == "a"
    assert [uuid_of(event) for event in (b"{}", b"17", b'{"uuid":"\\ud800"}')] == [None, None, None]

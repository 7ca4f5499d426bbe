"""What the Python client makes of its arguments: events, identify, group, flags."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from types import MappingProxyType
from typing import Any
from uuid import UUID

import pytest
from beatline_client import Client, FeatureFlagsUnavailableError, InvalidEventError
from beatline_client.events import encode

from beatline.ingest.wire import TrackedEvent
from tests.fixtures.scripted import HANG_UP, Reply, Scripted, nobody_listening, reply, scripted_server

ID = UUID("0f6e8b6e-7d2e-4c35-9a0c-3f8a5d1e2b11")
CYCLE: dict[str, Any] = {}
CYCLE["again"] = CYCLE


class Plan(Enum):
    PRO = "pro"


@pytest.fixture
def server() -> Iterator[Scripted]:
    with scripted_server() as scripted:
        yield scripted


@pytest.fixture
def client(server: Scripted) -> Iterator[Client]:
    with Client(server.url, "bl_key") as client:
        yield client


def sent(client: Client, server: Scripted) -> dict[str, Any]:
    """The event that was tracked."""
    assert client.flush()
    (event,) = server.events()
    return event


def test_given_every_argument_then_every_field_is_sent(client: Client, server: Scripted) -> None:
    event_id = client.track(
        "u1", "bought", {"total": 9.5}, anonymous_id="a1",
        timestamp=datetime(2024, 3, 15, 14, 30, tzinfo=UTC), session_id="s1", page_url="/cart",
        event_id=ID, device_id="d1", app_version="2.3", os_name="iOS", os_version="18.4",
    )  # fmt: skip
    assert event_id == str(ID)
    event = sent(client, server)
    assert event == {
        "event_id": str(ID), "event_type": "bought", "timestamp": "2024-03-15T14:30:00+00:00",
        "user_id": "u1", "anonymous_id": "a1", "session_id": "s1", "page_url": "/cart", "device_id": "d1",
        "app_version": "2.3", "os_name": "iOS", "os_version": "18.4", "properties": {"total": 9.5},
    }  # fmt: skip
    known = set(TrackedEvent.__struct_fields__)
    assert known - set(event) <= {"distinct_id", "sent_at"}


def test_given_the_least_then_id_and_time_are_made(client: Client, server: Scripted) -> None:
    event_id = client.track(7, "tick")
    event = sent(client, server)
    assert (event["event_id"], event["user_id"]) == (event_id, "7")
    assert str(UUID(event_id)) == event_id
    age = datetime.now(UTC) - datetime.fromisoformat(event.pop("timestamp"))
    assert timedelta(0) <= age < timedelta(seconds=30)
    assert set(event) == {"event_id", "event_type", "user_id"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (datetime(2024, 3, 15, 14, 30), "2024-03-15T14:30:00"),
        (datetime(2024, 3, 15, 14, 30, tzinfo=timezone(timedelta(hours=2))), "2024-03-15T14:30:00+02:00"),
        ("2024-03-15", "2024-03-15"),
    ],
)
def test_given_a_timestamp_then_it_is_iso_8601(
    client: Client, server: Scripted, given: datetime | str, said: str
) -> None:
    client.track("u", "tick", timestamp=given)
    assert sent(client, server)["timestamp"] == said


def test_given_somebody_unknown_then_the_anonymous_id_is_enough(client: Client, server: Scripted) -> None:
    client.track(None, "tick", anonymous_id="a1")
    event = sent(client, server)
    assert event["anonymous_id"] == "a1"
    assert "user_id" not in event


def test_given_a_mutable_object_then_later_changes_do_not_matter(client: Client, server: Scripted) -> None:
    properties = {"n": 1}
    client.track("u", "tick", properties)
    properties["n"] = 2
    assert sent(client, server)["properties"] == {"n": 1}


def test_given_traits_then_identify_sends_them_as_properties(client: Client, server: Scripted) -> None:
    client.identify("u1", {"plan": "pro"}, anonymous_id="a1")
    event = sent(client, server)
    assert (event["event_type"], event["user_id"], event["anonymous_id"]) == ("$identify", "u1", "a1")
    assert event["properties"] == {"plan": "pro"}


def test_given_a_group_then_its_key_stands_beside_its_traits(client: Client, server: Scripted) -> None:
    client.group("u1", "company", "acme", {"seats": 5, "group_id": "shadowed"})
    event = sent(client, server)
    assert (event["event_type"], event["user_id"]) == ("$group", "u1")
    assert event["properties"] == {"group_type": "company", "group_id": "acme", "seats": 5}


@pytest.mark.parametrize(
    ("user_id", "event_type", "properties"),
    [
        (None, "tick", None),
        ("", "tick", None),
        ("u", "", None),
        ("u", None, None),
        ("u", "tick", {"a": float("nan")}),
        ("u", "tick", {"a": object()}),
        ("u", "tick", {(1, 2): "a"}),
        ("u", "tick", {"a": "\ud800"}),
        ("u", "tick", {"a": b"bytes"}),
        ("u", "tick", CYCLE),
    ],
)
def test_given_what_is_no_event_then_the_caller_is_told(
    client: Client, server: Scripted, user_id: Any, event_type: Any, properties: Any
) -> None:
    with pytest.raises(InvalidEventError):
        client.track(user_id, event_type, properties)
    assert client.flush()
    assert server.requests == []


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC), "2024-01-02T03:04:05+00:00"),
        (date(2024, 1, 2), "2024-01-02"),
        (Decimal("9.95"), 9.95),
        (ID, str(ID)),
        (Plan.PRO, "pro"),
        ({"only"}, ["only"]),
        ((1, None, True), [1, None, True]),
        (MappingProxyType({"a": "ä😀"}), {"a": "ä😀"}),
    ],
)
def test_given_a_value_of_python_then_it_becomes_json(value: object, said: object) -> None:
    assert json.loads(encode({"value": value})) == {"value": said}


@pytest.mark.parametrize(
    ("answer", "flags"),
    [
        ({"flags": {"a": True, "b": False, "c": "blue"}}, {"a": True, "b": False, "c": "blue"}),
        ({"flags": {}}, {}),
        ({"a": True, "b": "blue"}, {"a": True, "b": "blue"}),
        ({"featureFlags": {"a": True}, "other": 1}, {"a": True}),
        ({"flags": {"a": {"enabled": True, "variant": None}}}, {"a": True}),
        ({"flags": {"a": {"enabled": True, "variant": "blue"}}}, {"a": "blue"}),
        ({"flags": {"a": {"enabled": False, "variant": "blue"}}}, {"a": False}),
        ({"flags": [{"key": "a", "value": "blue"}, {"key": "b", "enabled": True}]}, {"a": "blue", "b": True}),
        ({"flags": {"a": None, "b": 1}}, {"a": False, "b": True}),
    ],
)
def test_given_flags_in_any_shape_then_they_are_understood(
    client: Client, server: Scripted, answer: Any, flags: dict[str, bool | str]
) -> None:
    server.replies = [reply(200, answer)]
    assert client.get_feature_flags("user & co") == flags
    (request,) = server.requests
    assert request.path == ("/api/v1/analytics/public/feature-flags/for_user/?distinct_id=user%20%26%20co")
    assert request.headers["authorization"] == "Basic Ymxfa2V5Og=="


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (reply(404, {"code": "not_found", "message": "Not Found."}), 404),
        (reply(401), 401),
        ((200, {}, b"<html>"), 200),
        ((200, {}, b"true"), 200),
        ((200, {}, b'{"flags": [{}]}'), 200),
    ],
)
def test_given_no_flags_in_the_answer_then_that_is_a_clear_error(
    client: Client, server: Scripted, answer: Reply, status: int
) -> None:
    server.replies = [answer]
    with pytest.raises(FeatureFlagsUnavailableError) as raised:
        client.get_feature_flags("u")
    assert raised.value.status == status
    assert len(server.requests) == 1


def test_given_a_short_trouble_then_the_flags_are_asked_for_once_more(
    client: Client, server: Scripted
) -> None:
    server.replies = [reply(503), reply(200, {"flags": {"a": True}})]
    assert client.get_feature_flags("u") == {"a": True}
    server.replies = [HANG_UP, HANG_UP, HANG_UP]
    with pytest.raises(FeatureFlagsUnavailableError, match="no answer"):
        client.get_feature_flags("u")


def test_given_nobody_listening_then_flags_are_unavailable() -> None:
    with Client(nobody_listening()) as client, pytest.raises(FeatureFlagsUnavailableError) as raised:
        client.get_feature_flags("u")
    assert raised.value.status is None

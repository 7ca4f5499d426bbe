"""Mappings of webhooks: what they find, and what is wrong with those that are none."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from beatline.errors import NotPossible
from beatline.ingest.mapping import Mapping, map_delivery, mapping_of, read_mapping
from beatline.ingest.pipeline import Unfit

BODY = {
    "type": "order.paid",
    "id": 17,
    "user_id": "u1",
    "properties": {"total": 9.5},
    "lines": [{"sku": "a"}],
}
ID = "11111111-2222-4333-8444-555555555555"


def event(changes: dict[str, Any], body: Any = BODY, **headers: str) -> Any:
    """The event of a delivery of the generic kind."""
    delivery = {"body": body, "headers": headers}
    return map_delivery(Mapping("generic", changes), "shop", delivery, "fallback")


def test_it_works() -> None:
    made = event({})
    assert (made.event_type, made.user_id) == ("order.paid", "u1")
    assert made.properties == {"total": 9.5, "$source": "shop", "$raw": BODY}


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"user_id": "body.lines[0].sku"}, "user_id", "a"),
        ({"user_id": "body.id"}, "user_id", "17"),
        ({"user_id": None}, "user_id", None),
        ({"user_id": "body.nobody"}, "user_id", None),
        ({"event_type": "'sale'"}, "event_type", "sale"),
        ({"event_type": "join('.', ['shop', body.type])"}, "event_type", "shop.order.paid"),
        ({"session_id": 'headers."x-session"'}, "session_id", "s1"),
        ({"timestamp": "`1715952755`"}, "timestamp", "2024-05-17T13:32:35+00:00"),
        ({"timestamp": "`1715952755500`"}, "timestamp", "2024-05-17T13:32:35.500000+00:00"),
        ({"timestamp": "`1e300`"}, "timestamp", "1e+300"),
        ({"event_id": f"'{ID}'"}, "event_id", ID),
    ],
)
def test_an_expression_gives_a_field(changes: dict[str, Any], field: str, value: Any) -> None:
    assert getattr(event(changes, **{"x-session": "s1"}), field) == value


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"sku": "body.lines[0].sku", "none": "body.none", "off": None}, {"sku": "a"}),
        ("body.lines[0]", {"sku": "a"}),
        ("body.none", {}),
        (None, {}),
    ],
)
def test_properties_are_an_object_or_named_one_by_one(properties: Any, expected: dict[str, Any]) -> None:
    made = event({"properties": properties}).properties
    assert {name: value for name, value in made.items() if not name.startswith("$")} == expected


def test_ids_count_within_their_source_and_are_never_too_long() -> None:
    mapping = Mapping("generic", {})
    ids = [
        map_delivery(mapping, source, {"body": {"type": "x", "id": given}, "headers": {}}, "f").event_id
        for source in ("shop", "crm")
        for given in ("1", "2", "x" * 10_000)
    ]
    assert len(set(ids)) == 6
    assert all(len(made or "") == 36 for made in ids)


@pytest.mark.parametrize(
    ("changes", "body", "field"),
    [
        ({}, {}, "event_type"),
        ({}, {"type": ["a"]}, "event_type"),
        ({}, {"type": "x" * 129}, "event_type"),
        ({}, {"type": "x", "user_id": True}, "user_id"),
        ({}, {"type": "x", "user_id": {"id": 1}}, "user_id"),
        ({}, {"type": "x", "id": [1]}, "event_id"),
        ({}, {"type": "x", "properties": [1]}, "properties"),
        ({}, 7, "event_type"),
        ({"user_id": "join('.', body.lines)"}, BODY, "user_id"),
        ({"properties": {"a": "max(body.lines)"}}, BODY, "properties.a"),
    ],
)
def test_a_delivery_that_gives_no_event_is_explained(changes: dict[str, Any], body: Any, field: str) -> None:
    with pytest.raises(Unfit) as refusal:
        event(changes, body)
    assert refusal.value.rejection.errors.keys() == {field}


@pytest.mark.parametrize(
    ("mapping", "complaint"),
    [
        (b"{", "no JSON"),
        (b"\xff", "no JSON"),
        (b"[]", "a JSON object"),
        (b'{"colour": "body.colour"}', "no field 'colour'"),
        (b'{"sent_at": "body.at"}', "no field 'sent_at'"),
        (b'{"user_id": 7}', "no JMESPath expression: 7"),
        (b'{"user_id": "body["}', "the mapping of user_id is no JMESPath"),
        (b'{"user_id": {"a": "b"}}', "no JMESPath"),
        (b'{"properties": {"a": "b["}}', "the mapping of properties.a is no JMESPath"),
        (b'{"event_type": null}', "has to give an event_type"),
    ],
)
def test_what_is_no_mapping_is_refused(mapping: bytes, complaint: str) -> None:
    with pytest.raises(NotPossible, match=complaint.replace("[", r"\[")):
        Mapping("generic", read_mapping(mapping))


def test_a_mapping_is_compiled_once() -> None:
    changes = msgspec.json.encode({"user_id": "body.me"}).decode()
    assert mapping_of("generic", changes) is mapping_of("generic", changes)
    assert mapping_of("generic", changes) is not mapping_of("stripe", changes)

"""Schemas of event types: which can be used, what they make of events, and what that may cost."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from beatline import event_schema
from beatline.catalogue import BUILT_IN, BUILT_IN_TYPES, Catalogue
from beatline.event_schema import (
    MOST_ERRORS,
    MOST_VALUES,
    SCHEMA_BYTES,
    UNEXPLAINED,
    Allowance,
    BadSchema,
    EventSchema,
    compile_schema,
    complaints,
    schema_text,
)
from beatline.events import Event, Reason, utc_now
from beatline.ingest.pipeline import STEPS, Draft, Rejection, run
from beatline.projects import Project
from collector.ingest.beatline import TRACK
from tests.unit.test_wire import JSON

PURCHASE = {
    "type": "object",
    "required": ["amount"],
    "properties": {"amount": {"type": "number", "minimum": 0}, "currency": {"enum": ["EUR", "USD"]}},
}
TREE = {"properties": {"child": {"$ref": "#"}, "name": {"type": "string"}}}


def compiled(schema: Any) -> EventSchema:
    """A schema, checked and compiled."""
    return compile_schema(schema_text(schema))


def wrong(schema: Any, properties: dict[str, Any], page_url: str | None = None) -> dict[str, list[str]]:
    """What is wrong with properties."""
    return complaints(compiled(schema), properties, page_url)


@pytest.fixture(autouse=True)
def time_to_explain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Explaining has all the time it may have."""
    monkeypatch.setattr(event_schema, "explaining", Allowance(1.0, 60.0))


# Schemas that cannot be used

BAD_SCHEMAS: list[tuple[Any, str, str]] = [
    (5, "schema", "Not an object"),
    ("{}", "schema", "Not an object"),
    ({"properties": {"a": {"type": "text"}}}, "schema.properties.a.type", '"text" is not valid'),
    ({"$schema": "http://json-schema.org/draft-07/schema#"}, "schema.$schema", "Only https://json-schema"),
    ({"$schema": 5}, "schema.$schema", "Only https://json-schema"),
    ({"pattern": "("}, "schema.pattern", "Not a regular expression"),
    ({"pattern": "(?=a)"}, "schema.pattern", "look-around"),
    ({"pattern": r"(a)\1"}, "schema.pattern", "back-references"),
    ({"pattern": "a{1000}{1000}"}, "schema.pattern", "too large"),
    ({"$ref": "#/$defs/none"}, "schema", "/$defs/none"),
    ({"$ref": "#none"}, "schema", "none"),
    ({"$ref": "https://example.com/schema"}, "schema", "https://example.com/schema"),
    ({"$ref": "file:///etc/passwd"}, "schema", "file:///etc/passwd"),
    ({"$defs": {"a": {"$id": "b"}}, "$ref": "#/$defs/a"}, "schema", "$id inside"),
    ({"title": "a" * SCHEMA_BYTES}, "schema", f"Larger than {SCHEMA_BYTES}"),
    ({"title": "\0"}, "schema", "NUL"),
]


@pytest.mark.parametrize(("schema", "place", "message"), BAD_SCHEMAS)
def test_a_bad_schema_is_refused_with_place_and_reason(schema: Any, place: str, message: str) -> None:
    with pytest.raises(BadSchema) as refused:
        schema_text(schema)
    assert refused.value.place == place
    assert message in refused.value.message


def doubling(levels: int) -> dict[str, Any]:
    """A small schema that applies 2 to the power of levels subschemas."""
    definitions: dict[str, Any] = {f"level{levels}": {"type": "object"}}
    for level in range(levels):
        next_level = {"$ref": f"#/$defs/level{level + 1}"}
        definitions[f"level{level}"] = {"allOf": [next_level, next_level]}
    return {"$defs": definitions, "$ref": "#/$defs/level0"}


def nested(levels: int) -> Any:
    """A schema with so many levels."""
    schema: Any = True
    for _ in range(levels):
        schema = {"not": schema}
    return schema


@pytest.mark.parametrize("schema", [doubling(40), nested(900), nested(400)], ids=["doubling", "deep", "less"])
def test_a_schema_that_would_cost_too_much_is_refused_at_once(schema: Any) -> None:
    with pytest.raises(BadSchema):
        schema_text(schema)


class Listener(BaseHTTPRequestHandler):
    """Notes who asks."""

    def do_GET(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")


@pytest.fixture
def listener() -> Iterator[HTTPServer]:
    """A web server that notes every request."""
    server = HTTPServer(("127.0.0.1", 0), Listener)
    server.asked = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_nothing_is_ever_fetched(listener: HTTPServer) -> None:
    url = f"http://127.0.0.1:{listener.server_port}/schema"
    for schema in (
        {"$ref": url}, {"$dynamicRef": url}, {"$id": url, "$ref": "other"}, {"$schema": url},
        {"properties": {"a": {"$ref": f"{url}#/$defs/a"}}}, {"$id": url}, {"$vocabulary": {url: True}},
        {"$defs": {"a": {"$schema": url}}, "$ref": "#/$defs/a"}, {"else": {"$ref": url}, "$ref": "#/else"},
    ):  # fmt: skip
        with suppress(BadSchema):
            wrong(schema, {"a": {}})
    assert listener.asked == []  # type: ignore[attr-defined]


# What schemas make of events

CASES: list[tuple[Any, dict[str, Any], dict[str, list[str]]]] = [
    (PURCHASE, {"amount": 3, "currency": "EUR", "more": [1]}, {}),
    (PURCHASE, {}, {"properties": ['"amount" is a required property']}),
    (PURCHASE, {"amount": "3"}, {"properties.amount": ['value is not of type "number"']}),
    (
        PURCHASE,
        {"amount": -1, "currency": "?"},
        {
            "properties.amount": ["value is less than the minimum of 0"],
            "properties.currency": ['value is not one of "EUR" or "USD"'],
        },
    ),
    (
        {"properties": {"items": {"items": {"required": ["sku"]}}}},
        {"items": [{"sku": 1}, {}]},
        {"properties.items.1": ['"sku" is a required property']},
    ),
    ({"properties": {"mail": {"format": "email"}}}, {"mail": "a@b.example"}, {}),
    (
        {"properties": {"mail": {"format": "email"}}},
        {"mail": "x"},
        {"properties.mail": ['value is not a "email"']},
    ),
    ({"properties": {"mail": {"format": "of our own"}}}, {"mail": "x"}, {}),
    (True, {"a": 1}, {}),
    ({"$ref": "#/$defs/a", "$defs": {"a": {"maxProperties": 1}}}, {"a": 1}, {}),
    (TREE, {"child": {"child": {"name": "leaf"}}}, {}),
    (TREE, {"child": {"child": {"name": 5}}}, UNEXPLAINED),
]


@pytest.mark.parametrize(("schema", "properties", "errors"), CASES)
def test_an_event_that_does_not_fit_is_explained(
    schema: Any, properties: dict[str, Any], errors: dict[str, list[str]]
) -> None:
    assert wrong(schema, properties) == errors


CLOSED = {"properties": {"amount": {}, "$lib": {}}, "additionalProperties": False}


@pytest.mark.parametrize(
    ("schema", "properties", "page_url", "fits"),
    [
        (CLOSED, {"amount": 1, "$lib": "web", "$client_timestamp": "…"}, None, True),
        (CLOSED, {"amount": 1}, "/page", True),
        (CLOSED, {"amount": 1, "page_url": "/page"}, "/page", False),
        (CLOSED, {"other": 1}, None, False),
        ({"required": ["$lib"]}, {}, None, False),
        ({"required": ["page_url"]}, {}, "/page", True),
        ({"required": ["page_url"]}, {}, None, False),
        ({"allOf": [{"properties": {"page_url": {"pattern": "^/"}}}]}, {}, "https://x", False),
        ({"properties": {"page_url": {"pattern": "^/"}}}, {"page_url": "https://x"}, "/page", True),
    ],
)
def test_a_schema_sees_what_it_names(
    schema: Any, properties: dict[str, Any], page_url: str | None, fits: bool
) -> None:
    assert (wrong(schema, properties, page_url) == {}) is fits


@pytest.mark.parametrize("event_type", BUILT_IN)
@given(
    properties=st.dictionaries(
        st.sampled_from(
            ["url", "title", "text", "xpath", "element_id", "latitude", "longitude", "accuracy", "page_url"]
        ),
        st.integers(-200, 200) | st.floats(-200, 200) | st.text(max_size=3) | st.just("x" * 1_001) | JSON,
        max_size=4,
    )
)
@example({"url": "x" * 2_048, "latitude": 90, "longitude": -180.0, "accuracy": 0, "page_url": "/"})
@example({"url": "x" * 2_049, "latitude": 90.1, "longitude": 0, "page_url": ""})
@example({"url": "", "title": None, "latitude": True, "longitude": 0})
def test_built_in_schemas_say_the_same_as_the_structs(event_type: str, properties: dict[str, Any]) -> None:
    try:
        msgspec.convert(properties, BUILT_IN_TYPES[event_type])
        fits = True
    except msgspec.ValidationError:
        fits = False
    assert (complaints(compile_schema(BUILT_IN[event_type]), properties, None) == {}) is fits


# What telling may cost


def test_few_errors_are_told_and_briefly() -> None:
    schema = {"additionalProperties": {"type": "string"}}
    errors = wrong(schema, {f"{'x' * 500}{number}": number for number in range(50)})
    assert 0 < sum(map(len, errors.values())) <= MOST_ERRORS
    assert max(map(len, errors)) <= 200


def test_a_huge_event_is_refused_without_telling_why() -> None:
    strings = {"properties": {"a": {"items": {"type": "string"}}}}
    assert wrong({"anyOf": [strings, strings]}, {"a": list(range(500_000))}) == UNEXPLAINED
    assert wrong(strings, {"a": list(range(MOST_VALUES - 2))}) != UNEXPLAINED
    assert wrong(strings, {"a": list(range(MOST_VALUES))}) == UNEXPLAINED


def test_an_event_that_is_nested_through_a_schema_of_itself_is_refused_at_once() -> None:
    branches = [{"required": [name], "properties": {"child": {"$ref": "#"}}} for name in ("x", "y", "z")]
    properties: dict[str, Any] = {}
    for _ in range(90):
        properties = {"child": properties}
    assert wrong({"anyOf": branches}, properties) == UNEXPLAINED


def test_explaining_has_a_share_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    allowance = Allowance(0.1, 0.5, lambda: now)
    monkeypatch.setattr(event_schema, "explaining", allowance)
    told = {"properties.amount": ['value is not of type "number"']}
    assert wrong(PURCHASE, {"amount": ""}) == told
    assert allowance.left < 0.5

    allowance.spend(1.0)
    assert wrong(PURCHASE, {"amount": ""}) == UNEXPLAINED
    now = 4.0
    assert wrong(PURCHASE, {"amount": ""}) == UNEXPLAINED
    now = 6.0
    assert wrong(PURCHASE, {"amount": ""}) == told


# The step of the pipeline


def piped(catalogue: Catalogue | None, event: dict[str, Any]) -> tuple[Event | Rejection, Draft]:
    """What the pipeline makes of an event."""
    project = Project(1, catalogue=catalogue)
    draft = Draft(json.dumps(event).encode(), TRACK, project, utc_now(), 2**20)
    return run(draft, [0.0] * len(STEPS)), draft


BAD = {"event_type": "purchase", "properties": {"amount": "3"}}
SCHEMAS: dict[str, str | None] = {"purchase": json.dumps(PURCHASE), "anything": None}


def test_off_takes_it() -> None:
    event, draft = piped(None, BAD)
    assert isinstance(event, Event)
    assert (bytes(event.properties), draft.flagged) == (b'{"amount":"3"}', False)


def test_flag_stores_it_and_says_what_is_wrong() -> None:
    event, draft = piped(Catalogue(1, False, SCHEMAS), BAD)
    assert isinstance(event, Event)
    errors = ['properties.amount: value is not of type "number"']
    assert msgspec.json.decode(event.properties) == {"amount": "3", "$schema_errors": errors}
    assert draft.flagged


def test_enforce_refuses_it_and_keeps_it_as_it_would_be_stored() -> None:
    rejection, draft = piped(Catalogue(1, True, SCHEMAS), BAD)
    errors = {"properties.amount": ['value is not of type "number"']}
    assert rejection == Rejection(Reason.SCHEMA, errors)
    assert draft.understood
    assert bytes(draft.event.properties) == b'{"amount":"3"}'


@pytest.mark.parametrize("event_type", ["anything", "unknown"])
def test_a_type_without_a_schema_passes(event_type: str) -> None:
    event, _ = piped(Catalogue(1, True, SCHEMAS), BAD | {"event_type": event_type})
    assert isinstance(event, Event)


def test_a_schema_that_cannot_be_used_is_left_out() -> None:
    event, _ = piped(Catalogue(1, True, {"purchase": '{"type": "nothing"}'}), BAD)
    assert isinstance(event, Event)


def test_what_the_pipeline_adds_offends_no_schema() -> None:
    closed = json.dumps({"properties": {"amount": {}}, "additionalProperties": False})
    skewed = BAD | {"timestamp": "2026-01-01T00:00:00Z", "sent_at": "2026-01-01T00:00:01Z"}
    event, _ = piped(Catalogue(1, True, {"purchase": closed}), skewed)
    assert isinstance(event, Event)
    assert b"$client_timestamp" in bytes(event.properties)

"""The two descriptions of an event, msgspec's and marshmallow's, take and refuse the same."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from beatline.catalogue import PAYLOADS
from beatline.events import utc_now
from beatline.ingest.pipeline import STEPS, Draft, Rejection, run
from beatline.ingest.wire import (
    PAYLOAD_SCHEMAS,
    SimpleEvent,
    SimpleEventSchema,
    TrackedEvent,
    TrackedEventSchema,
    explain,
)
from beatline.projects import Project
from collector.ingest.beatline import EVENTS, TRACK

SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e6, 1e6) | st.text(max_size=210)
)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2)
)
TRACKED_FIELDS = [field.encode_name for field in msgspec.structs.fields(TrackedEvent)]
PAYLOAD_FIELDS = sorted(
    {f.encode_name for payload in PAYLOADS.values() for f in msgspec.structs.fields(payload)}
)
PAYLOAD = st.dictionaries(st.sampled_from(PAYLOAD_FIELDS), JSON, max_size=4)
DEGREES = st.integers(-200, 200) | st.floats(-200, 200)
LOCATION = st.fixed_dictionaries({"latitude": DEGREES, "longitude": DEGREES}, optional={"accuracy": DEGREES})


def test_both_name_the_same_fields() -> None:
    assert set(TRACKED_FIELDS) == set(TrackedEventSchema().fields)
    simple = {field.encode_name for field in msgspec.structs.fields(SimpleEvent)}
    assert simple == set(SimpleEventSchema().fields)
    assert PAYLOADS.keys() == PAYLOAD_SCHEMAS.keys()
    for name, payload in PAYLOADS.items():
        fields = {field.encode_name for field in msgspec.structs.fields(payload)}
        assert fields == set(PAYLOAD_SCHEMAS[name]().fields)


def result(protocol: Any, data: Any) -> Any:
    """What the pipeline makes of data."""
    draft = Draft(json.dumps(data).encode(), protocol, Project(1), utc_now(), 2**20)
    return run(draft, [0.0] * len(STEPS))


def agree(protocol: Any, data: Any) -> None:
    """The pipeline refuses data as invalid exactly when the schema finds errors in it."""
    outcome = result(protocol, data)
    errors = explain(protocol.schema, data)
    if isinstance(outcome, Rejection):
        if outcome.reason == "invalid":
            assert errors == outcome.errors
            assert errors
    else:
        assert not errors


@given(st.dictionaries(st.sampled_from(TRACKED_FIELDS), JSON, max_size=5) | JSON)
@example({"event_type": "x", "properties": {"a": 1}})
def test_tracked_events_are_judged_alike(data: Any) -> None:
    agree(TRACK, data | {"event_type": "x"} if isinstance(data, dict) and len(data) % 2 else data)


@pytest.mark.parametrize("event_type", ["view", "click", "location", "other"])
@given(payload=PAYLOAD | LOCATION | JSON, user_id=st.just("u") | SCALARS)
def test_simple_events_are_judged_alike(event_type: str, payload: Any, user_id: Any) -> None:
    agree(EVENTS, {"user_id": user_id, "event_type": event_type, "payload": payload})

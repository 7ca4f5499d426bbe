"""Taking a batch apart."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.ingest.batch import split_batch, split_by_brackets


class Batch(msgspec.Struct):
    """A body with events."""

    events: list[msgspec.Raw]


DECODER = msgspec.json.Decoder(Batch)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.lists(JSON, min_size=1), st.dictionaries(st.text().filter(lambda key: key != "events"), JSON))
def test_brackets_split_sound_json_as_the_decoder_does(events: list[Any], around: dict[str, Any]) -> None:
    body = json.dumps(around | {"events": events} | around).encode()
    found, rest = split_by_brackets(body, "events")
    assert [json.loads(event) for event in found] == events
    assert json.loads(rest) == around | {"events": []}


@pytest.mark.parametrize(
    ("body", "events"),
    [
        (b'{"events":[{"a":"\\ud800"},{"b":1}]}', [b'{"a":"\\ud800"}', b'{"b":1}']),
        (b'{"events": [ {"a":"\xff"} , 2 ] }', [b'{"a":"\xff"}', b"2"]),
        (b'{"x":[1],"events":["]}","\\ud800"]}', [b'"]}"', b'"\\ud800"']),
    ],
)
def test_a_bad_event_is_cut_out(body: bytes, events: list[bytes]) -> None:
    assert [bytes(event).strip() for event in split_batch(body, DECODER, "events").events] == events


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"events":[',
        b'{"events":[{"a":"\\ud800"}',
        b'{"events":[{]}',
        b'{"events":[]}}',
        b'"\\ud800"',
    ],
)
def test_an_unsound_body_is_refused(body: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        split_batch(body, DECODER, "events")

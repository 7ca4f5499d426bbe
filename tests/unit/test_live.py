"""The live preview without its sockets: what is published, what filters pass, what a slow reader is shown."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDict

from beatline.events import Event
from beatline.live import Allowance, LiveEvent, Published, encode_events, sample
from beatline.settings import Settings
from collector.api.live_place import live_url
from collector.live import reader as reader_module
from collector.live.filters import BadFilter, Filter, Matched, filter_of_message, filter_of_query
from collector.live.hub import MESSAGE_BYTES, MESSAGE_EVENTS, choose, parts
from collector.live.reader import FULL, SAMPLE_EVENTS, Message, Reader, events_message
from tests.fixtures import loops
from tests.fixtures.storage import make_event, make_events

INTERNAL = {"profile", "client_id"}  # fields of an Event that are no columns of the events table


def raw_events(events: Sequence[Event]) -> list[msgspec.Raw]:
    """Events as a live server gets them."""
    return msgspec.json.decode(encode_events(events), type=Published).events


def test_readers_get_every_column_of_an_event() -> None:
    assert set(LiveEvent.__struct_fields__) == set(Event.__struct_fields__) - INTERNAL


def test_published_events_are_the_events() -> None:
    event = make_event(event_type="buy", page_url="/a", client_id=True, properties=msgspec.Raw(b'{"a":[1]}'))
    message = msgspec.json.decode(encode_events([event], left_out=3))
    assert message["left_out"] == 3
    assert message["events"] == [{
        "project_id": 1, "event_id": str(event.event_id), "ts": "2026-03-04T12:00:00Z",
        "received_at": "2026-03-04T12:00:00Z", "event_type": "buy", "user_id": "u", "page_url": "/a",
        "properties": {"a": [1]},
    }]  # fmt: skip


def test_line_breaks_between_json_tokens_cannot_end_an_sse_line() -> None:
    properties = msgspec.Raw(b'{\r\n"a":\n"b\\n"}')
    (raw,) = raw_events([make_event(properties=properties)])
    assert not {b"\r", b"\n"} & {bytes([byte]) for byte in bytes(raw)}
    assert msgspec.json.decode(raw)["properties"] == {"a": "b\n"}


@given(st.lists(st.integers(1, 1_000), max_size=50), st.integers(0, 20_000))
def test_a_sample_fits_and_is_whole_when_all_fit(sizes: list[int], room: int) -> None:
    events = make_events(len(sizes))
    kept, size = sample(events, sizes, room)
    by_id = {id(event): size_of_it for event, size_of_it in zip(events, sizes, strict=True)}
    assert size == sum(by_id[id(event)] for event in kept) <= max(room, 0)
    if sum(sizes) <= room:
        assert list(kept) == events


def test_a_sample_is_taken_evenly() -> None:
    kept, size = sample(make_events(1_000), [10] * 1_000, 1_000)
    assert size == 1_000
    assert [int(event.user_id or "") for event in kept] == list(range(9, 1_000, 10))


def test_an_allowance_refills_up_to_its_burst() -> None:
    allowance = Allowance(rate=10, burst=100)
    allowance.available(1_000.0)
    allowance.spend(100)
    assert allowance.available(1_000.0) == 0
    assert allowance.available(1_003.0) == 30
    assert allowance.available(2_000.0) == 100


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", Filter()),
        ("project_id=7", Filter(project_id=7)),
        ("event_type=a&event_type=b", Filter(event_type=frozenset({"a", "b"}))),
        ("user_id=u&page_url=/a", Filter(user_id="u", page_url="/a")),
        ("token=secret", Filter()),
    ],
)
def test_a_query_is_a_filter(query: str, expected: Filter) -> None:
    assert filter_of_query(parsed(query)) == expected


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("project_id=0", "project_id"),
        ("project_id=x", "project_id"),
        ("project_id=99999999999", "project_id"),
        ("event_type=", "event_type"),
        ("&".join(["event_type=a"] * 101), "event_type"),
        ("user_id=", "user_id"),
        ("page_url=" + "x" * 2_001, "page_url"),
        ("eventtype=a", "eventtype"),
    ],
)
def test_a_bad_query_is_told_by_field(query: str, field: str) -> None:
    with pytest.raises(BadFilter) as caught:
        filter_of_query(parsed(query))
    assert list(caught.value.errors) == [field]


def parsed(query: str) -> MultiDict[str]:
    """A query string as aiohttp parses it."""
    return MultiDict(tuple(pair.split("=", 1)) for pair in query.split("&") if pair)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ('{"type":"filter"}', Filter(project_id=7)),
        ('{"type":"filter","project_id":2}', Filter(project_id=2)),
        ('{"type":"filter","event_type":"a"}', Filter(project_id=7, event_type=frozenset({"a"}))),
        ('{"type":"filter","event_type":["a","b"]}', Filter(project_id=7, event_type=frozenset({"a", "b"}))),
        (b'{"type":"filter","event_type":[],"user_id":"u"}', Filter(project_id=7, user_id="u")),
    ],
)
def test_a_message_is_a_filter_of_the_project_it_was(message: str | bytes, expected: Filter) -> None:
    assert filter_of_message(message, project_id=7) == expected


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ("", "message"),
        (b"\xff", "message"),
        ("[" * 100_000, "message"),
        ('"filter"', "message"),
        ("{}", "type"),
        ('{"type":"unsubscribe"}', "type"),
        ('{"type":"filter","event_type":{"a":1}}', "event_type"),
        ('{"type":"filter","event_type":[1]}', "event_type"),
        ('{"type":"filter","user_id":null}', "user_id"),
        ('{"type":"filter","user":"u"}', "user"),
    ],
)
def test_a_bad_message_is_told_by_field(message: str | bytes, field: str) -> None:
    with pytest.raises(BadFilter) as caught:
        filter_of_message(message, project_id=7)
    assert list(caught.value.errors) == [field]


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (Filter(), "1234"),
        (Filter(event_type=frozenset({"view"})), "12"),
        (Filter(event_type=frozenset({"view", "buy"})), "123"),
        (Filter(user_id="ann"), "13"),
        (Filter(page_url="/a"), "1"),
        (Filter(event_type=frozenset({"buy"}), user_id="ann"), "3"),
        (Filter(event_type=frozenset({"buy"}), user_id="bob"), ""),
    ],
)
def test_a_filter_passes_what_fits_all_of_it(chosen: Filter, expected: str) -> None:
    events = {
        "1": Matched("view", "ann", "/a"), "2": Matched("view", "bob", "/b"),
        "3": Matched("buy", "ann"), "4": Matched("end"),
    }  # fmt: skip
    assert "".join(name for name, event in events.items() if chosen.passes(event)) == expected
    assert chosen.passes_all == (chosen == Filter())


def test_events_are_chosen_for_each_filter() -> None:
    raws = raw_events([make_event(event_type=name) for name in "aba"])
    chosen = choose(raws, [Filter(event_type=frozenset("b")), Filter(), Filter(event_type=frozenset("c"))])
    assert [list(some) for some in chosen] == [[raws[1]], raws, []]


def test_messages_are_neither_too_many_events_nor_too_large() -> None:
    small = raw_events(make_events(2 * MESSAGE_EVENTS + 1))
    assert [len(part) for part in parts(small)] == [MESSAGE_EVENTS, MESSAGE_EVENTS, 1]
    large = raw_events(make_events(5, properties=msgspec.Raw(b'"%b"' % (b"x" * (MESSAGE_BYTES // 2)))))
    assert [len(part) for part in parts(large)] == [1] * 5
    assert list(parts([])) == []


def message_of(count: int) -> Message:
    """A message of so many events."""
    return events_message(raw_events(make_events(count)))


def drain(reader: Reader) -> list[Message]:
    """Everything that a reader is given now."""
    return list(iter(reader.next, None))


def contents(messages: Sequence[Message]) -> list[Any]:
    """What messages say, their events as a number."""
    return [message.events or msgspec.json.decode(message.json) for message in messages]


@pytest.fixture
def small_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader's queue holds two messages of 100 events."""
    monkeypatch.setattr(reader_module, "QUEUE_BYTES", int(2.5 * len(message_of(100).json)))


def test_a_reader_that_keeps_up_gets_every_message_as_it_is() -> None:
    reader = Reader(Filter())
    messages = [message_of(100), message_of(1)]
    for message in messages:
        reader.offer(message)
    assert drain(reader) == messages


@pytest.mark.usefixtures("small_queue")
def test_a_slow_reader_is_shown_a_sample_is_told_and_gets_all_again() -> None:
    reader = Reader(Filter())
    for _ in range(5):
        reader.offer(message_of(100))
    assert reader.sampling

    told, *shown, full = drain(reader)
    missing = 500 - sum(message.events for message in shown)
    assert contents([told]) == [{"type": "sampling", "reason": "slow", "left_out": missing}]
    assert contents(shown) == [100, 100, SAMPLE_EVENTS, SAMPLE_EVENTS]
    assert full is FULL
    assert not reader.sampling

    reader.offer(message_of(100))
    assert contents(drain(reader)) == [100]


@pytest.mark.usefixtures("small_queue")
def test_a_stuck_reader_holds_no_more_than_its_queue() -> None:
    counted: Counter[str] = Counter()
    reader = Reader(Filter(), lambda reason, events: counted.update({reason: events}))
    for _ in range(1_000):
        reader.offer(message_of(20))
    assert reader.queued_bytes == sum(len(message.json) for message in reader.queue)
    assert reader.queued_bytes <= reader_module.QUEUE_BYTES
    waiting = sum(message.events for message in reader.queue)
    assert waiting + reader.left_out["slow"] == 20_000
    assert counted == reader.left_out


@pytest.mark.usefixtures("small_queue")
def test_a_message_larger_than_the_queue_is_shown_when_it_is_alone() -> None:
    reader = Reader(Filter())
    reader.offer(message_of(500))
    assert contents(drain(reader)) == [500]


def test_events_that_nobody_is_shown_are_told_once() -> None:
    reader = Reader(Filter())
    reader.leave_out(5)
    reader.leave_out(0)
    reader.leave_out(6)
    assert contents(drain(reader)) == [{"type": "sampling", "reason": "rate", "left_out": 11}]


def test_another_filter_forgets_what_the_old_one_chose() -> None:
    reader = Reader(Filter())
    reader.offer(message_of(1))
    reader.change(Filter(user_id="u"))
    reader.offer(message_of(2))
    told = {"type": "filter", "filter": {"project_id": 1, "event_type": [], "user_id": "u"}}
    assert contents(drain(reader)) == [told, 2]
    assert reader.queued_bytes == 0


def test_a_reader_waits_for_a_message_and_ends_when_told() -> None:
    async def scenario() -> list[Message | None]:
        reader = Reader(Filter())
        getting = asyncio.create_task(reader.get())
        await asyncio.sleep(0)
        assert not getting.done()
        reader.offer(message)
        first = await getting
        getting = asyncio.create_task(reader.get())
        await asyncio.sleep(0)
        reader.end()
        return [first, await getting]

    message = message_of(1)
    assert loops.run(scenario()) == [message, None]


def test_a_message_of_events_is_one_sse_event_with_the_last_id() -> None:
    events = make_events(2)
    message = events_message(raw_events(events))
    identity, kind, data, *rest = message.sse.decode().split("\n")
    assert identity == f"id: {events[1].event_id}"
    assert kind == "event: events"
    shown = msgspec.json.decode(data.removeprefix("data: "))
    assert [event["user_id"] for event in shown["events"]] == ["0", "1"]
    assert rest == ["", ""]


@pytest.mark.parametrize(
    ("host_url", "public_url", "expected"),
    [
        ("http://127.0.0.1:8000/", None, "http://127.0.0.1:8001"),
        ("https://example.com/", None, "https://example.com:8001"),
        ("http://[::1]:8000/", None, "http://[::1]:8001"),
        ("http://127.0.0.1:8000/", "https://example.com/", "https://example.com"),
    ],
)
def test_the_live_preview_is_on_the_same_host_unless_told(
    host_url: str, public_url: str | None, expected: str
) -> None:
    assert live_url(Settings(live_url=public_url), host_url) == expected

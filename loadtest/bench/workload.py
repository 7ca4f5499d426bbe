"""What is sent: the demo shop's events (beatline.shop), as requests and as rows of the events table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from random import Random
from typing import Any

import msgspec

from beatline.events import DEFAULT_PROJECT, Event, utc_now, uuid7
from beatline.shop import ShopEvent, walk
from loadtest.bench.load_client import NUMBER, post

CROWD_RATE = 100  # the shop's events a second: about 300 visitors at once
SINGLE_REQUESTS = 5_000
BATCH_EVENTS = 500
BATCH_REQUESTS = 20
COLUMNS = (
    "project_id", "event_id", "ts", "received_at", "event_type",
    "user_id", "session_id", "page_url", "properties",
)  # fmt: skip
COPY = f"copy events ({', '.join(COLUMNS)}) from stdin"

Row = tuple[Any, ...]


def shop_events(count: int, seed: int = 1) -> list[ShopEvent]:
    """So many events of the shop, in the order in which they happen."""
    return list(islice(walk(Random(seed), CROWD_RATE), count))


def single_requests(path: str) -> list[bytes]:
    """Posts of one event each, no two alike."""
    return [post(path, msgspec.json.encode(event)) for event in shop_events(SINGLE_REQUESTS)]


def batch_requests(with_ids: bool) -> list[bytes]:
    """Posts of BATCH_EVENTS events each. with_ids: with random UUIDs as client ids, fresh each time."""
    events = shop_events(BATCH_REQUESTS * BATCH_EVENTS)
    rng = Random(2)
    sent_at = utc_now().isoformat()
    items = [
        event | {"timestamp": sent_at} | ({"event_id": client_id(rng)} if with_ids else {})
        for event in events
    ]
    return [
        post("/api/v1/analytics/batch/", msgspec.json.encode({"events": batch})) for batch in batches(items)
    ]


def client_id(rng: Random) -> str:
    """A UUID that starts at random and ends in the number of its request."""
    head = f"{rng.getrandbits(32):08x}-{rng.getrandbits(16):04x}-4{rng.getrandbits(12):03x}"
    return f"{head}-8{rng.getrandbits(12):03x}-{rng.getrandbits(16):04x}{NUMBER.decode()}"


def batches(items: Sequence[Any], size: int = BATCH_EVENTS) -> Iterator[Sequence[Any]]:
    """The items in groups of a size."""
    return (items[start : start + size] for start in range(0, len(items), size))


def rows(count: int, ts: datetime | None = None) -> list[Row]:
    """The same events as rows, in the order of COLUMNS."""
    at = ts or utc_now()
    return [
        (
            DEFAULT_PROJECT, uuid7(), at, at, event["event_type"], event["user_id"],
            event["session_id"], event["page_url"], msgspec.json.encode(event["properties"]).decode(),
        )
        for event in shop_events(count)
    ]  # fmt: skip


def stored_events(times: Sequence[datetime], seed: int = 1) -> list[Event]:
    """The shop's events as the writer takes them, one at each of the times."""
    return [
        Event(
            DEFAULT_PROJECT, uuid7(), at, at, event["event_type"], event["user_id"],
            session_id=event["session_id"], page_url=event["page_url"],
            properties=msgspec.Raw(msgspec.json.encode(event["properties"])),
        )
        for at, event in zip(times, shop_events(len(times), seed), strict=True)
    ]  # fmt: skip

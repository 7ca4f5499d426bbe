"""When an event happened, by the client's clock and ours (CONTRACTS, section 10)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from beatline.events import Event, Reason
from beatline.ingest.pipeline import STEPS, Draft, Rejection, run
from beatline.projects import Project
from collector.ingest.beatline import TRACK

RECEIVED = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def piped(**times: Any) -> Event | Rejection:
    """An event with these times, received at RECEIVED."""
    body = json.dumps({"event_type": "x", **times}).encode()
    return run(Draft(body, TRACK, Project(1), RECEIVED, 2**20), [0.0] * len(STEPS))


@pytest.mark.parametrize(
    ("timestamp", "sent_at", "ts"),
    [
        (None, None, RECEIVED),
        (None, "2026-11-22T11:00:00Z", RECEIVED),
        ("2026-11-22T11:59:00Z", None, RECEIVED - HOUR / 60),
        ("2026-11-22T11:59:00", None, RECEIVED - HOUR / 60),
        ("2026-11-22T13:59:00+02:00", None, RECEIVED - HOUR / 60),
        ("2026-11-22T11:59:00.123456Z", None, RECEIVED - HOUR / 60 + timedelta(microseconds=123456)),
        ("2026-11-22T10:59:00Z", "2026-11-22T11:00:00Z", RECEIVED - HOUR / 60),
        ("2026-11-22T12:59:00Z", "2026-11-22T13:00:00Z", RECEIVED - HOUR / 60),
        ("2030-01-01T00:00:00Z", "2030-01-01T01:00:00Z", RECEIVED - HOUR),
        ("1970-01-01T00:00:00Z", "1970-01-01T01:00:00Z", RECEIVED - HOUR),
        ("2020-05-05T00:00:00Z", "2026-11-22T11:59:59.5Z", datetime(2020, 5, 5, tzinfo=UTC)),
        ("2026-11-22T11:59:00Z", "nonsense", RECEIVED - HOUR / 60),
        ("2026-11-22T11:59:00Z", "0001-01-01T00:00:00+23:00", RECEIVED - HOUR / 60),
        ("2026-11-24T12:00:00Z", None, RECEIVED),
    ],
)
def test_ts(timestamp: str | None, sent_at: str | None, ts: datetime) -> None:
    event = piped(timestamp=timestamp, sent_at=sent_at)

    assert isinstance(event, Event)
    assert event.ts == ts
    kept = json.loads(bytes(event.properties)).get("$client_timestamp")
    changed = timestamp is not None and ts != datetime.fromisoformat(timestamp).replace(tzinfo=UTC)
    assert kept == (timestamp if changed and "+02" not in timestamp else None)


@pytest.mark.parametrize("timestamp", ["yesterday", "2026-13-01", "1969-12-31T23:59:59Z", "2200-01-01"])
def test_a_time_that_cannot_be_is_refused(timestamp: str) -> None:
    rejection = piped(timestamp=timestamp)

    assert isinstance(rejection, Rejection)
    assert rejection.reason is Reason.TIMESTAMP

"""Somebody who watches events arrive, over server-sent events.

Each message is a request of Locust's statistics; its time is how long its last event took from the
collector's receipt until it was shown.
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

from locust import User, constant, task

from loadtest.users.plan import AS_ADMIN, PLAN, SENT_TWICE

NAME = "live_stream_reader SSE /api/v1/live/events"
SILENCE_SECONDS = 30.0  # a comment comes every 15 s
shown: set[str] = set()  # ids of events that any reader was shown: all have to be stored


class LiveStreamReader(User):
    """Reads a stream until the end of the run: nothing twice, and nothing that is not stored."""

    fixed_count = 2
    wait_time = constant(0)

    def on_start(self) -> None:
        """Connect."""
        self.seen: set[str] = set()
        self.connection = HTTPConnection(urlsplit(PLAN["live_url"]).netloc, timeout=SILENCE_SECONDS)
        self.connection.request("GET", "/api/v1/live/events", headers=AS_ADMIN)
        self.stream = self.connection.getresponse()
        if self.stream.status != 200:
            self.tell(0.0, 0, f"{self.stream.status}: {self.stream.read(200)!r}")

    def on_stop(self) -> None:
        """Hang up."""
        self.connection.close()

    @task
    def read(self) -> None:
        """Read one message."""
        try:
            data = next_data(self.stream)
        except (OSError, ValueError) as error:
            self.tell(0.0, 0, f"the stream broke off: {error}")
            time.sleep(1)
            self.on_start()
            return
        message = json.loads(data)
        if message["type"] == "events":
            twice = [event for event in message["events"] if self.is_repeated(event)]
            ids = [event["event_id"] for event in message["events"]]
            self.seen.update(ids)
            shown.update(ids)
            wrong = f"shown twice: {len(twice)} events" if twice else ""
            self.tell(delay_ms(message["events"][-1]["received_at"]), len(data), wrong)
        elif message["type"] in ("error", "away"):
            self.tell(0.0, len(data), f"{message}")

    def is_repeated(self, event: dict[str, Any]) -> bool:
        """Whether an event was shown before that was sent only once."""
        return event["event_id"] in self.seen and not event["properties"].get(SENT_TWICE)

    def tell(self, milliseconds: float, length: int, wrong: str) -> None:
        """Enter a message into Locust's statistics."""
        self.environment.events.request.fire(
            request_type="SSE", name=NAME, response_time=milliseconds, response_length=length,
            exception=AssertionError(wrong) if wrong else None, context={},
        )  # fmt: skip


def next_data(stream: HTTPResponse) -> bytes:
    """The data of the next message. Raises OSError when the stream is over."""
    while line := stream.readline():
        if line.startswith(b"data: "):
            return line[6:]
    raise OSError("the server hung up")


def delay_ms(received_at: str) -> Any:
    """Milliseconds since a time."""
    return (datetime.now(UTC) - datetime.fromisoformat(received_at)).total_seconds() * 1000

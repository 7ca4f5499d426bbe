"""A page's SDK: one event at a time, each with an id of its own, as the visitor goes from page to page."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

from locust import constant_throughput, task

from loadtest.users.ingesting import Check, IngestingUser
from loadtest.users.plan import EVENTS_A_USER


class BrowserSdk(IngestingUser):
    """Beatline's own tracker and Segment's SDK in turns, two of one and one of the other."""

    kind = "browser_sdk"
    weight = 6
    wait_time = constant_throughput(EVENTS_A_USER)

    @task(2)
    def track(self) -> None:
        """POST /track, which has to name the id that the event came with."""
        event, key = self.event()
        event_id = str(uuid4())
        body = json.dumps(event | {"event_id": event_id}).encode()
        self.send("/track", body, [key], 202, is_answer({"event_id": event_id}))

    @task(1)
    def segment(self) -> None:
        """POST /v1/t, as analytics.js sends it."""
        event, key = self.event()
        call = {
            "type": "track",
            "event": event["event_type"],
            "userId": event["user_id"],
            "messageId": f"ajs-next-{uuid4()}",
            "properties": event["properties"],
            "context": {"page": {"url": event["page_url"]}},
        }
        self.send("/v1/t", json.dumps(call).encode(), [key], 200, is_answer({"success": True}))


def is_answer(wanted: dict[str, Any]) -> Check:
    """The check that an answer is just this one."""
    return lambda answer: "" if answer == wanted else f"{answer}"[:200]

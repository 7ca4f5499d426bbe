"""A shop system that signs what it sends: one webhook for each event."""

from __future__ import annotations

import hmac
import json
import time
from hashlib import sha256

from locust import constant_throughput, task

from loadtest.users.ingesting import IngestingUser, accepted
from loadtest.users.plan import EVENTS_A_USER, PLAN

SOURCE, SECRET = PLAN["webhook"]["source"], PLAN["webhook"]["secret"]


class WebhookSender(IngestingUser):
    """POST /webhooks/in/<source>, signed as docs/webhooks.md says."""

    kind = "webhook_sender"
    weight = 1
    wait_time = constant_throughput(EVENTS_A_USER)

    @task
    def webhook(self) -> None:
        """Send one event under an id of its own."""
        event, key = self.event()
        body = json.dumps(event | {"id": key}).encode()
        headers = {"X-Beatline-Signature": signature(body, int(time.time()))}
        self.send(f"/webhooks/in/{SOURCE}", body, [key], 200, accepted(1), headers)


def signature(body: bytes, now: int) -> str:
    """The header over a time and a body."""
    signed = hmac.new(SECRET.encode(), f"{now}.".encode() + body, sha256)
    return f"t={now},v1={signed.hexdigest()}"

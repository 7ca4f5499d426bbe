"""A backend: batches of events every few seconds, with ids, so that it could send them again."""

from __future__ import annotations

import json
from uuid import uuid4

from locust import constant_throughput, task

from loadtest.users.ingesting import IngestingUser, accepted
from loadtest.users.plan import EVENTS_A_USER, SENT_TWICE

SIZE = 10


class BackendBatch(IngestingUser):
    """POST /api/v1/analytics/batch/ of SIZE events; every batch in ten is sent twice and stored once."""

    kind = "backend_batch"
    weight = 3
    wait_time = constant_throughput(EVENTS_A_USER / SIZE)

    @task
    def batch(self) -> None:
        """Send a batch, and some of them again, as after an answer that was lost."""
        made = [self.event() for _ in range(SIZE)]
        again = self.made % (10 * SIZE) == 0
        for event, _ in made:
            event["event_id"] = str(uuid4())
            event["properties"][SENT_TWICE] = again
        events = [event for event, _ in made]
        body = json.dumps({"events": events}).encode()
        keys = [key for _, key in made]
        self.send("/api/v1/analytics/batch/", body, keys, 200, accepted(SIZE))
        if again:
            self.send("/api/v1/analytics/batch/", body, keys, 200, accepted(SIZE))

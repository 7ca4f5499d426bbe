"""What users have in common who send events: visitors of the demo shop, and a memory of what was
acknowledged."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from itertools import count
from random import Random
from typing import Any

from locust import FastHttpUser

from beatline.shop import walk
from loadtest.users.plan import PLAN

ONE_VISITOR = 0.3  # the shop's events a second with a single visitor
BUSY = (429, 503)  # nothing was acknowledged: send again later
WORKER = f"{socket.gethostname()}-{os.getpid()}"
numbers = count()
acknowledged: list[str] = []  # keys of events that have to be stored
sent: list[str] = []  # keys of all events: those without an answer may be stored

Check = Callable[[Any], str]


class IngestingUser(FastHttpUser):
    """Somebody who sends events. Each event has a key among its properties that no other has."""

    abstract = True
    kind = ""

    def on_start(self) -> None:
        """Become a visitor; what they do follows from the seed and their number."""
        number = next(numbers)
        self.who = f"{PLAN['run']}-{WORKER}-{number}"
        self.made = 0
        self.visitor = walk(Random(f"{PLAN['seed']} {self.kind} {number}"), ONE_VISITOR)

    def event(self) -> tuple[dict[str, Any], str]:
        """The visitor's next event and its key."""
        self.made += 1
        key = f"{self.who}-{self.made}"
        event = dict(next(self.visitor))
        event["properties"] = {**event["properties"], "key": key}  # type: ignore[dict-item]
        return event, key

    def send(  # noqa: PLR0913, PLR0917 - each is a part of the request or of what is expected of it
        self,
        path: str,
        body: bytes,
        keys: list[str],
        status: int,
        check: Check,
        headers: dict[str, str] | None = None,
    ) -> None:
        """Post events. check: what is wrong with the JSON of the answer, "" when nothing is."""
        headers = {"Content-Type": "application/json", **(headers or {})}
        name = f"{self.kind} POST {path}"
        sent.extend(keys)
        with self.client.post(path, data=body, headers=headers, name=name, catch_response=True) as answer:
            if answer.status_code == 0:
                answer.failure(f"no answer: {answer.error}")
            elif answer.status_code in BUSY:
                retry_after = (answer.headers or {}).get("Retry-After")
                answer.failure(f"refused, {answer.status_code}, Retry-After {retry_after}")
            elif answer.status_code != status:
                answer.failure(f"{answer.status_code} instead of {status}: {answer.text[:200]}")
            elif wrong := check(json.loads(answer.content)):
                answer.failure(f"wrong answer: {wrong}")
            else:
                acknowledged.extend(keys)
                answer.success()


def accepted(number: int) -> Check:
    """The check of an answer that has to count so many events as accepted and none as rejected."""

    def check(answer: Any) -> str:
        return "" if answer == {"accepted": number, "rejected": []} else f"{answer}"[:200]

    return check

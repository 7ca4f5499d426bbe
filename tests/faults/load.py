"""A load of honest clients: they remember what was acknowledged, and repeat only what may be repeated."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException
from threading import Event as StopSignal
from threading import Thread
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from tests.fixtures.storage import wait_until

TRACK, BATCH = "/track", "/api/v1/analytics/batch/"
CLIENTS = 6
PAUSE_SECONDS = 0.01  # between two requests of a client
SIZES = (1, 1, 1, 1, 2, 5, 10)
ANSWER_SECONDS = 30.0
HANGS_UP = 0.1  # how often a client goes before its answer comes, where it may send again
OLD = [datetime(year, 5, 5, tzinfo=UTC) for year in (2001, 2012, 2024, 2025)]

Event = dict[str, Any]
Answer = tuple[int, Any]


@dataclass
class Client:
    """One client on a connection that it keeps. An event is known by the key in its properties."""

    name: str
    url: str
    chance: random.Random
    stop: StopSignal
    sizes: Sequence[int]  # of its requests, in events
    made: int = 0  # events so far
    acknowledged: set[str] = field(default_factory=set)
    refused: int = 0  # answers 503
    unexpected: list[Answer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.connection = HTTPConnection(urlsplit(self.url).netloc, timeout=ANSWER_SECONDS)

    def run(self) -> None:
        """Send until told to stop."""
        while not self.stop.wait(PAUSE_SECONDS):
            events = [self.make_event() for _ in range(self.chance.choice(self.sizes))]
            if self.chance.random() < 0.5:
                self.send_until_acknowledged(events)
            else:
                self.send(events)
        self.connection.close()

    def make_event(self) -> Event:
        """A new event, without an id."""
        self.made += 1
        key = f"{self.name}-{self.made}"
        return {
            "event_type": self.chance.choice(["view", "page_view", "click"]),
            "user_id": self.chance.choice([None, "u1", "u2"]),
            "anonymous_id": self.chance.choice([None, "a1"]),
            "session_id": self.chance.choice([None, "s1", "s2", f"s{self.name}"]),
            "page_url": self.chance.choice(["/", "/a", "/b"]),
            "properties": {"key": key},
        }

    def send_until_acknowledged(self, events: list[Event]) -> None:
        """Send events under ids of ours again and again, each time with another timestamp, as clients that
        correct their clock do."""
        for event in events:
            event["event_id"] = str(UUID(int=self.chance.getrandbits(128)))
        while not self.send(events, hang_up=self.chance.random() < HANGS_UP):
            if self.stop.wait(PAUSE_SECONDS):
                return

    def send(self, events: list[Event], hang_up: bool = False) -> bool:
        """Send events once; whether they were acknowledged."""
        for event in events:
            event["timestamp"] = self.some_time()
        answer = self.post(events, hang_up)
        if answer is None:
            return False
        status, body = answer
        if status == 503:
            self.refused += 1
        elif (status, body) == (200, {"accepted": len(events), "rejected": []}) or status == 202:
            self.acknowledged.update(event["properties"]["key"] for event in events)
            return True
        else:
            self.unexpected.append(answer)
        return False

    def some_time(self) -> str | None:
        """No timestamp, a recent one or an old one."""
        recent = datetime.now(UTC) - timedelta(seconds=self.chance.uniform(0, 100))
        time = self.chance.choice([None, None, None, None, recent, recent, recent, self.chance.choice(OLD)])
        return time.isoformat() if time else None

    def post(self, events: list[Event], hang_up: bool) -> Answer | None:
        """Status and body of the answer; None when there was none, or nobody waited for it."""
        path, body = (TRACK, events[0]) if len(events) == 1 else (BATCH, {"events": events})
        try:
            self.connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
            if not hang_up:
                answer = self.connection.getresponse()
                return answer.status, json.loads(answer.read())
        except (OSError, HTTPException):
            pass
        self.connection.close()
        return None


@dataclass
class Load:
    """What all clients sent and heard so far."""

    clients: list[Client]

    def acknowledged(self) -> set[str]:
        """The keys of the events that were acknowledged."""
        return set().union(*(client.acknowledged for client in self.clients))

    def refusals(self) -> int:
        """How many requests were answered 503."""
        return sum(client.refused for client in self.clients)

    def unexpected(self) -> list[Answer]:
        """All other answers."""
        return [answer for client in self.clients for answer in client.unexpected]

    def wait_for(self, more: int) -> None:
        """Wait until so many more events are acknowledged."""
        enough = self.count() + more
        wait_until(lambda: self.count() >= enough)

    def count(self) -> int:
        """How many events were acknowledged."""
        return sum(len(client.acknowledged) for client in self.clients)


@contextmanager
def loading(url: str, name: str, seed: int, sizes: Sequence[int] = SIZES) -> Iterator[Load]:
    """Clients that send until the end of the block. What they do follows from name and seed."""
    stop = StopSignal()
    clients = [
        Client(f"{name}{number}", url, random.Random(f"{name} {seed} {number}"), stop, sizes)
        for number in range(CLIENTS)
    ]
    threads = [Thread(target=client.run, name=client.name) for client in clients]
    for thread in threads:
        thread.start()
    try:
        yield Load(clients)
    finally:
        stop.set()
        for thread in threads:
            thread.join()

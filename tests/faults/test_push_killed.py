"""Workers are killed while they send: each device shows every notification once, and none is lost."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from psycopg import Connection

from beatline.events import utc_now
from tests.faults import push_workers
from tests.faults.forked import kill, start
from tests.fixtures.notifications import LOOPBACK, deliveries, make_device, queue, webhook
from tests.fixtures.storage import wait_until
from tests.providers.https import HttpServer, Received, Reply, running

KILLS = 100
LONGEST_LIFE_SECONDS = 0.8  # from one kill to the next
NOTIFICATIONS = 4  # of each round
DEVICES = ("phone", "tablet")
LONGEST_STEP_SECONDS = 0.1  # of the provider, before and after it shows something
OPEN = """
    select (select count(*) from notifications where spread_at is null)
         + (select count(*) from deliveries where ended_at is null)"""


class Devices(HttpServer):
    """A provider and its devices: each keeps the ids and the titles of what it was sent."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[str, str]] = []  # (id, title)
        self.shown: dict[str, dict[str, str]] = defaultdict(dict)  # {device: {id: title}}
        self.lock = threading.Lock()

    def answer(self, request: Received) -> Reply:
        """Show it, unless a notification with its id is on the screen; as slow as the Internet."""
        time.sleep(random.uniform(0, LONGEST_STEP_SECONDS))
        delivery_id, title = request.headers["webhook-id"], json.loads(request.body)["data"]["title"]
        with self.lock:
            self.calls.append((delivery_id, title))
            self.shown[request.path][delivery_id] = title
        time.sleep(random.uniform(0, LONGEST_STEP_SECONDS))
        return Reply(204)


@pytest.fixture
def phones() -> Iterator[Devices]:
    """The provider."""
    with running(Devices()) as server:
        yield server


def test_each_device_shows_every_notification_once_when_workers_are_killed(
    workers_url: str, redis_url: str, tmp_path: Path, connection: Connection, phones: Devices, ann: UUID
) -> None:
    settings = {
        "database_url": workers_url, "redis_url": redis_url, "data": tmp_path, "webhook_networks": LOOPBACK
    }  # fmt: skip
    for name in DEVICES:
        make_device(connection, ann, webhook(phones, name))
    alive = [start(push_workers.main, settings), start(push_workers.main, settings)]
    try:
        queue(connection, [ann], utc_now(), key="first", title="first")
        wait_until(lambda: len(phones.calls) > 0)
        for round_ in range(KILLS):
            for number in range(NOTIFICATIONS):
                key = f"{round_}-{number}"
                queue(connection, [ann], utc_now(), key=key, title=key)
            time.sleep(random.uniform(0, LONGEST_LIFE_SECONDS))
            kill(alive.pop(random.randrange(2)))
            alive.append(start(push_workers.main, settings))
        wait_until(lambda: connection.execute(OPEN).fetchone() == (0,), 120)
    finally:
        for process in alive:
            kill(process)

    assert_shown_once(phones)
    assert_only_what_was_cut_short_was_sent_again(connection, phones)


def assert_shown_once(phones: Devices) -> None:
    """Each device shows each notification, and none of them under two ids."""
    wanted = ["first", *(f"{round_}-{number}" for round_ in range(KILLS) for number in range(NOTIFICATIONS))]
    for name in DEVICES:
        assert sorted(phones.shown[f"/{name}"].values()) == sorted(wanted)


def assert_only_what_was_cut_short_was_sent_again(connection: Connection, phones: Devices) -> None:
    """Every call has its attempt, each attempt but the last was cut short, and so were some."""
    calls: dict[str, int] = defaultdict(int)
    for delivery_id, _ in phones.calls:
        calls[delivery_id] += 1
    cut_short = 0
    for delivery in deliveries(connection):
        *before, last = delivery["outcomes"]
        assert (delivery["state"], last, set(before)) in [("sent", "sent", set()), ("sent", "sent", {"none"})]
        assert 1 <= calls[str(delivery["delivery_id"])] <= delivery["attempts"] == len(before) + 1
        cut_short += len(before)
    assert cut_short > KILLS / 10
    assert len(phones.calls) > len(calls), "no call was repeated: nothing was killed in the middle"

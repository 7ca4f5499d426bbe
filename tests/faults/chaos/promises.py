"""What else Beatline promises while faults go on: imports that it took, notifications that it queued."""

from __future__ import annotations

import json
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from uuid import UUID

import httpx
import psycopg

from beatline.accounts.access import Role
from beatline.events import utc_now
from tests.faults.chaos.scene import Scene
from tests.fixtures.notifications import make_account, make_device, queue, webhook
from tests.fixtures.storage import wait_until
from tests.providers.https import HttpServer, Received, Reply, running

PAUSE_SECONDS = 1.0
ROWS = 300  # of an import
OPEN_IMPORTS = "select count(*) from imports where status in ('waiting', 'running')"
OPEN_NOTIFICATIONS = """
    select (select count(*) from notifications where spread_at is null)
         + (select count(*) from deliveries where ended_at is null)"""


class Phone(HttpServer):
    """A provider and the device behind it. shown: the ids of the notifications with each title."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: dict[str, set[str]] = defaultdict(set)

    def answer(self, request: Received) -> Reply:
        title = json.loads(request.body)["data"]["title"]
        self.shown[title].add(request.headers["webhook-id"])
        return Reply(204)


@dataclass
class Promises:
    """What was accepted so far, and by whom it is to be fulfilled."""

    scene: Scene
    phone: Phone
    account: UUID
    import_rows: set[str] = field(default_factory=set)  # keys of events
    imports: int = 0
    titles: set[str] = field(default_factory=set)
    unexpected: list[str] = field(default_factory=list)

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Ask for more in a thread of its own, until the end of the block."""
        stop = threading.Event()
        thread = threading.Thread(target=self.keep_asking, args=[stop], name="promises")
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def keep_asking(self, stop: threading.Event) -> None:
        """Hand in an import and queue a notification again and again."""
        number = 0
        while not stop.wait(PAUSE_SECONDS):
            number += 1
            self.hand_in(number)
            self.queue(f"notification {number}")

    def hand_in(self, number: int) -> None:
        """Send a file, once; its rows are promised when it is accepted."""
        keys = [f"import-{number}-{row}" for row in range(ROWS)]
        content = "\n".join(["event_type,user_id,key", *(f"view,u1,{key}" for key in keys)])
        with suppress(httpx.TransportError):
            answer = httpx.post(f"{self.scene.front_url}/api/v1/imports", content=content, timeout=30)
            if answer.status_code == 202:
                self.import_rows.update(keys)
                self.imports += 1
            elif answer.status_code not in (429, 503):  # 429: too many are not done
                self.unexpected.append(f"{answer.status_code} {answer.text}")

    def queue(self, title: str) -> None:
        """Queue a notification, once; it is promised when that is committed."""
        with suppress(psycopg.OperationalError), self.scene.connect() as connection:
            queue(connection, [self.account], utc_now(), key=title, title=title)
            self.titles.add(title)

    def wait(self, seconds: float) -> None:
        """Wait until nothing is open."""
        with self.scene.connect() as connection:
            for statement in (OPEN_IMPORTS, OPEN_NOTIFICATIONS):
                with suppress(AssertionError):
                    wait_until(lambda: connection.execute(statement).fetchone() == (0,), seconds)  # noqa: B023

    def broken(self) -> list[str]:
        """A sentence for each kind of promise that was not kept."""
        with self.scene.connect() as connection:
            states = Counter(
                dict(connection.execute("select status, count(*) from imports group by 1").fetchall())
            )
        states.pop("done", None)
        missing = self.titles - self.phone.shown.keys()
        twice = [title for title, ids in self.phone.shown.items() if len(ids) > 1]
        sentences = [f"an import is {state}: {count} times" for state, count in states.items()]
        sentences += (
            [f"{len(missing)} notifications were not shown, such as {min(missing)}"] if missing else []
        )
        sentences += [f"{len(twice)} notifications were shown twice, such as {min(twice)}"] if twice else []
        return sentences + [f"an import was answered {answer}" for answer in self.unexpected]


@contextmanager
def promising(scene: Scene) -> Iterator[Promises]:
    """Somebody with a phone, which shows what comes until the end of the block."""
    with running(Phone()) as phone:
        with scene.connect() as connection:
            account = make_account(connection, "ann", Role.ADMIN, None)
            make_device(connection, account, webhook(phone))
        yield Promises(scene, phone, account)

"""Somebody who looks events up: all of one user, page by page, and days of one type."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any

from locust import constant_throughput, task

from loadtest.users.plan import PLAN
from loadtest.users.reading import ReadingUser

EXPECTED = PLAN["expected"]
SINCE, UNTIL = EXPECTED["since"], EXPECTED["until"]
DAYS = (datetime.fromisoformat(UNTIL) - datetime.fromisoformat(SINCE)).days
PAGE = 8
PATH = "/api/v1/events"


class EventLogAnalyst(ReadingUser):
    """Reads what the seeded history has, and counts it."""

    kind = "event_log_analyst"
    fixed_count = 2
    wait_time = constant_throughput(0.5)

    def on_start(self) -> None:
        """What they look up follows from the seed."""
        self.random = Random(PLAN["seed"])

    @task(2)
    def events_of_a_user(self) -> None:
        """All pages of a user: each event once, the newest first, as many as the history gave them."""
        number = self.random.randrange(EXPECTED["users"])
        parameters = {"user_id": f"usr_{number}", "since": SINCE, "until": UNTIL, "limit": PAGE}
        events: list[dict[str, Any]] = []
        while True:
            page = self.ask(PATH, parameters, partial(wrong_page, events, number))
            if page is None or page["next_cursor"] is None:
                return
            events = events + page["events"]
            parameters = parameters | {"cursor": page["next_cursor"]}

    @task(1)
    def day_of_a_type(self) -> None:
        """The first page of a type on a day: its total is exact."""
        day = datetime.fromisoformat(SINCE) + timedelta(days=self.random.randrange(DAYS))
        event_type, number = self.random.choice(sorted(EXPECTED["by_type_a_day"].items()))
        wanted = {"events": number, "exact": True}
        parameters = {
            "event_type": event_type,
            "since": day.isoformat(),
            "until": (day + timedelta(days=1)).isoformat(),
            "limit": PAGE,
        }
        self.ask(
            PATH,
            parameters,
            lambda found: "" if found["total"] == wanted else f"{found['total']}, not {wanted}",
        )


def wrong_page(before: list[dict[str, Any]], number: int, page: Any) -> str:
    """What is wrong with the events of a user up to this page. before: those of the pages before it."""
    user_id, events = f"usr_{number}", before + page["events"]
    times = [datetime.fromisoformat(event["ts"]) for event in events]
    if len({event["event_id"] for event in events}) < len(events):
        return "an event came twice"
    if times != sorted(times, reverse=True) or any(event["user_id"] != user_id for event in events):
        return "events out of order, or of somebody else"
    wanted = EXPECTED["events_of_a_user"] + (number < EXPECTED["regulars"]) * EXPECTED["events_of_a_visit"]
    if page["next_cursor"] is None and len(events) != wanted:
        return f"{len(events)} events of {user_id} instead of {wanted}"
    return ""

"""A dashboard that somebody left open, and looks at days gone by now and then."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Any

from locust import constant_throughput, task

from loadtest.users.plan import PLAN
from loadtest.users.reading import ReadingUser, same

EXPECTED = PLAN["expected"]
BY_TYPE: dict[str, int] = EXPECTED["by_type_a_day"]
FIRST, LAST = (date.fromisoformat(EXPECTED[day]) for day in ("first_day", "last_day"))


class DashboardViewer(ReadingUser):
    """The overview once a second, and counts over random days, which must be those of the seeded history."""

    kind = "dashboard_viewer"
    fixed_count = 3
    wait_time = constant_throughput(1)

    def on_start(self) -> None:
        """What they look at follows from the seed."""
        self.random = Random(PLAN["seed"])

    @task(6)
    def overview(self) -> None:
        """The rolling metrics; the load changes them, so only what always holds is checked."""
        self.ask("/api/v1/metrics/overview", {}, wrong_overview)

    @task(2)
    def counts(self) -> None:
        """All events of some days."""
        days, parameters = self.some_days()
        total = days * sum(BY_TYPE.values())
        self.ask("/analytics/event-counts", parameters, same({"total_events": total}))

    @task(2)
    def counts_by_type(self) -> None:
        """The events of some days by their type."""
        days, parameters = self.some_days()
        wanted = {name: days * number for name, number in BY_TYPE.items()}
        self.ask("/analytics/event-counts-by-type", parameters, same(wanted))

    def some_days(self) -> tuple[int, dict[str, str]]:
        """How many days, and the parameters that ask for them."""
        first = self.random.randrange((LAST - FIRST).days + 1)
        last = self.random.randint(first, (LAST - FIRST).days)
        days = {"start_date": FIRST + timedelta(days=first), "end_date": FIRST + timedelta(days=last)}
        return last - first + 1, {name: day.isoformat() for name, day in days.items()}


def wrong_overview(found: Any) -> str:
    """What cannot be: pages out of order, or figures below nothing."""
    views = [page["views"] for page in found["top_pages"]]
    if views != sorted(views, reverse=True) or any(number <= 0 for number in views):
        return f"pages out of order: {views}"
    figures = (found["active_users"], found["events_per_second"])
    return f"below nothing: {figures}" if min(figures) < 0 else ""

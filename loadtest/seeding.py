"""Data that is there before a load test, and the answers that it must give.

The history lies in whole days before today, evenly; what the load adds is dated now, so that the answers
about the history stay the same, and a wrong number is a fault and no matter of timing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from loadtest.bench.history import DAYS, USERS, VISIT_EVENTS, fill_history

EVENTS_A_DAY = 10_000
TYPES = {"page_view": 0.6, "click": 0.3, "search": 0.1}


def seed(database_url: str, now: datetime, events_a_day: int = EVENTS_A_DAY) -> dict[str, Any]:
    """Fill a migrated database with DAYS days of history; what may be asked of it, as `expected` gives it."""
    until = now.replace(hour=0, minute=0, second=0, microsecond=0)
    fill_history(database_url, events_a_day * DAYS, until)
    return expected(until, events_a_day)


def expected(until: datetime, events_a_day: int) -> dict[str, Any]:
    """What the history must answer, worked out by hand: its days (ISO dates, both inclusive), the counts of
    one day by type, and how many users (usr_0 …) have how many events each; the first `regulars` of them have
    events_of_a_visit more. events_a_day: a multiple of ten."""
    first = until - timedelta(days=DAYS)
    visits = events_a_day * DAYS // VISIT_EVENTS
    users = min(visits, USERS)
    return {
        "first_day": f"{first:%Y-%m-%d}",
        "last_day": f"{until - timedelta(days=1):%Y-%m-%d}",
        "since": first.isoformat(),
        "until": until.isoformat(),
        "by_type_a_day": {name: round(share * events_a_day) for name, share in TYPES.items()},
        "users": users,
        "events_of_a_user": visits // users * VISIT_EVENTS,
        "regulars": visits % users,
        "events_of_a_visit": VISIT_EVENTS,
    }

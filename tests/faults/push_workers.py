"""A process of workers that only spreads notifications and sends them; tests kill it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from beatline.due_times import Missed, every
from beatline.settings import Settings
from workers import __main__ as process
from workers import leader
from workers.actors import Work
from workers.notifications import spread_notifications
from workers.pushes import send_push
from workers.schedule import Row
from workers.tasks import PUSHES, Task

MINUTE = timedelta(minutes=1)


def main(settings: dict[str, Any]) -> None:
    """Lead and work until killed."""
    leader.TICK_SECONDS = 0.05
    leader.TASKS_EVERY = timedelta(seconds=0.1)
    spread = Row(spread_notifications, every(seconds=0.2), MINUTE, Missed.SKIP, PUSHES)
    work = Work((spread,), (Task(send_push, "deliveries_due", PUSHES, MINUTE),))
    process.run(Settings(**settings), work, schedule=True, queues=(PUSHES,))

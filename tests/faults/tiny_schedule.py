"""A process of workers with a schedule of one job, which is due all the time; tests kill it."""

from __future__ import annotations

import os
import random
import time
from datetime import datetime, timedelta
from typing import Any

import psycopg

from beatline.due_times import Missed, every
from beatline.settings import Settings
from workers import __main__ as process
from workers import leader, schedule
from workers.actors import Work
from workers.schedule import Row
from workers.tasks import MAINTENANCE

PERIOD = timedelta(seconds=1)
LONGEST_SECONDS = 0.4
PERFORMED = (
    "create table performed (due_at timestamptz, pid integer, began_at timestamptz, ended_at timestamptz)"
)


def tick(settings: Settings, now: datetime) -> None:
    """The job: notes when it began and when it ended."""
    with psycopg.connect(str(settings.database_url), autocommit=True) as connection:
        attempt = [now, os.getpid()]
        connection.execute("insert into performed values (%s, %s, clock_timestamp())", attempt)
        time.sleep(random.uniform(0, LONGEST_SECONDS))
        connection.execute(
            "update performed set ended_at = clock_timestamp() where due_at = %s and pid = %s", attempt
        )


def main(settings: dict[str, Any]) -> None:
    """Lead and work until killed."""
    schedule.RECORDED = timedelta(0)
    leader.TICK_SECONDS = 0.1
    leader.SEND_AGAIN = timedelta(seconds=1)
    work = Work((Row(tick, every(seconds=PERIOD.total_seconds()), timedelta(minutes=1), Missed.EACH),), ())
    process.run(Settings(**settings), work, schedule=True, queues=(MAINTENANCE,))

"""Processes that only work on imports, in small chunks that take long, and one that leads; tests kill the
former."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from psycopg import Connection

from beatline.due_times import Missed, every
from beatline.settings import Settings
from beatline.storage.store import Batch, Isolated, Store
from workers import __main__ as process
from workers import imports, leader
from workers.actors import Work
from workers.schedule import Row
from workers.tasks import IMPORTS

CHUNK_ROWS = 100
LONGEST_STEP_SECONDS = 0.05  # before a chunk is stored, before its commit and after it
WORK = Work((Row(imports.run_imports, every(seconds=0.1), timedelta(minutes=1), Missed.SKIP, IMPORTS),), ())

write_together = imports.write_together


def pause() -> None:
    """Take a while."""
    time.sleep(random.uniform(0, LONGEST_STEP_SECONDS))


def write_slowly(store: Store, batch: Batch, save: Callable[[Connection, Isolated], None]) -> None:
    """Store a chunk, with a while before each step in which the process may be killed."""

    def save_slowly(connection: Connection, result: Isolated) -> None:
        save(connection, result)
        pause()

    pause()
    write_together(store, batch, save_slowly)
    pause()


def lead(settings: dict[str, Any]) -> None:
    """Send what is due until killed."""
    leader.TICK_SECONDS = 0.05
    process.run(Settings(**settings), WORK, schedule=True, queues=())


def work(settings: dict[str, Any]) -> None:
    """Work on imports until killed."""
    imports.CHUNK_ROWS = CHUNK_ROWS
    imports.write_together = write_slowly
    process.run(Settings(**settings), WORK, schedule=False, queues=(IMPORTS,))

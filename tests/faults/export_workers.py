"""Processes that only make exports, as slowly as large ones are made, and one that leads; tests kill the
former."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from beatline import export_files, file_store
from beatline.settings import Settings
from workers import __main__ as process
from workers import exports, leader
from workers.actors import Work
from workers.tasks import EXPORTS, Task

MOST_ATTEMPTS = 12  # they are killed more often than workers usually are
LINES = 100
LONGEST_STEP_SECONDS = 0.05  # for so many lines, and to have a file on disk
WORK = Work((), (Task(exports.run_export, "exports_due", EXPORTS, timedelta(minutes=1)),))

read_part, sync = export_files.read_part, file_store.sync


def pause() -> None:
    """Take a while."""
    time.sleep(random.uniform(0, LONGEST_STEP_SECONDS))


def read_slowly(*arguments: Any) -> Iterator[Any]:
    """The lines of a part, a few at a time."""
    for number, line in enumerate(read_part(*arguments)):
        if number % LINES == 0:
            pause()
        yield line


def sync_slowly(path: Path) -> None:
    """Wait for a slow disk."""
    pause()
    sync(path)
    pause()


def lead(settings: dict[str, Any]) -> None:
    """Send what is due until killed."""
    leader.TICK_SECONDS = 0.05
    leader.TASKS_EVERY = timedelta(seconds=0.1)
    process.run(Settings(**settings), WORK, schedule=True, queues=())


def work(settings: dict[str, Any]) -> None:
    """Make exports until killed."""
    exports.MOST_ATTEMPTS = MOST_ATTEMPTS
    export_files.read_part = read_slowly
    file_store.sync = sync_slowly
    process.run(Settings(**settings), WORK, schedule=False, queues=(EXPORTS,))

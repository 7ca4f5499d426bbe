"""What is worked off one by one, each an actor: pushes, exports and the like.

The table of each kind is the truth, and a message only says which row to look at. A task is safe to run
twice and beside itself: it takes a lock or a lease on its row first, and returns when somebody else has it or
it is done. `due` is a statement of sql/queries that marks rows as sent at %(now)s and returns their ids; it
returns a row again when it has been neither done nor worked on for a while, so that a lost message only costs
time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from beatline.settings import Settings
from workers import exports, pushes

# bulk: jobs of the schedule that may take long and are not waited for.
MAINTENANCE, BULK, IMPORTS, EXPORTS, PUSHES = QUEUES = ("maintenance", "bulk", "imports", "exports", "pushes")


@dataclass(frozen=True)
class Task:
    """One kind. perform is called with the settings, the id of a row as text, and the time."""

    perform: Callable[[Settings, str, datetime], None]
    due: str
    queue: str
    may_take: timedelta


TASKS: tuple[Task, ...] = (
    Task(pushes.send_push, "deliveries_due", PUSHES, timedelta(minutes=2)),
    Task(exports.run_export, "exports_due", EXPORTS, timedelta(hours=6)),
)

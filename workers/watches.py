"""The jobs of watches (docs/watches.md)."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime, timedelta

import structlog

from beatline.errors import SpillError
from beatline.settings import Settings
from beatline.storage.store import connected
from beatline.watches.evaluation import evaluate
from beatline.watches.stored import trim_history
from workers.maintenance import open_spill, try_lock

log = structlog.get_logger()


def evaluate_watches(settings: Settings, now: datetime) -> None:
    """Evaluate every watch. One at a time: others return at once."""
    with connected(settings.database_url) as connection:
        if not try_lock(connection, "beatline watches"):
            return
        # Asked before anything is counted: what is drained while it is counted may be missing in it.
        evaluated = evaluate(connection, now, complete=spill_is_empty(settings))
    if evaluated.fired or evaluated.resolved:
        log.info("watches evaluated", **vars(evaluated))


def spill_is_empty(settings: Settings) -> bool:
    """Whether no acknowledged event waits outside of the database; not when nobody can say."""
    with closing(open_spill(settings)) as spill:
        try:
            return spill.backlog() == 0
        except SpillError as error:
            log.warning("watches: the spill cannot be looked at", error=str(error).strip())
            return False


def trim_watch_history(settings: Settings, now: datetime) -> None:
    """Forget episodes that were over long ago."""
    with connected(settings.database_url) as connection:
        trim_history(connection, now - timedelta(days=settings.alert_history_days))

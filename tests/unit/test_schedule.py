"""What is due when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from workers.schedule import SCHEDULE, due_jobs

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
NAMES = [job.__name__ for job, _ in SCHEDULE]


def test_everything_is_due_when_a_leader_starts_and_then_not_again() -> None:
    last_sent: dict[str, datetime] = {}
    assert due_jobs(last_sent, NOON) == NAMES
    assert due_jobs(last_sent, NOON) == []


def test_a_job_is_due_after_its_interval_and_once_after_a_long_pause() -> None:
    last_sent: dict[str, datetime] = {}
    due_jobs(last_sent, NOON)
    assert due_jobs(last_sent, NOON + timedelta(seconds=1)) == ["drain_spill", "run_imports"]
    assert due_jobs(last_sent, NOON + timedelta(minutes=10)) == [
        "drain_spill",
        "run_imports",
        "work_on_property_indexes",
        "trim_rejected_events",
    ]
    assert due_jobs(last_sent, NOON + timedelta(days=3)) == NAMES
    assert due_jobs(last_sent, NOON + timedelta(days=3)) == []

"""What is due when."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from beatline.due_times import Missed, When, daily, every, hourly
from beatline.settings import Settings
from workers.actors import THREADS
from workers.leader import MOST_MISSED, due_runs
from workers.schedule import SCHEDULE, Row
from workers.tasks import QUEUES, TASKS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "workers.md").read_text()


def at(text: str) -> datetime:
    """A time of a day on whose morning the clocks of Europe change."""
    return datetime.fromisoformat(f"2026-10-25T{text}+00:00")


@pytest.mark.parametrize(
    ("when", "now", "latest", "following"),
    [
        (every(seconds=15), "12:00:14.9", "12:00:00", "12:00:15"),
        (every(seconds=15), "12:00:15", "12:00:15", "12:00:30"),
        (every(minutes=10), "00:59:59", "00:50:00", "01:00:00"),
        (every(minutes=10), "01:00:00", "01:00:00", "01:10:00"),
        (hourly(minute=5), "02:04:59", "01:05:00", "02:05:00"),
        (hourly(minute=5), "02:05:00", "02:05:00", "03:05:00"),
        (daily(hour=1), "01:00:00", "01:00:00", "01:00:00+1"),
        (daily(hour=1), "23:59:59", "01:00:00", "01:00:00+1"),
    ],
)
def test_a_job_is_due_at_its_times_in_utc(when: When, now: str, latest: str, following: str) -> None:
    time, _, days = following.partition("+")
    assert when.latest(at(now)) == at(latest)
    assert when.next(at(now)) == at(time) + timedelta(days=int(days or 0))


def test_before_its_time_of_the_day_a_daily_job_was_due_yesterday() -> None:
    assert daily(hour=1).latest(at("00:59:59")) == at("01:00:00") - timedelta(days=1)


@pytest.mark.parametrize("row", SCHEDULE, ids=lambda row: row.name)
def test_every_row_is_due_exactly_at_its_times_of_a_whole_day(row: Row) -> None:
    """A leader that takes a turn each second enters one run for each time, and none twice."""
    midnight = datetime(2026, 10, 25, tzinfo=UTC)
    last, entered = midnight - timedelta(microseconds=1), []
    step = min(row.when.every, timedelta(minutes=1))
    now = midnight
    while now < midnight + timedelta(days=1):
        due = due_runs(row, last, now)
        entered += due
        last = due[-1] if due else last
        now += step
    expected, time = [], midnight + row.when.past
    while time < midnight + timedelta(days=1):
        expected.append(time)
        time += row.when.every
    assert entered == expected


def row_of(missed: Missed) -> Row:
    """An hourly job."""

    def job(settings: Settings, now: datetime) -> None:
        """Nothing."""

    return Row(job, hourly(minute=5), timedelta(minutes=1), missed)


@pytest.mark.parametrize(
    ("missed", "last", "now", "due"),
    [
        (Missed.ONCE, None, "12:30", ["12:05"]),
        (Missed.ONCE, "12:05", "12:30", []),
        (Missed.ONCE, "08:05", "12:30", ["12:05"]),
        (Missed.EACH, None, "12:30", ["12:05"]),
        (Missed.EACH, "09:05", "12:30", ["10:05", "11:05", "12:05"]),
        (Missed.EACH, "12:05", "12:30", []),
        (Missed.ONCE, "12:05", "11:30", []),  # a clock that was put back
        (Missed.EACH, "12:05", "11:30", []),
        (Missed.EACH, "08:30", "09:30", ["09:05"]),  # its minute was another one until now
    ],
)
def test_missed_runs_are_made_up_for_as_the_row_says(
    missed: Missed, last: str | None, now: str, due: list[str]
) -> None:
    found = due_runs(row_of(missed), at(last) if last else None, at(now))
    assert found == [at(time) for time in due]


def test_after_years_only_the_newest_runs_are_made_up_for() -> None:
    now = at("12:30")
    found = due_runs(row_of(Missed.EACH), now - timedelta(days=3_650), now)
    assert (len(found), found[-1]) == (MOST_MISSED, at("12:05"))


def test_names_are_unique_and_every_queue_has_threads() -> None:
    names = [row.name for row in SCHEDULE] + [task.perform.__name__ for task in TASKS]
    assert len(names) == len(set(names))
    assert THREADS.keys() == set(QUEUES)
    assert {entry.queue for entry in (*SCHEDULE, *TASKS)} <= set(QUEUES)


def test_what_the_schedule_must_have_is_in_it() -> None:
    times = {row.name: row.when for row in SCHEDULE}
    assert times["close_sessions"] == every(minutes=10)
    assert times["complete_hour"] == hourly(minute=5)
    assert times["complete_day"] == daily(hour=1)


def test_the_documented_table_is_the_schedule() -> None:
    table = re.findall(
        r"^\| `(\w+)` \| (every [^|]+) \| (\d+) min \| (\w+) \| `(\w+)` \|$", PAGE, re.MULTILINE
    )
    said = {Missed.ONCE: "once", Missed.SKIP: "skipped", Missed.EACH: "each"}
    assert sorted(table) == sorted(
        (row.name, words(row.when), str(row.may_take // timedelta(minutes=1)), said[row.missed], row.queue)
        for row in SCHEDULE
    )


def test_the_documented_threads_are_those_of_each_queue() -> None:
    table = dict(re.findall(r"^\| `(\w+)` \| (\d+) \|", PAGE, re.MULTILINE))
    assert table == {queue: str(threads) for queue, threads in THREADS.items()}


def words(when: When) -> str:
    """A time as the page says it."""
    hours, minutes = divmod(when.past // timedelta(minutes=1), 60)
    hour = f"{hours:02}" if when.every > timedelta(hours=1) else ""
    past = f" at {hour}:{minutes:02}" if when.past else ""
    for unit, name in (
        (timedelta(days=1), "day"),
        (timedelta(hours=1), "hour"),
        (timedelta(minutes=1), "minute"),
    ):
        if when.every == unit:
            return f"every {name}{past}"
    if when.every < timedelta(minutes=1):
        seconds = when.every // timedelta(seconds=1)
        return "every second" if seconds == 1 else f"every {seconds} seconds"
    return f"every {when.every // timedelta(minutes=1)} minutes{past}"

"""TimescaleDB's policies, each run as its scheduler would: refresh, columnstore, retention."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from psycopg import Connection

from beatline.storage.queries import query
from tests.fixtures.rows import AGGREGATES, DAY, HOUR, MINUTE, Row, event, insert_events

REFRESH = """
    select job_id from timescaledb_information.jobs
    where proc_name = 'policy_refresh_continuous_aggregate' and hypertable_name = %s"""
JOB = "select job_id from timescaledb_information.jobs where proc_name = %s and hypertable_name = 'events'"
CHUNKS = """
    select range_start, is_compressed from timescaledb_information.chunks
    where hypertable_name = 'events' order by range_start"""

DELAYS = {MINUTE: 2 * MINUTE, HOUR: 10 * MINUTE, DAY: HOUR}


def run(connection: Connection, find: str, name: str) -> None:
    """Run the one job that a statement finds."""
    [(job_id,)] = connection.execute(find, [name]).fetchall()
    connection.execute(f"call run_job({job_id})")


def refresh(connection: Connection) -> None:
    """Run every refresh policy once, minutes before hours before days."""
    for aggregate in sorted(AGGREGATES, key=lambda each: each.width):
        run(connection, REFRESH, aggregate.name)


def set_retention(connection: Connection, days: int | None) -> None:
    """Set or remove retention as `beatline migrate` does."""
    with connection.transaction():
        connection.execute(query("limit_refresh_to_retention"), {"days": days})
        connection.execute(query("remove_event_retention"))
        if days is not None:
            connection.execute(query("add_event_retention"), {"days": days})


def assert_counted(connection: Connection, rows: list[Row]) -> None:
    """Every aggregate counts exactly these rows."""
    for aggregate in AGGREGATES:
        assert aggregate.read(connection) == aggregate.count(rows), aggregate.name


def a_year(now: datetime) -> list[Row]:
    """Events of some of the last 400 days, of the last 90 minutes, and of 2001."""
    days = [event(now - age * DAY, user_id=f"usr_{age % 7}") for age in (1, 6, 8, 25, 35, 60, 100, 250, 400)]
    recent = [event(now - age * MINUTE, page_url=f"/{age % 3}") for age in range(90)]
    return [*days, *recent, event(datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC))]


@pytest.fixture
def now() -> datetime:
    """The time that the policies see too."""
    return datetime.now(UTC)


def test_refresh_policies_materialise_everything_but_the_last_minutes(
    timescale: Connection, now: datetime
) -> None:
    rows = a_year(now)
    insert_events(timescale, rows)

    refresh(timescale)

    assert_counted(timescale, rows)
    for aggregate in AGGREGATES:
        option = "timescaledb.materialized_only = true"
        timescale.execute(f"alter materialized view {aggregate.name} set ({option})")
        materialised = aggregate.read(timescale)
        assert not materialised - aggregate.count(rows)
        for _, bucket, _ in aggregate.count(rows) - materialised:
            assert bucket + aggregate.width > now - DELAYS[aggregate.width]


def test_an_event_up_to_two_minutes_late_counts_at_once(timescale: Connection, now: datetime) -> None:
    rows = a_year(now)
    insert_events(timescale, rows)
    refresh(timescale)

    after = datetime.now(UTC)
    late = [event(after - timedelta(seconds=119)), event(after)]
    insert_events(timescale, late)

    assert_counted(timescale, rows + late)


def test_a_later_event_counts_in_every_aggregate_after_one_run_of_each_policy(
    timescale: Connection, now: datetime
) -> None:
    rows = a_year(now)
    insert_events(timescale, rows)
    refresh(timescale)

    late = [event(now - age) for age in (HOUR, 3 * DAY, 200 * DAY, 20 * 365 * DAY)]
    for each in late:
        insert_events(timescale, [each])
    by_minute = AGGREGATES[0]
    assert by_minute.read(timescale) == by_minute.count(rows)  # not yet: these minutes are materialised
    refresh(timescale)

    assert_counted(timescale, rows + late)


def test_a_late_event_passes_minute_hour_and_day_within_ten_seconds(timescale: Connection) -> None:
    intervals = timescale.execute(
        "select schedule_interval from timescaledb_information.jobs"
        " where proc_name = 'policy_refresh_continuous_aggregate'"
    ).fetchall()

    assert len(intervals) == len(AGGREGATES)
    assert 3 * max(interval for (interval,) in intervals) <= timedelta(seconds=6)


def test_chunks_older_than_a_week_become_columns_and_still_take_events(
    timescale: Connection, now: datetime
) -> None:
    rows = a_year(now)
    insert_events(timescale, rows)
    refresh(timescale)

    run(timescale, JOB, "policy_compression")

    chunks = timescale.execute(CHUNKS).fetchall()
    assert {start for start, compressed in chunks if not compressed} == {
        start for start, _ in chunks if start + DAY > now - 7 * DAY
    }
    late = [event(now - 100 * DAY, page_url="/late") for _ in range(3)]
    insert_events(timescale, late)
    assert_raw(timescale, rows + late)
    refresh(timescale)
    assert_counted(timescale, rows + late)
    run(timescale, JOB, "policy_compression")
    assert_raw(timescale, rows + late)


def assert_raw(connection: Connection, rows: list[Row]) -> None:
    """The events table holds exactly these rows."""
    stored = connection.execute("select event_id, ts, page_url from events").fetchall()
    assert sorted(stored) == sorted((row["event_id"], row["ts"], row["page_url"]) for row in rows)


def test_retention_drops_events_but_not_what_was_counted(timescale: Connection, now: datetime) -> None:
    # Given a year that is counted, when retention of 30 days has run, then only its days are left
    rows = a_year(now)
    insert_events(timescale, rows)
    refresh(timescale)
    set_retention(timescale, 30)
    run(timescale, JOB, "policy_retention")
    days = {row["ts"].replace(hour=0, minute=0, second=0, microsecond=0) for row in rows}
    kept = {day for day in days if day + DAY > now - 30 * DAY - HOUR}
    assert {start for start, _ in timescale.execute(CHUNKS).fetchall()} == kept

    # Then the aggregates keep their numbers, also when they are refreshed, and late events still count
    late = [event(now - 29 * DAY), event(now - HOUR)]
    insert_events(timescale, late)
    refresh(timescale)
    assert_counted(timescale, rows + late)


@pytest.mark.parametrize("days", [90, None], ids=["lengthened", "removed"])
def test_longer_retention_does_not_erase_what_was_counted(
    timescale: Connection, now: datetime, days: int | None
) -> None:
    rows = a_year(now)
    insert_events(timescale, rows)
    refresh(timescale)
    set_retention(timescale, 30)
    run(timescale, JOB, "policy_retention")

    set_retention(timescale, days)
    insert_events(timescale, [event(now - 60 * DAY)])
    refresh(timescale)

    assert_counted(timescale, rows)


def test_setting_the_same_retention_again_changes_nothing(timescale: Connection) -> None:
    jobs = "select hypertable_name, schedule_interval, config from timescaledb_information.jobs order by 1, 3"
    set_retention(timescale, 30)
    before = timescale.execute(jobs).fetchall()

    set_retention(timescale, 30)

    assert timescale.execute(jobs).fetchall() == before


READS = {
    "events": "select count(*) from events where project_id = $1 and ts > $2 and ts <= $3",
    "top_pages": """
        select page_url, sum(views) from pages_by_minute
        where project_id = $1 and bucket >= $2 and bucket < $3 group by page_url""",
    "counts": """
        select event_type, sum(events) from events_by_minute
        where project_id = $1 and bucket >= $2 and bucket < $3 group by event_type""",
}


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("plan", ["force_custom_plan", "force_generic_plan"])
def test_a_window_reads_only_its_chunks(timescale: Connection, now: datetime, read: str, plan: str) -> None:
    insert_events(timescale, a_year(now))
    refresh(timescale)
    timescale.execute(f"set plan_cache_mode = {plan}")
    timescale.execute(f"prepare read (integer, timestamptz, timestamptz) as {READS[read]}")

    window = f"1, '{now - 15 * MINUTE}', '{now}'"
    lines = timescale.execute(f"explain (analyze, costs off, timing off) execute read ({window})").fetchall()

    scanned = [line for (line,) in lines if "Scan" in line and "_chunk" in line and "never" not in line]
    assert 1 <= len(scanned) <= 4, "\n".join(line for (line,) in lines)

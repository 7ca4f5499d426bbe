"""Schedules of reports: when they are due, each time once, and what a dying worker leaves behind."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import psycopg
import pytest
from psycopg import Connection

from beatline.accounts import people
from beatline.accounts.access import Role
from beatline.errors import NotPossible
from beatline.reports.definition import By, Conditions, Definition, Grouping, Kind, Measure
from beatline.reports.engine import run_report
from beatline.reports.periods import Last, Unit
from beatline.reports.saved import Draft, SavedReport, create_report
from beatline.reports.schedules import CATCH_UP, Plan, Wanted, create_schedule, next_due, request_due
from beatline.settings import Settings
from workers.reports import request_due_reports

NOW = datetime(2026, 10, 23, 12, 0, tzinfo=UTC)  # a Friday
DAILY = Plan("day", None, 7, "Europe/Berlin", "pdf", [], False)
DAY = timedelta(days=1)


def plan(every: str, on_day: int | None, at_hour: int, time_zone: str = "Europe/Berlin") -> Plan:
    """A plan of these times."""
    return Plan(every, on_day, at_hour, time_zone, "csv", [], False)


@pytest.mark.parametrize(
    ("wanted", "after", "times"),
    [
        (plan("day", None, 7), "2026-10-24T12:00", ["2026-10-25T07:00", "2026-10-26T07:00"]),
        (plan("day", None, 2), "2026-03-28T03:00", ["2026-03-29T03:00", "2026-03-30T02:00"]),  # skipped
        (plan("day", None, 2), "2026-10-24T03:00", ["2026-10-25T02:00", "2026-10-26T02:00"]),  # is twice
        (plan("week", 1, 9), "2026-10-26T09:00", ["2026-11-02T09:00", "2026-11-09T09:00"]),
        (plan("week", 7, 0), "2026-10-20T09:00", ["2026-10-25T00:00"]),
        (plan("month", 31, 6), "2026-01-31T06:00", ["2026-02-28T06:00", "2026-03-31T06:00"]),
        (plan("month", 1, 6), "2026-12-01T05:59", ["2026-12-01T06:00", "2027-01-01T06:00"]),
    ],
)  # fmt: skip
def test_a_plan_is_due_by_the_clocks_of_its_time_zone(wanted: Plan, after: str, times: list[str]) -> None:
    zone = ZoneInfo("Europe/Berlin")
    at = datetime.fromisoformat(after).replace(tzinfo=zone).astimezone(UTC)
    for time in times:
        at = next_due(wanted, at)
        assert at.astimezone(zone).isoformat()[:16] == time


class Exports:
    """Takes what is asked for, in the transaction of who asks."""

    def __init__(self, fails: Exception | None = None) -> None:
        self.wanted: list[Wanted] = []
        self.fails = fails

    def __call__(self, connection: Connection, wanted: Wanted, now: datetime) -> UUID:
        """Note the wish in the database too, where it is undone with the transaction."""
        connection.execute("insert into asked values (%s, %s)", [wanted.schedule_id, wanted.as_of])
        self.wanted.append(wanted)
        if self.fails:
            raise self.fails
        return uuid4()


@pytest.fixture
def exports(connection: Connection) -> Exports:
    """Where exports are asked for."""
    connection.execute("create table asked (schedule_id integer, due_at timestamptz)")
    connection.execute("grant all on asked to public")
    return Exports()


@pytest.fixture
def report(connection: Connection) -> SavedReport:
    """A report that viewers may not see."""
    definition = Definition(Last(1, Unit.DAY), groupings=[Grouping(By.PROPERTY, "email")])
    return saved(connection, Draft("Yesterday", definition))


def saved(connection: Connection, draft: Draft) -> SavedReport:
    """A report of project 1."""
    with connection.transaction():
        return create_report(connection, 1, draft, None, NOW)


def asked(connection: Connection) -> list[datetime]:
    """The times that exports were asked for."""
    return [at for (at,) in connection.execute("select due_at from asked order by due_at, schedule_id")]


def berlin_at_seven(day: int) -> datetime:
    """7:00 of a day of October 2026 in Berlin."""
    return datetime(2026, 10, day, 7, tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)


def test_each_time_is_asked_for_once_as_of_when_it_was_due(
    connection: Connection, report: SavedReport, exports: Exports
) -> None:
    create_schedule(connection, report, DAILY, NOW)

    assert request_due(connection, NOW, exports) == 0
    for _ in range(3):  # later than due, and again
        request_due(connection, berlin_at_seven(24) + timedelta(minutes=20), exports)
    assert asked(connection) == [berlin_at_seven(24)]
    assert exports.wanted[0].report == report
    assert exports.wanted[0].as_of == berlin_at_seven(24)

    assert request_due(connection, berlin_at_seven(26), exports) == 2
    assert asked(connection) == [berlin_at_seven(day) for day in (24, 25, 26)], "across the clock change"
    runs = connection.execute("select due_at, error from report_runs where export_id is not null order by 1")
    assert [due_at for due_at, _ in runs] == asked(connection)


def test_given_a_worker_that_dies_before_its_commit_then_the_next_one_asks(
    connection: Connection, report: SavedReport, exports: Exports
) -> None:
    create_schedule(connection, report, DAILY, NOW)
    dying = Exports(fails=RuntimeError("killed"))
    for _ in range(2):
        with pytest.raises(RuntimeError):
            request_due(connection, NOW + DAY, dying)
    assert asked(connection) == []

    assert request_due(connection, NOW + DAY, exports) == 1
    assert asked(connection) == [berlin_at_seven(24)]


def test_given_many_workers_at_once_then_none_is_missed_or_doubled(
    workers_url: str, connection: Connection, report: SavedReport, exports: Exports
) -> None:
    for _ in range(8):
        create_schedule(connection, report, DAILY, NOW)

    def work(_: int) -> int:
        with psycopg.connect(workers_url, autocommit=True) as own:
            return request_due(own, NOW + 3 * DAY, exports)

    with ThreadPoolExecutor(4) as workers:
        worked_off = sum(workers.map(work, range(4)))

    assert worked_off + request_due(connection, NOW + 3 * DAY, exports) == 24
    assert asked(connection) == sorted([berlin_at_seven(day) for day in (24, 25, 26)] * 8)


def test_given_a_run_that_is_known_already_then_it_is_not_asked_for_again(
    connection: Connection, report: SavedReport, exports: Exports
) -> None:
    schedule = create_schedule(connection, report, DAILY, NOW)
    request_due(connection, NOW + DAY, exports)
    connection.execute("update report_schedules set due_at = %s", [berlin_at_seven(24)])  # of an old backup

    request_due(connection, NOW + DAY, exports)

    assert asked(connection) == [berlin_at_seven(24)]
    due = connection.execute("select due_at from report_schedules").fetchone()
    assert due == (berlin_at_seven(25),)
    assert schedule.due_at == berlin_at_seven(24)


def test_given_workers_that_were_away_for_long_then_only_the_last_days_are_exported(
    connection: Connection, report: SavedReport, exports: Exports
) -> None:
    create_schedule(connection, report, plan("day", None, 12, "UTC"), NOW)
    back = NOW + 30 * DAY + timedelta(hours=1)

    request_due(connection, back, exports)

    assert asked(connection) == [NOW + day * DAY for day in range(24, 31)]
    assert asked(connection)[0] > back - CATCH_UP
    missed = connection.execute("select due_at, error from report_runs where export_id is null").fetchall()
    assert [(due_at, "away" in error) for due_at, error in missed] == [(NOW + DAY, True)]


def test_given_an_export_that_cannot_be_then_the_run_says_why_and_the_schedule_goes_on(
    connection: Connection, report: SavedReport, exports: Exports
) -> None:
    create_schedule(connection, report, DAILY, NOW)

    request_due(connection, NOW + DAY, Exports(fails=NotPossible("There are too many exports.")))

    assert asked(connection) == []
    assert connection.execute("select error from report_runs").fetchall() == [
        ("There are too many exports.",)
    ]
    assert request_due(connection, NOW + 2 * DAY, exports) == 1


def test_paused_schedules_and_those_of_deleted_reports_are_not_due(
    connection: Connection, report: SavedReport, exports: Exports
) -> None:
    create_schedule(connection, report, Plan("day", None, 7, "UTC", "csv", [], True), NOW)
    create_schedule(connection, report, DAILY, NOW)
    connection.execute(
        "delete from reports where report_id = (select report_id from report_schedules limit 1)"
    )

    assert request_due(connection, NOW + DAY, exports) == 0


def test_who_may_not_see_the_report_any_more_receives_nothing(
    connection: Connection, report: SavedReport, exports: Exports
) -> None:
    boss = people.create_account(connection, "boss@example.com", "", "correct horse battery", NOW)
    people.set_role(connection, boss, None, Role.ADMIN)
    accounts = {
        name: people.create_account(connection, f"{name}@example.com", "", "correct horse battery", NOW)
        for name in ("analyst", "viewer", "former", "disabled")
    }
    for name, role in (("analyst", Role.ANALYST), ("viewer", Role.VIEWER), ("disabled", Role.ADMIN)):
        people.set_role(connection, accounts[name], 1, role)
    people.disable_account(connection, accounts["disabled"], disabled=True)
    recipients = [*accounts.values(), uuid4()]
    shown = saved(connection, Draft("For all", report.definition, True))
    for each in (report, shown):
        create_schedule(connection, each, Plan("day", None, 7, "UTC", "csv", recipients, False), NOW)

    request_due(connection, NOW + DAY, exports)

    assert [wanted.recipients for wanted in exports.wanted] == [
        [accounts["analyst"]], [accounts["analyst"], accounts["viewer"]]
    ]  # fmt: skip


def test_the_job_of_the_schedule_works_off_what_is_due_with_the_rights_of_workers(
    workers_url: str, connection: Connection, report: SavedReport
) -> None:
    create_schedule(connection, report, DAILY, NOW)

    for _ in range(2):
        request_due_reports(Settings(database_url=workers_url), NOW + DAY)

    assert connection.execute("select due_at from report_runs").fetchall() == [(berlin_at_seven(24),)]


def test_workers_may_read_all_that_reports_read(workers_url: str) -> None:
    definitions = [
        Definition(Last(3, Unit.DAY)),
        Definition(Last(3, Unit.DAY), Measure(Kind.USERS)),
        Definition(Last(3, Unit.DAY), groupings=[Grouping(By.SEGMENT, "plan")], compare=True),
        Definition(Last(3, Unit.DAY), filters=Conditions(event_types=["view", "page_view"], page_url="/")),
    ]
    with psycopg.connect(workers_url, autocommit=True) as own:
        assert [run_report(own, 1, definition, NOW).all.total for definition in definitions] == [0] * 4

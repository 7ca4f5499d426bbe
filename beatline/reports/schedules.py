"""When saved reports are exported by themselves.

A schedule has the next time that it is due. Whoever works it off does three things in one transaction:
notes the run, whose time can be noted once only; asks for the export; and moves the schedule on. So no
run is done twice, and none is lost when its worker dies.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from psycopg import Connection
from psycopg.rows import class_row

from beatline.accounts.access import Caller
from beatline.accounts.people import list_accounts
from beatline.errors import NotPossible
from beatline.reports.periods import days_in_month, in_zone, wall_clock
from beatline.reports.saved import SavedReport, find_report, may_see
from beatline.storage.queries import query

MOST_SCHEDULES = 10  # of a report
MOST_RECIPIENTS = 20
FORMATS = ("csv", "ndjson", "parquet", "pdf")
CATCH_UP = timedelta(days=7)  # what was due longer ago is not exported any more
TOO_LATE = "Nothing was exported: the workers were away."


class Every(StrEnum):
    """How often."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True)
class Plan:
    """When, as what and for whom. on_day: of a week 1 (Monday) to 7, of a month 1 to 31, where shorter
    months have their last day; of a day None. at_hour: of the time zone's clocks; an hour that they skip
    is the one after, and one that they show twice is the first. recipients: accounts."""

    every: str
    on_day: int | None
    at_hour: int
    time_zone: str
    format: str
    recipients: list[UUID]
    paused: bool


@dataclass(frozen=True)
class Schedule(Plan):
    """A schedule as it is stored; due_at: the next time. last_…: the time before, None while there was
    none."""

    schedule_id: int
    report_id: int
    due_at: datetime
    last_due_at: datetime | None
    last_export_id: UUID | None
    last_error: str | None


@dataclass(frozen=True)
class Due(Plan):
    """A schedule that is due."""

    schedule_id: int
    report_id: int
    project_id: int
    due_at: datetime


@dataclass(frozen=True)
class Wanted:
    """An export that a schedule asks for: of a report, as of the time it was due, whatever the time is now.
    recipients: the accounts that may see it."""

    report: SavedReport
    as_of: datetime
    format: str
    recipients: list[UUID]
    schedule_id: int


RequestExport = Callable[[Connection, Wanted, datetime], UUID]
"""Ask for an export in the transaction of the connection; its id. Raises NotPossible."""


def problems(plan: Plan) -> dict[str, list[str]]:
    """What is wrong with the day of a plan, whose other fields are right."""
    most = {Every.DAY: 0, Every.WEEK: 7, Every.MONTH: 31}[Every(plan.every)]
    if plan.on_day is None:
        return {"on_day": [f"Has to be 1 to {most}."]} if most else {}
    if most == 0:
        return {"on_day": ["Of every day there is none."]}
    return {} if 1 <= plan.on_day <= most else {"on_day": [f"Has to be 1 to {most}."]}


def next_due(plan: Plan, after: datetime) -> datetime:
    """The first time after another one."""
    zone = ZoneInfo(plan.time_zone)
    day = wall_clock(after, zone).date()
    while True:
        at = in_zone(datetime.combine(day, time(plan.at_hour)), zone)
        on_day = {Every.WEEK: day.isoweekday(), Every.MONTH: day.day}.get(Every(plan.every))
        wanted = min(plan.on_day or 0, days_in_month(day)) if plan.every == Every.MONTH else plan.on_day
        if at > after and on_day == wanted:
            return at
        day += timedelta(days=1)


def list_schedules(connection: Connection, report_id: int, schedule_id: int | None = None) -> list[Schedule]:
    """The schedules of a report, the oldest first, or the one with an id."""
    parameters = {"report_id": report_id, "schedule_id": schedule_id}
    with connection.cursor(row_factory=class_row(Schedule)) as rows:
        return rows.execute(query("report_schedules"), parameters).fetchall()


def create_schedule(connection: Connection, report: SavedReport, plan: Plan, now: datetime) -> Schedule:
    """Have a report exported from now on, in a transaction. Raises NotPossible when it has too many
    schedules."""
    connection.execute(query("project_hold"), {"project_id": report.project_id})
    if len(list_schedules(connection, report.report_id)) >= MOST_SCHEDULES:
        raise NotPossible(f"The report has {MOST_SCHEDULES} schedules; delete one first.")
    row = connection.execute(query("report_schedule_create"), as_parameters(plan, report, now)).fetchone()
    return list_schedules(connection, report.report_id, row[0] if row else 0)[0]


def change_schedule(
    connection: Connection, report: SavedReport, schedule_id: int, plan: Plan, now: datetime
) -> Schedule:
    """Change a schedule of a report; what was due until now is still to be done only if it goes on."""
    parameters = as_parameters(plan, report, now) | {"schedule_id": schedule_id}
    connection.execute(query("report_schedule_change"), parameters)
    return list_schedules(connection, report.report_id, schedule_id)[0]


def delete_schedule(connection: Connection, report_id: int, schedule_id: int) -> None:
    """Forget a schedule."""
    connection.execute(query("report_schedule_delete"), {"report_id": report_id, "schedule_id": schedule_id})


def as_parameters(plan: Plan, report: SavedReport, now: datetime) -> dict[str, Any]:
    """A plan as parameters of a statement; it is due after now."""
    return vars(plan) | {"report_id": report.report_id, "due_at": next_due(plan, now)}


def request_due(connection: Connection, now: datetime, request: RequestExport) -> int:
    """Ask for the export of every schedule that is due, each in a transaction of its own; how many were
    due. Safe to run twice and beside itself."""
    count = 0
    while work_off_one(connection, now, request):
        count += 1
    return count


def work_off_one(connection: Connection, now: datetime, request: RequestExport) -> bool:
    """Work off the schedule that has been due longest; False when there is none."""
    with connection.transaction():
        with connection.cursor(row_factory=class_row(Due)) as rows:
            due = rows.execute(query("report_schedule_take"), {"now": now}).fetchone()
        if due is None:
            return False
        place = {"schedule_id": due.schedule_id, "due_at": due.due_at}
        export_id, error = None, None
        if connection.execute(query("report_run_begin"), place | {"now": now}).fetchone():
            export_id, error = export_of(connection, due, now, request)
        next_due_at = next_due(due, max(due.due_at, now - CATCH_UP))
        ended = {"export_id": export_id, "error": error, "next_due_at": next_due_at}
        connection.execute(query("report_run_end"), place | ended)
    return True


def export_of(
    connection: Connection, due: Due, now: datetime, request: RequestExport
) -> tuple[UUID | None, str | None]:
    """The export of a schedule that is due, or why there is none."""
    if due.due_at < now - CATCH_UP:
        return None, TOO_LATE
    report = find_report(connection, due.project_id, due.report_id)
    if report is None:  # deleted meanwhile, and the schedule with it
        return None, None
    recipients = who_may_see(connection, report, due.recipients)
    wanted = Wanted(report, due.due_at, due.format, recipients, due.schedule_id)
    try:
        with connection.transaction():
            return request(connection, wanted, now), None
    except NotPossible as error:
        return None, str(error)


def who_may_see(connection: Connection, report: SavedReport, account_ids: list[UUID]) -> list[UUID]:
    """Those of some accounts that are there and may see what the report answers."""
    known = {account.account_id: account for account in list_accounts(connection) if not account.disabled}
    return [
        account_id
        for account_id in account_ids
        if account_id in known
        and may_see(Caller(known[account_id].email, known[account_id].roles), report.project_id, report)
    ]

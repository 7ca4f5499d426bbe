"""Saved reports, and who may see them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Connection, errors
from psycopg.rows import dict_row

from beatline.accounts.access import Caller, Permission
from beatline.errors import NotPossible
from beatline.reports.definition import Definition, as_json, from_json, shows_only_numbers
from beatline.storage.queries import query

NAME_LENGTH = 200
MOST_REPORTS = 500  # of a project


class Outdated(NotPossible):
    """Somebody changed the report meanwhile."""


@dataclass(frozen=True)
class Draft:
    """What somebody saves. for_viewers: also those may run it who may not read events."""

    name: str
    definition: Definition
    for_viewers: bool = False


@dataclass(frozen=True, kw_only=True)
class SavedReport(Draft):
    """A report as it is stored. owner_id: the account that saved it, None when that is gone or was none.
    version: counts changes."""

    report_id: int
    project_id: int
    owner_id: UUID | None
    version: int
    created_at: datetime
    changed_at: datetime


def list_reports(connection: Connection, project_id: int, report_id: int | None = None) -> list[SavedReport]:
    """The reports of a project by name, or the one with an id."""
    return read(connection, "reports", {"project_id": project_id, "report_id": report_id})


def find_report(connection: Connection, project_id: int, report_id: int) -> SavedReport | None:
    """A report of a project."""
    return next(iter(list_reports(connection, project_id, report_id)), None)


def create_report(
    connection: Connection, project_id: int, draft: Draft, owner_id: UUID | None, now: datetime
) -> SavedReport:
    """Save a report, in a transaction. Raises NotPossible when its name is taken, or there are too many."""
    connection.execute(query("project_hold"), {"project_id": project_id})
    if len(list_reports(connection, project_id)) >= MOST_REPORTS:
        raise NotPossible(f"The project has {MOST_REPORTS} reports; delete one first.")
    parameters = as_parameters(draft) | {"project_id": project_id, "owner_id": owner_id, "now": now}
    return write(connection, "report_create", parameters)[0]


def change_report(
    connection: Connection, known: SavedReport, draft: Draft, version: int, now: datetime
) -> SavedReport:
    """Save a report anew, in a transaction. Raises Outdated unless it is of this version still,
    NotPossible when its name is taken."""
    place = {"project_id": known.project_id, "report_id": known.report_id, "version": version, "now": now}
    changed = write(connection, "report_change", as_parameters(draft) | place)
    if not changed:
        raise Outdated(f"The report was changed meanwhile: it is of version {known.version} now.")
    return changed[0]


def delete_report(connection: Connection, known: SavedReport) -> None:
    """Forget a report and its schedules."""
    parameters = {"project_id": known.project_id, "report_id": known.report_id}
    connection.execute(query("report_delete"), parameters)


def may_see(caller: Caller, project_id: int, draft: Draft) -> bool:
    """Whether somebody may see what a report asks and answers: who may read events every one; others only
    counts that tell nobody's own data, and what was saved for them."""
    if not caller.may(Permission.READ_REPORTS, project_id):
        return False
    open_to_viewers = draft.for_viewers or shows_only_numbers(draft.definition)
    return open_to_viewers or caller.may(Permission.READ_EVENTS, project_id)


def write(connection: Connection, name: str, parameters: dict[str, Any]) -> list[SavedReport]:
    """The reports that a statement writes. Raises NotPossible when the name is taken."""
    try:
        with connection.transaction():
            return read(connection, name, parameters)
    except errors.UniqueViolation:
        raise NotPossible("There is a report of this name.") from None


def read(connection: Connection, name: str, parameters: dict[str, Any]) -> list[SavedReport]:
    """The reports that a statement gives."""
    with connection.cursor(row_factory=dict_row) as rows:
        found = rows.execute(query(name), parameters).fetchall()
    return [SavedReport(**row | {"definition": from_json(row["definition"])}) for row in found]


def as_parameters(draft: Draft) -> dict[str, Any]:
    """A draft as parameters of a statement."""
    content = msgspec.json.encode(as_json(draft.definition)).decode()
    return {"name": draft.name, "definition": content, "for_viewers": draft.for_viewers}

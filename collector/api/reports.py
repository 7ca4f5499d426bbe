"""/api/v1/projects/<id>/reports: reports, run now, saved, and exported on a schedule (docs/reports.md)."""

from __future__ import annotations

from threading import BoundedSemaphore
from typing import Any

import msgspec
from flask import Response, abort
from flask_smorest import abort as refuse
from marshmallow import Schema, fields, validate
from psycopg import Connection

from beatline.accounts.access import Permission
from beatline.audit_log import Change, note
from beatline.errors import NotPossible
from beatline.events import utc_now
from beatline.reports import saved, schedules
from beatline.reports.definition import Definition, as_json
from beatline.reports.engine import SECONDS, TooLong, run_report
from beatline.reports.periods import time_zones
from beatline.reports.result import Result, rows_of
from beatline.reports.saved import NAME_LENGTH, Draft, Outdated, SavedReport, may_see
from beatline.reports.schedules import FORMATS, MOST_RECIPIENTS, Every, Plan, Schedule
from beatline.reports.words import filter_words, result_words, title_words
from collector.api.access import actor, caller, needs
from collector.api.event_filters import NO_NUL
from collector.api.projects import known_project
from collector.api.report_definitions import DefinitionSchema, ResultSchema
from collector.api.schemas import Area, StrictSchema
from collector.services import reading

blueprint = Area(
    "reports",
    __name__,
    url_prefix="/api/v1/projects/<int:project_id>/reports",
    description="Reports: run now, saved, and exported on a schedule",
)

RUNS_AT_ONCE = 4  # in one process: each holds a connection of the pool, for seconds where no aggregate knows
runs_left = BoundedSemaphore(RUNS_AT_ONCE)
LARGEST_ID = 2**31 - 1
ANSWER = {"description": "OK", "content": {"application/json": {"schema": ResultSchema}}}


class ReportBody(StrictSchema):
    """A report to save. for_viewers: those who may not read events may run it all the same."""

    name = fields.String(required=True, validate=[validate.Length(1, NAME_LENGTH), NO_NUL])
    definition = fields.Nested(DefinitionSchema, required=True)
    for_viewers = fields.Boolean(load_default=False)


class ChangedReportBody(ReportBody):
    """A report to save anew. version: the one that was changed."""

    version = fields.Integer(required=True, strict=True, validate=validate.Range(1, LARGEST_ID))


class RunBody(StrictSchema):
    """A report that is not saved."""

    definition = fields.Nested(DefinitionSchema, required=True)


class EmptyBody(StrictSchema):
    """Nothing."""


class ReportSchema(Schema):
    """A saved report. owner_id: the account that saved it first, null when that is gone, or was a token."""

    report_id = fields.Integer(required=True)
    name = fields.String(required=True)
    title = fields.Function(
        lambda report: title_words(report.definition), required=True, metadata={"type": "string"}
    )
    definition = fields.Function(
        lambda report: as_json(report.definition), required=True, metadata={"type": "object"}
    )
    for_viewers = fields.Boolean(required=True)
    owner_id = fields.UUID(required=True, allow_none=True)
    version = fields.Integer(required=True)
    created_at = fields.DateTime(required=True)
    changed_at = fields.DateTime(required=True)


class ReportsSchema(Schema):
    """Those of a project that the caller may see, by name."""

    reports = fields.List(fields.Nested(ReportSchema), required=True)


class ScheduleBody(StrictSchema):
    """When to export a report, as what and for whom. on_day: of a week 1 (Monday) to 7, of a month 1 to
    31, where shorter months have their last day."""

    every = fields.String(required=True, validate=validate.OneOf(list(Every)))
    on_day = fields.Integer(load_default=None, allow_none=True, strict=True, validate=validate.Range(1, 31))
    at_hour = fields.Integer(required=True, strict=True, validate=validate.Range(0, 23))
    time_zone = fields.String(load_default="UTC", validate=validate.Length(1, 64))
    format = fields.String(required=True, validate=validate.OneOf(FORMATS))
    recipients = fields.List(
        fields.UUID(),
        load_default=list,
        validate=validate.Length(0, MOST_RECIPIENTS),
        metadata={"description": "Accounts that may see the report."},
    )
    paused = fields.Boolean(load_default=False)


class ScheduleSchema(Schema):
    """A schedule; due_at: the next time. last_…: the time before, with its export, or why there is none."""

    schedule_id = fields.Integer(required=True)
    every = fields.String(required=True)
    on_day = fields.Integer(required=True, allow_none=True)
    at_hour = fields.Integer(required=True)
    time_zone = fields.String(required=True)
    format = fields.String(required=True)
    recipients = fields.List(fields.UUID(), required=True)
    paused = fields.Boolean(required=True)
    due_at = fields.DateTime(required=True)
    last_due_at = fields.DateTime(required=True, allow_none=True)
    last_export_id = fields.UUID(required=True, allow_none=True)
    last_error = fields.String(required=True, allow_none=True)


class SchedulesSchema(Schema):
    """The schedules of a report, the oldest first."""

    schedules = fields.List(fields.Nested(ScheduleSchema), required=True)


@blueprint.get("")
@needs(Permission.READ_REPORTS)
@blueprint.response(200, ReportsSchema)
def get_reports(project_id: int) -> dict[str, Any]:
    """The saved reports"""
    with reading() as connection:
        known_project(connection, project_id)
        known = saved.list_reports(connection, project_id)
    return {"reports": [report for report in known if may_see(caller(), project_id, report)]}


@blueprint.post("")
@needs(Permission.WRITE_REPORTS)
@blueprint.arguments(ReportBody)
@blueprint.response(201, ReportSchema)
@blueprint.alt_response(409, description="The name is taken, or there are too many")
def create_report(wanted: dict[str, Any], project_id: int) -> SavedReport:
    """Save a report"""
    draft, now = Draft(**wanted), utc_now()
    check_visible(project_id, draft)
    with reading() as connection, connection.transaction():
        known_project(connection, project_id)
        try:
            made = saved.create_report(connection, project_id, draft, caller().account_id, now)
        except NotPossible as error:
            abort(409, str(error))
        note(connection, actor(), Change("report saved", made.name, project_id, after=noted(made)), now)
    return made


@blueprint.post("/run")
@needs(Permission.READ_REPORTS)
@blueprint.arguments(RunBody)
@blueprint.doc(responses={"200": ANSWER})
@blueprint.alt_response(429, description="Too many reports run at once")
def run_definition(given: dict[str, Any], project_id: int) -> Response:
    """Answer a report that is not saved"""
    definition: Definition = given["definition"]
    check_visible(project_id, Draft("", definition))
    with reading() as connection:
        known_project(connection, project_id)
    return answer(project_id, definition)


@blueprint.get("/<int:report_id>")
@needs(Permission.READ_REPORTS)
@blueprint.response(200, ReportSchema)
def get_report(project_id: int, report_id: int) -> SavedReport:
    """A saved report"""
    with reading() as connection:
        return known_report(connection, project_id, report_id)


@blueprint.put("/<int:report_id>")
@needs(Permission.WRITE_REPORTS)
@blueprint.arguments(ChangedReportBody)
@blueprint.response(200, ReportSchema)
@blueprint.alt_response(409, description="The name is taken, or the report was changed meanwhile")
def change_report(wanted: dict[str, Any], project_id: int, report_id: int) -> SavedReport:
    """Save a report anew"""
    version, now = wanted.pop("version"), utc_now()
    draft = Draft(**wanted)
    check_visible(project_id, draft)
    with reading() as connection, connection.transaction():
        known = known_report(connection, project_id, report_id)
        try:
            changed = saved.change_report(connection, known, draft, version, now)
        except (Outdated, NotPossible) as error:
            abort(409, str(error))
        change = Change("report changed", known.name, project_id, noted(known), noted(changed))
        note(connection, actor(), change, now)
    return changed


@blueprint.delete("/<int:report_id>")
@needs(Permission.WRITE_REPORTS)
@blueprint.response(204)
def delete_report(project_id: int, report_id: int) -> None:
    """Forget a report and its schedules"""
    with reading() as connection, connection.transaction():
        known = known_report(connection, project_id, report_id)
        saved.delete_report(connection, known)
        note(connection, actor(), Change("report deleted", known.name, project_id, noted(known)), utc_now())


@blueprint.post("/<int:report_id>/run")
@needs(Permission.READ_REPORTS)
@blueprint.arguments(EmptyBody)
@blueprint.doc(responses={"200": ANSWER})
@blueprint.alt_response(429, description="Too many reports run at once")
def run_saved(given: dict[str, Any], project_id: int, report_id: int) -> Response:
    """Answer a saved report"""
    with reading() as connection:
        known = known_report(connection, project_id, report_id)
    return answer(project_id, known.definition)


@blueprint.get("/<int:report_id>/schedules")
@needs(Permission.READ_REPORTS)
@blueprint.response(200, SchedulesSchema)
def get_schedules(project_id: int, report_id: int) -> dict[str, Any]:
    """When a report is exported by itself"""
    with reading() as connection:
        known_report(connection, project_id, report_id)
        return {"schedules": schedules.list_schedules(connection, report_id)}


@blueprint.post("/<int:report_id>/schedules")
@needs(Permission.WRITE_REPORTS)
@blueprint.arguments(ScheduleBody)
@blueprint.response(201, ScheduleSchema)
@blueprint.alt_response(409, description="There are too many")
def create_schedule(wanted: dict[str, Any], project_id: int, report_id: int) -> Schedule:
    """Have a report exported again and again"""
    plan, now = Plan(**wanted), utc_now()
    with reading() as connection, connection.transaction():
        report = known_report(connection, project_id, report_id)
        check_plan(connection, report, plan)
        try:
            made = schedules.create_schedule(connection, report, plan, now)
        except NotPossible as error:
            abort(409, str(error))
        note(
            connection, actor(), Change("report scheduled", report.name, project_id, after=as_told(plan)), now
        )
    return made


@blueprint.put("/<int:report_id>/schedules/<int:schedule_id>")
@needs(Permission.WRITE_REPORTS)
@blueprint.arguments(ScheduleBody)
@blueprint.response(200, ScheduleSchema)
def change_schedule(wanted: dict[str, Any], project_id: int, report_id: int, schedule_id: int) -> Schedule:
    """Change when a report is exported; due is what comes after now"""
    plan, now = Plan(**wanted), utc_now()
    with reading() as connection, connection.transaction():
        report = known_report(connection, project_id, report_id)
        known = known_schedule(connection, report_id, schedule_id)
        check_plan(connection, report, plan)
        changed = schedules.change_schedule(connection, report, schedule_id, plan, now)
        was = {name: getattr(known, name) for name in as_told(plan)}
        change = Change("report schedule changed", report.name, project_id, was, as_told(plan))
        note(connection, actor(), change, now)
    return changed


@blueprint.delete("/<int:report_id>/schedules/<int:schedule_id>")
@needs(Permission.WRITE_REPORTS)
@blueprint.response(204)
def delete_schedule(project_id: int, report_id: int, schedule_id: int) -> None:
    """Export a report no more"""
    with reading() as connection, connection.transaction():
        report = known_report(connection, project_id, report_id)
        known = known_schedule(connection, report_id, schedule_id)
        schedules.delete_schedule(connection, report_id, schedule_id)
        was = {"every": known.every, "format": known.format}
        note(connection, actor(), Change("report schedule deleted", report.name, project_id, was), utc_now())


def answer(project_id: int, definition: Definition) -> Response:
    """The answer to a definition. Encoded by msgspec: thousands of points are too many for marshmallow."""
    if not runs_left.acquire(blocking=False):
        abort(429, "Too many reports run at once; try again when one has ended.")
    try:
        with reading() as connection:
            result = run_report(connection, project_id, definition, utc_now(), SECONDS)
    except TooLong as error:
        refuse(422, messages={"json": {"definition": [str(error)]}})
    finally:
        runs_left.release()
    return Response(msgspec.json.encode(as_answer(result)), content_type="application/json")


def as_answer(result: Result) -> dict[str, Any]:
    """A result with its table, and what it is in words."""
    definition = result.definition
    words = {"title": title_words(definition), "about": result_words(result)}
    words["filters"] = filter_words(definition.filters)
    return words | msgspec.structs.asdict(result) | {"rows": list(rows_of(result))}


def known_report(connection: Connection, project_id: int, report_id: int) -> SavedReport:
    """A report of the project: 404 when there is none, 403 when the caller may not see it."""
    found = saved.find_report(connection, project_id, report_id) if report_id <= LARGEST_ID else None
    if found is None:
        abort(404, "There is no such report.")
    check_visible(project_id, found)
    return found


def known_schedule(connection: Connection, report_id: int, schedule_id: int) -> Schedule:
    """A schedule of the report, or 404."""
    found = schedules.list_schedules(connection, report_id, schedule_id) if schedule_id <= LARGEST_ID else []
    return next(iter(found), None) or abort(404, "There is no such schedule.")


def check_visible(project_id: int, draft: Draft) -> None:
    """Refuse with 403 who may not see what a report answers."""
    if not may_see(caller(), project_id, draft):
        abort(403, f"This report shows more than counts, for which {caller().name} needs events:read.")


def check_plan(connection: Connection, report: SavedReport, plan: Plan) -> None:
    """Refuse a plan whose day cannot be, or with a recipient who may not see the report."""
    found: dict[str, Any] = schedules.problems(plan)
    if plan.time_zone not in time_zones():
        found["time_zone"] = ["Not a time zone, such as Europe/Berlin."]
    visible = schedules.who_may_see(connection, report, plan.recipients)
    hidden = [place for place, account_id in enumerate(plan.recipients) if account_id not in visible]
    if hidden:
        found["recipients"] = {str(place): ["Nobody who may see this report."] for place in hidden}
    if found:
        refuse(422, messages={"json": found})


def noted(report: SavedReport) -> dict[str, Any]:
    """A report for the audit log."""
    return {"name": report.name, "definition": as_json(report.definition), "for_viewers": report.for_viewers}


def as_told(plan: Plan) -> dict[str, Any]:
    """A plan for the audit log."""
    return vars(plan)

"""/api/v1/jobs: the schedule, its runs and dead letters (docs/workers.md)."""

from __future__ import annotations

from typing import Any

from flask import abort
from marshmallow import Schema, fields, validate

from beatline import jobs
from beatline.accounts.access import Permission
from beatline.audit_log import Change, note
from beatline.events import utc_now
from beatline.jobs import DeadLetter, Job, LetterPlace, RunPlace
from collector.api.access import actor, needs
from collector.api.cursors import Cursor, cursor_of
from collector.api.schemas import Area, StrictSchema, limit
from collector.services import reading

blueprint = Area(
    "jobs", __name__, url_prefix="/api/v1/jobs", description="The workers' schedule, and what failed for good"
)

OUTCOMES = ("done", "failed", "skipped")
LONGEST_NAME = 200
BIGGEST_ID = 2**63 - 1


def name(about: str) -> fields.String:
    """A name to choose by."""
    checks = [validate.Length(1, LONGEST_NAME), validate.ContainsNoneOf("\0")]
    return fields.String(load_default=None, validate=checks, metadata={"description": about})


class JobRunSchema(Schema):
    """A run of a job. outcome is null while it is open, attempts counts also those whose worker died."""

    job = fields.String(required=True)
    due_at = fields.DateTime(required=True)
    sent_at = fields.DateTime(required=True, allow_none=True)
    attempts = fields.Integer(required=True)
    failures = fields.Integer(required=True)
    started_at = fields.DateTime(
        required=True, allow_none=True, metadata={"description": "Of the last attempt."}
    )
    ended_at = fields.DateTime(required=True, allow_none=True)
    outcome = fields.String(required=True, allow_none=True, metadata={"enum": [*OUTCOMES, None]})
    error = fields.String(required=True, allow_none=True)


class JobSchema(Schema):
    """A job of the schedule."""

    job = fields.String(required=True)
    queue = fields.String(required=True)
    every_seconds = fields.Float(required=True)
    past_seconds = fields.Float(
        required=True, metadata={"description": "How long after the multiples of every_seconds, in UTC."}
    )
    may_take_seconds = fields.Float(required=True)
    missed = fields.String(
        required=True,
        metadata={
            "enum": ["once", "skip", "each"],
            "description": "What becomes of runs whose time passed while nothing ran.",
        },
    )
    recorded = fields.Boolean(
        required=True, metadata={"description": "Whether its runs are kept, else its state is unknown."}
    )
    state = fields.String(required=True, metadata={"enum": ["unknown", "waiting", "running", *OUTCOMES]})
    next_run_at = fields.DateTime(required=True)
    last_run = fields.Nested(JobRunSchema, required=True, allow_none=True)


class JobsSchema(Schema):
    """The schedule, the most frequent jobs first; empty until workers ran for the first time."""

    jobs = fields.List(fields.Nested(JobSchema), required=True)


class JobRunsParameters(StrictSchema):
    """A page of runs."""

    job = name("Of this job.")
    outcome = fields.String(load_default=None, validate=validate.OneOf(OUTCOMES))
    limit = limit(50, 500)
    cursor = Cursor(RunPlace)


class JobRunsSchema(Schema):
    """A page of runs, those due last first."""

    runs = fields.List(fields.Nested(JobRunSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class DeadLettersParameters(StrictSchema):
    """A page of dead letters."""

    queue = name("Of this queue.")
    actor = name("Of this job or task.")
    limit = limit(50, 500)
    cursor = Cursor(LetterPlace)


class DeadLetterSchema(Schema):
    """A message that failed for good. The same one failing again is the same letter."""

    dead_letter_id = fields.Integer(required=True)
    queue = fields.String(required=True)
    actor = fields.String(required=True, metadata={"description": "The job or task."})
    arguments = fields.List(
        fields.Raw(), required=True,
        metadata={"description": "Of a job: when the run was due. Of a task: the id of its row."},
    )  # fmt: skip
    error = fields.String(required=True)
    traceback = fields.String(required=True, metadata={"description": "Its end."})
    first_at = fields.DateTime(required=True)
    at = fields.DateTime(required=True)
    times = fields.Integer(required=True)
    send_asked_at = fields.DateTime(required=True, allow_none=True)


class DeadLettersSchema(Schema):
    """A page of dead letters, those that failed last first."""

    dead_letters = fields.List(fields.Nested(DeadLetterSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


@blueprint.get("")
@needs(Permission.READ_JOBS)
@blueprint.response(200, JobsSchema)
def get_jobs() -> dict[str, Any]:
    """The schedule: each job with its last and its next run"""
    with reading() as connection:
        return {"jobs": [shown(job) for job in jobs.read_jobs(connection, utc_now())]}


def shown(job: Job) -> dict[str, Any]:
    """A job as the answer has it."""
    return vars(job) | {
        "state": job.state,
        "every_seconds": job.when.every.total_seconds(),
        "past_seconds": job.when.past.total_seconds(),
        "may_take_seconds": job.may_take.total_seconds(),
    }


@blueprint.get("/runs")
@needs(Permission.READ_JOBS)
@blueprint.arguments(JobRunsParameters, location="query")
@blueprint.response(200, JobRunsSchema)
def get_job_runs(parameters: dict[str, Any]) -> dict[str, Any]:
    """Runs of the schedule's jobs, those due last first"""
    most = parameters["limit"]
    with reading() as connection:
        runs = jobs.read_runs(
            connection, parameters["job"], parameters["outcome"], parameters["cursor"], most
        )
    return {"runs": runs, "next_cursor": cursor_of(runs[-1].place) if len(runs) == most else None}


@blueprint.get("/dead-letters")
@needs(Permission.READ_JOBS)
@blueprint.arguments(DeadLettersParameters, location="query")
@blueprint.response(200, DeadLettersSchema)
def get_dead_letters(parameters: dict[str, Any]) -> dict[str, Any]:
    """Messages that failed for good, those that failed last first"""
    most = parameters["limit"]
    with reading() as connection:
        letters = jobs.read_dead_letters(
            connection, parameters["queue"], parameters["actor"], parameters["cursor"], most
        )
    return {
        "dead_letters": letters,
        "next_cursor": cursor_of(letters[-1].place) if len(letters) == most else None,
    }


@blueprint.post("/dead-letters/<int:dead_letter_id>/send")
@needs(Permission.WRITE_JOBS)
@blueprint.response(202, DeadLetterSchema)
def send_dead_letter(dead_letter_id: int) -> DeadLetter:
    """Have a dead letter sent again, within seconds; it is gone from the list then"""
    now = utc_now()
    with reading() as connection, connection.transaction():
        letter = known(jobs.ask_to_send(connection, bounded(dead_letter_id), now))
        note(connection, actor(), Change("dead letter sent again", subject(letter)), now)
    return letter


@blueprint.delete("/dead-letters/<int:dead_letter_id>")
@needs(Permission.WRITE_JOBS)
@blueprint.response(200, DeadLetterSchema)
def delete_dead_letter(dead_letter_id: int) -> DeadLetter:
    """Forget a dead letter"""
    with reading() as connection, connection.transaction():
        letter = known(jobs.delete_dead_letter(connection, bounded(dead_letter_id)))
        change = Change("dead letter deleted", subject(letter), before={"error": letter.error})
        note(connection, actor(), change, utc_now())
    return letter


def bounded(dead_letter_id: int) -> int:
    """An id that the database can be asked for; 404 for one that nothing has."""
    if dead_letter_id > BIGGEST_ID:
        abort(404, "There is no such dead letter.")
    return dead_letter_id


def known(letter: DeadLetter | None) -> DeadLetter:
    """A dead letter that is there; 404 otherwise."""
    if letter is None:
        abort(404, "There is no such dead letter.")
    return letter


def subject(letter: DeadLetter) -> str:
    """What the audit log calls a dead letter."""
    return " ".join([letter.actor, *map(str, letter.arguments)])

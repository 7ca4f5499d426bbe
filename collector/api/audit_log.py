"""/api/v1/audit-log: every administrative change, for those who administer."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from flask import abort
from marshmallow import Schema, fields, validate

from beatline import audit_log
from beatline.accounts.access import Caller, Permission
from beatline.audit_log import Choice
from collector.api.access import caller, needs_somewhere
from collector.api.schemas import Area, StrictSchema, limit
from collector.services import reading

blueprint = Area("audit_log", __name__, url_prefix="/api/v1/audit-log", description="Who changed what")


class AuditParameters(StrictSchema):
    """Which entries, the newest first; cursor is the answer's next_cursor."""

    project_id = fields.Integer(load_default=None, validate=validate.Range(1, 2**31 - 1))
    actor = fields.String(
        load_default=None, validate=[validate.Length(1, 254), validate.ContainsNoneOf("\0")]
    )
    action = fields.String(
        load_default=None, validate=[validate.Length(1, 100), validate.ContainsNoneOf("\0")]
    )
    since = fields.AwareDateTime(load_default=None, default_timezone=UTC)
    until = fields.AwareDateTime(load_default=None, default_timezone=UTC)
    limit = limit(50, 500)
    cursor = fields.Integer(load_default=None, validate=validate.Range(1, 2**63 - 1))


class AuditEntrySchema(Schema):
    """A change: who, when, from where, and both states."""

    audit_id = fields.Integer(required=True)
    at = fields.DateTime(required=True)
    actor = fields.String(required=True)
    account_id = fields.UUID(required=True, allow_none=True)
    ip_address = fields.String(required=True, allow_none=True)
    request_id = fields.String(required=True, allow_none=True)
    project_id = fields.Integer(required=True, allow_none=True)
    action = fields.String(required=True)
    subject = fields.String(required=True)
    before = fields.Raw(required=True, allow_none=True)
    after = fields.Raw(required=True, allow_none=True)


class AuditLogSchema(Schema):
    """A page of the log."""

    entries = fields.List(fields.Nested(AuditEntrySchema), required=True)
    next_cursor = fields.Integer(required=True, allow_none=True)


@blueprint.get("")
@needs_somewhere(Permission.READ_AUDIT_LOG)
@blueprint.arguments(AuditParameters, location="query")
@blueprint.response(200, AuditLogSchema)
def get_audit_log(parameters: dict[str, Any]) -> dict[str, Any]:
    """Administrative changes, the newest first: of one's projects, or of all"""
    cursor, rows, project_id = parameters.pop("cursor"), parameters.pop("limit"), parameters.pop("project_id")
    choice = Choice(visible(caller(), project_id), **parameters)
    with reading() as connection:
        entries = audit_log.read_log(connection, choice, cursor, rows)
    return {"entries": entries, "next_cursor": entries[-1].audit_id if len(entries) == rows else None}


def visible(asking: Caller, project_id: int | None) -> list[int] | None:
    """The projects whose changes are shown; None: all, and what is of no project."""
    if project_id is not None:
        if not asking.may(Permission.READ_AUDIT_LOG, project_id):
            abort(403, f"{asking.name} may not do this.")
        return [project_id]
    if asking.may(Permission.READ_AUDIT_LOG):
        return None
    own = [known for known in asking.roles if known is not None]
    return [known for known in own if asking.may(Permission.READ_AUDIT_LOG, known)]

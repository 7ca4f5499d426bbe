"""/api/v1/projects: projects, their write keys and imports (docs/accounts.md)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import abort
from marshmallow import Schema, fields, validate
from psycopg import Connection

from beatline import project_admin
from beatline.accounts.access import Caller, Permission
from beatline.audit_log import Change, note
from beatline.errors import NotPossible
from beatline.events import utc_now
from beatline.imports import list_imports
from beatline.project_admin import NAME_LENGTH, ProjectDetails
from collector.api.access import actor, caller, needs, needs_somewhere
from collector.api.imports import ImportSchema
from collector.api.imports import shown as shown_import
from collector.api.schemas import Area, StrictSchema
from collector.services import reading

blueprint = Area("projects", __name__, url_prefix="/api/v1/projects", description="Projects and write keys")

IMPORTS_SHOWN = 50
EXAMPLE = "https://shop.example"
ORIGIN = r"[a-z][a-z0-9+.-]*://[a-z0-9._\-]+(:\d{1,5})?\Z|[a-z]+://\[[0-9a-f:.]+\](:\d{1,5})?\Z"
NO_ORIGIN = f"Not an origin as browsers write it, in small letters and without a path: {EXAMPLE}"
name_rules = [validate.Length(1, NAME_LENGTH), validate.ContainsNoneOf("\0", error="Holds NUL.")]


class ProjectSchema(Schema):
    """A project; write_keys are null for who may not see them."""

    project_id = fields.Integer(required=True)
    name = fields.String(required=True)
    paused = fields.Boolean(required=True)
    created_at = fields.DateTime(required=True)
    allowed_origins = fields.List(
        fields.String(),
        required=True,
        allow_none=True,
        metadata={"description": "Whose pages may send events; null: everybody's."},
    )
    write_keys = fields.List(fields.String(), required=True, allow_none=True)
    key_ends = fields.Dict(
        keys=fields.String(),
        values=fields.String(metadata={"format": "date-time"}),
        required=True,
        metadata={"description": "When the keys end that were replaced, by key."},
    )


class ProjectsSchema(Schema):
    """Those in which the caller may do anything, the oldest first."""

    projects = fields.List(fields.Nested(ProjectSchema), required=True)


class NewProjectBody(StrictSchema):
    """A project to make; domains are those whose Plausible trackers send to it."""

    name = fields.String(required=True, validate=name_rules)
    domains = fields.List(
        fields.String(validate=name_rules), load_default=list, validate=validate.Length(0, 20)
    )


class ProjectBody(StrictSchema):
    """What may change of a project; absent: stays."""

    name = fields.String(validate=name_rules)
    paused = fields.Boolean()
    allowed_origins = fields.List(
        fields.String(validate=[validate.Length(1, 300), validate.Regexp(ORIGIN, error=NO_ORIGIN)]),
        allow_none=True,
        validate=validate.Length(0, 50),
        metadata={"description": "Whose pages may send events; null: everybody's.", "example": [EXAMPLE]},
    )


class DomainBody(StrictSchema):
    """A site whose Plausible trackers send to the project."""

    domain = fields.String(required=True, validate=name_rules)


class GraceBody(StrictSchema):
    """How long the old keys still let events in."""

    grace_hours = fields.Float(load_default=0.0, validate=validate.Range(0, 8_760))


class WriteKeySchema(Schema):
    """A new write key."""

    write_key = fields.String(required=True)


class ImportsSchema(Schema):
    """The newest imports of a project."""

    imports = fields.List(fields.Nested(ImportSchema), required=True)


@blueprint.get("")
@needs_somewhere(Permission.READ_NUMBERS)
@blueprint.response(200, ProjectsSchema)
def get_projects() -> dict[str, Any]:
    """The projects in which one may do anything"""
    asking = caller()
    with reading() as connection:
        known = project_admin.list_projects(connection)
    own = [project for project in known if asking.permissions(project.project_id)]
    return {"projects": [shown(project, asking) for project in own]}


@blueprint.post("")
@needs(Permission.WRITE_PROJECTS)
@blueprint.arguments(NewProjectBody)
@blueprint.response(201, WriteKeySchema)
@blueprint.alt_response(409, description="The name or a domain is taken")
def create_project(wanted: dict[str, Any]) -> dict[str, Any]:
    """Make a project; its write key"""
    with reading() as connection, connection.transaction():
        try:
            write_key = project_admin.create_project(connection, wanted["name"], tuple(wanted["domains"]))
        except NotPossible as error:
            abort(409, str(error))
        project = next(p for p in project_admin.list_projects(connection) if p.name == wanted["name"])
        change = Change("project made", project.name, project.project_id, after=wanted)
        note(connection, actor(), change, utc_now())
    return {"write_key": write_key}


@blueprint.patch("/<int:project_id>")
@needs(Permission.WRITE_SOURCES)
@blueprint.arguments(ProjectBody)
@blueprint.response(200, ProjectSchema)
@blueprint.alt_response(409, description="The name is taken")
def change_project(wanted: dict[str, Any], project_id: int) -> dict[str, Any]:
    """Rename a project, pause it, or say whose pages may send to it"""
    with reading() as connection, connection.transaction():
        before = known_project(connection, project_id)
        try:
            project_admin.change_project(connection, project_id, **wanted)
        except NotPossible as error:
            abort(409, str(error))
        was = {field: getattr(before, field) for field in wanted}
        note(connection, actor(), Change("project changed", before.name, project_id, was, wanted), utc_now())
        return shown(known_project(connection, project_id), caller())


@blueprint.post("/<int:project_id>/write-keys/rotate")
@needs(Permission.WRITE_SOURCES)
@blueprint.arguments(GraceBody)
@blueprint.response(200, WriteKeySchema)
def rotate_write_key(given: dict[str, Any], project_id: int) -> dict[str, Any]:
    """Make a new write key; the old ones end after the grace"""
    now = utc_now()
    with reading() as connection, connection.transaction():
        before = known_project(connection, project_id)
        grace = timedelta(hours=given["grace_hours"])
        write_key = project_admin.rotate_key(connection, project_id, now, grace)
        was, new = {"write_keys": before.write_keys}, {"write_key": write_key, **given}
        note(connection, actor(), Change("write key rotated", before.name, project_id, was, new), now)
    return {"write_key": write_key}


@blueprint.post("/<int:project_id>/domains")
@needs(Permission.WRITE_SOURCES)
@blueprint.arguments(DomainBody)
@blueprint.response(204)
@blueprint.alt_response(409, description="The domain is taken")
def add_domain(given: dict[str, str], project_id: int) -> None:
    """Take the events of a site's Plausible tracker"""
    with reading() as connection, connection.transaction():
        project = known_project(connection, project_id)
        try:
            project_admin.add_domain(connection, project_id, given["domain"])
        except NotPossible as error:
            abort(409, str(error))
        note(connection, actor(), Change("domain added", project.name, project_id, after=given), utc_now())


@blueprint.delete("/<int:project_id>/domains/<domain>")
@needs(Permission.WRITE_SOURCES)
@blueprint.response(204)
def remove_domain(project_id: int, domain: str) -> None:
    """Take the events of a site's Plausible tracker no more"""
    with reading() as connection, connection.transaction():
        project = known_project(connection, project_id)
        if "\0" in domain or not project_admin.remove_domain(connection, project_id, domain):
            abort(404, "The project has no such domain.")
        was = {"domain": domain}
        note(connection, actor(), Change("domain removed", project.name, project_id, was), utc_now())


@blueprint.get("/<int:project_id>/imports")
@needs(Permission.READ_SOURCES)
@blueprint.response(200, ImportsSchema)
def get_imports(project_id: int) -> dict[str, Any]:
    """The newest imports of a project, with their progress"""
    with reading() as connection:
        known = list_imports(connection, project_id, IMPORTS_SHOWN)
    return {"imports": [shown_import(found) for found in known]}


def known_project(connection: Connection, project_id: int) -> ProjectDetails:
    """A project by its number, or 404."""
    known = project_admin.list_projects(connection)
    found = next((project for project in known if project.project_id == project_id), None)
    return found or abort(404, "There is no such project.")


def shown(project: ProjectDetails, asking: Caller) -> dict[str, Any]:
    """A project as its caller may see it."""
    may_see = asking.may(Permission.READ_SOURCES, project.project_id)
    return vars(project) | ({} if may_see else {"write_keys": None, "key_ends": {}})

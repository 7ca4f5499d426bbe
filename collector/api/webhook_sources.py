"""/api/v1/projects/<id>/webhook-sources: who sends webhooks to a project (docs/webhooks.md)."""

from __future__ import annotations

from typing import Any

from flask import abort, request
from marshmallow import Schema, fields, validate
from psycopg import Connection

from beatline import source_admin
from beatline.accounts.access import Permission
from beatline.audit_log import Change, note
from beatline.errors import NotPossible
from beatline.events import utc_now
from beatline.ingest.mapping import KINDS
from beatline.source_admin import SourceDetails, SourceOptions
from collector.api.access import actor, needs
from collector.api.projects import known_project
from collector.api.schemas import Area, StrictSchema
from collector.services import reading

blueprint = Area(
    "webhook_sources",
    __name__,
    url_prefix="/api/v1/projects/<int:project_id>/webhook-sources",
    description="Sources of webhooks",
)

secret_rules = [validate.Length(8, source_admin.SECRET_LENGTH), validate.ContainsNoneOf("\0")]


class SourceSchema(Schema):
    """A source, without its secret."""

    source = fields.String(required=True)
    kind = fields.String(required=True)
    paused = fields.Boolean(required=True)
    created_at = fields.DateTime(required=True)
    url = fields.String(required=True, metadata={"description": "Where it sends."})


class SourcesSchema(Schema):
    """Every source of a project."""

    webhook_sources = fields.List(fields.Nested(SourceSchema), required=True)


class NewSourceBody(StrictSchema):
    """A source to make: how it signs, its mapping of fields to JMESPath, a secret that the sender made."""

    source = fields.String(required=True, validate=validate.Length(1, 64))
    kind = fields.String(load_default="generic", validate=validate.OneOf(list(KINDS)))
    mapping = fields.Dict(load_default=None, allow_none=True)
    secret = fields.String(load_default=None, allow_none=True, validate=secret_rules, load_only=True)


class PausedBody(StrictSchema):
    """Whether what it sends is refused."""

    paused = fields.Boolean(required=True)


class GivenSecretBody(StrictSchema):
    """A secret that the sender made; absent: a random one."""

    secret = fields.String(load_default=None, allow_none=True, validate=secret_rules, load_only=True)


class SecretSchema(Schema):
    """A source's secret, shown this once, and where it sends."""

    secret = fields.String(required=True)
    url = fields.String(required=True)


@blueprint.get("")
@needs(Permission.READ_SOURCES)
@blueprint.response(200, SourcesSchema)
def get_sources(project_id: int) -> dict[str, Any]:
    """Who sends webhooks to the project"""
    with reading() as connection:
        known = source_admin.list_sources(connection)
    own = [source for source in known if source.project_id == project_id]
    return {"webhook_sources": [source._asdict() | {"url": url_of(source.source)} for source in own]}


@blueprint.post("")
@needs(Permission.WRITE_SOURCES)
@blueprint.arguments(NewSourceBody)
@blueprint.response(201, SecretSchema)
@blueprint.alt_response(409, description="The name is taken, or the mapping cannot be")
def create_source(wanted: dict[str, Any], project_id: int) -> dict[str, Any]:
    """Make a source; its secret is shown this once"""
    name, kind, mapping = wanted["source"], wanted["kind"], wanted["mapping"]
    options = SourceOptions(mapping, wanted["secret"])
    with reading() as connection, connection.transaction():
        known_project(connection, project_id)
        try:
            secret = source_admin.create_source(connection, name, project_id, kind, options)
        except NotPossible as error:
            abort(409, str(error))
        made = {"kind": kind, "mapping": mapping}
        note(connection, actor(), Change("webhook source made", name, project_id, after=made), utc_now())
    return {"secret": secret, "url": url_of(name)}


@blueprint.patch("/<source>")
@needs(Permission.WRITE_SOURCES)
@blueprint.arguments(PausedBody)
@blueprint.response(204)
def pause_source(given: dict[str, Any], project_id: int, source: str) -> None:
    """Refuse what a source sends, or take it again"""
    with reading() as connection, connection.transaction():
        known = own_source(connection, project_id, source)
        source_admin.pause_source(connection, source, paused=given["paused"])
        change = Change("webhook source changed", source, project_id, {"paused": known.paused}, given)
        note(connection, actor(), change, utc_now())


@blueprint.post("/<source>/secret")
@needs(Permission.WRITE_SOURCES)
@blueprint.arguments(GivenSecretBody)
@blueprint.response(200, SecretSchema)
def rotate_secret(given: dict[str, Any], project_id: int, source: str) -> dict[str, Any]:
    """Give a source another secret, shown this once; the old one ends at once"""
    with reading() as connection, connection.transaction():
        own_source(connection, project_id, source)
        secret = source_admin.rotate_secret(connection, source, given["secret"])
        note(connection, actor(), Change("webhook secret rotated", source, project_id), utc_now())
    return {"secret": secret, "url": url_of(source)}


@blueprint.delete("/<source>")
@needs(Permission.WRITE_SOURCES)
@blueprint.response(204)
def delete_source(project_id: int, source: str) -> None:
    """Forget a source; its events stay"""
    with reading() as connection, connection.transaction():
        known = own_source(connection, project_id, source)
        source_admin.delete_source(connection, source)
        was = {"kind": known.kind}
        note(connection, actor(), Change("webhook source deleted", source, project_id, was), utc_now())


def own_source(connection: Connection, project_id: int, name: str) -> SourceDetails:
    """A source of the project, or 404."""
    known = source_admin.list_sources(connection)
    found = (source for source in known if (source.project_id, source.source) == (project_id, name))
    return next(found, None) or abort(404, "There is no such source.")


def url_of(source: str) -> str:
    """Where a source sends."""
    return f"{request.host_url}webhooks/in/{source}"

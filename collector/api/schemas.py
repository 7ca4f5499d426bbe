"""What the areas of the API share: how parameters are read, and schemas."""

from __future__ import annotations

from json import JSONDecodeError
from typing import Any

import msgspec
from flask import Request
from flask_smorest import Blueprint
from marshmallow import RAISE, Schema, fields, validate
from webargs import core
from webargs.flaskparser import FlaskParser

from beatline.events import DEFAULT_PROJECT
from collector.services import services


class StrictParser(FlaskParser):
    """Leaves it to the schema what an unknown parameter is. Takes JSON as ingestion does: no NaN, no lone
    surrogates, no nesting without end."""

    DEFAULT_UNKNOWN_BY_LOCATION: dict[str, str | None] = {}

    def _raw_load_json(self, req: Request) -> Any:
        """The JSON body, missing when it says that it is none. Raises JSONDecodeError."""
        if not req.is_json:
            return core.missing
        req.max_content_length = services().settings.max_body_bytes
        body = req.get_data()
        try:
            return msgspec.json.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError) as error:
            raise JSONDecodeError(str(error), body.decode(errors="replace"), 0) from None


class Area(Blueprint):
    """A blueprint of the API."""

    ARGUMENTS_PARSER = StrictParser()


class StrictSchema(Schema):
    """Parameters and bodies: an unknown field is an error, not ignored."""

    class Meta:
        unknown = RAISE


class ProjectParameters(StrictSchema):
    """Whose numbers; absent: the default project's."""

    project_id = fields.Integer(load_default=DEFAULT_PROJECT, validate=validate.Range(1, 2**31 - 1))


class ErrorSchema(Schema):
    """Every error of every route."""

    code = fields.String(required=True, metadata={"example": "invalid"})
    message = fields.String(required=True)
    errors = fields.Dict(
        required=True, metadata={"description": "{field: [message]}, nested as the request is."}
    )
    request_id = fields.String(required=True)


def limit(default: int, most: int) -> fields.Integer:
    """How many rows to answer."""
    return fields.Integer(load_default=default, validate=validate.Range(1, most))


def user_id() -> fields.String:
    """A user to look at; NUL is no character of PostgreSQL's text."""
    return fields.String(
        load_default=None,
        validate=[validate.Length(1, 200), validate.ContainsNoneOf("\0", error="Holds NUL.")],
    )

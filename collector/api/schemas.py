"""What the areas of the API share: how parameters are read, and schemas."""

from __future__ import annotations

from flask_smorest import Blueprint
from marshmallow import RAISE, Schema, fields, validate
from webargs.flaskparser import FlaskParser


class StrictParser(FlaskParser):
    """Leaves it to the schema what an unknown parameter is."""

    DEFAULT_UNKNOWN_BY_LOCATION: dict[str, str | None] = {}


class Area(Blueprint):
    """A blueprint of the API."""

    ARGUMENTS_PARSER = StrictParser()


class StrictSchema(Schema):
    """Query parameters: an unknown one is an error, not ignored."""

    class Meta:
        unknown = RAISE


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

"""Which events a reader wants, from the query of its request or from a message on its WebSocket."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from marshmallow import ValidationError, fields, validate
from multidict import MultiMapping

from beatline.events import DEFAULT_PROJECT
from collector.api.schemas import StrictSchema

LARGEST_PROJECT = 2**31 - 1
MOST_TYPES = 100


class BadFilter(ValueError):  # noqa: N818 - told to the reader
    """A filter that cannot be used; errors is {field: [message]}."""

    def __init__(self, errors: dict[str, Any]) -> None:
        super().__init__("The filter was refused.")
        self.errors = errors


class Matched(msgspec.Struct):
    """The fields of an event that filters look at."""

    event_type: str
    user_id: str | None = None
    page_url: str | None = None


class Filter(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a reader wants to see; an empty field lets everything pass."""

    project_id: int = DEFAULT_PROJECT
    event_type: frozenset[str] = frozenset()
    user_id: str | None = None
    page_url: str | None = None

    @property
    def passes_all(self) -> bool:
        """Whether every event of the project passes."""
        return not self.event_type and self.user_id is None and self.page_url is None

    def passes(self, event: Matched) -> bool:
        """Whether an event of the project passes."""
        return (
            (not self.event_type or event.event_type in self.event_type)
            and (self.user_id is None or event.user_id == self.user_id)
            and (self.page_url is None or event.page_url == self.page_url)
        )

    def told(self) -> dict[str, Any]:
        """The filter as readers are told it."""
        fields_set: dict[str, Any] = msgspec.to_builtins(self)
        return fields_set | {"project_id": self.project_id, "event_type": sorted(self.event_type)}


class FilterSchema(StrictSchema):
    """A filter as readers give it; an unknown field is an error."""

    project_id = fields.Integer(load_default=DEFAULT_PROJECT, validate=validate.Range(1, LARGEST_PROJECT))
    event_type = fields.List(
        fields.String(validate=validate.Length(1, 200)), validate=validate.Length(0, MOST_TYPES)
    )
    user_id = fields.String(validate=validate.Length(1, 200))
    page_url = fields.String(validate=validate.Length(1, 2_000))


class ChangeSchema(FilterSchema):
    """A filter as a message on the WebSocket: it takes the place of the old one."""

    type = fields.String(required=True, validate=validate.Equal("filter"))


def filter_of_query(query: MultiMapping[str]) -> Filter:
    """The filter of a request; event_type may be repeated. Raises BadFilter."""
    given: dict[str, Any] = {name: query[name] for name in query if name != "token"}
    if "event_type" in given:
        given["event_type"] = query.getall("event_type")
    return load(FilterSchema(), given)


def filter_of_message(text: str | bytes, project_id: int) -> Filter:
    """The filter of a message {"type": "filter", …}; without a project it stays the one it was.

    Raises BadFilter.
    """
    try:
        given = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadFilter({"message": [f"Not valid JSON: {error}"]}) from None
    if not isinstance(given, dict):
        raise BadFilter({"message": ["Not a JSON object."]})
    if isinstance(given.get("event_type"), str):
        given["event_type"] = [given["event_type"]]
    return load(ChangeSchema(), {"project_id": project_id} | given)


def load(schema: FilterSchema, given: Mapping[str, Any]) -> Filter:
    """The filter that a schema makes of what was given."""
    try:
        loaded = schema.load(given)
    except ValidationError as error:
        raise BadFilter(error.messages_dict) from None
    loaded.pop("type", None)
    return Filter(**loaded | {"event_type": frozenset(loaded.get("event_type", ()))})

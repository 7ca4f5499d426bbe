"""Cursors: the place where the next page of a list begins, as text that only means something to us."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from marshmallow import ValidationError, fields

from beatline.analytics.event_log import FIRST, LAST

LENGTH = 2_000


class Cursor(fields.Field[Any]):
    """A cursor that holds a NamedTuple, whose first field is a time."""

    def __init__(self, place: type[Any], **options: Any) -> None:
        self.decoder = msgspec.json.Decoder(place)
        about = {"type": "string", "maxLength": LENGTH, "description": "next_cursor of the page before."}
        super().__init__(load_default=None, metadata=about, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **_: Any) -> Any:
        try:
            place = self.decoder.decode(urlsafe_b64decode(str(value)[:LENGTH]))
        except (ValueError, RecursionError, msgspec.MsgspecError):
            raise ValidationError("Not a cursor of this list.") from None
        if not is_place(place):
            raise ValidationError("Not a cursor of this list.")
        return place


def is_place(place: tuple[Any, ...]) -> bool:
    """Whether a decoded cursor is one that the database can be asked for."""
    at: datetime = place[0]
    known = at.tzinfo is not None and FIRST <= at <= LAST
    return known and not any(isinstance(part, str) and "\0" in part for part in place)


def cursor_of(place: tuple[Any, ...] | None) -> str | None:
    """The cursor of a place; None when there is nothing behind it."""
    return None if place is None else urlsafe_b64encode(msgspec.json.encode(place)).decode()

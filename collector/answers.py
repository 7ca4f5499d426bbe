"""The one shape of every error: {"code", "message", "errors", "request_id"}."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

import msgspec

from beatline.events import uuid7

REQUEST_ID = re.compile(r"[\w.:-]{1,128}")


class Answer(msgspec.Struct):
    """A JSON answer: status, body and what else goes into the header."""

    status: int
    body: bytes
    headers: dict[str, str] = msgspec.field(default_factory=dict)


def json_answer(status: int, content: Any) -> Answer:
    """An answer of the given content."""
    return Answer(status, msgspec.json.encode(content))


def error_body(
    code: str, message: str, request_id: str, errors: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The content of an error answer."""
    return {"code": code, "message": message, "errors": errors or {}, "request_id": request_id}


def code_of(status: int) -> str:
    """The error code that stands for an HTTP status: not_found for 404."""
    return HTTPStatus(status).phrase.lower().replace(" ", "_").replace("-", "_")


def request_id_of(given: str | None) -> str:
    """The client's X-Request-Id when it is harmless, else a new id."""
    return given if given and REQUEST_ID.fullmatch(given) else uuid7().hex

"""Every error of Flask's routes in the one JSON shape; never an HTML page, never a stack trace."""

from __future__ import annotations

from typing import Any

import structlog
from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from beatline.errors import StorageError
from collector.answers import Answer, code_of, error_body, json_answer, request_id_of

log = structlog.get_logger()


def init_errors(app: Flask) -> None:
    """Give the app its request ids and error handlers."""
    app.before_request(set_request_id)
    app.after_request(add_request_id)
    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(StorageError, storage_error)
    app.register_error_handler(Exception, unexpected_error)


def set_request_id() -> None:
    """Know each request by an id: the client's, or ours."""
    g.request_id = request_id_of(request.headers.get("X-Request-Id"))


def add_request_id(response: Response) -> Response:
    """Tell the client the id."""
    response.headers["X-Request-Id"] = g.request_id
    return response


def http_error(error: HTTPException) -> Response:
    """Flask's and flask-smorest's own errors: 404, 405, 413, 415, 422…"""
    status = error.code or 500
    data: dict[str, Any] = getattr(error, "data", None) or {}
    errors = flat_errors(data.get("messages", {}))
    message = data.get("message") or error.description or ""
    if status == 422:  # a parameter that cannot be used is a 400 everywhere in this API
        status, message = 400, "The request was refused."
    response = to_response(json_answer(status, body(code_of(status), message, errors)))
    for name, value in error.get_headers(request.environ):
        if name.lower() in {"allow", "retry-after", "www-authenticate"}:
            response.headers[name] = value
    return response


def flat_errors(messages: Any) -> dict[str, Any]:
    """webargs' {location: {field: [message]}} as {field: [message]}."""
    if not isinstance(messages, dict):
        return {}
    errors: dict[str, Any] = {}
    for located in messages.values():
        errors |= located if isinstance(located, dict) else {"request": located}
    return errors


def storage_error(error: StorageError) -> Response:
    """The database is away: come again."""
    log.warning("storage error", error=str(error), request_id=g.request_id)
    response = to_response(json_answer(503, body("unavailable", "The database is away; try again soon.")))
    response.headers["Retry-After"] = "5"
    return response


def unexpected_error(error: Exception) -> Response:
    """A fault of ours: logged with its id, told without its inside."""
    log.error("request failed", exc_info=error, request_id=g.request_id, path=request.path)
    message = "Something went wrong here; it has been logged."
    return to_response(json_answer(500, body("internal_server_error", message)))


def body(code: str, message: str, errors: dict[str, Any] | None = None) -> dict[str, Any]:
    """The content of an error answer to the current request."""
    return error_body(code, message, g.request_id, errors)


def to_response(answer: Answer) -> Response:
    """An answer as Flask's response."""
    return Response(answer.body, answer.status, content_type="application/json")

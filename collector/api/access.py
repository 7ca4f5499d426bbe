"""Who may administer: whoever knows BEATLINE_ADMIN_TOKEN."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from flask import abort, request
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Unauthorized

from collector.api.schemas import Area
from collector.services import services

View = TypeVar("View", bound=Callable[..., Any])

ADMIN_SCHEME = "adminToken"  # its name in OpenAPI (collector/api/openapi.py)
NOT_SET = "Administration is closed: BEATLINE_ADMIN_TOKEN is not set."


def admin_only(view: View) -> View:
    """A view that needs `Authorization: Bearer <BEATLINE_ADMIN_TOKEN>`, checked before the request is read:
    401 for a wrong token or none, 403 when none is set. Comes right below the route."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        check_admin_token(services().settings.admin_token)
        return view(*args, **kwargs)

    return cast(View, Area.doc(security=[{ADMIN_SCHEME: []}])(guarded))


def check_admin_token(token: str | None) -> None:
    """Refuse a request without the token."""
    if token is None:
        abort(403, NOT_SET)
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    right = hmac.compare_digest(given.strip().encode(errors="replace"), token.encode())
    if scheme.lower() != "bearer" or not right:
        raise Unauthorized("The admin token is needed.", www_authenticate=WWWAuthenticate("bearer"))

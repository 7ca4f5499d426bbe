"""Who may ask: whoever knows the token of the settings that a route needs."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple, TypeVar, cast

from flask import abort, request
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Unauthorized

from collector.api.schemas import Area
from collector.services import services

View = TypeVar("View", bound=Callable[..., Any])


class Token(NamedTuple):
    """A token: the field of the settings that holds it, its scheme's name in OpenAPI, what is closed while
    none is set, and whose it is."""

    setting: str
    scheme: str
    closed: str
    name: str


ADMIN = Token("admin_token", "adminToken", "Administration is closed", "admin token")
GRAFANA = Token("grafana_token", "grafanaToken", "Alerts are not taken", "token of Grafana")


def admin_only(view: View) -> View:
    """A view that needs `Authorization: Bearer <BEATLINE_ADMIN_TOKEN>`. Comes right below the route."""
    return guarded(view, ADMIN)


def grafana_only(view: View) -> View:
    """A view that needs `Authorization: Bearer <BEATLINE_GRAFANA_TOKEN>`. Comes right below the route."""
    return guarded(view, GRAFANA)


def guarded(view: View, token: Token) -> View:
    """A view that needs a token, checked before the request is read: 401 for a wrong one or none, 403 when
    none is set."""

    @wraps(view)
    def checked(*args: Any, **kwargs: Any) -> Any:
        check(token)
        return view(*args, **kwargs)

    return cast(View, Area.doc(security=[{token.scheme: []}])(checked))


def check(token: Token) -> None:
    """Refuse a request without the token."""
    expected = getattr(services().settings, token.setting)
    if expected is None:
        abort(403, f"{token.closed}: BEATLINE_{token.setting.upper()} is not set.")
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    right = hmac.compare_digest(given.strip().encode(errors="replace"), expected.encode())
    if scheme.lower() != "bearer" or not right:
        raise Unauthorized(f"The {token.name} is needed.", www_authenticate=WWWAuthenticate("bearer"))

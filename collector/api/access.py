"""Who may use a route. Every view says what it needs; one that says nothing is closed to everybody.

Whoever asks proves who they are by, in this order: `Authorization: Bearer` with the admin token
(BEATLINE_ADMIN_TOKEN), an API token, or an access token; or the access token's cookie, which needs the CSRF
token of its twin for anything but reading (double submit, OWASP's CSRF cheat sheet).
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast
from uuid import UUID

from flask import Flask, abort, current_app, g, request
from flask_jwt_extended import get_jwt, verify_jwt_in_request
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Unauthorized

from beatline.accounts import api_tokens
from beatline.accounts.access import ADMIN_TOKEN, INSTALLATION_WIDE, NOBODY, Caller, Permission, Role
from beatline.accounts.access_tokens import COOKIE
from beatline.accounts.callers import caller_of_login, caller_of_token
from beatline.audit_log import Actor
from beatline.events import DEFAULT_PROJECT, utc_now
from collector.api.schemas import Area
from collector.services import reading, services

View = TypeVar("View", bound=Callable[..., Any])

SCHEMES = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "An access token, an API token, or the admin token",
    },
    "cookie": {"type": "apiKey", "in": "cookie", "name": COOKIE},
    "grafana": {"type": "http", "scheme": "bearer", "description": "The token of Grafana"},
}
NO_PROJECT = -1  # what is wrong with it, the schema says to those who may do it anywhere
OPEN = Caller("open reading", {DEFAULT_PROJECT: Role.VIEWER}, frozenset({Permission.READ_NUMBERS}))


@dataclass(frozen=True)
class Access:
    """What a view needs: a permission, or None: to be signed in. public needs neither, grafana the token of
    Grafana; somewhere: the view itself looks in which projects the caller has the permission."""

    permission: Permission | None = None
    public: bool = False
    grafana: bool = False
    somewhere: bool = False


def needs(permission: Permission) -> Callable[[View], View]:
    """A view that needs a permission: in the installation as a whole for what is of it, else in the project
    that path or query name as project_id, or the default one. Comes right below the route."""
    return lambda view: declare(view, Access(permission), "bearer", "cookie")


def needs_somewhere(permission: Permission) -> Callable[[View], View]:
    """A view that needs a permission in any project, and answers what is of those."""
    return lambda view: declare(view, Access(permission, somewhere=True), "bearer", "cookie")


def signed_in(view: View) -> View:
    """A view about the account that has signed in; API tokens do not reach it."""
    return declare(view, Access(), "bearer", "cookie")


def grafana_only(view: View) -> View:
    """A view that needs `Authorization: Bearer <BEATLINE_GRAFANA_TOKEN>`, and takes nothing else."""
    return declare(view, Access(grafana=True), "grafana")


def public(view: View) -> View:
    """A view for everybody."""
    return declare(view, Access(public=True))


def declare(view: View, access: Access, *schemes: str) -> View:
    """Note on a view what it needs, and in its documentation by which of the schemes."""
    vars(view)["access"] = access
    return cast(View, Area.doc(security=[{scheme: []} for scheme in schemes])(view)) if schemes else view


def init_access(app: Flask, open_endpoints: frozenset[str]) -> None:
    """Check each request before its parameters are read. open_endpoints: those of extensions that everybody
    may use."""
    for endpoint in open_endpoints:
        public(app.view_functions[endpoint])
    app.before_request(check_access)


def check_access() -> None:
    """Refuse who may not: 401 when nobody is signed in, 403 when it is not theirs."""
    if request.endpoint is None or request.method == "OPTIONS":
        return
    view = current_app.view_functions[request.endpoint]
    access = getattr(view, "access", None)
    if access is None:
        abort(403, "This is closed.")
    if access.public:
        return
    if access.grafana:
        check_grafana_token()
        return
    g.caller = who_asks()
    if not is_allowed(g.caller, access):
        refuse(g.caller)


def check_grafana_token() -> None:
    """Refuse who does not send the token of Grafana: 403 when none is set."""
    expected = services().settings.grafana_token
    if expected is None:
        abort(403, "Alerts are not taken: BEATLINE_GRAFANA_TOKEN is not set.")
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    right = hmac.compare_digest(given.strip().encode(errors="replace"), expected.encode())
    if scheme.lower() != "bearer" or not right:
        raise Unauthorized("The token of Grafana is needed.", www_authenticate=WWWAuthenticate("bearer"))


def is_allowed(caller: Caller, access: Access) -> bool:
    """Whether somebody has what a view needs."""
    if access.permission is None:
        return caller.login_id is not None
    if access.somewhere:
        return any(caller.may(access.permission, project_id) for project_id in caller.roles)
    return caller.may(access.permission, asked_project(access.permission))


def refuse(caller: Caller) -> None:
    """Tell whoever asked why not."""
    if caller in (NOBODY, OPEN):
        raise Unauthorized("Sign in, or send a token.", www_authenticate=WWWAuthenticate("bearer"))
    abort(403, f"{caller.name} may not do this.")


def asked_project(permission: Permission) -> int | None:
    """The project that a request is about; None for the installation as a whole."""
    if permission in INSTALLATION_WIDE:
        return None
    named = (request.view_args or {}).get("project_id", request.args.get("project_id", DEFAULT_PROJECT))
    try:
        return int(named)
    except ValueError:
        return NO_PROJECT


def who_asks() -> Caller:
    """Whoever sent the request. Raises Unauthorized for a proof that is none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return caller_of_bearer(token.strip())
    if verify_jwt_in_request(optional=True, locations=["cookies"]):
        return caller_of_access_token()
    return OPEN if services().settings.open_reading else NOBODY


def caller_of_bearer(token: str) -> Caller:
    """Whoever a bearer token stands for. Raises Unauthorized when nobody."""
    admin_token = services().settings.admin_token
    if admin_token and hmac.compare_digest(token.encode(errors="replace"), admin_token.encode()):
        return ADMIN_TOKEN
    if token.startswith(api_tokens.PREFIX):
        with reading() as connection:
            caller = caller_of_token(connection, token, utc_now())
        return caller or not_valid()
    verify_jwt_in_request(locations=["headers"])
    return caller_of_access_token()


def caller_of_access_token() -> Caller:
    """Whoever the verified access token stands for. Raises Unauthorized when the session is over."""
    with reading() as connection:
        caller = caller_of_login(connection, login_id(), utc_now())
    return caller or not_valid()


def login_id() -> UUID:
    """The login session of the verified token."""
    return UUID(get_jwt()["login"])


def not_valid() -> Caller:
    """Raise Unauthorized for a token that was ended."""
    raise Unauthorized("The token is not valid any more.", www_authenticate=WWWAuthenticate("bearer"))


def caller() -> Caller:
    """Whoever asks, as it was checked before the view."""
    return cast(Caller, g.caller)


def account_of(caller: Caller) -> UUID:
    """The account of who has signed in."""
    return cast(UUID, caller.account_id)


def login_of(caller: Caller) -> UUID:
    """The login session of who has signed in."""
    return cast(UUID, caller.login_id)


def actor() -> Actor:
    """Whoever changes something now, for the audit log."""
    return Actor(caller(), client_address(), g.request_id)


def client_address() -> str:
    """The client's IP address, as the trusted proxies say."""
    forwarded, proxies = request.headers.get("X-Forwarded-For"), services().settings.trusted_proxies
    if not forwarded or not proxies:
        return request.remote_addr or ""
    hops = [hop.strip() for hop in forwarded.split(",")]
    return hops[-min(proxies, len(hops))]

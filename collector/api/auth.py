"""/api/v1/auth: signing in and out (docs/accounts.md)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, g, jsonify, request
from flask_jwt_extended import decode_token, get_jwt, unset_jwt_cookies, verify_jwt_in_request
from jwt.exceptions import PyJWTError
from marshmallow import Schema, fields, validate
from werkzeug.exceptions import TooManyRequests, Unauthorized

from beatline.accounts import login_throttle
from beatline.accounts.login_sessions import (
    Device,
    Refresh,
    begin_login,
    end_login,
    end_logins,
    refresh_login,
)
from beatline.accounts.people import check_password
from beatline.events import utc_now
from collector.api.access import account_of, caller, client_address, login_of, public, signed_in
from collector.api.schemas import Area, StrictSchema
from collector.api.tokens import REFRESH_PATH, app_keys, as_answer, as_cookies, device_token, token_pair
from collector.services import reading, services

blueprint = Area("auth", __name__, url_prefix="/api/v1/auth", description="Signing in and out")
jwks_blueprint = Area("jwks", __name__, url_prefix="/.well-known", description="Keys that verify our tokens")

DEVICE_COOKIE = "beatline_device"
DEVICE_SECONDS = 400 * 86_400  # the longest that browsers keep a cookie (RFC 6265bis)
WRONG = "The address or the password is wrong."


class LoginBody(StrictSchema):
    """Who signs in. cookies: for browsers, the tokens come as cookies that scripts cannot read."""

    email = fields.String(required=True, validate=[validate.Length(3, 254), validate.ContainsNoneOf("\0")])
    password = fields.String(required=True, validate=validate.Length(1, 256), load_only=True)
    cookies = fields.Boolean(load_default=False)


class TokensSchema(Schema):
    """An access token, for `Authorization: Bearer`, and a refresh token, good for one refresh. With cookies
    both are null."""

    access_token = fields.String(required=True, allow_none=True)
    refresh_token = fields.String(required=True, allow_none=True)
    token_type = fields.String(required=True)
    expires_in = fields.Integer(required=True, metadata={"description": "Seconds."})


class LogoutSchema(Schema):
    """How many login sessions were ended."""

    ended = fields.Integer(required=True)


class JwkSetSchema(Schema):
    """A JSON Web Key Set (RFC 7517)."""

    keys = fields.List(fields.Dict(), required=True)


@blueprint.post("/login")
@public
@blueprint.arguments(LoginBody)
@blueprint.response(200, TokensSchema)
@blueprint.alt_response(429, description="Too many attempts; try again after Retry-After seconds")
def login(given: dict[str, Any]) -> Response:
    """Sign in with address and password"""
    admit(given["email"])
    now = utc_now()
    with reading() as connection:
        account_id = check_password(connection, given["email"], given["password"])
        if account_id is None:
            raise Unauthorized(WRONG)
        begun = begin_login(connection, account_id, this_device(), now)
    response = answered(account_id, begun, cookies=given["cookies"])
    response.set_cookie(
        DEVICE_COOKIE, device_token(account_id, given["email"]), DEVICE_SECONDS, path="/api/v1/auth/",
        httponly=True, samesite="Strict", secure=services().settings.tls,
    )  # fmt: skip
    return response


@blueprint.post("/refresh")
@public
@blueprint.response(200, TokensSchema)
def refresh() -> Response:
    """Get new tokens for a refresh token, in the Authorization header or its cookie"""
    verify_jwt_in_request(refresh=True)
    claims = get_jwt()
    if "refresh" not in claims:
        raise Unauthorized("This is no refresh token.")
    given = Refresh(UUID(claims["login"]), UUID(claims["refresh"]))
    with reading() as connection:
        follower = refresh_login(connection, given, this_device(), utc_now())
    if follower is None:
        raise Unauthorized("The session is over: sign in again.")
    return answered(UUID(claims["sub"]), follower, cookies="Authorization" not in request.headers)


@blueprint.after_request
def forget_refused_cookies(response: Response) -> Response:
    """Take a session's cookies away when it cannot be refreshed: a token that has ended is refused even where
    reading is open. A page of another origin cannot send the header, so it can sign nobody out."""
    refused = response.status_code == 401 and request.path == REFRESH_PATH
    if refused and "X-CSRF-TOKEN" in request.headers:
        unset_jwt_cookies(response)
    return response


@blueprint.post("/logout")
@signed_in
@blueprint.response(200, LogoutSchema)
def logout() -> Response:
    """End the login session of the access token"""
    with reading() as connection:
        end_login(connection, login_of(caller()), "logout", utc_now())
    return signed_out(1)


@blueprint.post("/logout-everywhere")
@signed_in
@blueprint.response(200, LogoutSchema)
def logout_everywhere() -> Response:
    """End all login sessions of the account"""
    with reading() as connection:
        return signed_out(end_logins(connection, account_of(caller()), "logout", utc_now()))


@jwks_blueprint.get("/jwks.json")
@public
@jwks_blueprint.response(200, JwkSetSchema)
def get_keys() -> dict[str, Any]:
    """The public keys that verify our tokens (RFC 7517)"""
    return app_keys().jwks()


def admit(email: str) -> None:
    """Let somebody try to sign in. Raises TooManyRequests."""
    verdict = login_throttle.admit(services().rate_limits, email, client_address(), known_device(email))
    if not verdict.allowed:
        raise TooManyRequests("Too many attempts to sign in.", retry_after=verdict.retry_after)


def known_device(email: str) -> str | None:
    """The id of the device's token, when somebody signed in there as this account before."""
    token = request.cookies.get(DEVICE_COOKIE)
    if token is None:
        return None
    try:
        claims = decode_token(token)
    except (PyJWTError, KeyError):
        return None
    return str(claims["jti"]) if claims.get("device_of") == email.strip().lower() else None


def this_device() -> Device:
    """Where the request comes from."""
    return Device(client_address(), request.headers.get("User-Agent", ""))


def answered(account_id: UUID, login: Refresh, *, cookies: bool) -> Response:
    """The tokens of a login session, in the answer or as cookies."""
    pair = token_pair(account_id, login)
    content = as_answer(pair)
    if not cookies:
        response = jsonify(content)
    else:
        response = as_cookies(pair, jsonify(content | {"access_token": None, "refresh_token": None}))
    response.headers["Cache-Control"] = "no-store"
    return response


def signed_out(ended: int) -> Response:
    """The answer to who has signed out: without cookies from now on."""
    g.pop("caller", None)
    response = jsonify({"ended": ended})
    unset_jwt_cookies(response)
    return response

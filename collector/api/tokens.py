"""Our JSON Web Tokens: access tokens for a quarter of an hour, refresh tokens that are used once.

Made and checked by flask-jwt-extended, with keys of beatline/accounts/signing_keys.py. The claim `login` is
the login session, `refresh` the session's refresh id.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Flask, Response, current_app
from flask_jwt_extended import (
    JWTManager,
    create_access_token,
    create_refresh_token,
    set_access_cookies,
    set_refresh_cookies,
)

from beatline.accounts.access_tokens import COOKIE, ISSUER
from beatline.accounts.login_sessions import LIFETIME, Refresh
from beatline.accounts.signing_keys import ALGORITHM, SigningKeys, signing_keys
from beatline.settings import Settings
from collector.answers import json_answer
from collector.errors import body, to_response

ACCESS_LIFETIME = timedelta(minutes=15)
REFRESH_PATH = "/api/v1/auth/refresh"
KEYS = "beatline_signing_keys"  # in the app's extensions

REFUSALS = {
    "expired_token_loader": "The token has expired.",
    "invalid_token_loader": "The token cannot be read, or is not ours.",
    "unauthorized_loader": "A token is missing, or the CSRF token of its cookie (header X-CSRF-TOKEN).",
    "revoked_token_loader": "The token is not valid any more.",
    "token_verification_failed_loader": "The token is not meant for this.",
}


def init_tokens(app: Flask, settings: Settings) -> None:
    """Give the app its keys, and its refusals the one shape of errors. Raises StartError for bad keys."""
    keys = app.extensions[KEYS] = signing_keys(settings)
    app.config.update(
        JWT_ALGORITHM=ALGORITHM,
        JWT_DECODE_ALGORITHMS=[ALGORITHM],
        JWT_ENCODE_ISSUER=ISSUER,
        JWT_DECODE_ISSUER=ISSUER,
        JWT_ACCESS_TOKEN_EXPIRES=ACCESS_LIFETIME,
        JWT_REFRESH_TOKEN_EXPIRES=LIFETIME,
        JWT_TOKEN_LOCATION=["headers", "cookies"],
        JWT_COOKIE_SECURE=settings.tls,
        JWT_COOKIE_SAMESITE="Strict",
        JWT_ACCESS_COOKIE_NAME=COOKIE,
        JWT_ACCESS_COOKIE_PATH="/api/",
        JWT_REFRESH_COOKIE_PATH=REFRESH_PATH,
        JWT_SESSION_COOKIE=False,
    )
    manager = JWTManager(app)
    manager.encode_key_loader(lambda _: keys.private)
    manager.decode_key_loader(lambda header, _: keys.public.get(header.get("kid"), keys.private.public_key()))
    for loader, message in REFUSALS.items():
        getattr(manager, loader)(refusal(message))


def refusal(message: str) -> Any:
    """What answers a token that is refused."""

    def refuse(*_: Any) -> Response:
        response = to_response(json_answer(401, body("unauthorized", message)))
        response.headers["WWW-Authenticate"] = "Bearer"
        return response

    return refuse


def app_keys() -> SigningKeys:
    """The keys of the current app."""
    keys: SigningKeys = current_app.extensions[KEYS]
    return keys


def token_pair(account_id: UUID, refresh: Refresh) -> tuple[str, str]:
    """An access token and a refresh token for a login session."""
    options: dict[str, Any] = {"additional_headers": {"kid": app_keys().signing_id}}
    claims = {"login": str(refresh.login_id)}
    access = create_access_token(str(account_id), additional_claims=claims, **options)
    follower = claims | {"refresh": str(refresh.refresh_id)}
    return access, create_refresh_token(str(account_id), additional_claims=follower, **options)


def as_answer(pair: tuple[str, str]) -> dict[str, Any]:
    """The tokens as an API client gets them."""
    access, refresh = pair
    seconds = int(ACCESS_LIFETIME.total_seconds())
    return {"access_token": access, "refresh_token": refresh, "token_type": "Bearer", "expires_in": seconds}


def as_cookies(pair: tuple[str, str], response: Response) -> Response:
    """The tokens as the console gets them: out of reach of scripts, with their CSRF tokens within it."""
    access, refresh = pair
    set_access_cookies(response, access)
    set_refresh_cookies(response, refresh)
    return response


def device_token(account_id: UUID, email: str) -> str:
    """What a device keeps after a sign-in, so that it is known at the next one (login_throttle.py). It lets
    nobody in: it is of no login session."""
    claims = {"device_of": email.strip().lower()}
    headers = {"kid": app_keys().signing_id}
    return str(
        create_refresh_token(
            str(account_id), expires_delta=False, additional_claims=claims, additional_headers=headers
        )
    )

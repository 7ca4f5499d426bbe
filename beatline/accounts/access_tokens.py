"""Access tokens (RFC 7519, profile of RFC 8725) as whoever verifies them knows them.

The collector makes them (collector/api/tokens.py); the live server only looks whose they are.
"""

from __future__ import annotations

from uuid import UUID

import jwt
from jwt.exceptions import PyJWTError

from beatline.accounts.signing_keys import ALGORITHM, SigningKeys

ISSUER = "beatline"
COOKIE = "access_token_cookie"
REQUIRED = ["exp", "iss", "type", "login"]


def login_of(token: str, keys: SigningKeys) -> UUID | None:
    """The login session of an access token; None for one that is over, or none of ours."""
    try:
        key = keys.public[jwt.get_unverified_header(token)["kid"]]
        claims = jwt.decode(token, key, [ALGORITHM], issuer=ISSUER, options={"require": REQUIRED})
        return UUID(claims["login"]) if claims["type"] == "access" else None
    except (PyJWTError, LookupError, ValueError, TypeError, AttributeError):
        return None

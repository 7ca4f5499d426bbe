"""Links to the files of exports: whoever has one may download one file for a few minutes.

A link carries a JSON Web Token (RFC 7519, profile of RFC 8725), so that a browser can follow it without
further headers. It opens nothing else: its type is no access token's, and no other token opens a file.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import jwt
from jwt.exceptions import PyJWTError

from beatline.accounts.access_tokens import ISSUER
from beatline.accounts.signing_keys import ALGORITHM, SigningKeys

LIFETIME = timedelta(minutes=10)
TYPE = "export"
REQUIRED = ["exp", "iss", "type", "export"]


def link_token(export_id: UUID, keys: SigningKeys, now: datetime) -> str:
    """The token of a link to an export's file."""
    claims = {"iss": ISSUER, "type": TYPE, "export": str(export_id), "iat": now, "exp": now + LIFETIME}
    return jwt.encode(claims, keys.private, ALGORITHM, {"kid": keys.signing_id})


def export_of_link(token: str, keys: SigningKeys) -> UUID | None:
    """The export of a link's token; None for one that is over, or no link of ours."""
    try:
        key = keys.public[jwt.get_unverified_header(token)["kid"]]
        claims = jwt.decode(token, key, [ALGORITHM], issuer=ISSUER, options={"require": REQUIRED})
        return UUID(claims["export"]) if claims["type"] == TYPE else None
    except (PyJWTError, LookupError, ValueError, TypeError, AttributeError):
        return None

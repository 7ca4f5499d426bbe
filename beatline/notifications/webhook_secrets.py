"""Secrets of outgoing webhooks (Standard Webhooks): whsec_, and 24 to 64 random bytes in base64."""

from __future__ import annotations

import base64
import secrets

PREFIX = "whsec_"


def new_secret() -> str:
    """A new secret of 32 bytes."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def secret_bytes(secret: str) -> bytes:
    """The bytes of a secret, with its prefix or without. Raises ValueError for one that is none."""
    decoded = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    if not 24 <= len(decoded) <= 64:
        raise ValueError("a secret has 24 to 64 bytes")
    return decoded

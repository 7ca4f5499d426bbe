"""The token with which Apple knows us: a JWT that is used for 40 minutes.

Apple refuses one that is older than an hour, and new ones that come more often than every 20 minutes.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from functools import cache

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from beatline.notifications.channels import Refused
from beatline.settings import Settings

MOST_OFTEN = timedelta(minutes=20)
USED_FOR = timedelta(minutes=40)
NEEDED = ("apns_key", "apns_key_id", "apns_team_id", "apns_topic")


class ProviderToken:
    """The tokens of one key, shared by the threads of a process."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, key_id: str, team_id: str) -> None:
        self.key = key
        self.key_id = key_id
        self.team_id = team_id
        self.lock = threading.Lock()
        self.made_at: datetime | None = None
        self.made = ""

    def text(self, now: datetime) -> str:
        """The token, a new one when it has got old."""
        with self.lock:
            if self.made_at is None or not timedelta(0) <= now - self.made_at < USED_FOR:
                self.make(now)
            return self.made

    def renew(self, now: datetime) -> bool:
        """Make a new token; False when the one in use is too young for that."""
        with self.lock:
            if self.made_at and now - self.made_at < MOST_OFTEN:
                return False
            self.make(now)
            return True

    def seconds_to_renewal(self, now: datetime) -> float:
        """How long the token in use is still too young to be renewed."""
        made_at = self.made_at or now
        return max((made_at + MOST_OFTEN - now).total_seconds(), 0.0)

    def make(self, now: datetime) -> None:
        """A new token. The caller holds the lock."""
        claims = {"iss": self.team_id, "iat": int(now.timestamp())}
        self.made = jwt.encode(claims, self.key, algorithm="ES256", headers={"kid": self.key_id})
        self.made_at = now


def provider_token_of(settings: Settings) -> ProviderToken:
    """The token of the settings' key. Raises Refused when they are incomplete, or the key cannot be used."""
    missing = [name for name in NEEDED if getattr(settings, name) is None]
    if missing:
        names = ", ".join(f"BEATLINE_{name.upper()}" for name in missing)
        raise Refused(f"APNs is not set up: not set: {names}")
    return kept_token(str(settings.apns_key), str(settings.apns_key_id), str(settings.apns_team_id))


@cache
def kept_token(pem: str, key_id: str, team_id: str) -> ProviderToken:
    """One token for each key."""
    try:
        key = serialization.load_pem_private_key(pem.replace("\\n", "\n").encode(), None)
    except (ValueError, TypeError) as error:
        raise Refused(f"BEATLINE_APNS_KEY: {error}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise Refused("BEATLINE_APNS_KEY: Apple's keys are EC keys on the curve P-256")
    return ProviderToken(key, key_id, team_id)

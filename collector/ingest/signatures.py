"""Signatures of webhooks: each kind's check that a body comes from who has the secret, unchanged.

A check returns the time that is signed with the body, as it was sent; empty where the kind signs none.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256

from beatline.webhook_sources import Source
from collector.ingest.request import Refused, Request

BAD, EXPIRED = "signature", "signature_expired"
TOLERANCE_SECONDS = 300  # Stripe's own libraries use the same
MOST_SIGNATURES = 10


def check_timed(header: str | None, secret: str, body: bytes, now: datetime) -> str:
    """`t=<seconds since 1970>,v1=<hex of HMAC-SHA256 over "<t>.<body>">`, v1 once or more. Raises Refused."""
    parts = [part.strip().partition("=") for part in (header or "").split(",")]
    times = [value for name, _, value in parts if name == "t"]
    signatures = [value for name, _, value in parts if name == "v1"]
    if not times or not signatures:
        raise Refused(401, BAD, "The signature is missing or not of the form t=…,v1=….")
    signed = times[0].encode("latin-1", "replace") + b"." + body
    if not any(matches(secret, signed, given) for given in signatures[:MOST_SIGNATURES]):
        raise wrong()
    if abs(now.timestamp() - unix_time(times[0])) > TOLERANCE_SECONDS:
        raise Refused(401, EXPIRED, f"The signature's time is over {TOLERANCE_SECONDS} s away from ours.")
    return times[0]


def check_untimed(header: str | None, secret: str, body: bytes) -> str:
    """`sha256=<hex of HMAC-SHA256 over the body>`. Raises Refused."""
    scheme, _, given = (header or "").partition("=")
    if scheme != "sha256" or not given:
        raise Refused(401, BAD, "The signature is missing or not of the form sha256=….")
    if not matches(secret, body, given):
        raise wrong()
    return ""


def matches(secret: str, signed: bytes, given: str) -> bool:
    """Whether a signature is that of the secret; takes the same time wherever they differ."""
    expected = hmac.new(secret.encode(), signed, sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), given.encode("latin-1", "replace"))


def unix_time(text: str) -> float:
    """Seconds since 1970, signed by who has the secret; long ago when the text is none."""
    return float(text) if text.isascii() and text.isdigit() and len(text) <= 12 else 0.0


def wrong() -> Refused:
    """The answer to a signature that is not ours."""
    return Refused(401, BAD, "The signature does not belong to this body and the source's secret.")


def check_generic(source: Source, request: Request) -> str:
    """Ours: header X-Beatline-Signature, with the time."""
    return check_timed(
        request.header("X-Beatline-Signature"), source.secret, request.body, request.received_at
    )


def check_stripe(source: Source, request: Request) -> str:
    """Stripe's: the same form; while a secret is rolled there is a v1 for the old and one for the new."""
    return check_timed(request.header("Stripe-Signature"), source.secret, request.body, request.received_at)


def check_github(source: Source, request: Request) -> str:
    """GitHub's: signs no time, so only the delivery's id, kept in the ledger, tells a replay."""
    return check_untimed(request.header("X-Hub-Signature-256"), source.secret, request.body)


CHECKS: dict[str, Callable[[Source, Request], str]] = {
    "generic": check_generic,
    "github": check_github,
    "stripe": check_stripe,
}

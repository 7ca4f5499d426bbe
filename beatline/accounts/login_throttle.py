"""Throttling of sign-ins, without a way to lock somebody else out.

Guessing is slowed per address, and per account for those who come from a device that nobody has signed in at
before. Whoever has signed in at a device is known there by a device token (OWASP, "Slow down online guessing
attacks with device cookies") and has a bucket of their own, so that a crowd that guesses at an account does
not stand in its owner's way.
"""

from __future__ import annotations

from hashlib import sha256

from beatline.rate_limits import RateLimits, Verdict, address_bucket

Bucket = tuple[float, float]  # attempts a second, attempts at once
PER_ADDRESS: Bucket = (1 / 6, 20)
PER_ACCOUNT_AND_ADDRESS: Bucket = (1 / 60, 5)
PER_ACCOUNT_OF_STRANGERS: Bucket = (1 / 60, 20)
PER_DEVICE: Bucket = (1 / 60, 10)


def admit(limits: RateLimits, email: str, address: str, device: str | None) -> Verdict:
    """Whether somebody may try to sign in now. device: the id of a device token that is valid for this
    account; None for a stranger. Attempts count before their outcome is known."""
    account = sha256(email.strip().lower().encode(errors="replace")).hexdigest()
    peer = address_bucket(address)
    if device:
        buckets = [(f"login:{account}:device:{device}", PER_DEVICE)]
    else:
        buckets = [
            (f"login:{peer}", PER_ADDRESS),
            (f"login:{account}:{peer}", PER_ACCOUNT_AND_ADDRESS),
            (f"login:{account}", PER_ACCOUNT_OF_STRANGERS),
        ]
    for name, (rate, burst) in buckets:
        verdict = limits.take(name, rate, burst)
        if not verdict.allowed:
            return verdict
    return verdict

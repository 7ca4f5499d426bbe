"""Passwords: Argon2id with OWASP's parameters for small servers, and what a password must be.

19 MiB, 2 passes, 1 lane (OWASP, "Password Storage Cheat Sheet"). A few are checked at once in a process: a
crowd at the door takes no more memory than that.
"""

from __future__ import annotations

import secrets
import threading
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from beatline.errors import NotPossible

SHORTEST, LONGEST = (
    10,
    256,
)  # characters; NIST SP 800-63B-4 asks for a length and against rules of composition

AT_ONCE = 4

hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
turns = threading.BoundedSemaphore(AT_ONCE)


def hash_password(password: str) -> str:
    """The encoded hash of a password. Raises NotPossible when it is too short, too long or NUL is in it."""
    if not SHORTEST <= len(password) <= LONGEST or "\0" in password:
        raise NotPossible(f"a password has {SHORTEST} to {LONGEST} characters")
    with turns:
        return hasher.hash(password)


def fits(password: str, password_hash: str | None) -> bool:
    """Whether a password is the one of a hash. Takes as long for None, the hash of nobody: the time must not
    tell which accounts there are."""
    try:
        with turns:
            return hasher.verify(password_hash or nobodys_hash(), password) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(password_hash: str) -> bool:
    """Whether a hash was made with other parameters than today's."""
    return hasher.check_needs_rehash(password_hash)


def new_password() -> str:
    """A random password, 120 bits of it."""
    return secrets.token_urlsafe(15)


@cache
def nobodys_hash() -> str:
    """The hash of a password that nobody has."""
    return hasher.hash(secrets.token_urlsafe(30))

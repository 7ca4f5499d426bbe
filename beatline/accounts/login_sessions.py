"""Login sessions: where somebody is signed in.

Refresh tokens rotate, and one that comes again ends the session (RFC 9700, section 4.14.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from psycopg import Connection
from psycopg.rows import class_row

from beatline.storage.queries import query

LIFETIME = timedelta(days=30)  # without a refresh
TABS_GRACE = timedelta(seconds=10)  # in which the token before the last one may come again: two tabs do so
USER_AGENT_KEPT = 300  # characters


@dataclass(frozen=True)
class Device:
    """Where a request comes from."""

    ip_address: str
    user_agent: str


@dataclass(frozen=True)
class LoginSession:
    """One place where an account is signed in."""

    login_id: UUID
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    ip_address: str
    user_agent: str


@dataclass(frozen=True)
class Refresh:
    """What a refresh token is made of."""

    login_id: UUID
    refresh_id: UUID


def begin_login(connection: Connection, account_id: UUID, device: Device, now: datetime) -> Refresh:
    """Sign an account in at a device."""
    begun = Refresh(uuid4(), uuid4())
    parameters = vars(begun) | where(device) | {"account_id": account_id, "now": now, "until": now + LIFETIME}
    connection.execute(query("login_begin"), parameters)
    return begun


def refresh_login(connection: Connection, given: Refresh, device: Device, now: datetime) -> Refresh | None:
    """The refresh token that follows the given one; None when it is not valid. One that was followed already
    ends the session, unless that was a moment ago: then it gets the same follower."""
    parameters = vars(given) | where(device) | {
        "next_id": uuid4(), "now": now, "until": now + LIFETIME, "grace_from": now - TABS_GRACE,
    }  # fmt: skip
    row = connection.execute(query("login_refresh"), parameters).fetchone()
    if row is None:
        end_login(connection, given.login_id, "reuse", now)
        return None
    return Refresh(given.login_id, row[0])


def list_logins(connection: Connection, account_id: UUID, now: datetime) -> list[LoginSession]:
    """Where an account is signed in, the latest used first."""
    with connection.cursor(row_factory=class_row(LoginSession)) as cursor:
        return cursor.execute(query("logins"), {"account_id": account_id, "now": now}).fetchall()


def end_login(connection: Connection, login_id: UUID, reason: str, now: datetime) -> None:
    """End one session."""
    connection.execute(query("login_end"), {"login_id": login_id, "reason": reason, "now": now})


def end_logins(
    connection: Connection, account_id: UUID, reason: str, now: datetime, but: UUID | None = None
) -> int:
    """End all sessions of an account, but one; returns how many."""
    parameters = {"account_id": account_id, "reason": reason, "now": now, "but": but}
    return connection.execute(query("logins_end"), parameters).rowcount


def where(device: Device) -> dict[str, str]:
    """A device as it is kept."""
    return {"ip_address": device.ip_address, "user_agent": device.user_agent[:USER_AGENT_KEPT]}

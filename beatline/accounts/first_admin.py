"""The first account: made by `beatline migrate` and `beatline up`, its password shown once."""

from __future__ import annotations

import psycopg

from beatline.accounts.access import COMMAND_LINE
from beatline.accounts.people import make_first_admin
from beatline.audit_log import Actor, Change, note
from beatline.events import utc_now


def first_admin(database_url: str, email: str) -> str | None:
    """Make the account that administers everything, unless there is any account; its password, which is kept
    nowhere, else None. Raises NotPossible for an address that is none."""
    now = utc_now()
    with psycopg.connect(database_url, autocommit=True) as connection, connection.transaction():
        password = make_first_admin(connection, email, now)
        if password:
            made = Change("account made", email, after={"role": "admin"})
            note(connection, Actor(COMMAND_LINE), made, now)
    return password

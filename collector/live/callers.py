"""Who reads: by the admin token, an API token, or an access token, whose login session is looked up.

The database is asked in threads: it must not hold up the readers of the loop.
"""

from __future__ import annotations

import asyncio
import hmac
from dataclasses import dataclass
from uuid import UUID

import psycopg
from aiohttp import web
from psycopg import Connection
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout

from beatline.accounts import api_tokens
from beatline.accounts.access import ADMIN_TOKEN, NOBODY, Caller, Permission
from beatline.accounts.access_tokens import COOKIE, login_of
from beatline.accounts.callers import caller_of_login, caller_of_token
from beatline.accounts.signing_keys import signing_keys
from beatline.errors import StorageError
from beatline.events import utc_now
from beatline.settings import Settings
from collector.live.access import Refused, is_local

READ_OPTIONS = {
    "autocommit": True,
    "connect_timeout": 3,
    "options": "-c statement_timeout=5s -c timezone=UTC",
}
CONNECTIONS = 4
WAIT_SECONDS = 3.0


@dataclass(frozen=True)
class Proof:
    """What a request proves: that it knows an API token, or is of a login session. With neither the caller
    was known without the database, and stays it."""

    api_token: str = ""
    login_id: UUID | None = None
    known: Caller | None = None


class Callers:
    """Tells who sends a request, and whether they still may. Raises StartError for bad signing keys.

    Without a database there are no accounts: only the admin token is known then.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.keys = signing_keys(settings) if settings.database_url else None
        self.pool = ConnectionPool(
            settings.database_url or "", kwargs=READ_OPTIONS, min_size=0, max_size=CONNECTIONS,
            open=False, timeout=WAIT_SECONDS, check=ConnectionPool.check_connection,
        )  # fmt: skip

    async def admit(self, request: web.Request, project_id: int) -> Proof:
        """What lets a request read a project. Raises Refused: 401, 403, 503."""
        proof = self.proof(request)
        caller = await self.valid_caller(proof)
        if not may_read(caller, project_id):
            raise Refused(403, "forbidden", f"{caller.name} may not read the events of project {project_id}.")
        return proof

    async def admit_account(self, request: web.Request) -> tuple[Proof, UUID]:
        """The login session that a request is of, and its account. Raises Refused: 401, 503."""
        given = given_by(request) or request.cookies.get(COOKIE, "")
        login_id = login_of(given, self.keys) if self.keys else None
        if login_id is None:
            raise not_valid()
        proof = Proof(login_id=login_id)
        account_id = (await self.valid_caller(proof)).account_id
        if account_id is None:
            raise not_valid()
        return proof, account_id

    async def valid_caller(self, proof: Proof) -> Caller:
        """Who a proof stands for. Raises Refused: 401, 503."""
        try:
            caller = await self.caller(proof)
        except StorageError:
            raise Refused(
                503, "unavailable", "The database is away; try again soon.", Retry_After="5"
            ) from None
        if caller is None:
            raise not_valid()
        return caller

    def proof(self, request: web.Request) -> Proof:
        """What a request proves, before the database is asked. Raises Refused."""
        given = given_by(request)
        if self.settings.admin_token is None and is_local(request):
            return Proof(known=ADMIN_TOKEN)
        if given and self.settings.admin_token and equal(given, self.settings.admin_token):
            return Proof(known=ADMIN_TOKEN)
        if self.keys is not None:
            if given.startswith(api_tokens.PREFIX):
                return Proof(api_token=given)
            if login_id := login_of(given or request.cookies.get(COOKIE, ""), self.keys):
                return Proof(login_id=login_id)
        if given or self.settings.admin_token or self.keys:
            raise not_valid()
        raise Refused(403, "forbidden", "Reading is closed: BEATLINE_ADMIN_TOKEN is not set.")

    async def caller(self, proof: Proof) -> Caller | None:
        """Who a proof stands for now; None when it was ended. Raises StorageError."""
        return proof.known or await asyncio.to_thread(self.look_up, proof)

    def look_up(self, proof: Proof) -> Caller | None:
        """Who a proof stands for by the database. Raises StorageError."""
        try:
            self.pool.open()
            with self.pool.connection() as connection:
                return found(connection, proof)
        except (psycopg.Error, PoolTimeout, PoolClosed) as error:
            raise StorageError(f"the database did not answer: {error}", permanent=False) from error

    async def may_still(self, proof: Proof, project_id: int) -> bool:
        """Whether a proof still lets its owner read a project. While the database is away it does: nothing is
        committed then, so nothing is shown."""
        try:
            return may_read(await self.caller(proof) or NOBODY, project_id)
        except StorageError:
            return True

    async def is_valid(self, proof: Proof) -> bool:
        """Whether a proof was not ended. While the database is away nobody can say, and it counts."""
        try:
            return await self.caller(proof) is not None
        except StorageError:
            return True

    async def close(self) -> None:
        """Let go of the database."""
        await asyncio.to_thread(self.pool.close)


def given_by(request: web.Request) -> str:
    """The token that a request sends, in its header or its query."""
    scheme, _, header = request.headers.get("Authorization", "").partition(" ")
    return header.strip() if scheme.lower() == "bearer" else request.query.get("token", "")


def found(connection: Connection, proof: Proof) -> Caller | None:
    """Who the database says that a proof stands for."""
    if proof.login_id:
        return caller_of_login(connection, proof.login_id, utc_now())
    return caller_of_token(connection, proof.api_token, utc_now())


def may_read(caller: Caller, project_id: int) -> bool:
    """Whether somebody may read the events of a project."""
    return caller.may(Permission.READ_EVENTS, project_id)


def equal(given: str, expected: str) -> bool:
    """Whether two secrets are the same; the time tells nothing of them."""
    return hmac.compare_digest(given.encode(errors="replace"), expected.encode())


def not_valid() -> Refused:
    """The answer to who is not signed in, or not any more."""
    return Refused(401, "unauthorized", "Sign in, or send a token.", WWW_Authenticate="Bearer")

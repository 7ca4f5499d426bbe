"""Who may read live: by which proof, which projects, and until when."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from aiohttp import WSMsgType
from aiohttp.test_utils import TestClient, TestServer
from flask import Flask

from beatline.accounts.access import Role
from beatline.settings import Settings
from collector.live import server
from tests.fixtures import loops
from tests.fixtures.admin import TOKEN
from tests.fixtures.people import People, Tokens, bearer

SECONDS = 20.0
EVENTS = "/api/v1/live/events"
ROLES: dict[str, tuple[Role | None, int | None]] = {
    "analyst": (Role.ANALYST, 1),
    "admin": (Role.ADMIN, None),
    "viewer": (Role.VIEWER, 1),
    "nothing": (None, None),
}
MAY_READ = {"analyst": {1}, "admin": {1, 2}, "viewer": set[int](), "nothing": set[int]()}

Client = TestClient[Any, Any]
Ask = Callable[[Client], Coroutine[Any, Any, Any]]


NO_DATABASE = "postgresql://127.0.0.1:1/none"


@pytest.fixture
def asking(guarded: Flask, postgres_url: str, redis_url: str, tmp_path: Path) -> Callable[..., Any]:
    """Asks a live server that shares database and keys with the collector."""

    async def with_server(ask: Ask, database_url: str) -> Any:
        settings = Settings(database_url=database_url, redis_url=redis_url, data=tmp_path, admin_token=TOKEN)
        async with (
            TestClient(TestServer(server.LiveServer(settings).app())) as client,
            asyncio.timeout(SECONDS),
        ):
            return await ask(client)

    return lambda ask, url=postgres_url: loops.run(with_server(ask, url))


async def status(client: Client, query: str = "", **headers: str) -> int:
    """The status of a request for SSE."""
    async with client.get(f"{EVENTS}?{query}", headers=headers) as answer:
        return answer.status


def api_token(signed_in: Tokens, *scopes: str) -> str:
    """A token that somebody makes."""
    made = signed_in("POST", "/api/v1/account/tokens", {"name": "x", "scopes": list(scopes)})
    return str(made.json["token"])


def cookie(token: str) -> dict[str, str]:
    """The header of the console's cookie."""
    return {"Cookie": f"access_token_cookie={token}"}


@pytest.mark.parametrize("who", ROLES)
def test_given_a_role_then_it_reads_what_is_its_own_by_every_proof(
    persons: People, asking: Callable[..., Any], who: str
) -> None:
    role, project_id = ROLES[who]
    signed_in = persons.join("ann@example.com", role, project_id).sign_in()
    token = api_token(signed_in, "events:read")
    proofs: list[tuple[str, dict[str, str]]] = [
        ("", bearer(signed_in.access)), (f"token={signed_in.access}", {}), ("", cookie(signed_in.access)),
        ("", bearer(token)), (f"token={token}", {}),
    ]  # fmt: skip

    async def ask(client: Client) -> None:
        for query, headers in proofs:
            for project in (1, 2):
                expected = 200 if project in MAY_READ[who] else 403
                assert await status(client, f"{query}&project_id={project}", **headers) == expected
            assert await status(client, query, **headers) == (200 if 1 in MAY_READ[who] else 403)

    asking(ask)


def test_what_proves_nothing_is_refused(persons: People, asking: Callable[..., Any]) -> None:
    boss = persons.join("ann@example.com", Role.ADMIN).sign_in()
    narrow = api_token(boss, "numbers:read")
    gone = api_token(boss, "events:read")
    [known] = [
        t for t in boss("GET", "/api/v1/account/tokens").json["tokens"] if "events:read" in t["scopes"]
    ]
    boss("DELETE", f"/api/v1/account/tokens/{known['token_id']}")
    cases: list[tuple[dict[str, str], int]] = [
        ({}, 401), (bearer("x"), 401), (bearer(gone), 401), (bearer(boss.refresh), 401),
        (cookie(boss.refresh), 401), (cookie(gone), 401), (cookie(TOKEN), 401), (bearer(narrow), 403),
        (bearer("blt_é"), 401), (bearer("a.b.c"), 401), (bearer(boss.access[:-3] + "AAA"), 401),
        (bearer("x") | cookie(boss.access), 401), (bearer(TOKEN), 200),
    ]  # fmt: skip

    async def ask(client: Client) -> None:
        for headers, expected in cases:
            assert await status(client, **headers) == expected, headers

    asking(ask)


def test_given_a_page_of_another_host_then_the_cookie_opens_nothing(
    persons: People, asking: Callable[..., Any]
) -> None:
    signed_in = persons.join("ann@example.com", Role.ADMIN).sign_in()

    async def ask(client: Client) -> None:
        ours = f"http://{client.host}:1"
        for origin, expected in [(ours, 200), ("https://evil.example", 403), ("null", 403)]:
            headers = cookie(signed_in.access) | {"Origin": origin}
            async with client.get(EVENTS, headers=headers) as answer:
                assert answer.status == expected
                allowed = answer.headers.get("Access-Control-Allow-Credentials")
                assert allowed == ("true" if origin == ours else None)

    asking(ask)


ENDINGS: dict[str, Callable[[People, Any, Tokens], Any]] = {
    "logout": lambda _, person, login: login("POST", "/api/v1/auth/logout"),
    "disabled": lambda persons, person, login: persons.connection.execute(
        "update accounts set disabled = true where account_id = %s", [person.account_id]
    ),
    "role taken": lambda persons, person, login: persons.connection.execute(
        "delete from account_roles where account_id = %s", [person.account_id]
    ),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_given_a_reader_whose_right_ends_then_the_stream_ends_soon(
    persons: People, asking: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    assert server.LOOK_AGAIN_SECONDS <= 60
    monkeypatch.setattr(server, "LOOK_AGAIN_SECONDS", 0.05)
    person = persons.join("ann@example.com", Role.ANALYST, 1)
    signed_in = person.sign_in()

    async def ask(client: Client) -> None:
        headers = cookie(signed_in.access)
        async with (
            client.ws_connect("/api/v1/live", headers=headers) as socket,
            client.get(EVENTS, headers=headers) as answer,
        ):
            assert (await socket.receive_json())["type"] == "ready"
            assert b"ready" in await answer.content.readuntil(b"\n\n")
            await asyncio.sleep(0.2)
            assert not socket.closed

            await asyncio.to_thread(ENDINGS[ending], persons, person, signed_in)

            assert (await socket.receive_json())["code"] == "unauthorized"
            assert (await socket.receive()).type is WSMsgType.CLOSE
            assert socket.close_code == 4401
            assert b'"code":"unauthorized"' in await answer.content.read()

    asking(ask)


def test_given_a_change_to_a_project_of_others_then_it_is_refused_and_the_old_filter_stays(
    persons: People, asking: Callable[..., Any]
) -> None:
    signed_in = persons.join("ann@example.com", Role.ANALYST, 1).sign_in()

    async def ask(client: Client) -> None:
        async with client.ws_connect("/api/v1/live", headers=bearer(signed_in.access)) as socket:
            await socket.receive_json()
            await socket.send_json({"type": "filter", "project_id": 2})
            assert (await socket.receive_json())["code"] == "forbidden"
            await socket.send_json({"type": "filter", "user_id": "u"})
            assert (await socket.receive_json())["filter"]["project_id"] == 1

    asking(ask)


def test_given_a_database_that_is_away_then_only_the_admin_token_opens(
    persons: People, asking: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collector.live.callers.WAIT_SECONDS", 0.2)
    signed_in = persons.join("ann@example.com", Role.ADMIN).sign_in()

    async def ask(client: Client) -> None:
        for token, expected in [(signed_in.access, 503), ("blt_x", 503), ("x", 401), (TOKEN, 200)]:
            assert await status(client, **bearer(token)) == expected, token

    asking(ask, NO_DATABASE)

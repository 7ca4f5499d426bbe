"""Notifications on the live stream: who is shown which, and what becomes of those nobody watches."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import redis
from aiohttp import ClientResponse, ClientWebSocketResponse, WSMsgType
from aiohttp.test_utils import TestClient, TestServer
from psycopg import Connection

from beatline.accounts.access import Role
from beatline.notifications.inbox import STREAMS
from beatline.notifications.outbox import Notification, notify
from beatline.settings import Settings
from collector.live import server
from tests.fixtures import loops
from tests.fixtures.admin import TOKEN
from tests.fixtures.people import People, Person, bearer
from workers.notifications import spread_notifications

SECONDS = 20.0
PATH = "/api/v1/live/notifications"
Client = TestClient[Any, Any]


@pytest.fixture
def asking(postgres_url: str, redis_url: str, tmp_path: Path) -> Callable[..., Any]:
    """Asks a live server that shares database and keys with the collector."""
    settings = Settings(database_url=postgres_url, redis_url=redis_url, data=tmp_path, admin_token=TOKEN)

    async def with_server(ask: Callable[[Client], Coroutine[Any, Any, Any]]) -> Any:
        async with (
            TestClient(TestServer(server.LiveServer(settings).app())) as client,
            asyncio.timeout(SECONDS),
        ):
            return await ask(client)

    return lambda ask: loops.run(with_server(ask))


@pytest.fixture
def tell(connection: Connection, workers_url: str, redis_url: str) -> Callable[..., None]:
    """Queues a notification for somebody, and has a worker publish it."""
    settings = Settings(database_url=workers_url, redis_url=redis_url)

    def queue(person: Person, key: str, now: datetime | None = None) -> None:
        told = Notification(key, "watch", f"About {key}", "", account_ids=[person.account_id])
        notify(connection, told, now or datetime.now(UTC))
        spread_notifications(settings, datetime.now(UTC))

    return queue


@pytest.fixture
def ann(persons: People) -> Person:
    """Somebody who may not even read events."""
    return persons.join("ann@example.com", Role.VIEWER, 1)


@pytest.fixture
def bob(persons: People) -> Person:
    """Somebody else."""
    return persons.join("bob@example.com", Role.VIEWER, 1)


async def next_event(stream: ClientResponse) -> dict[str, Any]:
    """The data of the next server-sent event."""
    while line := (await stream.content.readline()).decode():
        if line.startswith("data: "):
            return dict(json.loads(line.removeprefix("data: ")))
    raise AssertionError("the stream has ended")


async def next_message(socket: ClientWebSocketResponse) -> dict[str, Any]:
    """The next message of a WebSocket."""
    return dict(json.loads((await socket.receive()).data))


def test_given_two_who_watch_then_each_is_shown_their_own(
    asking: Callable[..., Any], tell: Callable[..., None], ann: Person, bob: Person
) -> None:
    tokens = {person.email: person.sign_in().access for person in (ann, bob)}

    async def watch(client: Client) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        stream = await client.get(PATH, headers=bearer(tokens[ann.email]))
        socket = await client.ws_connect(f"{PATH}?token={tokens[bob.email]}")
        shown_to_ann, shown_to_bob = [await next_event(stream)], [await next_message(socket)]
        for person, key in ((ann, "a"), (bob, "b"), (ann, "c"), (bob, "d")):
            await asyncio.to_thread(tell, person, key)
        shown_to_ann += [await next_event(stream) for _ in range(2)]
        shown_to_bob += [await next_message(socket) for _ in range(2)]
        stream.close()
        await socket.close()
        return shown_to_ann, shown_to_bob

    for shown, keys in zip(asking(watch), ("ac", "bd"), strict=True):
        assert [message["type"] for message in shown] == ["ready", "notification", "notification"]
        told = [message["notification"] for message in shown[1:]]
        assert [each["title"] for each in told] == [f"About {key}" for key in keys]
        assert told[0].keys() >= {"notification_id", "kind", "severity", "body", "path", "created_at"}


def test_given_a_reader_says_anything_then_the_stream_goes_on(
    asking: Callable[..., Any], tell: Callable[..., None], ann: Person
) -> None:
    token = ann.sign_in().access

    async def talk(client: Client) -> dict[str, Any]:
        socket = await client.ws_connect(f"{PATH}?token={token}")
        await next_message(socket)
        await socket.send_str('{"type": "filter"')
        await socket.send_bytes(b"\xff")
        await asyncio.to_thread(tell, ann, "a")
        return await next_message(socket)

    assert asking(talk)["notification"]["title"] == "About a"


@pytest.mark.parametrize("proof", ["nothing", "admin token", "API token", "ended session", "rubbish"])
def test_given_nobody_is_signed_in_then_nothing_is_shown(
    asking: Callable[..., Any], ann: Person, proof: str
) -> None:
    session = ann.sign_in()
    wanted = {"name": "t", "scopes": ["alerts:read"]}
    api_token = session("POST", "/api/v1/account/tokens", wanted).json["token"]
    given = {"admin token": TOKEN, "API token": api_token, "rubbish": "x", "ended session": session.access}
    if proof == "ended session":
        session("POST", "/api/v1/auth/logout-everywhere")
    headers = bearer(given[proof]) if proof in given else {}

    async def ask(client: Client) -> int:
        async with client.get(PATH, headers=headers) as answer:
            return answer.status

    assert asking(ask) == 401


def test_given_a_page_of_another_host_then_it_is_refused(asking: Callable[..., Any], ann: Person) -> None:
    headers = bearer(ann.sign_in().access) | {"Origin": "https://elsewhere.example"}

    async def ask(client: Client) -> int:
        async with client.get(PATH, headers=headers) as answer:
            return answer.status

    assert asking(ask) == 403


def test_given_the_session_ends_then_so_does_the_stream(
    asking: Callable[..., Any], ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "LOOK_AGAIN_SECONDS", 0.05)
    session = ann.sign_in()

    async def watch(client: Client) -> list[Any]:
        socket = await client.ws_connect(f"{PATH}?token={session.access}")
        await next_message(socket)
        await asyncio.to_thread(session, "POST", "/api/v1/auth/logout-everywhere")
        last = await next_message(socket)
        return [last["code"], (await socket.receive()).type, socket.close_code]

    assert asking(watch) == ["unauthorized", WSMsgType.CLOSE, server.NOT_VALID]


def test_given_valkey_is_away_then_it_is_streamed_later_but_not_when_it_is_old(
    connection: Connection, tell: Callable[..., None], workers_url: str, redis_url: str, ann: Person
) -> None:
    away = Settings(database_url=workers_url, redis_url="redis://127.0.0.1:1/0")
    now = datetime.now(UTC)
    for key, at in (("old", now.replace(year=now.year - 1)), ("new", now)):
        notify(connection, Notification(key, "watch", key, "", account_ids=[ann.account_id]), at)
    spread_notifications(away, now)
    streamed = "select key from notifications where streamed_at is not null order by key"
    meanwhile = connection.execute(streamed).fetchall()

    with redis.Redis.from_url(redis_url) as client, client.pubsub() as subscription:
        subscription.subscribe(f"{STREAMS}{ann.account_id}")
        assert subscription.get_message(timeout=SECONDS)
        spread_notifications(Settings(database_url=workers_url, redis_url=redis_url), now)
        message = subscription.get_message(timeout=SECONDS)
        nothing_more = subscription.get_message(timeout=0.1)

    assert meanwhile == [("old",)]
    assert json.loads(message["data"])["title"] == "new"
    assert nothing_more is None
    assert connection.execute(streamed).fetchall() == [("new",), ("old",)]

"""The live preview end to end: events go in over HTTP or the writer, and come out over WebSocket and SSE."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import msgspec
import psycopg
import pytest
import redis
from aiohttp import WSMsgType
from aiohttp.test_utils import TestClient, TestServer
from flask import Flask
from flask.testing import FlaskClient
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from beatline.embedded import valkey
from beatline.embedded.valkey import EmbeddedValkey
from beatline.events import Event
from beatline.live import BURST, CHANNELS, WATCH, Publisher
from beatline.settings import Settings
from beatline.storage.spill import Spill
from beatline.storage.store import Batch, Store
from beatline.storage.writer import Outcome, Submission, Writer
from collector.live import server
from collector.live.reader import QUEUE_BYTES
from tests.fixtures import loops
from tests.fixtures.collectors import ROOT, free_port
from tests.fixtures.storage import (
    NOON,
    NUL_PROPERTIES,
    lock_waiters,
    locked,
    make_event,
    make_events,
    wait_until,
)
from workers import maintenance

LEDGER_STATE = "event_ledger_state"  # the first table that a batch touches
SECONDS = 20.0
QUIET_SECONDS = 0.6  # several times what an event takes from its commit to a reader
END = {"event_type": "view", "user_id": "ann", "page_url": "/a", "properties": {"end": True}}

Messages = Iterator[dict[str, Any]]
StartLive = Callable[..., "Live"]


@dataclass(frozen=True)
class Live:
    """A running live server."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/api/v1/live"

    def readers(self) -> int:
        return int(httpx.get(f"{self.url}/health", timeout=SECONDS).json()["readers"])

    def metric(self, name: str) -> float:
        lines = httpx.get(f"{self.url}/metrics", timeout=SECONDS).text.splitlines()
        return next(float(line.split()[-1]) for line in lines if line.startswith(name))


@pytest.fixture
def start_live(redis_url: str) -> Iterator[StartLive]:
    """Start live servers that are stopped at the end; settings are by their field's name."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(running_live(**{"redis_url": redis_url} | settings))


@pytest.fixture(scope="module")
def live(valkey_server: EmbeddedValkey) -> Iterator[Live]:
    """A live server with the default settings, for all tests that it suits."""
    with running_live(redis_url=valkey_server.url) as live:
        yield live


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client of a collector that is ready to publish."""
    assert publisher_of(app).listening.wait(SECONDS)
    return app.test_client()


@contextmanager
def publishing(redis_url: str, *count: Callable[[str, int], None]) -> Iterator[Publisher]:
    """A publisher that is ready to publish."""
    with closing(Publisher(redis_url, *count)) as publisher:
        assert publisher.listening.wait(SECONDS)
        yield publisher


@contextmanager
def running_live(**settings: Any) -> Iterator[Live]:
    """Run `python -m collector.live` until the end of the block."""
    settings.setdefault("live_port", free_port())
    environ = os.environ | {f"BEATLINE_{name.upper()}": str(value) for name, value in settings.items()}
    process = subprocess.Popen([sys.executable, "-m", "collector.live"], cwd=ROOT, env=environ)
    live = Live(int(settings["live_port"]), process)
    try:
        wait_until(partial(answers, live))
        yield live
    finally:
        process.terminate()
        process.wait(30)


def answers(live: Live) -> bool:
    """Whether the server answers."""
    assert live.process.poll() is None, "the live server ended"
    try:
        return httpx.get(f"{live.url}/health", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


@contextmanager
def websocket(live: Live, query: str = "", **options: Any) -> Iterator[Messages]:
    """The messages of a reader by WebSocket, after the one that says it is ready."""
    with connect(f"{live.socket_url}?{query}", **options) as connection:
        messages = socket_messages(connection)
        assert next(messages)["type"] == "ready"
        yield messages


def socket_messages(connection: ClientConnection) -> Messages:
    """What comes over a WebSocket; TimeoutError when nothing does."""
    while True:
        yield msgspec.json.decode(connection.recv(SECONDS))


@contextmanager
def sse(live: Live, query: str = "", **options: Any) -> Iterator[Messages]:
    """The messages of a reader by SSE, after the one that says it is ready."""
    address = f"{live.url}/api/v1/live/events?{query}"
    with httpx.stream("GET", address, timeout=SECONDS, **options) as answer:
        assert answer.headers["content-type"] == "text/event-stream"
        messages = sse_messages(answer.iter_lines())
        assert next(messages)["type"] == "ready"
        yield messages


def sse_messages(lines: Iterator[str]) -> Messages:
    """What comes as SSE, each event checked against its own data."""
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
            continue
        message = msgspec.json.decode(fields["data"])
        assert message["type"] == fields["event"]
        if message["type"] == "events":
            assert message["events"][-1]["event_id"] == fields["id"]
        yield message
        fields = {}


TRANSPORTS = pytest.mark.parametrize("transport", [websocket, sse])
Transport = Callable[..., AbstractContextManager[Messages]]


def shown(messages: Messages, until: int | None = None) -> list[dict[str, Any]]:
    """The events of the messages up to END, or until there are so many; nothing else may come."""
    events: list[dict[str, Any]] = []
    while not (len(events) == until if until else events and events[-1]["properties"] == END["properties"]):
        message = next(messages)
        assert message["type"] == "events", message
        events += message["events"]
    return events


def users(events: list[dict[str, Any]]) -> list[str]:
    """The users of shown events."""
    return [event["user_id"] for event in events]


def track(client: FlaskClient, **event: Any) -> str:
    """Send an event; its id."""
    answer = client.post("/track", json=event)
    assert answer.status_code == 202
    return str(answer.get_json()["event_id"])


def publisher_of(app: Flask) -> Publisher:
    """The publisher of a collector in this process."""
    publisher = app.extensions["beatline"].live
    assert isinstance(publisher, Publisher)
    return publisher


FILTERS: Mapping[str, str] = {
    "": "1234",
    "event_type=view": "12",
    "event_type=view&event_type=buy": "123",
    "user_id=ann": "13",
    "page_url=/a": "14",
    "project_id=1&event_type=view&user_id=ann&page_url=/a": "1",
}


@TRANSPORTS
def test_readers_are_shown_exactly_the_accepted_events_that_pass_their_filter(
    live: Live, client: FlaskClient, transport: Transport
) -> None:
    with ExitStack() as stack:
        readers = {query: stack.enter_context(transport(live, query)) for query in FILTERS}
        accepted = {
            "1": track(client, event_type="view", user_id="ann", page_url="/a", properties={"ü": ["\n"]}),
            "2": track(client, event_type="view", user_id="bob"),
            "3": track(client, event_type="buy", user_id="ann", page_url="/b"),
            "4": track(client, event_type="end", page_url="/a"),
        }
        assert client.post("/track", json={"event_type": "view", "user_id": 5}).status_code == 400
        batch = {"events": [{"event_type": ""}, {"event_type": "view", "timestamp": "never"}, END]}
        assert client.post("/api/v1/analytics/batch/", json=batch).get_json()["accepted"] == 1

        by_query = {query: shown(messages)[:-1] for query, messages in readers.items()}

    for query, events in by_query.items():
        expected = [accepted[name] for name in FILTERS[query]]
        assert [event["event_id"] for event in events] == expected, query
    first = by_query[""][0]
    assert first.pop("ts") == first.pop("received_at")
    assert first == {
        "project_id": 1, "event_id": accepted["1"], "event_type": "view", "user_id": "ann",
        "page_url": "/a", "properties": {"ü": ["\n"]},
    }  # fmt: skip


def test_sse_is_also_answered_to_who_asks_for_it(live: Live, client: FlaskClient) -> None:
    headers = {"Accept": "text/event-stream"}
    with httpx.stream("GET", f"{live.url}/api/v1/live", headers=headers, timeout=SECONDS) as answer:
        track(client, **END)
        messages = sse_messages(answer.iter_lines())
        assert next(messages)["type"] == "ready"
        assert len(shown(messages)) == 1


def test_a_message_on_the_websocket_changes_the_filter(live: Live, client: FlaskClient) -> None:
    with connect(f"{live.socket_url}?event_type=none") as connection:
        messages = socket_messages(connection)
        assert next(messages)["filter"] == {"project_id": 1, "event_type": ["none"]}

        connection.send('{"type":"filter","user_id":"ann"}')
        changed = {"project_id": 1, "event_type": [], "user_id": "ann"}
        assert next(messages) == {"type": "filter", "filter": changed}

        connection.send('{"type":"filter","user":"bob"}')
        error = next(messages)
        assert (error["type"], error["code"], list(error["errors"])) == ("error", "invalid", ["user"])

        track(client, event_type="view", user_id="bob")
        track(client, **END)
        assert users(shown(messages)) == ["ann"]


def test_a_reader_may_change_to_another_project(live: Live, redis_url: str) -> None:
    with publishing(redis_url) as publisher, connect(live.socket_url) as connection:
        messages = socket_messages(connection)
        assert next(messages)["type"] == "ready"
        connection.send('{"type":"filter","project_id":2}')
        assert [next(messages)["type"], next(messages)["type"]] == ["filter", "ready"]
        publisher.offer([make_event(user_id="one"), make_event(user_id="two", project_id=2)])
        assert users(shown(messages, until=1)) == ["two"]
        wait_until(lambda: publisher.watched == {2})


BAD_QUERIES = {"project_id=none": "project_id", "eventtype=view": "eventtype", "event_type=": "event_type"}


@pytest.mark.parametrize(("query", "field"), BAD_QUERIES.items())
def test_a_bad_filter_is_told_and_the_websocket_closed(live: Live, query: str, field: str) -> None:
    with connect(f"{live.socket_url}?{query}") as connection:
        error = msgspec.json.decode(connection.recv(SECONDS))
        assert (error["type"], error["code"], list(error["errors"])) == ("error", "invalid", [field])
        with pytest.raises(ConnectionClosed) as closed:
            connection.recv(SECONDS)
    assert closed.value.rcvd
    assert closed.value.rcvd.code == 4400


@pytest.mark.parametrize(("query", "field"), BAD_QUERIES.items())
def test_a_bad_filter_is_a_400_for_sse(live: Live, query: str, field: str) -> None:
    answer = httpx.get(f"{live.url}/api/v1/live/events?{query}")
    assert answer.status_code == 400
    assert answer.json().keys() == {"code", "message", "errors", "request_id"}
    assert list(answer.json()["errors"]) == [field]


def handshake(live: Live, query: str = "", **headers: str) -> int:
    """The status of a WebSocket's handshake."""
    try:
        with connect(f"{live.socket_url}?{query}", additional_headers=headers):
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


def status_of_sse(live: Live, query: str = "", **headers: str) -> int:
    """The status of a request for SSE."""
    address = f"{live.url}/api/v1/live/events?{query}"
    with httpx.stream("GET", address, headers=headers, timeout=SECONDS) as answer:
        return answer.status_code


def test_with_an_admin_token_only_who_knows_it_reads(start_live: StartLive) -> None:
    live = start_live(admin_token="sesame 1")
    cases: list[tuple[dict[str, str], bool]] = [
        ({}, False),
        ({"query": "token=sesame"}, False),
        ({"query": "token="}, False),
        ({"query": "token=%FF"}, False),
        ({"query": "token=sesame%201"}, True),
        ({"Authorization": "Bearer sesame"}, False),
        ({"Authorization": "Basic sesame 1"}, False),
        ({"Authorization": "Bearer sesame 1"}, True),
        ({"query": "token=sesame%201", "Authorization": "Bearer sesame"}, False),
    ]
    for given, allowed in cases:
        assert handshake(live, **given) == (101 if allowed else 401), given
        assert status_of_sse(live, **given) == (200 if allowed else 401), given


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "Via"])
def test_without_an_admin_token_only_this_machine_reads(live: Live, header: str) -> None:
    through_a_proxy = {header: "for=192.0.2.1"}
    assert (handshake(live), handshake(live, **through_a_proxy)) == (101, 403)
    assert (status_of_sse(live), status_of_sse(live, **through_a_proxy)) == (200, 403)


def test_only_pages_of_the_same_host_read(live: Live) -> None:
    for origin, allowed in [
        ("http://127.0.0.1:8000", True),
        ("https://127.0.0.1", True),
        ("http://localhost:8000", False),
        ("http://127.0.0.1.example.com", False),
        ("https://example.com", False),
        ("null", False),
        ("", False),
        ("http://[", False),
    ]:
        assert handshake(live, Origin=origin) == (101 if allowed else 403), origin
        assert status_of_sse(live, Origin=origin) == (200 if allowed else 403), origin


def test_a_page_of_the_collectors_port_may_read_sse_and_its_errors(live: Live) -> None:
    headers = {"Origin": "http://127.0.0.1:8000"}
    address = f"{live.url}/api/v1/live/events"
    with httpx.stream("GET", address, headers=headers, timeout=SECONDS) as answer:
        assert answer.headers["Access-Control-Allow-Origin"] == headers["Origin"]
    refused = httpx.get(f"{address}?x=y", headers=headers)
    assert refused.headers["Access-Control-Allow-Origin"] == headers["Origin"]
    asked = httpx.options(address, headers=headers)
    assert (asked.status_code, asked.headers["Access-Control-Allow-Headers"]) == (204, "Authorization")
    assert "Access-Control-Allow-Origin" not in httpx.get(f"{address}?x=y").headers


@contextmanager
def reader_from(live: Live, address: str) -> Iterator[int]:
    """A reader whose connection comes from an address of this machine; the status it was answered."""
    transport = httpx.HTTPTransport(local_address=address)
    with (
        httpx.Client(transport=transport, timeout=SECONDS) as client,
        client.stream("GET", f"{live.url}/api/v1/live/events") as answer,
    ):
        yield answer.status_code


def test_there_are_so_many_readers_in_all_and_from_one_address(start_live: StartLive) -> None:
    live = start_live(live_readers=3, live_readers_per_address=2)
    expected = [("127.0.0.1", 200)] * 2 + [("127.0.0.1", 429), ("127.0.0.2", 200), ("127.0.0.3", 503)]
    with ExitStack() as stack:
        for address, status in expected:
            assert stack.enter_context(reader_from(live, address)) == status, address
        assert handshake(live) == 503
    wait_until(lambda: live.readers() == 0)
    assert handshake(live) == 101


def test_nothing_is_shown_before_its_commit(
    live: Live, client: FlaskClient, owner_url: str, connection: psycopg.Connection
) -> None:
    track(client, event_type="view", user_id="bob")
    with connect(live.socket_url) as reader:
        assert msgspec.json.decode(reader.recv(SECONDS))["type"] == "ready"
        with locked(owner_url, LEDGER_STATE):
            sending = Thread(target=track, args=[client], kwargs=END)
            sending.start()
            wait_until(lambda: bool(lock_waiters(connection)))
            with pytest.raises(TimeoutError):
                reader.recv(QUIET_SECONDS)
        assert users(shown(socket_messages(reader))) == ["ann"]
        sending.join(SECONDS)


def test_an_event_that_is_sent_again_is_not_shown_again(live: Live, client: FlaskClient) -> None:
    with websocket(live) as messages:
        for _ in range(3):
            track(client, event_type="view", user_id="bob", event_id="order-1")
        track(client, **END)
        assert users(shown(messages)) == ["bob", "ann"]


def test_only_the_events_of_the_watched_project_are_published(
    live: Live, postgres_url: str, redis_url: str
) -> None:
    published: list[tuple[str, int]] = []
    with (
        publishing(redis_url, lambda *counted: published.append(counted)) as publisher,
        websocket(live, "project_id=2") as messages,
    ):
        writer = Writer(partial(Store.connect, postgres_url), None, on_commit=publisher.offer)
        mixed = [make_event(user_id=str(number), project_id=1 + number % 2) for number in range(6)]
        submission = Submission(mixed, [], 0)
        writer.submit(submission)
        assert submission.wait(SECONDS)
        assert users(shown(messages, until=3)) == ["1", "3", "5"]
        writer.close()
    assert published == [("published", 3)]


def test_while_nobody_listens_nothing_is_published(
    live: Live, app: Flask, client: FlaskClient, redis_url: str
) -> None:
    publisher = publisher_of(app)
    with websocket(live) as messages:
        track(client, **END)
        assert len(shown(messages)) == 1
    wait_until(lambda: not publisher.watched)
    with redis.Redis.from_url(redis_url) as valkey_client, valkey_client.pubsub() as monitor:
        monitor.psubscribe(f"{CHANNELS}*", WATCH)
        for _ in range(2):
            assert monitor.get_message(timeout=SECONDS)["type"] == "psubscribe"
        for number in range(20):
            track(client, event_type="view", user_id=str(number))
        assert publisher.queue == []
        valkey_client.publish(f"{CHANNELS}end", b"end")
        assert monitor.get_message(timeout=SECONDS)["data"] == b"end"


def test_spilled_events_are_shown_when_they_are_drained(live: Live, workers_url: str, redis_url: str) -> None:
    with closing(Spill(redis_url, 10)) as spill:
        spill.append(Batch(make_events(3)))
    with websocket(live) as messages:
        maintenance.drain_spill(Settings(database_url=workers_url, redis_url=redis_url), NOON)
        assert users(shown(messages, until=3)) == ["0", "1", "2"]


def test_events_of_every_collector_process_are_shown(live: Live, redis_url: str) -> None:
    with ExitStack() as stack:
        publishers = [stack.enter_context(publishing(redis_url)) for _ in range(2)]
        with websocket(live) as messages:
            for number, publisher in enumerate(publishers):
                publisher.offer([make_event(user_id=str(number))])
            assert sorted(users(shown(messages, until=2))) == ["0", "1"]


def large_events(count: int, size: int = 1_000) -> list[Event]:
    """Events of so many bytes each."""
    return make_events(count, properties=msgspec.Raw(b'{"a":"%b"}' % (b"x" * size)))


@contextmanager
def unread(live: Live) -> Iterator[ClientConnection]:
    """A reader by WebSocket that takes next to nothing until it is asked to."""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        connection.connect(("127.0.0.1", live.port))
        with connect(live.socket_url, sock=connection, max_queue=1, close_timeout=1) as reader:
            yield reader


def test_a_stuck_reader_is_shown_a_sample_while_all_others_get_all(live: Live, redis_url: str) -> None:
    total = 8_000
    with (
        publishing(redis_url) as one_process,
        publishing(redis_url) as another,
        unread(live) as stuck,
        websocket(live) as one,
        websocket(live) as other,
    ):
        events = large_events(total)
        assert QUEUE_BYTES < total * 1_300 < 2 * BURST
        for start in range(0, total, 500):
            publisher = one_process if start % 1_000 else another
            publisher.offer(events[start : start + 500])
            expected = [str(number) for number in range(start, start + 500)]
            assert users(shown(one, until=500)) == expected
            assert users(shown(other, until=500)) == expected

        caught_up = list(until_full(socket_messages(stuck)))
        one_process.offer([make_event(user_id="last")])
        assert users(shown(socket_messages(stuck), until=1)) == ["last"]

    seen = [user for message in caught_up for user in users(message.get("events", []))]
    left_out = sum(message.get("left_out", 0) for message in caught_up)
    assert {message["reason"] for message in caught_up if message["type"] == "sampling"} == {"slow"}
    assert len(seen) == len(set(seen))
    assert 0 < len(seen) < total
    assert len(seen) + left_out == total


def until_full(messages: Messages) -> Messages:
    """The messages up to the one that says that all events are shown again."""
    for message in messages:
        yield message
        if message["type"] == "full":
            return


@contextmanager
def deaf(live: Live, path: str, *headers: str) -> Iterator[None]:
    """A connection that asks for live events and never reads."""
    lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{live.port}", *headers, "", ""]
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        connection.connect(("127.0.0.1", live.port))
        connection.sendall("\r\n".join(lines).encode())
        wait_until(lambda: live.readers() == 1)
        yield


UPGRADE = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13")
KEY = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="


@pytest.mark.parametrize(
    ("path", "headers"),
    [("/api/v1/live", (*UPGRADE, KEY)), ("/api/v1/live/events", ())],
    ids=["websocket", "sse"],
)
def test_a_reader_that_stays_stuck_is_disconnected(
    start_live: StartLive, redis_url: str, path: str, headers: tuple[str, ...]
) -> None:
    live = start_live(live_stuck_seconds=1)
    with publishing(redis_url) as publisher, deaf(live, path, *headers), websocket(live) as reading:
        for _ in range(3):
            publisher.offer(large_events(500))
            assert len(shown(reading, until=500)) == 500
        wait_until(lambda: live.readers() == 1)
        assert live.metric("beatline_live_stuck_readers_total") == 1
        publisher.offer([make_event(user_id="last")])
        assert users(shown(reading, until=1)) == ["last"]


def test_more_than_a_preview_shows_is_left_out_evenly_and_told(live: Live, redis_url: str) -> None:
    counted: list[tuple[str, int]] = []
    total = 400
    seen: list[str] = []
    told = 0
    with (
        publishing(redis_url, lambda *some: counted.append(some)) as publisher,
        websocket(live) as messages,
    ):
        publisher.offer(large_events(total, size=BURST // (total // 2)))
        while len(seen) + told < total:
            message = next(messages)
            seen += users(message.get("events", []))
            told += message.get("left_out", 0)
            assert message.get("reason", "rate") == "rate"
    gaps = {int(after) - int(before) for before, after in pairwise(seen)}
    assert len(gaps) == 1
    assert 0 < len(seen) <= total // 2
    assert counted == [("published", len(seen)), ("left_out", told)]


def test_valkey_may_go_away_and_come_back(postgres_url: str, tmp_path: Path) -> None:
    first = valkey.start(tmp_path)
    port = int(first.url.rsplit(":", 1)[1].split("/")[0])
    with ExitStack() as stack:
        stack.callback(first.stop)
        live = stack.enter_context(running_live(redis_url=first.url))
        publisher = stack.enter_context(publishing(first.url))
        writer = Writer(partial(Store.connect, postgres_url), None, on_commit=publisher.offer)
        stack.callback(writer.close)
        messages = stack.enter_context(websocket(live))

        os.kill(first.pid, signal.SIGKILL)
        assert next(messages)["type"] == "away"
        assert [stored(writer, user) for user in "abc"] == [Outcome.COMMITTED] * 3
        assert httpx.get(f"{live.url}/health", timeout=SECONDS).json()["status"] == "degraded"

        first.stop()
        again = valkey.start(tmp_path, port=port)
        stack.callback(again.stop)
        assert next(messages)["type"] == "ready"
        wait_until(lambda: publisher.watched == {1})
        assert stored(writer, "ann") is Outcome.COMMITTED
        assert users(shown(messages, until=1)) == ["ann"]


def stored(writer: Writer, user: str) -> Outcome | None:
    """What became of an event of a user."""
    submission = Submission([make_event(user_id=user)], [], 0)
    writer.submit(submission)
    assert submission.wait(SECONDS)
    return submission.outcome


def test_a_reader_that_comes_while_valkey_is_away_is_told(tmp_path: Path) -> None:
    with running_live(redis_url="redis://127.0.0.1:1/0") as live, connect(live.socket_url) as reader:
        assert msgspec.json.decode(reader.recv(SECONDS))["type"] == "away"


def test_the_writer_tells_what_it_committed_and_nothing_else(postgres_url: str) -> None:
    told: list[list[str | None]] = []

    def listen(events: list[Event]) -> None:
        told.append([event.user_id for event in events])
        raise ValueError("a fault of the listener")

    writer = Writer(partial(Store.connect, postgres_url), None, on_commit=listen)
    assert stored(writer, "bob") is Outcome.COMMITTED
    refused = Submission([make_event(properties=NUL_PROPERTIES), make_event(user_id="ann")], [], 0)
    writer.submit(refused)
    assert refused.wait(SECONDS)
    writer.close()
    assert told == [["bob"], ["ann"]]


def test_who_has_nothing_to_read_gets_a_heartbeat(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HEARTBEAT_SECONDS", 0.05)

    async def heartbeats() -> tuple[bytes, WSMsgType]:
        app = server.LiveServer(Settings(redis_url=redis_url)).app()
        async with TestClient(TestServer(app)) as client, asyncio.timeout(SECONDS):
            async with client.get("/api/v1/live/events") as answer:
                while (by_sse := await answer.content.readuntil(b"\n\n")).startswith(b"event: ready"):
                    pass
            async with client.ws_connect("/api/v1/live", autoping=False) as socket_:
                while (by_websocket := (await socket_.receive()).type) is WSMsgType.TEXT:
                    pass
            return by_sse, by_websocket

    assert loops.run(heartbeats()) == (b": heartbeat\n\n", WSMsgType.PING)


def test_a_message_that_is_too_large_ends_the_websocket(live: Live) -> None:
    with connect(live.socket_url) as reader:
        reader.recv(SECONDS)
        reader.send(" " * 20_000)
        with pytest.raises(ConnectionClosed) as closed:
            reader.recv(SECONDS)
    assert closed.value.rcvd
    assert closed.value.rcvd.code == 1009


def test_a_stopping_server_says_goodbye(start_live: StartLive) -> None:
    live = start_live()
    with connect(live.socket_url) as reader, sse(live) as messages:
        reader.recv(SECONDS)
        live.process.terminate()
        with pytest.raises(ConnectionClosed) as closed:
            reader.recv(SECONDS)
        assert list(messages) == []
    assert closed.value.rcvd
    assert closed.value.rcvd.code == 1001
    assert live.process.wait(SECONDS) == 0


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("POST", "/api/v1/live", 405), ("GET", "/api/v1/live?token=x", 200)],
)
def test_other_requests_are_answered_in_json(live: Live, method: str, path: str, status: int) -> None:
    answer = httpx.request(method, f"{live.url}{path}")
    assert answer.status_code == status
    if status == 200:
        assert answer.json() == {"url": live.url}
    else:
        assert answer.json().keys() == {"code", "message", "errors", "request_id"}


def test_the_collector_says_where_the_live_preview_is(client: FlaskClient) -> None:
    assert client.get("/api/v1/live").get_json() == {"url": "http://localhost:8001"}
    assert client.get("/api/v1/live/").get_json() == {"url": "http://localhost:8001"}


def test_without_valkey_it_does_not_start() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "collector.live"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr == "BEATLINE_REDIS_URL is not set; `beatline up` sets it\n"

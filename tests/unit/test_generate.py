"""The generator: its schedule, and what it does against a server that answers as told."""

from __future__ import annotations

import json
import select
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from random import Random
from typing import Any

import pytest

from beatline import generate
from beatline.generate import encode, percentiles, run
from beatline.pace import CATCH_UP_SECONDS, Pause, Schedule
from beatline.posting import Connection, ServerAwayError, Target, retry_after
from beatline.shop import walk

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
Reply = tuple[int, dict[str, str], bytes]


def accept(path: str, body: Any) -> Reply:
    """What a collector answers when all is well."""
    if path == "/track":
        return 202, {}, b'{"event_id": "018f0000-0000-7000-8000-000000000000"}'
    return 200, {}, json.dumps({"accepted": len(body["events"]), "rejected": []}).encode()


class Scripted(ThreadingHTTPServer):
    """A server that keeps what it gets and answers by the next of its replies, then accepts."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[tuple[str, Any]] = []
        self.connections: set[Any] = set()
        self.replies: list[Reply | Callable[[str, Any], Reply] | None] = []
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def reply(self, path: str, body: Any) -> Reply | None:
        with self.lock:
            self.requests.append((path, body))
            scripted = self.replies.pop(0) if self.replies else accept
        return scripted(path, body) if callable(scripted) else scripted

    def events(self) -> list[Any]:
        return [event for _, body in self.requests for event in body.get("events", [body])]


class Handler(BaseHTTPRequestHandler):
    server: Scripted
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.server.connections.add(self.client_address)
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        reply = self.server.reply(self.path, body)
        if reply is None:
            self.close_connection = True
            return
        status, headers, content = reply
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
        self.close_connection = "X-Hang-Up" in headers

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Scripted]:
    with Scripted() as scripted:
        thread = threading.Thread(target=scripted.serve_forever, args=(0.01,))
        thread.start()
        yield scripted
        scripted.shutdown()
        thread.join()


def schedule(rate: float, duration: float | None = None, start: float = 0.0) -> Schedule:
    return Schedule(walk(Random(1), rate), rate, duration, start)


def test_given_a_rate_then_posts_are_due_at_its_interval_without_drift() -> None:
    plan = schedule(rate=30, start=1000.0)
    taken = [plan.take(now=1000.0) for _ in range(301)]
    assert all(len(events) == 1 for _, events in taken)
    assert [due for due, _ in taken[:3]] == [1000.0, 1000.0 + 1 / 30, 1000.0 + 2 / 30]
    assert taken[300][0] == 1010.0


@pytest.mark.parametrize(
    ("rate", "size"), [(0.5, 1), (200, 1), (201, 2), (1000, 5), (10_000, 50), (1_000_000, 500)]
)
def test_given_a_high_rate_then_posts_grow_instead_of_multiplying(rate: float, size: int) -> None:
    assert len(schedule(rate).take(now=0.0)[1]) == size


@pytest.mark.parametrize(("rate", "duration", "total"), [(100, 2, 200), (1000, 0.333, 333)])
def test_given_a_duration_then_exactly_its_events_are_handed_out(
    rate: float, duration: float, total: int
) -> None:
    plan, handed_out = schedule(rate, duration), 0
    while events := plan.take(now=0.0)[1]:
        handed_out += len(events)
    assert handed_out == total


def test_given_a_long_stall_then_only_the_last_seconds_are_caught_up() -> None:
    plan = schedule(rate=10)
    plan.take(now=0.0)
    due, _ = plan.take(now=100.0)
    assert due == pytest.approx(100.0 - CATCH_UP_SECONDS)
    assert plan.take(now=100.0)[0] == pytest.approx(due + 0.1)


def test_given_a_server_away_then_the_pauses_double_up_to_a_limit() -> None:
    pause, now, waits = Pause(), 0.0, []
    for _ in range(8):
        pause.server_away(now)
        pause.server_away(now)
        waits.append(round(pause.until - now, 3))
        now = pause.until
    assert waits == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 1.0),
        ("7", 7.0),
        ("Thu, 01 Jan 2026 12:00:30 GMT", 30.0),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 0.0),
        ("soon", 1.0),
        ("-3", 1.0),
    ],
)
def test_given_a_retry_after_header_then_it_is_seconds_to_wait(header: str | None, seconds: float) -> None:
    assert retry_after(header, NOON) == seconds


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://127.0.0.1:8000", Target(False, "127.0.0.1", 8000, "")),
        ("https://events.example/in/", Target(True, "events.example", 443, "/in")),
        ("http://[::1]:81/", Target(False, "::1", 81, "")),
    ],
)
def test_given_an_address_then_it_is_taken_apart(url: str, target: Target) -> None:
    assert Target.parse(url) == target


@pytest.mark.parametrize("url", ["", "localhost:8000", "ftp://x", "http://", "http://x:99999"])
def test_given_no_http_address_then_the_exit_code_is_2(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(url, 1.0) == 2
    assert capsys.readouterr().err.startswith("beatline generate: ")


@pytest.mark.parametrize(("rate", "duration"), [(0, 1), (-1, 1), (float("nan"), 1), (1, 0)])
def test_given_a_senseless_rate_or_duration_then_the_exit_code_is_2(rate: float, duration: float) -> None:
    assert run("http://127.0.0.1:1", rate, duration) == 2


def test_given_latencies_then_percentiles_are_by_nearest_rank() -> None:
    assert percentiles([]) == (0.0, 0.0)
    assert percentiles([n / 100 for n in range(100, 0, -1)]) == (0.5, 0.95)


def test_given_a_single_event_then_it_goes_to_track_else_as_a_batch() -> None:
    events = list(islice(walk(Random(1), 1), 2))
    path, body = encode(events[:1], NOON)
    assert (path, json.loads(body)) == ("/track", {**events[0], "timestamp": NOON.isoformat()})
    path, body = encode(events, NOON)
    assert path == "/api/v1/analytics/batch/"
    assert len(json.loads(body)["events"]) == 2


@pytest.mark.parametrize(("rate", "path"), [(150, "/track"), (1500, "/api/v1/analytics/batch/")])
def test_given_a_server_that_accepts_then_the_walk_arrives_and_the_exit_code_is_0(
    server: Scripted, rate: float, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    total = round(rate * 0.4)
    assert run(server.url, rate, 0.4, seed=5) == 0
    arrived = sorted(json.dumps(e | {"timestamp": ""}) for e in server.events())
    walked = islice(walk(Random(5), rate), total)
    assert arrived == sorted(json.dumps({**event, "timestamp": ""}) for event in walked)
    assert {sent_to for sent_to, _ in server.requests} == {path}
    assert len(server.connections) <= generate.CONNECTIONS
    assert f"sent {total:,} · accepted {total:,} · rejected 0" in capsys.readouterr().out


@pytest.mark.parametrize("status", [429, 503])
def test_given_a_server_that_asks_to_wait_then_the_post_is_repeated(
    server: Scripted, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    server.replies = [(status, {"Retry-After": "0"}, b"{}")] * 3
    assert run(server.url, 50, 0.2) == 0
    assert len(server.requests) == 13
    summary = capsys.readouterr().out
    assert "accepted 10 · rejected 0 · failed 0" in summary
    assert "repeated posts 3" in summary


@pytest.mark.parametrize("status", [400, 404, 500])
def test_given_a_refusal_for_good_then_it_is_counted_and_shown_and_the_exit_code_is_1(
    server: Scripted, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    server.replies = [(status, {}, b'{"code": "no"}')]
    assert run(server.url, 50, 0.2) == 1
    summary = capsys.readouterr().out
    assert "accepted 9 · rejected 1 · failed 0" in summary
    assert f'last refusal: {status} {{"code": "no"}}' in summary


def test_given_a_batch_refused_in_part_then_its_events_are_told_apart(
    server: Scripted, capsys: pytest.CaptureFixture[str]
) -> None:
    server.replies = [(200, {}, b'{"accepted": 4, "rejected": [{"index": 1, "errors": {}}]}')]
    assert run(server.url, 1000, 0.1) == 1
    assert "sent 100 · accepted 99 · rejected 1 · failed 0" in capsys.readouterr().out


def test_given_a_connection_that_breaks_then_the_event_counts_as_failed_and_is_not_repeated(
    server: Scripted, capsys: pytest.CaptureFixture[str]
) -> None:
    server.replies = [None]
    assert run(server.url, 50, 0.2) == 0
    assert len(server.requests) == 10
    assert "accepted 9 · rejected 0 · failed 1" in capsys.readouterr().out


def test_given_a_connection_closed_while_idle_then_another_one_is_opened(server: Scripted) -> None:
    connection = Connection(Target.parse(server.url), timeout=5)
    server.replies = [(202, {"X-Hang-Up": "now"}, b"{}")]
    connection.open()
    assert connection.post("/track", b"{}").status == 202
    closed, _, _ = select.select([connection._http.sock], [], [], 5)
    assert closed
    connection.open()
    assert connection.post("/track", b"{}").status == 202
    connection.close()
    assert len(server.connections) == 2


def test_given_nobody_listening_then_opening_says_that_the_server_is_away() -> None:
    with Scripted() as closed:
        url = closed.url
    with pytest.raises(ServerAwayError):
        Connection(Target.parse(url), timeout=5).open()


def test_given_nobody_listening_then_it_gives_up_after_the_duration_with_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generate, "GRACE_SECONDS", 0.2)
    with Scripted() as closed:
        url = closed.url
    assert run(url, 50, 0.2) == 1
    assert "sent 0 · accepted 0" in capsys.readouterr().out

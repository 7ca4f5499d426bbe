"""The open-loop client against a server that does as its paths say."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from loadtest import open_loop
from loadtest.bench.load_client import NUMBER, post
from loadtest.open_loop import Plan
from loadtest.shapes import Stage

HEADERS = {429: {"Retry-After": "1"}, 503: {}}


class Scripted(BaseHTTPRequestHandler):
    """Answers with the status that the path is, late when it says so."""

    protocol_version = "HTTP/1.1"
    bodies: list[bytes] = []

    def do_POST(self) -> None:
        self.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        status, _, pause = self.path.strip("/").partition("-")
        time.sleep(float(pause or 0))
        self.send_response(int(status))
        for name, value in (HEADERS.get(int(status), {}) | {"Content-Length": "2"}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that gave up are no error."""


@pytest.fixture
def port() -> Iterator[int]:
    server = Server(("127.0.0.1", 0), Scripted)
    Scripted.bodies = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("path", "outcome"),
    [
        ("/202", "done"),
        ("/429", "refused"),
        ("/503", "refused_rudely"),
        ("/500", "broken"),
        ("/202-3", "timed_out"),
    ],
)
def test_given_an_answer_then_every_request_counts_once_for_what_became_of_it(
    port: int, path: str, outcome: str
) -> None:
    plan = Plan(port, [post(path, b"{}")], (Stage(0.5, 40),), timeout=1.0)

    [stage] = open_loop.apply(plan)["stages"]

    counts = {name: stage[name] for name in ("done", "refused", "refused_rudely", "broken", "timed_out")}
    assert counts == {name: 20 if name == outcome else 0 for name in counts}
    assert stage["due"] == 20


def test_given_a_slow_server_then_requests_are_sent_when_they_are_due_and_not_after_answers(
    port: int,
) -> None:
    [stage] = open_loop.apply(Plan(port, [post("/202-0.3", b"{}")], (Stage(0.5, 40),)))["stages"]

    assert stage["done"] == 20
    assert stage["p99_ms"] < 1_000


def test_given_one_connection_then_the_time_of_waiting_for_it_counts(port: int) -> None:
    plan = Plan(port, [post("/202-0.1", b"{}")], (Stage(0.5, 20),), connections=1)

    [stage] = open_loop.apply(plan)["stages"]

    assert stage["done"] == 10
    assert stage["max_ms"] > 500
    assert stage["done_a_second"] < 12


def test_given_numbered_requests_then_each_has_a_number_of_its_own(port: int) -> None:
    open_loop.apply(Plan(port, [post("/202", b'{"n":"' + NUMBER + b'"}')], (Stage(0.2, 50),), first_number=5))

    assert len(Scripted.bodies) == len(set(Scripted.bodies)) == 10
    assert b'{"n":"00000005"}' in Scripted.bodies


def test_given_a_server_that_is_away_then_nothing_counts_as_done() -> None:
    with Server(("127.0.0.1", 0), Scripted) as server:
        port = server.server_address[1]

    [stage] = open_loop.apply(Plan(port, [post("/202", b"{}")], (Stage(0.2, 20),)))["stages"]

    assert (stage["done"], stage["broken"], stage["p99_ms"]) == (0, 4, None)

"""A server of HTTP/1.1 that answers properly, or misbehaves when told to."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, TypeVar


class Received(NamedTuple):
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Reply(NamedTuple):
    """An answer as it should be."""

    status: int
    headers: dict[str, str] = {}
    body: bytes = b""


def json_reply(status: int, content: object, **headers: str) -> Reply:
    """An answer in JSON; header names with _ for -."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, {"Content-Type": "application/json", **named}, json.dumps(content).encode())


class HttpServer(ThreadingHTTPServer):
    """Answers by `answer`, but the next requests as `faults` say."""

    daemon_threads = True
    block_on_close = True

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.tls = tls
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.requests: list[Received] = []
        self.connections: set[Any] = set()
        self.faults: list[Reply | Callable[[Handler], None]] = []
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://localhost:{self.server_port}"

    def answer(self, request: Received) -> Reply:
        """What a server that is well says."""
        return Reply(204)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients may hang up."""


class Handler(BaseHTTPRequestHandler):
    """One client's connection."""

    server: HttpServer
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_POST(self) -> None:
        self.server.connections.add(self.client_address)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Received(self.command, self.path, headers, body)
        self.server.requests.append(request)
        fault = self.server.faults.pop(0) if self.server.faults else self.server.answer(request)
        if isinstance(fault, Reply):
            self.reply(fault)
        else:
            self.close_connection = True
            fault(self)

    def reply(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in {**reply.headers, "Content-Length": str(len(reply.body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)

    def send(self, data: bytes) -> None:
        self.wfile.write(data)
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        pass


def hang_up(handler: Handler) -> None:
    """Close the connection without a word."""


def say_nothing(handler: Handler) -> None:
    """Answer when the test is over."""
    handler.server.closing.wait(10)


def send_garbage(handler: Handler) -> None:
    """Something that is no HTTP."""
    handler.send(b"\x16\x03\x01 what?\r\n\r\n")


def hang_up_in_the_body(handler: Handler) -> None:
    """Say 200 and send less than promised."""
    handler.send(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"na')


def hang_up_in_the_head(handler: Handler) -> None:
    """Break off in the first line."""
    handler.send(b"HTTP/1.1 20")


def drip(handler: Handler) -> None:
    """A byte now and then, so that no single read takes long."""
    handler.send(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while not handler.server.closing.wait(0.02):
        handler.send(b"x")


def drip_the_body(handler: Handler) -> None:
    """The same, in the body."""
    handler.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while not handler.server.closing.wait(0.02):
        handler.send(b"x")


def go_on_for_ever(handler: Handler) -> None:
    """A body without end."""
    handler.send(b"HTTP/1.1 200 OK\r\n\r\n")
    while not handler.server.closing.is_set():
        handler.send(b"x" * 65_536)


def send_headers_for_ever(handler: Handler) -> None:
    """Headers without end."""
    handler.send(b"HTTP/1.1 200 OK\r\n")
    while not handler.server.closing.is_set():
        handler.send(b"X-More: " + b"x" * 1_000 + b"\r\n")


def promise_for_ever(handler: Handler) -> None:
    """Interim answers without end."""
    while not handler.server.closing.is_set():
        handler.send(b"HTTP/1.1 102 Processing\r\n\r\n" * 100)


AnyServer = TypeVar("AnyServer", bound=HttpServer)


@contextmanager
def running(server: AnyServer) -> Iterator[AnyServer]:
    """A server until the end of the block."""
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        thread.join()
        server.socket.close()

"""A server of HTTP/2 over TLS that answers properly, or misbehaves when told to."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions

from tests.providers.https import Received, Reply


class Http2Connection:
    """One client's connection."""

    def __init__(self, server: Http2Server, stream: ssl.SSLSocket) -> None:
        self.server = server
        self.stream = stream
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        self.headers: dict[int, dict[str, str]] = {}
        self.bodies: dict[int, bytes] = {}
        self.open = True

    def serve(self) -> None:
        """Until somebody hangs up."""
        self.h2.initiate_connection()
        self.flush()
        while self.open and (data := self.stream.recv(65_536)):
            for event in self.h2.receive_data(data):
                self.handle(event)
            self.flush()
        self.end()

    def end(self) -> None:
        """Hang up. What still comes is read first, since closing would else throw away what was sent."""
        self.stream.shutdown(socket.SHUT_WR)
        self.stream.settimeout(0.05)
        while self.stream.recv(65_536):
            pass

    def handle(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.RequestReceived):
            pairs = ((name.decode(), value.decode()) for name, value in event.headers)
            self.headers[event.stream_id] = dict(pairs)
            self.bodies[event.stream_id] = b""
        elif isinstance(event, h2.events.DataReceived):
            self.bodies[event.stream_id] += event.data
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            self.react(event.stream_id)

    def react(self, stream_id: int) -> None:
        headers = self.headers.pop(stream_id)
        request = Received(headers[":method"], headers[":path"], headers, self.bodies.pop(stream_id))
        with self.server.lock:
            fault = self.server.faults.pop(0) if self.server.faults else None
        if fault is None or isinstance(fault, Reply):
            self.server.requests.append(request)
            self.reply(stream_id, fault or self.server.answer(request))
        else:
            fault(self, stream_id)

    def reply(self, stream_id: int, reply: Reply) -> None:
        headers = [
            (":status", str(reply.status)),
            *((name.lower(), text) for name, text in reply.headers.items()),
        ]
        self.h2.send_headers(stream_id, headers, end_stream=not reply.body)
        if reply.body:
            self.h2.send_data(stream_id, reply.body, end_stream=True)

    def flush(self) -> None:
        self.stream.sendall(self.h2.data_to_send())


Fault = Callable[[Http2Connection, int], None]


class Http2Server:
    """Answers by `answer`, but the next requests as `faults` say; `requests` are those it has worked on."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self.tls = tls
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://localhost:{self.listener.getsockname()[1]}"
        self.requests: list[Received] = []
        self.faults: list[Reply | Fault] = []
        self.connections = 0
        self.lock = threading.Lock()
        self.closing = threading.Event()
        self.threads: list[threading.Thread] = []
        self.sockets: list[socket.socket] = []

    def answer(self, request: Received) -> Reply:
        """What a server that is well says."""
        return Reply(200)

    def accept(self) -> None:
        """Take connections until the listener is closed."""
        while not self.closing.is_set():
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.sockets.append(client)
            thread = threading.Thread(target=self.serve, args=(client,))
            self.threads.append(thread)
            thread.start()

    def serve(self, client: socket.socket) -> None:
        """One connection; clients and faults may end it at any time."""
        self.connections += 1
        with (
            contextlib.suppress(OSError, h2.exceptions.ProtocolError),
            client,
            self.tls.wrap_socket(client, server_side=True) as stream,
        ):
            self.sockets.append(stream)
            Http2Connection(self, stream).serve()

    def close(self) -> None:
        """Hang up on everybody."""
        self.closing.set()
        for open_socket in (self.listener, *self.sockets):
            with contextlib.suppress(OSError):
                open_socket.shutdown(socket.SHUT_RDWR)
            open_socket.close()
        for thread in self.threads:
            thread.join()


def hang_up(connection: Http2Connection, stream_id: int) -> None:
    """Close the connection without a word."""
    connection.open = False


def reset(connection: Http2Connection, stream_id: int) -> None:
    """Break one request off."""
    connection.h2.reset_stream(stream_id, h2.errors.ErrorCodes.INTERNAL_ERROR)


def refuse_stream(connection: Http2Connection, stream_id: int) -> None:
    """Say that the request has not been looked at (RFC 9113, 8.7)."""
    connection.h2.reset_stream(stream_id, h2.errors.ErrorCodes.REFUSED_STREAM)


def go_away_before(connection: Http2Connection, stream_id: int) -> None:
    """Shut down in order: all requests but this one have been worked on (RFC 9113, 6.8)."""
    connection.h2.close_connection(last_stream_id=stream_id - 2 if stream_id > 1 else 0)
    connection.open = False


def go_away_after(connection: Http2Connection, stream_id: int) -> None:
    """Shut down without the answer to a request that may have been worked on."""
    connection.h2.close_connection(last_stream_id=stream_id)
    connection.open = False


def answer_and_go_away(connection: Http2Connection, stream_id: int) -> None:
    """Shut down in order when everything is done."""
    connection.reply(stream_id, Reply(200))
    connection.h2.close_connection(last_stream_id=stream_id)
    connection.open = False


def answer_and_hang_up(connection: Http2Connection, stream_id: int) -> None:
    """Close a connection that nobody is using, without a word."""
    connection.reply(stream_id, Reply(200))
    connection.open = False


def send_garbage(connection: Http2Connection, stream_id: int) -> None:
    """Something that is no HTTP/2."""
    connection.stream.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 10)


def half_an_answer(connection: Http2Connection, stream_id: int) -> None:
    """Headers, a piece of the body, and the end."""
    connection.h2.send_headers(stream_id, [(":status", "400")])
    connection.h2.send_data(stream_id, b'{"reason": "Bad')
    connection.open = False


def break_the_rules(connection: Http2Connection, stream_id: int) -> None:
    """Data that belong to no request, which ends a connection (RFC 9113, 6.1)."""
    connection.stream.sendall(bytes([0, 0, 1, 0, 0, 0, 0, 0, 0]) + b"x")


def break_the_rules_later(connection: Http2Connection, stream_id: int) -> None:
    """The same, in the middle of an answer."""
    connection.h2.send_headers(stream_id, [(":status", "400")])
    connection.flush()
    time.sleep(0.05)  # so that they are read first
    break_the_rules(connection, stream_id)


def say_nothing(connection: Http2Connection, stream_id: int) -> None:
    """No answer."""


def ping_for_ever(connection: Http2Connection, stream_id: int) -> None:
    """Show signs of life, and no answer."""
    while not connection.server.closing.wait(0.02):
        connection.h2.ping(b"12345678")
        connection.flush()


AnyServer = TypeVar("AnyServer", bound=Http2Server)


@contextmanager
def running(server: AnyServer) -> Iterator[AnyServer]:
    """A server until the end of the block."""
    thread = threading.Thread(target=server.accept)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join()

"""A closed-loop HTTP load client: every connection sends its next request when it has its answer.

Requests are formatted beforehand and answers barely looked at, so that the client costs a small part
of what the server costs; it runs in a process of its own and reports its share of one core.
"""

from __future__ import annotations

import multiprocessing
import selectors
import socket
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

HOST = "127.0.0.1"
NUMBER = b"~number~"  # stands in a request for eight hexadecimal digits that no other request has
READ_BYTES = 65_536
SEND_BUFFER = 4 * 2**20  # a whole batch, so that sending it to a busy server does not stop the client
DRAIN_SECONDS = 30.0


class LoadError(Exception):
    """A server answered what no benchmark may count: an error, or nothing at all."""


class Head(NamedTuple):
    """The start of an answer: its status, and its length with the body, in bytes."""

    status: int
    length: int


@dataclass(frozen=True)
class Load:
    """What to send where. Counting starts after warm_up seconds and lasts for seconds.

    first_number: what NUMBER counts from.
    """

    port: int
    requests: Sequence[bytes]
    connections: int
    seconds: float
    warm_up: float = 2.0
    first_number: int = 0


@dataclass(frozen=True)
class Result:
    """What came of a load.

    answered counts all answers, also those of the warm-up and after the end; requests only those
    within seconds. Latencies are in milliseconds. cpu is the client's own use of one core.
    """

    answered: int
    requests: int
    seconds: float
    p50: float
    p95: float
    p99: float
    cpu: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


def post(path: str, body: bytes) -> bytes:
    """A POST of JSON, ready to be sent."""
    head = f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def get(path: str) -> bytes:
    """A GET, ready to be sent."""
    return f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()


def parse_head(answer: bytes) -> Head | None:
    """Status and whole length of an answer; None while its head is incomplete.

    Raises LoadError for an answer without Content-Length: its end could not be told.
    """
    end = answer.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = answer[:end].lower() + b"\r\n"
    at = head.find(b"\r\ncontent-length:")
    if not head.startswith(b"http/1.1 ") or at < 0:
        raise LoadError(f"not an answer of HTTP/1.1 with a length: {answer[:300]!r}")
    length = int(head[at + len(b"\r\ncontent-length:") : head.index(b"\r\n", at + 2)])
    return Head(int(head[9:12]), end + 4 + length)


def percentile(ascending: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of the values does not exceed (nearest rank)."""
    return ascending[max(0, ceil(share * len(ascending)) - 1)]


def run(load: Load) -> Result:
    """Apply a load from a process of its own. Raises LoadError when anything but success is answered."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as processes:
        return processes.submit(apply, load).result()


def apply(load: Load) -> Result:
    """Apply a load from this process."""
    client = Client(load)
    try:
        return client.run()
    finally:
        client.close()


class Connection:
    """One keep-alive connection, its unfinished answer, and when its request left."""

    __slots__ = ("received", "sent_at", "socket")

    def __init__(self, port: int) -> None:
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        try:
            self.socket.connect((HOST, port))
        except OSError:
            self.socket.close()
            raise
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        self.sent_at = 0.0


class Client:
    """The connections of a load and what has been measured on them."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.numbered = any(NUMBER in request for request in load.requests)
        self.connections = [Connection(load.port) for _ in range(load.connections)]
        self.sent = 0
        self.answered = 0
        self.latencies: list[float] = []
        self.counting = self.sending = False

    def run(self) -> Result:
        """Warm up, count, and wait for the answers that are still due."""
        with selectors.DefaultSelector() as selector:
            for connection in self.connections:
                selector.register(connection.socket, selectors.EVENT_READ, connection)
            self.sending = True
            for connection in self.connections:
                self.send(connection)
            self.exchange(selector, self.load.warm_up)
            self.counting = True
            started, used = time.perf_counter(), time.process_time()
            self.exchange(selector, self.load.seconds)
            seconds, cpu = time.perf_counter() - started, time.process_time() - used
            self.counting = self.sending = False
            self.exchange(selector, DRAIN_SECONDS)
        return self.result(seconds, cpu)

    def exchange(self, selector: selectors.BaseSelector, seconds: float) -> None:
        """Receive, and send again, for so long; ends early when no answer is due any more."""
        deadline = time.perf_counter() + seconds
        while self.answered < self.sent and (left := deadline - time.perf_counter()) > 0:
            for key, _ in selector.select(left):
                self.receive(key.data)

    def send(self, connection: Connection) -> None:
        """Send the next request."""
        request = self.load.requests[self.sent % len(self.load.requests)]
        if self.numbered:
            request = request.replace(NUMBER, b"%08x" % (self.load.first_number + self.sent))
        self.sent += 1
        connection.sent_at = time.perf_counter()
        connection.socket.sendall(request)

    def receive(self, connection: Connection) -> None:
        """Read what came; when the answer is complete, count it and send the next request."""
        data = connection.socket.recv(READ_BYTES)
        if not data:
            raise LoadError("the server closed a connection that was in use")
        connection.received += data
        head = parse_head(connection.received)
        if head is None or len(connection.received) < head.length:
            return
        if not 200 <= head.status < 300:
            raise LoadError(f"the server answered {connection.received[:500]!r}")
        connection.received = b""
        self.answered += 1
        if self.counting:
            self.latencies.append(time.perf_counter() - connection.sent_at)
        if self.sending:
            self.send(connection)

    def result(self, seconds: float, cpu: float) -> Result:
        """The measured figures. Raises LoadError when answers are missing."""
        if self.answered < self.sent or not self.latencies:
            raise LoadError(f"{self.answered} of {self.sent} requests were answered")
        ascending = sorted(self.latencies)
        p50, p95, p99 = (1000 * percentile(ascending, share) for share in (0.5, 0.95, 0.99))
        return Result(self.answered, len(ascending), seconds, p50, p95, p99, cpu / seconds)

    def close(self) -> None:
        """Close the connections."""
        for connection in self.connections:
            connection.socket.close()

"""A proxy between an SDK and the collector: it remembers every exchange and breaks connections as told."""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from urllib.parse import parse_qs, urlsplit

DELAY_SECONDS = 0.7
UPSTREAM_SECONDS = 30
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}
UNAVAILABLE = b'{"code":"unavailable","message":"Send again."}'
Headers = dict[str, str]  # names in lower case
Hits = Callable[[str, str], bool]  # of a method and a path


class Fault(StrEnum):
    """What may happen to a request."""

    UNAVAILABLE = "answered 503 without asking the collector"
    HANG_UP = "hung up before the collector had it"
    LOSE_ANSWER = "hung up after the collector had answered"
    DELAY = "answered late"


@dataclass
class Exchange:
    """A request, what happened to it, and how the collector answered it (None: it never got it)."""

    method: str
    path: str
    query: dict[str, str]
    headers: Headers
    body: bytes
    fault: Fault | None = None
    status: int | None = None
    answer: bytes = b""
    over: bool = False
    at: float = field(default_factory=time.time)

    @property
    def acknowledged(self) -> bool:
        """Whether the client was told that the collector has it."""
        return self.status == 200 and self.fault in (None, Fault.DELAY)


def every_post(method: str, path: str) -> bool:
    """Whether a request is a POST."""
    return method == "POST"


class Proxy(ThreadingHTTPServer):
    """Listens on the loopback address. Of the requests that are hit, the first ones of each path meet the
    faults in their order."""

    daemon_threads = True

    def __init__(self, upstream: str, faults: Sequence[Fault], hits: Hits) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.upstream = urlsplit(upstream)
        self.faults = faults
        self.hits = hits
        self.exchanges: list[Exchange] = []
        self.broken: list[BaseException] = []
        self.lock = Lock()
        self.turns: dict[str, int] = defaultdict(int)

    @property
    def url(self) -> str:
        """Where SDKs send to."""
        return f"http://127.0.0.1:{self.server_port}"

    def received(self) -> list[Exchange]:
        """All exchanges so far."""
        with self.lock:
            return list(self.exchanges)

    def idle(self) -> bool:
        """Whether nobody waits for an answer now."""
        return all(exchange.over for exchange in self.received())

    def begin(self, exchange: Exchange) -> None:
        """Remember it and choose its fault."""
        with self.lock:
            self.exchanges.append(exchange)
            if self.hits(exchange.method, exchange.path):
                turn = self.turns[exchange.path]
                self.turns[exchange.path] += 1
                exchange.fault = self.faults[turn] if turn < len(self.faults) else None

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients may leave whenever they like; anything else is our own mistake."""
        error = sys.exception()
        if error and not isinstance(error, ConnectionError | TimeoutError):
            self.broken.append(error)


class Handler(BaseHTTPRequestHandler):
    """One client's connection."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body of an answer leave together
    server: Proxy

    def do_POST(self) -> None:
        """Any method: read the request, remember it, pass it on as far as its fault allows."""
        target = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(target.query).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        exchange = Exchange(self.command, target.path, query, headers, self.read_body())
        self.server.begin(exchange)
        try:
            self.treat(exchange)
        finally:
            exchange.over = True

    do_GET = do_PUT = do_DELETE = do_OPTIONS = do_HEAD = do_POST  # noqa: N815

    def treat(self, exchange: Exchange) -> None:
        """Do with a request what its fault says; without one, pass it on."""
        if exchange.fault is Fault.HANG_UP:
            self.close_connection = True
        elif exchange.fault is Fault.UNAVAILABLE:
            readable = {
                "Access-Control-Allow-Origin": exchange.headers.get("origin", "*"),
                "Access-Control-Allow-Credentials": "true",
            }
            self.reply(503, readable | {"Content-Type": "application/json"}, UNAVAILABLE)
        else:
            self.forward(exchange)

    def read_body(self) -> bytes:
        """The whole body, whether its length was given or not."""
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def forward(self, exchange: Exchange) -> None:
        """Ask the collector, and pass its answer on unless that gets lost."""
        if exchange.fault is Fault.DELAY:
            time.sleep(DELAY_SECONDS)
        answer = self.ask(exchange)
        exchange.answer = answer.read()
        exchange.status = answer.status
        if exchange.fault is Fault.LOSE_ANSWER:
            self.close_connection = True
            return
        headers = {name: value for name, value in answer.getheaders() if name.lower() not in HOP_BY_HOP}
        self.reply(answer.status, headers, exchange.answer)

    def ask(self, exchange: Exchange) -> HTTPResponse:
        """The collector's answer to the same request."""
        host, port = self.server.upstream.hostname, self.server.upstream.port
        connection = HTTPConnection(host or "", port, timeout=UPSTREAM_SECONDS)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
        if exchange.body or exchange.method == "POST":
            headers["Content-Length"] = str(len(exchange.body))
        headers["Connection"] = "close"  # so that reading the answer closes it
        connection.request(exchange.method, self.path, exchange.body or None, headers)
        return connection.getresponse()

    def reply(self, status: int, headers: Headers, body: bytes) -> None:
        """Answer the client."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with suppress(ConnectionError):
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def running_proxy(upstream: str, faults: Sequence[Fault] = (), hits: Hits = every_post) -> Iterator[Proxy]:
    """A proxy until the end of the block, at which nothing may have gone wrong in it."""
    with Proxy(upstream, faults, hits) as proxy:
        thread = Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
            thread.join()
    assert proxy.broken == []

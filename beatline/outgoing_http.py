"""HTTP to other people's servers: one deadline for a whole request, bounded answers, no redirects.

URLs that come from outside (webhooks, Web Push) are checked against server-side request forgery: the name is
resolved once, every address of it must be public, and the connection is made to one of those addresses: a
name cannot change in between. Host and server name of TLS stay those of the URL.
"""

from __future__ import annotations

import os
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import h2.errors
import h2.events
import h2.exceptions
import httpcore
import httpx

from beatline.outgoing_urls import (
    LOOK_UP_SECONDS,
    Network,
    NoAnswer,
    Place,
    Resolve,
    addresses_of,
    checked_addresses,
    literal,
    place_of,
)
from beatline.settings import Settings

SECONDS = 10.0  # for a whole request, from the look-up of the name to the answer's end
MAX_ANSWER_BYTES = 64 * 1024
READ_BYTES = 64 * 1024
MAX_ADDRESSES = 4  # that are tried one after the other
IDLE_SECONDS = 60.0  # then a connection is closed, before a router between forgets it without a word


@dataclass(frozen=True)
class Answer:
    """headers by their names in small letters; body: at most MAX_ANSWER_BYTES of it."""

    status: int
    headers: dict[str, str]
    body: bytes


class Wire(httpcore.NetworkBackend):
    """Makes the connections of one client: to the addresses, until the deadline (of time.monotonic())."""

    def __init__(self) -> None:
        self.sockets = httpcore.SyncBackend()
        self.addresses: Sequence[str] = ()
        self.deadline = 0.0
        self.streams: set[Stream] = set()  # those with TLS that are open

    def left(self, too_late: type[httpcore.TimeoutException]) -> float:
        """Seconds until the deadline."""
        seconds = self.deadline - time.monotonic()
        if seconds <= 0:
            raise too_late("the time is over")
        return seconds

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection to the first address that takes one."""
        addresses = self.addresses[:MAX_ADDRESSES]
        failed: Exception = httpcore.ConnectError("no address")
        for tried, address in enumerate(addresses):
            seconds = self.left(httpcore.ConnectTimeout) / (len(addresses) - tried)
            try:
                return Stream(self.sockets.connect_tcp(address, port, timeout=seconds), self)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed


class Stream(httpcore.NetworkStream):
    """A connection that knows the deadline of the request in hand."""

    def __init__(self, stream: httpcore.NetworkStream, wire: Wire) -> None:
        self.stream = stream
        self.wire = wire
        self.early = b""  # what has come while nobody was reading

    def was_closed(self) -> bool:
        """Whether the other side has closed the connection while nobody was reading."""
        if not self.get_extra_info("is_readable"):
            return False
        try:
            data = self.stream.read(READ_BYTES, 0.001)
        except httpcore.ReadTimeout:  # it was not the end, but something of TLS
            return False
        except httpcore.ReadError:
            return True
        self.early += data
        return not data

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """The next bytes."""
        if self.early:
            data, self.early = self.early[:max_bytes], self.early[max_bytes:]
            return data
        return self.stream.read(max_bytes, self.wire.left(httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all bytes."""
        self.stream.write(buffer, self.wire.left(httpcore.WriteTimeout))

    def close(self) -> None:
        """Close the connection."""
        self.wire.streams.discard(self)
        self.stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """The same connection with TLS."""
        seconds = self.wire.left(httpcore.ConnectTimeout)
        stream = Stream(self.stream.start_tls(ssl_context, server_hostname, seconds), self.wire)
        self.wire.streams.add(stream)
        return stream

    def get_extra_info(self, info: str) -> Any:
        """As httpcore asks."""
        return self.stream.get_extra_info(info)


class Client:
    """Sends requests and keeps connections for the next ones. For one thread at a time.

    networks: those allowed beside public addresses; None: whoever gave the URLs is trusted with any.
    """

    def __init__(
        self, networks: Sequence[Network] | None, *, http2: bool = False, resolve: Resolve = addresses_of
    ) -> None:
        self.networks = networks
        self.http2 = http2
        self.resolve = resolve
        self.wire = Wire()
        self.pool = self.new_pool()

    def new_pool(self) -> httpcore.ConnectionPool:
        """No connection yet."""
        return httpcore.ConnectionPool(
            ssl_context=tls_context(os.environ.get("SSL_CERT_FILE"), self.http2),
            max_connections=10,
            keepalive_expiry=IDLE_SECONDS,
            http1=not self.http2,
            http2=self.http2,
            network_backend=self.wire,
        )

    def post(self, url: str, headers: dict[str, str], content: bytes, seconds: float = SECONDS) -> Answer:
        """The answer to a POST. Raises UrlRefused, or NoAnswer."""
        self.wire.deadline = time.monotonic() + seconds
        place = place_of(url)
        self.wire.addresses = self.addresses(place, min(seconds, LOOK_UP_SECONDS))
        # httpcore looks itself with HTTP/1.1, but not with HTTP/2.
        if self.http2 and any(stream.was_closed() for stream in self.wire.streams):
            self.forget_connections()
        try:
            return self.exchange(place, headers, content)
        except (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.PoolTimeout) as error:
            self.forget_connections()
            raise NoAnswer(f"{place.host}: no connection: {described(error)}", sent=False) from error
        except BROKEN as error:
            self.forget_connections()
            raise NoAnswer(f"{place.host}: {described(error)}", sent=not unprocessed(error)) from error

    def addresses(self, place: Place, seconds: float) -> list[str]:
        """The addresses to connect to."""
        if self.networks is not None:
            return checked_addresses(place, self.networks, self.resolve, seconds)
        return [place.host] if literal(place.host) else self.resolve(place.host, place.port, seconds)

    def exchange(self, place: Place, headers: dict[str, str], content: bytes) -> Answer:
        """Send and read."""
        url = httpcore.URL(
            scheme=place.scheme.encode(), host=place.host.encode(), port=place.port, target=place.target
        )
        host = place.origin.partition("://")[2]
        sent = {"Host": host, "User-Agent": "Beatline", **headers}
        with self.pool.stream("POST", url, headers=list(sent.items()), content=content) as response:
            received = {
                name.decode("latin-1").lower(): text.decode("latin-1") for name, text in response.headers
            }
            return Answer(response.status, received, self.body(response))

    def body(self, response: httpcore.Response) -> bytes:
        """The beginning of an answer's body. One from outside may be cut off: its status says it all."""
        body = b""
        try:
            for chunk in response.iter_stream():
                body += chunk
                if len(body) >= MAX_ANSWER_BYTES:
                    break
        except BROKEN:
            self.forget_connections()
            if self.networks is None:
                raise
        return body[:MAX_ANSWER_BYTES]

    def forget_connections(self) -> None:
        """Close them: after an error nobody knows what is still to come on them."""
        pool, self.pool = self.pool, self.new_pool()
        pool.close()

    def close(self) -> None:
        """Close the connections."""
        self.pool.close()


# An answer that breaks HTTP/2 comes as h2's error, or as httpcore's LocalProtocolError, whosever fault it is.
BROKEN = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    h2.exceptions.ProtocolError,
)


def unprocessed(error: Exception) -> bool:
    """Whether a server says that it has not begun with a request (RFC 9113, 6.8 and 8.7)."""
    said = error.args[0] if error.args else None
    if isinstance(said, h2.events.ConnectionTerminated):
        return said.last_stream_id == 0
    return isinstance(said, h2.events.StreamReset) and said.error_code == h2.errors.ErrorCodes.REFUSED_STREAM


def described(error: Exception) -> str:
    """What happened, in a few words."""
    return f"{type(error).__name__} {error}".strip()[:200]


@cache
def tls_context(certificates: str | None, http2: bool) -> ssl.SSLContext:
    """Checks servers by SSL_CERT_FILE, or by Mozilla's list. certificates only tells contexts apart."""
    return httpx.create_ssl_context()


class Kept(threading.local):
    """The clients of one thread."""

    def __init__(self) -> None:
        self.clients: dict[object, Client] = {}


kept = Kept()


def guarded_client(settings: Settings) -> Client:
    """This thread's client for URLs that come from outside."""
    networks = settings.webhook_networks or ()
    return kept_client(("guarded", networks), lambda: Client(networks))


def trusted_client(*, http2: bool = False) -> Client:
    """This thread's client for the URLs of the settings."""
    return kept_client(("trusted", http2), lambda: Client(None, http2=http2))


def kept_client(name: tuple[object, ...], make: Callable[[], Client]) -> Client:
    """A client that is made once in each thread."""
    key = (*name, os.environ.get("SSL_CERT_FILE"))
    if key not in kept.clients:
        kept.clients[key] = make()
    return kept.clients[key]

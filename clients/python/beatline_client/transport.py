"""HTTP over kept-alive connections. Any request may be sent twice: events carry ids, the rest only reads."""

from __future__ import annotations

import ssl
import time
from base64 import b64encode
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import NamedTuple, Self
from urllib.parse import urlsplit

from beatline_client.version import __version__

NO_ANSWER = 0


class Target(NamedTuple):
    """Where a collector listens."""

    secure: bool
    host: str
    port: int
    prefix: str

    @classmethod
    def parse(cls, url: str) -> Self:
        """Take `http(s)://host[:port][/prefix]` apart; ValueError when it is anything else."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"not an http:// or https:// address: {url}")
        secure = parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        return cls(secure, parts.hostname, port, parts.path.rstrip("/"))


@dataclass(frozen=True)
class Answer:
    """What came back after how many seconds. status is NO_ANSWER when nothing did; then the body says why."""

    status: int
    body: bytes
    seconds: float
    retry_after: float | None = None
    location: str | None = None


class Transport:
    """Requests to one collector, from any thread; idle connections are kept for the next request."""

    def __init__(
        self, host: str, write_key: str | None, timeout: float, ssl_context: ssl.SSLContext | None = None
    ) -> None:
        self._target = Target.parse(host)
        self._timeout = timeout
        self._ssl = ssl_context
        self._idle: deque[HTTPConnection] = deque()
        self._closed = False
        self._headers = {"User-Agent": f"beatline-client-python/{__version__}"}
        if write_key:
            self._headers["Authorization"] = f"Basic {b64encode(f'{write_key}:'.encode()).decode()}"

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """Send one request. No exception for anything that the network or the other side does."""
        began = time.perf_counter()
        try:
            response, content = self._exchange(method, self._target.prefix + path, body, headers or {})
        except (OSError, HTTPException, UnicodeError) as error:  # the latter for impossible host names
            reason = str(error) or type(error).__name__
            return Answer(NO_ANSWER, reason.encode(), time.perf_counter() - began)
        wait = retry_after(response.headers["Retry-After"], datetime.now(UTC))
        seconds = time.perf_counter() - began
        return Answer(response.status, content, seconds, wait, response.headers["Location"])

    def drop_idle(self) -> None:
        """Close the idle connections. In a forked child that leaves the parent's ends open."""
        with suppress(IndexError):
            while True:
                self._idle.pop().close()

    def close(self) -> None:
        """Keep no connection from now on."""
        self._closed = True
        self.drop_idle()

    def _exchange(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[HTTPResponse, bytes]:
        """One request and its answer; a kept connection that proves dead is replaced by a new one."""
        connection = self._kept() or self._new()
        kept = connection.sock is not None
        try:
            answer = exchange(connection, method, path, body, self._headers | headers)
        except ConnectionError:
            if not kept:
                raise
            self.drop_idle()
            connection = self._new()
            answer = exchange(connection, method, path, body, self._headers | headers)
        self._idle.append(connection)
        if self._closed:
            self.drop_idle()
        return answer

    def _kept(self) -> HTTPConnection | None:
        with suppress(IndexError):
            return self._idle.pop()
        return None

    def _new(self) -> HTTPConnection:
        if not self._target.secure:
            return HTTPConnection(self._target.host, self._target.port, timeout=self._timeout)
        self._ssl = self._ssl or ssl.create_default_context()
        return HTTPSConnection(self._target.host, self._target.port, timeout=self._timeout, context=self._ssl)


def exchange(
    connection: HTTPConnection, method: str, path: str, body: bytes | None, headers: dict[str, str]
) -> tuple[HTTPResponse, bytes]:
    """Send and read; the connection is closed when that fails. Raises OSError and HTTPException."""
    try:
        if connection.sock is None:
            connection.connect()
        # A server may refuse a large body and hang up before it has read it; its answer can still be read.
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response, response.read()
    except BaseException:
        connection.close()
        raise


def retry_after(header: str | None, now: datetime) -> float | None:
    """Seconds to wait by a Retry-After header, which holds seconds or a date (RFC 9110, 10.2.3)."""
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        return max(0.0, (parsedate_to_datetime(header) - now).total_seconds())
    except (ValueError, TypeError):
        return None

"""Posting JSON over kept-alive connections, telling apart what may be repeated and what may not."""

from __future__ import annotations

import select
import socket
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import NamedTuple, Self
from urllib.parse import urlsplit

import msgspec

DEFAULT_RETRY_SECONDS = 1.0


class ServerAwayError(Exception):
    """No connection could be made: nothing was sent, sending again is safe."""


class NoAnswerError(Exception):
    """The connection broke after the request was sent: whether it was stored is unknown."""


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
    """What the collector said, and after how many seconds."""

    status: int
    retry_after: float
    body: bytes
    seconds: float

    @property
    def repeatable(self) -> bool:
        """Nothing was stored and the collector asks to come back later."""
        return self.status in (429, 503)

    def rejected(self, events: int) -> int:
        """How many of the post's `events` were refused for good."""
        if not 200 <= self.status < 300:
            return events
        if events == 1:
            return 0
        try:
            return len(msgspec.json.decode(self.body, type=_BatchAnswer).rejected)
        except msgspec.DecodeError:  # this is no collector
            return events


class _BatchAnswer(msgspec.Struct):
    rejected: list[msgspec.Raw]


class Connection:
    """One kept-alive connection, opened when needed and again after it broke."""

    def __init__(self, target: Target, timeout: float) -> None:
        kind = HTTPSConnection if target.secure else HTTPConnection
        self._http = kind(target.host, target.port, timeout=timeout)
        self._prefix = target.prefix

    def open(self) -> None:
        """Make sure that there is a live connection; raises ServerAwayError."""
        if self._http.sock is not None and _closed_by_peer(self._http.sock):
            self._http.close()
        if self._http.sock is None:
            try:
                self._http.connect()
            except OSError as error:
                self._http.close()
                raise ServerAwayError(str(error)) from error

    def post(self, path: str, body: bytes) -> Answer:
        """Post JSON; raises NoAnswerError."""
        began = time.perf_counter()
        try:
            headers = {"Content-Type": "application/json"}
            self._http.request("POST", self._prefix + path, body, headers)
            response = self._http.getresponse()
            content = response.read()
        except (OSError, HTTPException) as error:
            self._http.close()
            raise NoAnswerError(str(error)) from error
        wait = retry_after(response.headers["Retry-After"], datetime.now(UTC))
        return Answer(response.status, wait, content, time.perf_counter() - began)

    def close(self) -> None:
        self._http.close()


def retry_after(header: str | None, now: datetime) -> float:
    """Seconds to wait by a Retry-After header, which holds seconds or a date (RFC 9110, 10.2.3)."""
    if header is None:
        return DEFAULT_RETRY_SECONDS
    if header.strip().isdigit():
        return float(header)
    try:
        return max(0.0, (parsedate_to_datetime(header) - now).total_seconds())
    except (ValueError, TypeError):
        return DEFAULT_RETRY_SECONDS


def _closed_by_peer(sock: socket.socket) -> bool:
    """An idle connection with something to read has been closed (or is out of step)."""
    readable, _, _ = select.select([sock], [], [], 0)
    return bool(readable)

"""Readers of the live preview, in a process of their own; one of them may never read its socket.

They barely look at what they get: events are counted by a text that each one holds once, so that the readers
cost a small part of what it costs to serve them.
"""

from __future__ import annotations

import multiprocessing
import selectors
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from multiprocessing.connection import Connection
from typing import Any

from beatline.events import utc_now

HOST = "127.0.0.1"
EVENT = b'"event_id":"'
RECEIVED_AT = b'"received_at":"'
READ_BYTES = 256 * 2**10
HANDSHAKE = (
    "GET /api/v1/live HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


@dataclass(frozen=True)
class Seen:
    """What the readers saw: events of each one that reads, milliseconds from the receipt of an event by the
    collector to its sight by the first of them, and the readers' own use of one core."""

    events: list[int]
    delays: list[float]
    cpu: float


@dataclass
class Sight:
    """What readers have seen so far; seen is filled at the end."""

    pipe: Connection
    seen: list[Seen] = field(default_factory=list)

    def least(self) -> int:
        """The events that every reader has seen by now."""
        self.pipe.send("least")
        return int(self.pipe.recv())


@contextmanager
def readers(port: int, count: int, stuck: int) -> Iterator[Sight]:
    """Run readers until the end of the block, so many of them stuck."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=read, args=(port, count, stuck, theirs))
    process.start()
    try:
        theirs.close()
        assert ours.recv() == "connected"
        sight = Sight(ours)
        yield sight
        ours.send("end")
        sight.seen.append(ours.recv())
    finally:
        process.terminate()
        process.join()


class Reader:
    """One WebSocket and the events that came over it."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection((HOST, port))
        self.socket.sendall(HANDSHAKE.format(host=HOST, port=port).encode())
        self.end = self.socket.recv(4_096)
        assert self.end.startswith(b"HTTP/1.1 101 "), self.end
        self.events = 0

    def read(self) -> bytes:
        """Take and count what came; it starts with the end of what came before."""
        data = self.end + self.socket.recv(READ_BYTES)
        self.events += data.count(EVENT)
        self.end = data[-len(EVENT) + 1 :]
        return data


def read(port: int, count: int, stuck: int, pipe: Connection) -> None:
    """What the process does: connect, and read until told to end."""
    reading = [Reader(port) for _ in range(count - stuck)]
    not_reading = [Reader(port) for _ in range(stuck)]
    pipe.send("connected")
    started, used = time.perf_counter(), time.process_time()
    delays: list[float] = []
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        for reader in reading:
            selector.register(reader.socket, selectors.EVENT_READ, reader)
        while not asked_to_end(selector, pipe, reading, delays):
            pass
    cpu = (time.process_time() - used) / (time.perf_counter() - started)
    pipe.send(Seen([reader.events for reader in reading], delays, cpu))
    for reader in reading + not_reading:
        reader.socket.close()


def asked_to_end(
    selector: selectors.BaseSelector, pipe: Connection, reading: list[Reader], delays: list[float]
) -> bool:
    """Read from who has something to read; whether that was the request to end."""
    for key, _ in selector.select():
        if key.data is None:
            request: Any = pipe.recv()
            if request == "end":
                return True
            pipe.send(min(reader.events for reader in reading))
        elif key.data is reading[0]:
            delays += delay(key.data.read())
        else:
            key.data.read()
    return False


def delay(data: bytes) -> list[float]:
    """Milliseconds since the collector received the last event in the data, if there is one."""
    at = data.rfind(RECEIVED_AT) + len(RECEIVED_AT)
    end = data.find(b'"', at)
    if at < len(RECEIVED_AT) or end < 0:
        return []
    received_at = datetime.fromisoformat(data[at:end].decode())
    return [(utc_now() - received_at).total_seconds() * 1000]

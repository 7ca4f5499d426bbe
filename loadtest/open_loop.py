"""An open-loop HTTP load client: requests are due by a schedule, whether or not earlier ones were answered.

A closed loop (loadtest/bench/load_client.py) slows down with the server and so hides how long a client that
does not wait would wait. Here a request's time counts from when it was due ("coordinated omission" is left
out of nothing), which is what the knee and an overload are about. Locust's own users would need more
processor time than the server that they share the machine with; this client formats its requests beforehand.
"""

from __future__ import annotations

import multiprocessing
import selectors
import time
from collections import Counter, deque
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from loadtest.bench.load_client import NUMBER, Connection, percentile
from loadtest.bench.load_client import parse_head as head_of
from loadtest.shapes import Shape, duration

READ_BYTES = 65_536
TICK_SECONDS = 0.05  # how often requests that take too long are looked for
BUSY = (429, 503)


@dataclass(frozen=True)
class Plan:
    """What to send where. A request that is not answered within timeout seconds of its due time has timed
    out; one that waits for one of the connections waits as well."""

    port: int
    requests: Sequence[bytes]
    shape: Shape
    connections: int = 256
    timeout: float = 10.0
    first_number: int = 0


@dataclass
class Tally:
    """What became of the requests that were due in one stage. done_meanwhile: answers of success that came
    while it lasted, whenever they were due. latencies: of those that succeeded, in seconds. lags: how late
    requests were taken up by the client itself."""

    due: int = 0
    done: int = 0
    done_meanwhile: int = 0
    refused: int = 0  # 429 or 503 with Retry-After
    refused_rudely: int = 0  # without it
    timed_out: int = 0
    broken: int = 0  # another status, or a connection that broke
    latencies: list[float] = field(default_factory=list)
    lags: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)


@dataclass
class Pending:
    """A request that is due or under way."""

    due: float
    tally: Tally


def run(plan: Plan) -> dict[str, Any]:
    """Apply a plan from a process of its own; its stages and seconds, see `result`."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as processes:
        return processes.submit(apply, plan).result()


def apply(plan: Plan) -> dict[str, Any]:
    """Apply a plan from this process."""
    with selectors.DefaultSelector() as selector:
        return Client(plan, selector).run()


class Client:
    """The connections of a plan, what waits for one, and what is under way."""

    def __init__(self, plan: Plan, selector: selectors.BaseSelector) -> None:
        self.plan = plan
        self.selector = selector
        self.numbered = any(NUMBER in request for request in plan.requests)
        self.idle: list[Connection] = []
        self.under_way: dict[Connection, Pending] = {}
        self.waiting: deque[Pending] = deque()
        self.tallies = [Tally() for _ in plan.shape]
        self.current: Tally | None = None
        self.cpu: list[float] = []
        self.done_in_second: Counter[int] = Counter()
        self.sent = 0
        self.looked_at = 0.0

    def run(self) -> dict[str, Any]:
        """Send what is due when it is due, then wait for what is still under way."""
        self.began = time.perf_counter()
        start = self.began
        for stage, tally in zip(self.plan.shape, self.tallies, strict=True):
            used = time.process_time()
            self.current = tally
            self.run_stage(start, stage.seconds, stage.rate, tally)
            start += stage.seconds
            self.cpu.append((time.process_time() - used) / stage.seconds)
        self.current = None
        while self.under_way or self.waiting:
            self.turn(time.perf_counter() + TICK_SECONDS)
        for connection in self.idle:
            connection.socket.close()
        return self.result()

    def run_stage(self, start: float, seconds: float, rate: float, tally: Tally) -> None:
        """One stage of the shape, from `start` on."""
        total = int(seconds * rate)
        while (now := time.perf_counter()) < start + seconds or tally.due < total:
            while tally.due < total and (due := start + tally.due / rate) <= now:
                tally.due += 1
                tally.lags.append(now - due)
                self.take_up(Pending(due, tally))
            next_due = start + tally.due / rate if tally.due < total else start + seconds
            self.turn(min(next_due, start + seconds))

    def take_up(self, pending: Pending) -> None:
        """Send a request over a connection that is free, or let it wait for one."""
        if self.idle:
            self.send(self.idle.pop(), pending)
        elif len(self.under_way) < self.plan.connections:
            self.connect(pending)
        else:
            self.waiting.append(pending)

    def connect(self, pending: Pending) -> None:
        """Open a connection for a request."""
        try:
            connection = Connection(self.plan.port)
        except OSError:
            pending.tally.broken += 1
            return
        self.selector.register(connection.socket, selectors.EVENT_READ, connection)
        self.send(connection, pending)

    def send(self, connection: Connection, pending: Pending) -> None:
        """Send a request."""
        request = self.plan.requests[self.sent % len(self.plan.requests)]
        if self.numbered:
            request = request.replace(NUMBER, b"%08x" % (self.plan.first_number + self.sent))
        self.sent += 1
        self.under_way[connection] = pending
        try:
            connection.socket.sendall(request)
        except OSError:
            self.drop(connection, "broken")

    def turn(self, until: float) -> None:
        """Take the answers that come until a time, at most until there were some."""
        for key, _ in self.selector.select(max(0.0, min(until - time.perf_counter(), TICK_SECONDS))):
            self.receive(key.data)
        now = time.perf_counter()
        if now - self.looked_at > TICK_SECONDS:
            self.looked_at = now
            self.give_up(now - self.plan.timeout)

    def give_up(self, before: float) -> None:
        """Count what was due before a time as timed out."""
        while self.waiting and self.waiting[0].due < before:
            self.waiting.popleft().tally.timed_out += 1
        for connection, pending in list(self.under_way.items()):
            if pending.due < before:
                self.drop(connection, "timed_out")

    def receive(self, connection: Connection) -> None:
        """Read what came; count a complete answer and use its connection again."""
        try:
            data = connection.socket.recv(READ_BYTES)
        except OSError:
            data = b""
        if not data:
            self.drop(connection, "broken")
            return
        connection.received += data
        head = head_of(connection.received)
        if head is None or len(connection.received) < head.length:
            return
        self.count(head.status, connection.received, self.under_way.pop(connection))
        connection.received = b""
        if self.waiting:
            self.send(connection, self.waiting.popleft())
        else:
            self.idle.append(connection)

    def count(self, status: int, answer: bytes, pending: Pending) -> None:
        """Enter an answer."""
        tally, now = pending.tally, time.perf_counter()
        tally.statuses[status] += 1
        if 200 <= status < 300:
            tally.done += 1
            if self.current:
                self.current.done_meanwhile += 1
            tally.latencies.append(now - pending.due)
            self.done_in_second[int(now - self.began)] += 1
        elif status not in BUSY:
            tally.broken += 1
        elif b"\r\nretry-after:" in answer.lower():
            tally.refused += 1
        else:
            tally.refused_rudely += 1

    def drop(self, connection: Connection, reason: str) -> None:
        """Close a connection; what is under way on it counts for the reason."""
        self.selector.unregister(connection.socket)
        connection.socket.close()
        if connection in self.idle:
            self.idle.remove(connection)
        pending = self.under_way.pop(connection, None)
        if pending:
            setattr(pending.tally, reason, getattr(pending.tally, reason) + 1)
        if self.waiting and len(self.under_way) < self.plan.connections:
            self.connect(self.waiting.popleft())

    def result(self) -> dict[str, Any]:
        """Stages, and the answers of success in each second."""
        stages = zip(self.plan.shape, self.tallies, self.cpu, strict=True)
        seconds = range(int(duration(self.plan.shape)))
        return {
            "stages": [summary(stage.rate, stage.seconds, tally, cpu) for stage, tally, cpu in stages],
            "done_in_second": [self.done_in_second[second] for second in seconds],
        }


def summary(rate: float, seconds: float, tally: Tally, cpu: float) -> dict[str, Any]:
    """The figures of a stage: rates a second (done_a_second while it lasted), times in milliseconds (None
    where nothing succeeded), counts, and the client's share of a core."""
    times, lags = sorted(tally.latencies), sorted(tally.lags)
    shares = {"p50_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99, "max_ms": 1.0}
    return {
        "rate": rate,
        "seconds": seconds,
        "due": tally.due,
        "done": tally.done,
        "done_a_second": tally.done_meanwhile / seconds,
        "refused": tally.refused,
        "refused_rudely": tally.refused_rudely,
        "timed_out": tally.timed_out,
        "broken": tally.broken,
        "statuses": {str(status): number for status, number in sorted(tally.statuses.items())},
        **{name: 1000 * percentile(times, share) if times else None for name, share in shares.items()},
        "generator_cpu": cpu,
        "generator_lag_p99_ms": 1000 * percentile(lags, 0.99) if lags else 0.0,
    }

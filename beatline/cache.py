"""Answers in JSON that many ask for at once, kept in the process and, for all processes, in Valkey.

An answer is never older than its staleness allows: its age, at the moment it was asked for, counts from
before its numbers were read. Processes compare ages by Valkey's clock, a process its own by one that never
goes back.

- For three quarters of the staleness an answer is fresh. Then one request computes it anew while the others
  get the last one (`stale-while-revalidate`, RFC 5861; the rule of dogpile.cache). Without one they wait.
- Of the threads of a process one asks Valkey, and the others take what comes of it.
- Of the processes one computes: a lock that is given back by its token only and ends by itself ("Distributed
  Locks with Redis", the simple one). It saves work and guards nothing, so it is no harm when two compute.
- While Valkey is away each process computes by itself, and keeps what it computed.
- An error is told to those who waited for that answer, and is not kept.

The alternative, a random early refresh (Vattani et al., "Optimal Probabilistic Cache Stampede Prevention",
VLDB 2015), needs no lock, but has no answer for the first requests and for those after a pause.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from enum import StrEnum
from hashlib import blake2b
from math import ceil, inf
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import msgspec
import redis
import structlog

from beatline import __version__
from beatline.rate_limits import AWAY_SECONDS, connect

log = structlog.get_logger()

FOLDER = Path(__file__).parent
LOOK, STORE = ((FOLDER / f"cache_{name}.lua").read_text() for name in ("look", "store"))
KEYS = "beatline:cache:"  # and a hash
LOCK = ":lock"  # behind the key
FRESH = 0.75  # share of the staleness
PATIENCE_SECONDS = 1.0  # a computation that takes longer keeps nobody from starting another one
POLL_SECONDS = 0.01
LARGEST_BYTES = 256 * 2**10  # a larger answer is not kept
ANSWERS = 128  # that a process keeps


class Result(StrEnum):
    """How a request got its answer."""

    HIT = "hit"  # it was fresh, or another request was computing it
    STALE = "stale"  # it was the last one, while another request computed
    MISS = "miss"  # it was computed
    BYPASS = "bypass"  # it was computed without Valkey, which is away


class Answer(NamedTuple):
    """A JSON object as text, and when its numbers were read at the earliest, by this process' clock."""

    body: bytes
    made_at: float


class Look(NamedTuple):
    """What Valkey says of an answer. now: its time in microseconds. given: we are to compute it."""

    answer: Answer | None
    now: int
    given: bool


class Wanted(NamedTuple):
    """An answer that is asked for. token: of the one request that leads."""

    key: str
    staleness: float
    compute: Callable[[], bytes]
    asked_at: float
    token: str


class Flight(NamedTuple):
    """A request that asks Valkey or computes, and what will come of it."""

    started_at: float
    answer: Future[Answer]


def key_of(name: str, parameters: dict[str, Any]) -> str:
    """The key of a question with all of its parameters, the project among them: no two share one, and
    neither do releases."""
    question = msgspec.json.encode([__version__, name, parameters], order="sorted")
    return KEYS + blake2b(question, digest_size=16).hexdigest()


class Cache:
    """The cache of one process, which its threads share. Create it after a fork.

    on_result is called for each request, on_computed with the seconds of each computation. Without redis_url
    Valkey counts as away. clock: seconds that never go back.
    """

    def __init__(
        self,
        redis_url: str | None,
        on_result: Callable[[Result], None] = lambda _: None,
        on_computed: Callable[[float], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.client = connect(redis_url) if redis_url else None
        self.look = self.client.register_script(LOOK) if self.client else None
        self.store = self.client.register_script(STORE) if self.client else None
        self.on_result = on_result
        self.on_computed = on_computed
        self.clock = clock
        self.lock = threading.Lock()
        self.answers: dict[str, Answer] = {}
        self.flights: dict[str, Flight] = {}
        self.away_until = 0.0

    def get(self, key: str, staleness: float, compute: Callable[[], bytes]) -> bytes:
        """An answer that was not older than so many seconds when it was asked for.

        compute answers a JSON object. What it raises is raised here, and to whoever waited for it.
        """
        now = self.clock()
        with self.lock:
            last = self.answers.get(key)
            age = now - last.made_at if last else inf
            flight = self.flights.get(key)
            if flight is None or now - flight.started_at >= min(PATIENCE_SECONDS, staleness):
                flight = None
                if age >= FRESH * staleness:
                    own = self.flights[key] = Flight(now, Future())
        if last and age < FRESH * staleness:
            self.on_result(Result.HIT)
            return last.body
        if flight is None:
            return self._lead(own, Wanted(key, staleness, compute, now, uuid4().hex)).body
        if last and age < staleness:
            self.on_result(Result.STALE)
            return last.body
        answer = flight.answer.result()
        if now - answer.made_at >= staleness:
            return self.get(key, staleness, compute)
        self.on_result(Result.HIT)
        return answer.body

    def close(self) -> None:
        """Close the connections to Valkey."""
        if self.client:
            self.client.close()

    def _lead(self, flight: Flight, wanted: Wanted) -> Answer:
        """Get the answer for this request and those that wait."""
        try:
            answer = self._fetch(wanted)
            self._keep(wanted.key, answer)
            flight.answer.set_result(answer)
        except BaseException as error:
            flight.answer.set_exception(error)
            raise
        finally:
            with self.lock:
                if self.flights.get(wanted.key) is flight:
                    del self.flights[wanted.key]
        return answer

    def _fetch(self, wanted: Wanted) -> Answer:
        """A fresh answer: what another process computes or has computed, when that is soon, or our own."""
        while True:
            before = self.clock()
            look = self._look(wanted)
            if look is None:
                return Answer(self._compute(wanted, Result.BYPASS), before)
            if look.answer and before - look.answer.made_at < FRESH * wanted.staleness:
                self.on_result(Result.HIT)
                return look.answer
            if look.given:
                return Answer(self._compute_for_all(wanted, look.now), before)
            if before - wanted.asked_at >= PATIENCE_SECONDS:  # a lock that does not end is none of ours
                self._forget(wanted.key + LOCK)
            if look.answer:
                self._keep(wanted.key, look.answer)
            time.sleep(POLL_SECONDS)

    def _compute(self, wanted: Wanted, result: Result) -> bytes:
        """Compute, and count it."""
        started = self.clock()
        self.on_result(result)
        try:
            return wanted.compute()
        finally:
            self.on_computed(self.clock() - started)

    def _compute_for_all(self, wanted: Wanted, made_at: int) -> bytes:
        """Compute, and give answer and lock to Valkey."""
        value = b""
        try:
            body = self._compute(wanted, Result.MISS)
            if len(body) <= LARGEST_BYTES:
                value = b"%d %b" % (made_at, body)
        finally:
            arguments = [wanted.token, value, ceil(1000 * wanted.staleness)]
            self._ask(self.store, wanted.key, arguments)
        return body

    def _keep(self, key: str, answer: Answer) -> None:
        """Keep an answer in the process, unless it has a newer one; the one kept longest makes room."""
        with self.lock:
            last = self.answers.get(key)
            if len(answer.body) > LARGEST_BYTES or (last and last.made_at > answer.made_at):
                return
            self.answers.pop(key, None)
            self.answers[key] = answer
            if len(self.answers) > ANSWERS:
                del self.answers[next(iter(self.answers))]

    def _look(self, wanted: Wanted) -> Look | None:
        """What Valkey has; None while it is away. What is no answer is deleted there."""
        before = self.clock()
        fresh = int(1e6 * FRESH * wanted.staleness)
        arguments = [wanted.token, ceil(1000 * min(PATIENCE_SECONDS, wanted.staleness)), fresh]
        found = self._ask(self.look, wanted.key, arguments)
        if found is None:
            return None
        value, now, given = found
        if value is None:
            return Look(None, now, bool(given))
        made_at, body = read_value(value)
        age = (now - made_at) / 1e6
        if not body or age < 0:
            self._forget(wanted.key)
        usable = body and 0 <= age < wanted.staleness
        return Look(Answer(body, before - age) if usable else None, now, bool(given))

    def _forget(self, key: str) -> None:
        """Delete what is of no use."""
        with suppress(redis.RedisError):
            if self.client:
                self.client.delete(key)

    def _ask(self, script: Any, key: str, arguments: list[Any]) -> Any:
        """The script's answer; None while Valkey is away, when one request a second still tries it."""
        was_away = self.away_until
        if script is None or self.clock() < was_away:
            return None
        if was_away:
            self.away_until = self.clock() + AWAY_SECONDS
        try:
            answer = script(keys=[key, key + LOCK], args=arguments)
        except redis.RedisError as error:
            self.away_until = self.clock() + AWAY_SECONDS
            if not was_away:
                log.warning("the cache is not shared", error=str(error))
            return None
        self.away_until = 0.0
        if was_away:
            log.info("the cache is shared again")
        return answer


def read_value(value: bytes) -> tuple[int, bytes]:
    """When an answer was made, in microseconds, and its text; 0 when it is no JSON object."""
    made_at, _, body = value.partition(b" ")
    try:
        msgspec.json.decode(body, type=dict)
        return int(made_at), body
    except (ValueError, RecursionError):
        return 0, b""

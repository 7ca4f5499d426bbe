"""The cache: nobody sees a number older than stated, one computes for all, and trouble only costs time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import AbstractContextManager, closing
from datetime import UTC, date, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection

from beatline import cache, rate_limits
from beatline.accounts.access import Role
from beatline.cache import ANSWERS, FRESH, KEYS, LARGEST_BYTES, LOCK, LOOK, STORE, Cache, Result, key_of
from beatline.embedded import valkey
from beatline.errors import StorageError
from beatline.rate_limits import AWAY_SECONDS
from beatline.settings import Settings
from collector import create_app
from collector.api.event_counts import LAST_DAY, staleness
from collector.services import reading
from tests.fixtures.people import People, Tokens
from tests.fixtures.storage import lock_waiters, locked, wait_until

NOW = "test:now"  # microseconds
SIMULATED = f"""
local real = redis
local redis = setmetatable({{call = function(command, ...)
  if command == 'TIME' then
    local now = tonumber(real.call('GET', '{NOW}'))
    return {{math.floor(now / 1000000), now % 1000000}}
  end
  local words, kept = {{...}}, {{}}
  for number, word in ipairs(words) do
    if word ~= 'PX' and words[number - 1] ~= 'PX' then
      kept[#kept + 1] = word
    end
  end
  return real.call(command, unpack(kept))
end}}, {{__index = real}})
"""
NOWHERE = "redis://127.0.0.1:1/0"
KEY = f"{KEYS}question"
PATHS = [
    "/api/v1/metrics/overview",
    "/api/v1/metrics/overview?limit=1&user_id=a",
    "/api/v1/metrics/active-users",
    "/api/v1/metrics/active-sessions",
    "/api/v1/metrics/active-sessions?user_id=a",
    "/api/v1/metrics/top-pages?limit=2",
    "/api/v1/metrics/throughput?window=60&step=10",
    "/analytics/event-counts",
    "/analytics/event-counts?event_type=click",
    "/analytics/event-counts?end_date=2025-05-02",
    "/analytics/event-counts-by-type",
    "/analytics/event-counts-by-type?start_date=2020-01-01&end_date=2020-01-02",
]


class Simulation:
    """A time that stands still until it is moved, and processes whose caches go by it. In Valkey nothing ends
    by the real time."""

    def __init__(self, redis_url: str) -> None:
        self.redis_url = redis_url
        self.client = redis.Redis.from_url(redis_url)
        self.microseconds = 1_700_000_000_000_000
        self.results: list[Result] = []
        self.computed_at: list[float] = []
        self.advance(0)

    def now(self) -> float:
        return self.microseconds / 1e6

    def advance(self, seconds: float) -> None:
        self.microseconds += round(seconds * 1e6)
        self.client.set(NOW, self.microseconds)

    def process(self, redis_url: str | None = None) -> Cache:
        """One more process."""
        made = Cache(redis_url or self.redis_url, self.results.append, lambda _: None, self.now)
        assert made.client
        made.look = made.client.register_script(SIMULATED + LOOK)
        made.store = made.client.register_script(SIMULATED + STORE)
        return made

    def compute(self, takes: float = 0.0) -> bytes:
        """Answers the time at which it reads."""
        self.computed_at.append(self.now())
        body = msgspec.json.encode({"at": self.microseconds})
        self.advance(takes)
        return body


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is no Valkey that is away."""
    monkeypatch.setattr(rate_limits, "VALKEY_SECONDS", 10.0)


@pytest.fixture
def simulation(redis_url: str) -> Iterator[Simulation]:
    """An empty Valkey, with a time of its own."""
    simulation = Simulation(redis_url)
    yield simulation
    simulation.client.close()


@pytest.fixture
def processes(simulation: Simulation) -> Iterator[list[Cache]]:
    """Two processes on it."""
    made = [simulation.process() for _ in range(2)]
    yield made
    for process in made:
        process.close()


@pytest.fixture
def pinned(app: Flask, simulation: Simulation) -> Iterator[Simulation]:
    """The time of the cache of the collector."""
    services = app.extensions["beatline"]
    services.cache.close()
    services.cache = simulation.process()
    return simulation


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    """Threads that ask at once."""
    with ThreadPoolExecutor(64) as pool:
        yield pool


def send(client: FlaskClient, *events: dict[str, Any], key: str | None = None) -> None:
    """Store page views."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    body = {"events": [{"event_type": "page_view"} | event for event in events]}
    answer = client.post("/api/v1/analytics/batch/", json=body, headers=headers)
    assert answer.json == {"accepted": len(events), "rejected": []}


def test_the_numbers_are_those_without_the_cache(
    client: FlaskClient, postgres_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(
        client,
        {"user_id": "a", "session_id": "s1", "page_url": "/x"},
        {"user_id": "a", "session_id": "s2", "page_url": "/ä"},
        {"anonymous_id": "b", "page_url": "/y"},
        {"event_type": "click", "user_id": "c", "timestamp": "2025-05-01T12:00:00Z"},
    )
    now = datetime.now(UTC)
    monkeypatch.setattr("collector.api.rolling.utc_now", lambda: now)
    plain = create_app(Settings(database_url=postgres_url, redis_url=redis_url, data=tmp_path, cache=False))
    with closing(plain.extensions["beatline"]):
        for path in PATHS:
            expected = plain.test_client().get(path)
            for _ in range(2):
                answer = client.get(path)
                assert (answer.status_code, answer.mimetype, answer.data) == (
                    200, expected.mimetype, expected.data,
                ), path  # fmt: skip


@pytest.mark.parametrize(
    ("path", "field", "seconds"),
    [
        ("/api/v1/metrics/overview", "active_users", 1),
        ("/analytics/event-counts", "total_events", 1),
        ("/analytics/event-counts?end_date=2025-05-02", "total_events", 10),
    ],
)
def test_given_an_event_then_it_counts_when_the_staleness_is_over(
    client: FlaskClient, pinned: Simulation, path: str, field: str, seconds: float
) -> None:
    event = {"user_id": "a", "timestamp": "2025-05-01T00:00:00Z"} if seconds == 10 else {"user_id": "a"}
    first = client.get(path).json
    assert first[field] == 0
    send(client, event)

    pinned.advance(FRESH * seconds - 0.001)
    assert client.get(path).json == first  # as_of too: it is the time of the numbers
    pinned.advance(0.001)
    later = client.get(path).json
    assert later[field] == 1
    assert later.get("as_of", "2") > first.get("as_of", "1")


@pytest.mark.parametrize(
    ("end", "seconds"), [(timedelta(days=-1), 10), (timedelta(0), 1), (timedelta(days=1), 1)]
)
def test_only_counts_of_days_that_are_over_may_be_older_than_a_second(end: timedelta, seconds: float) -> None:
    assert staleness({"end_date": datetime.now(UTC).date() + end}) == seconds
    assert staleness({"end_date": LAST_DAY}) == 1
    assert staleness({"end_date": date(1970, 1, 1)}) == 10


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seconds=st.sampled_from([0.2, 1.0, 10.0]),
    steps=st.lists(
        st.tuples(
            st.integers(0, 1),  # the process that is asked
            st.floats(0, 1.2),  # time before it, as a share of the staleness
            st.one_of(st.just(0.0), st.floats(0, 3)),  # time that computing takes, likewise
        ),
        max_size=25,
    ),
)
def test_no_answer_is_older_than_stated_and_no_fresh_one_is_computed_again(
    simulation: Simulation, seconds: float, steps: list[tuple[int, float, float]]
) -> None:
    simulation.client.delete(KEY, KEY + LOCK)
    simulation.computed_at.clear()
    processes = [simulation.process() for _ in range(2)]
    for number, pause, takes in steps:
        simulation.advance(pause * seconds)
        asked_at = simulation.microseconds
        answer = processes[number].get(KEY, seconds, lambda takes=takes: simulation.compute(takes * seconds))
        age = (asked_at - msgspec.json.decode(answer)["at"]) / 1e6
        assert age < FRESH * seconds + 1e-5
    gaps = [later - at for at, later in zip(simulation.computed_at, simulation.computed_at[1:], strict=False)]
    assert all(gap >= FRESH * seconds - 1e-5 for gap in gaps)
    for process in processes:
        process.close()


def test_given_50_who_ask_at_once_then_the_database_is_asked_once(
    app: Flask,
    pinned: Simulation,
    owner_url: str,
    connection: Connection,
    threads: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def counted() -> AbstractContextManager[psycopg.Connection]:
        asked.append(threading.get_ident())
        return reading()

    monkeypatch.setattr("collector.api.rolling.reading", counted)
    send(app.test_client(), {"user_id": "a"})
    barrier = threading.Barrier(51)

    def ask() -> Any:
        barrier.wait()
        return app.test_client().get("/api/v1/metrics/overview").json

    with locked(owner_url, "sessions"):
        answers = [threads.submit(ask) for _ in range(50)]
        barrier.wait()
        wait_until(lambda: len(lock_waiters(connection)) == 1)
        time.sleep(0.2)  # the others come, and wait for the same answer
        assert len(lock_waiters(connection)) == len(asked) == 1
        assert not any(answer.done() for answer in answers)

    assert {answer.result()["as_of"] for answer in answers} == {answers[0].result()["as_of"]}
    assert {answer.result()["active_users"] for answer in answers} == {1}
    assert len(asked) == 1
    assert sorted(pinned.results) == [Result.HIT] * 49 + [Result.MISS]


class Slow:
    """A computation that waits until it may end."""

    def __init__(self) -> None:
        self.begun, self.may_end = threading.Event(), threading.Event()

    def __call__(self) -> bytes:
        self.begun.set()
        assert self.may_end.wait(20)
        return b'{"slow":true}'


def begin(threads: ThreadPoolExecutor, process: Cache, slow: Slow) -> Future[bytes]:
    """Ask a process for what is slow, until it computes."""
    answer = threads.submit(process.get, KEY, 1, slow)
    assert slow.begun.wait(20)
    return answer


def refuse() -> bytes:
    """A computation that nobody should start."""
    raise AssertionError("computed a second time")


def test_given_a_process_that_computes_then_another_one_takes_its_answer(
    processes: list[Cache], threads: ThreadPoolExecutor
) -> None:
    slow = Slow()
    first = begin(threads, processes[0], slow)
    second = threads.submit(processes[1].get, KEY, 1, refuse)
    time.sleep(0.05)
    assert not second.done()
    slow.may_end.set()
    assert first.result() == second.result() == b'{"slow":true}'


@pytest.mark.parametrize("other", [0, 1])
def test_given_the_last_answer_then_others_get_it_while_one_computes(
    simulation: Simulation, processes: list[Cache], threads: ThreadPoolExecutor, other: int
) -> None:
    last = processes[0].get(KEY, 1, simulation.compute)
    assert processes[1].get(KEY, 1, refuse) == last
    simulation.advance(0.8)
    slow = Slow()
    anew = begin(threads, processes[0], slow)
    # One thread of the other process waits for the new answer, all others take the last one.
    waiting = threads.submit(processes[1].get, KEY, 1, refuse) if other else None
    wait_until(lambda: KEY in processes[other].flights)

    assert [processes[other].get(KEY, 1, refuse) for _ in range(3)] == [last] * 3
    assert simulation.results[-3:] == [Result.STALE] * 3

    simulation.advance(0.2)  # it is too old now, and nobody gets it
    late = threads.submit(processes[other].get, KEY, 1, refuse)
    time.sleep(0.05)
    assert not late.done()
    slow.may_end.set()
    assert late.result() == anew.result() == b'{"slow":true}'
    assert waiting is None or waiting.result() == b'{"slow":true}'


def test_given_a_computation_that_takes_too_long_then_another_one_starts(
    simulation: Simulation, processes: list[Cache], threads: ThreadPoolExecutor
) -> None:
    slow = Slow()
    first = begin(threads, processes[0], slow)
    simulation.advance(1)
    simulation.client.delete(KEY + LOCK)  # as it has ended by itself

    newer = processes[0].get(KEY, 1, simulation.compute)
    slow.may_end.set()
    assert first.result() == b'{"slow":true}'
    assert processes[0].get(KEY, 1, refuse) == processes[1].get(KEY, 1, refuse) == newer


def test_given_a_process_that_was_killed_then_its_lock_ends_by_itself(
    simulation: Simulation, processes: list[Cache], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache.time, "sleep", simulation.advance)
    simulation.client.set(KEY + LOCK, "of nobody")  # not even a time to live
    began = simulation.now()
    processes[0].get(KEY, 1, simulation.compute)
    assert 1 <= simulation.now() - began < 1.1
    assert simulation.client.keys(f"{KEYS}*") == [KEY.encode()]


def test_an_error_is_told_to_who_waits_and_is_not_kept(
    simulation: Simulation, processes: list[Cache], threads: ThreadPoolExecutor
) -> None:
    may_fail, begun = threading.Event(), threading.Event()

    def fail() -> bytes:
        begun.set()
        assert may_fail.wait(20)
        raise StorageError("away", permanent=False)

    answers = [threads.submit(processes[0].get, KEY, 1, fail) for _ in range(5)]
    assert begun.wait(20)
    time.sleep(0.05)
    may_fail.set()
    assert {str(answer.exception()) for answer in answers} == {"away"}
    assert simulation.client.keys(f"{KEYS}*") == []
    assert processes[0].get(KEY, 1, simulation.compute) == processes[1].get(KEY, 1, refuse)


def test_given_the_database_away_then_503_is_not_kept(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> AbstractContextManager[psycopg.Connection]:
        raise StorageError("away", permanent=False)

    with monkeypatch.context() as patch:
        patch.setattr("collector.api.rolling.reading", away)
        assert client.get("/api/v1/metrics/overview").status_code == 503
    assert client.get("/api/v1/metrics/overview").status_code == 200


def test_without_valkey_a_process_computes_by_itself(simulation: Simulation) -> None:
    with closing(simulation.process(NOWHERE)) as process:
        first = process.get(KEY, 1, simulation.compute)
        assert process.get(KEY, 1, refuse) == first
        simulation.advance(1)
        assert process.get(KEY, 1, simulation.compute) != first
    assert simulation.results == [Result.BYPASS, Result.HIT, Result.BYPASS]


def test_given_a_valkey_that_goes_away_then_answers_stay_right_until_it_is_back(
    simulation: Simulation, tmp_path: Path
) -> None:
    server = valkey.start(tmp_path)
    try:
        with closing(Cache(server.url, simulation.results.append, clock=simulation.now)) as process:
            process.get(KEY, 1, simulation.compute)
            server.stop()
            simulation.advance(1)
            process.get(KEY, 1, simulation.compute)
            server = valkey.start(tmp_path)
            simulation.advance(AWAY_SECONDS)
            process.get(KEY, 1, simulation.compute)
    finally:
        server.stop()
    assert simulation.results == [Result.MISS, Result.BYPASS, Result.MISS]
    assert len(set(simulation.computed_at)) == 3


Poison = Callable[[Simulation], bytes]
GARBAGE: dict[str, Poison] = {
    "empty": lambda _: b"",
    "no time": lambda _: b'{"poison":1}',
    "no answer": lambda each: b"%d" % each.microseconds,
    "no JSON": lambda each: b"%d <script>" % each.microseconds,
    "cut short": lambda each: b'%d {"poison":1' % each.microseconds,
    "no object": lambda each: b"%d [1]" % each.microseconds,
    "nested without end": lambda each: b'%d {"a":' % each.microseconds + b"[" * 100_000,
    "no UTF-8": lambda each: b'%d {"a":"\xff"}' % each.microseconds,
    "of the future": lambda each: b'%d {"poison":1}' % (each.microseconds + 1),
    "too old": lambda each: b'%d {"poison":1}' % (each.microseconds - 1_000_000),
    "no number": lambda _: b'1e400 {"poison":1}',
    "a huge number": lambda _: b"9" * 5_000 + b' {"poison":1}',
}


@pytest.mark.parametrize("poison", GARBAGE.values(), ids=GARBAGE)
def test_given_garbage_in_valkey_then_it_is_computed_and_replaced(
    simulation: Simulation, processes: list[Cache], poison: Poison
) -> None:
    simulation.client.set(KEY, poison(simulation))
    answer = processes[0].get(KEY, 1, simulation.compute)
    assert msgspec.json.decode(answer) == {"at": simulation.microseconds}
    assert processes[1].get(KEY, 1, refuse) == answer


def test_given_another_type_in_valkey_then_it_is_computed_and_replaced(
    simulation: Simulation, processes: list[Cache]
) -> None:
    simulation.client.lpush(KEY, "poison")
    answer = processes[0].get(KEY, 1, simulation.compute)
    assert processes[1].get(KEY, 1, refuse) == answer


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("overview", {"project_id": 1}), ("overview", {"project_id": 2})),
        (("overview", {"project_id": 1}), ("active-users", {"project_id": 1})),
        (
            ("overview", {"project_id": 1, "user_id": None}),
            ("overview", {"project_id": 1, "user_id": "None"}),
        ),
        (("overview", {"project_id": 1, "user_id": "2"}), ("overview", {"project_id": 1, "user_id": 2})),
        (("overview", {"a": "1", "b": ""}), ("overview", {"a": "", "b": "1"})),
        (("counts", {"end_date": date(2026, 1, 1)}), ("counts", {"end_date": date(2026, 1, 2)})),
    ],
)
def test_no_two_questions_share_a_key(one: tuple[str, Any], other: tuple[str, Any]) -> None:
    assert key_of(*one) != key_of(*other)


def test_the_order_of_parameters_makes_no_other_key() -> None:
    assert key_of("counts", {"a": 1, "b": 2}) == key_of("counts", {"b": 2, "a": 1})


def test_each_project_gets_its_own_numbers_and_only_who_may_read_them(persons: People, boss: Tokens) -> None:
    viewer = persons.join("ann@example.com", Role.VIEWER, project_id=1).sign_in()
    statement = "select write_key from write_keys where project_id = 2"
    ((key,),) = persons.connection.execute(statement).fetchall()
    send(persons.client, {"user_id": "a"})
    send(persons.client, {"user_id": "b"}, {"user_id": "c"}, key=key)

    for path, field in (
        ("/api/v1/metrics/overview", "active_users"),
        ("/api/v1/metrics/active-users", "active_users"),
        ("/analytics/event-counts", "total_events"),
    ):
        for _ in range(2):
            assert boss("GET", f"{path}?project_id=2").json[field] == 2
            assert boss("GET", f"{path}?project_id=1").json[field] == 1
            assert boss("GET", path).json[field] == viewer("GET", path).json[field] == 1
            assert viewer("GET", f"{path}?project_id=2").status_code == 403


def ask_often(redis_url: str, begin_at: float) -> set[bytes]:
    """Ask with 8 threads at a time, for what the processes count together."""
    with closing(Cache(redis_url)) as process, redis.Redis.from_url(redis_url) as client:

        def compute() -> bytes:
            number = client.incr("test:computed")
            time.sleep(0.05)
            return b'{"number":%d}' % number

        time.sleep(max(0, begin_at - time.time()))
        with ThreadPoolExecutor(8) as threads:
            return {
                each.result() for each in [threads.submit(process.get, KEY, 60, compute) for _ in range(40)]
            }


def test_given_processes_that_ask_at_once_then_one_of_them_computes(redis_url: str) -> None:
    with ProcessPoolExecutor(3, get_context("spawn")) as pool:
        for warm in [pool.submit(time.sleep, 0.3) for _ in range(3)]:
            warm.result()
        begin_at = time.time() + 0.3
        answers = [pool.submit(ask_often, redis_url, begin_at).result for _ in range(3)]
        assert [answer() for answer in answers] == [{b'{"number":1}'}] * 3


def test_memory_is_bounded(redis_url: str, simulation: Simulation) -> None:
    with closing(Cache(redis_url)) as process:
        for number in range(ANSWERS + 10):
            process.get(f"{KEYS}{number}", 60, simulation.compute)
        process.get(f"{KEYS}large", 60, lambda: b'{"a":"%b"}' % (b"x" * LARGEST_BYTES))

        assert len(process.answers) == ANSWERS
        assert process.flights == {}
    keys = simulation.client.keys(f"{KEYS}*")
    assert len(keys) == ANSWERS + 10
    assert all(0 < simulation.client.pttl(key) <= 60_000 for key in keys)


def test_a_lock_ends_by_itself(simulation: Simulation, redis_url: str) -> None:
    with closing(Cache(redis_url)) as process:

        def compute() -> bytes:
            assert 0 < simulation.client.pttl(KEY + LOCK) <= 1_000
            return b"{}"

        process.get(KEY, 60, compute)
    assert not simulation.client.exists(KEY + LOCK)


def test_what_is_kept_is_not_in_valkeys_log(redis_url: str, simulation: Simulation) -> None:
    with closing(simulation.process()) as process:
        before = simulation.client.info("persistence")["aof_current_size"]
        process.get(KEY, 60, lambda: b"{}")
        assert simulation.client.info("persistence")["aof_current_size"] == before


def test_switched_off_every_request_is_computed(postgres_url: str, redis_url: str, tmp_path: Path) -> None:
    app = create_app(Settings(database_url=postgres_url, redis_url=redis_url, data=tmp_path, cache=False))
    with closing(app.extensions["beatline"]), redis.Redis.from_url(redis_url) as client:
        for expected in range(3):
            answer = app.test_client().get("/api/v1/metrics/active-users").json
            assert answer["active_users"] == expected
            send(app.test_client(), {"user_id": str(expected)})
        assert client.keys(f"{KEYS}*") == []


def test_hits_and_misses_are_counted_and_computing_is_timed(client: FlaskClient) -> None:
    for _ in range(3):
        client.get("/analytics/event-counts?end_date=2020-01-01")
    lines = client.get("/metrics").text.splitlines()
    assert 'beatline_cache_requests_total{result="hit"} 2.0' in lines
    assert 'beatline_cache_requests_total{result="miss"} 1.0' in lines
    assert 'beatline_cache_requests_total{result="bypass"} 0.0' in lines
    assert "beatline_cache_compute_seconds_count 1.0" in lines

"""Token buckets in a real Valkey: what passes over any time, and what happens when Valkey goes away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from multiprocessing import get_context
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beatline import rate_limits
from beatline.embedded import valkey
from beatline.embedded.valkey import EmbeddedValkey
from beatline.rate_limits import AWAY_SECONDS, KEYS, SCRIPT, UNLIMITED, RateLimits, Verdict

PROCESSES = 3
ROUNDING = 1e-3
NOW = "test:now"  # microseconds
SIMULATED = f"""
local real = redis
local redis = setmetatable({{call = function(command, ...)
  if command == 'TIME' then
    local now = tonumber(real.call('GET', '{NOW}'))
    return {{math.floor(now / 1000000), now % 1000000}}
  end
  return command == 'PEXPIRE' or real.call(command, ...)
end}}, {{__index = real}})
"""


class Simulation:
    """Several processes' limits on one Valkey, at a time that stands still until it is moved."""

    def __init__(self, redis_url: str) -> None:
        self.client = redis.Redis.from_url(redis_url)
        self.microseconds = 1_700_000_000_000_000
        self.buckets = count()
        self.opened = 0
        self.processes = [RateLimits(redis_url, self.open, self.now) for _ in range(PROCESSES)]
        for limits in self.processes:
            assert limits.client
            limits.script = limits.client.register_script(SIMULATED + SCRIPT)
        self.advance(0)

    def open(self) -> None:
        self.opened += 1

    def now(self) -> float:
        return self.microseconds / 1e6

    def advance(self, milliseconds: int) -> None:
        self.microseconds += milliseconds * 1_000
        self.client.set(NOW, self.microseconds)

    def bucket(self) -> str:
        """The name of a new one."""
        return f"bucket {next(self.buckets)}"

    def calls(self) -> int:
        """How often the script ran."""
        commands = self.client.info("commandstats")
        return int(commands.get("cmdstat_evalsha", {"calls": 0})["calls"])


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is no Valkey that is away."""
    monkeypatch.setattr(rate_limits, "VALKEY_SECONDS", 10.0)


@pytest.fixture
def simulation(redis_url: str) -> Iterator[Simulation]:
    """Three processes on an empty Valkey, none of which finds it away."""
    simulation = Simulation(redis_url)
    yield simulation
    assert simulation.opened == 0
    for limits in simulation.processes:
        limits.close()
    simulation.client.close()


@pytest.fixture
def limits(simulation: Simulation) -> RateLimits:
    """One of them."""
    return simulation.processes[0]


def credit(rate: int, burst: int) -> int:
    """What one process may let pass before it asks, as docs/rate-limits.md says."""
    return int(min(burst / 20, rate / 10))


one_fixture = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
rates = st.integers(1, 2_000)
bursts = st.integers(1, 300)
step = st.tuples(
    st.integers(0, PROCESSES - 1),
    st.one_of(st.just(0), st.integers(0, 300)),  # milliseconds before it
    st.integers(0, 100),  # takes
    st.one_of(st.just(0), st.integers(0, 20)),  # further events of the last one
)


class ExactBucket:
    """The bucket as it would be if everybody asked it for every token."""

    def __init__(self, rate: int, burst: int) -> None:
        self.rate, self.burst, self.tokens = rate, burst, float(burst)

    def refill(self, milliseconds: int) -> None:
        self.tokens = min(self.tokens + self.rate * milliseconds / 1_000, self.burst)


@one_fixture
@given(rate=rates, burst=bursts, steps=st.lists(step, max_size=40))
def test_never_more_passes_than_an_exact_bucket_and_the_credits_allow(
    simulation: Simulation, rate: int, burst: int, steps: list[tuple[int, int, int, int]]
) -> None:
    bucket, exact = simulation.bucket(), ExactBucket(rate, burst)
    most_further = 0
    for process, milliseconds, takes, further in steps:
        simulation.advance(milliseconds)
        exact.refill(milliseconds)
        limits = simulation.processes[process]
        passed = sum(limits.take(bucket, rate, burst).allowed for _ in range(takes))
        exact.tokens -= passed
        if passed:
            limits.charge(bucket, rate, burst, further)
            exact.tokens -= further
            most_further = max(most_further, further)
        assert exact.tokens >= -PROCESSES * (credit(rate, burst) + most_further) - ROUNDING


@one_fixture
@given(
    rate=rates,
    burst=bursts,
    pauses=st.lists(st.integers(1, 200), max_size=15),
    processes=st.integers(1, PROCESSES),
)
def test_never_all_refuse_while_an_exact_bucket_holds_more_than_the_credits(
    simulation: Simulation, rate: int, burst: int, pauses: list[int], processes: int
) -> None:
    bucket, exact = simulation.bucket(), ExactBucket(rate, burst)
    for milliseconds in [0, *pauses]:
        simulation.advance(milliseconds)
        exact.refill(milliseconds)
        for limits in simulation.processes[:processes]:
            while limits.take(bucket, rate, burst).allowed:
                exact.tokens -= 1
        assert exact.tokens < processes * credit(rate, burst) + 1 + ROUNDING


def test_at_once_passes_the_burst_and_each_further_process_s_credit(simulation: Simulation) -> None:
    passed = []
    for limits in simulation.processes:
        verdicts = [limits.take("a", 1_000, 400).allowed for _ in range(500)]
        passed.append(sum(verdicts))
        assert verdicts == sorted(verdicts, reverse=True)
    assert passed == [400, 20, 20]


def outcome(verdict: Verdict) -> tuple[bool, int, int]:
    return verdict.allowed, verdict.remaining, verdict.retry_after


SMALL = [  # milliseconds before it, process, cost -> allowed, remaining, retry_after
    (0, 0, 1, (True, 4, 0)),
    (0, 1, 1, (True, 3, 0)),
    (0, 2, 3, (True, 0, 0)),
    (0, 0, 1, (False, 0, 1)),
    (0, 2, 4, (False, 0, 2)),
    (499, 0, 1, (False, 0, 1)),
    (2, 0, 1, (True, 0, 0)),
    (0, 1, 2, (False, 0, 1)),
    (2_500, 1, 1, (True, 4, 0)),
    (500, 2, 9, (True, 0, 0)),  # beyond the burst of 5: a full bucket, and 4 tokens of debt
    (0, 2, 1, (False, 0, 3)),
    (2_499, 0, 1, (False, 0, 1)),
    (2, 0, 1, (True, 0, 0)),
    (100_000, 0, 2, (True, 3, 0)),
]


def test_a_small_bucket_is_exact_whoever_asks(simulation: Simulation) -> None:
    for number, (milliseconds, process, cost, expected) in enumerate(SMALL):
        simulation.advance(milliseconds)
        verdict = simulation.processes[process].take("a", 2, 5, cost)
        assert outcome(verdict) == expected, number
        assert verdict.limit == 5


def test_buckets_do_not_know_each_other(limits: RateLimits) -> None:
    assert [limits.take("a", 1, 2).allowed for _ in range(3)] == [True, True, False]
    assert [limits.take("b", 1, 2).allowed for _ in range(3)] == [True, True, False]


def test_a_batch_is_paid_for_by_whoever_comes_next(simulation: Simulation, limits: RateLimits) -> None:
    assert limits.take("a", 100, 1_000).allowed
    limits.charge("a", 100, 1_000, 1_199)
    for other in simulation.processes[1:]:
        verdicts = [other.take("a", 100, 1_000) for _ in range(credit(100, 1_000) + 1)]
        assert outcome(verdicts[-1])[0] is False
        simulation.advance(1)
    assert outcome(limits.take("a", 100, 1_000)) == (False, 0, 3)
    simulation.advance(2_300)
    assert limits.take("a", 100, 1_000).allowed


def test_a_debt_is_never_longer_than_thirty_seconds(simulation: Simulation, limits: RateLimits) -> None:
    limits.charge("a", 1, 10, 1_000_000)
    verdict = limits.take("a", 1, 10)
    assert outcome(verdict) == (False, 0, 30)
    assert verdict.reset == pytest.approx(40)
    simulation.advance(30_999)
    assert not limits.take("a", 1, 10).allowed
    simulation.advance(2)
    assert limits.take("a", 1, 10).allowed


def test_a_slow_limit_still_asks_to_retry_within_thirty_seconds(limits: RateLimits) -> None:
    assert limits.take("a", 0.001, 1).allowed
    assert limits.take("a", 0.001, 1).retry_after == 30


def test_what_was_taken_on_credit_is_settled_when_it_stands_in_the_way(
    simulation: Simulation, limits: RateLimits
) -> None:
    assert limits.take("a", 50, 100).allowed
    verdicts = []
    for _ in range(2):
        simulation.advance(21)
        verdicts.append(limits.take("a", 50, 100, 100))
    assert [outcome(verdict) for verdict in verdicts] == [(False, 99, 1), (True, 0, 0)]


def test_few_requests_cost_a_roundtrip(simulation: Simulation, limits: RateLimits) -> None:
    before = simulation.calls()
    verdicts = [limits.take("a", 10_000, 20_000) for _ in range(10_000)]
    assert all(verdict.allowed for verdict in verdicts)
    assert verdicts[-1].remaining == 10_000
    assert simulation.calls() - before == 10_000 // (credit(10_000, 20_000) + 1)


def test_a_flood_of_refused_requests_costs_no_roundtrips(simulation: Simulation, limits: RateLimits) -> None:
    limits.charge("a", 10, 10, 110)
    before = simulation.calls()
    for _ in range(99):
        simulation.advance(100)
        assert not any(limits.take("a", 10, 10).allowed for _ in range(20))
    assert simulation.calls() == before


def test_many_addresses_with_few_requests_each_cost_neither_roundtrips_nor_keys(
    simulation: Simulation, limits: RateLimits
) -> None:
    before = simulation.calls()
    for number in range(1_000):
        assert limits.take(f"ip:{number}", 10_000, 20_000).allowed
    assert simulation.calls() == before
    assert simulation.client.keys(f"{KEYS}*") == []


def test_a_valkey_that_forgot_the_script_learns_it_again(simulation: Simulation, limits: RateLimits) -> None:
    verdicts = []
    for _ in range(3):
        verdicts.append(limits.take("a", 1, 2).allowed)
        simulation.client.script_flush()
    assert verdicts == [True, True, False]


@pytest.fixture
def live(redis_url: str) -> Iterator[RateLimits]:
    """The limits of one process, at the real time."""
    opened: list[int] = []
    limits = RateLimits(redis_url, lambda: opened.append(1))
    yield limits
    assert not opened
    limits.close()


@pytest.mark.parametrize(
    ("rate", "burst", "taken"), [(100, 1_000, 1_000), (10, 5, 1), (1, 10, 300), (7, 9, 2)]
)
def test_a_key_expires_when_its_bucket_is_full(
    live: RateLimits, redis_url: str, rate: int, burst: int, taken: int
) -> None:
    live.charge("a", rate, burst, taken)
    seconds = min(taken / rate, burst / rate + 30)
    with redis.Redis.from_url(redis_url) as client:
        assert seconds - 0.1 < client.pttl(f"{KEYS}a") / 1_000 < seconds + 0.01


def test_the_limits_cost_no_disk(live: RateLimits, redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        before = client.info("persistence")["aof_current_size"]
        for number in range(100):
            live.take(f"{number}", 1, 1)
        assert client.dbsize() == 100
        assert client.info("persistence")["aof_current_size"] == before
        client.set("something", "else")
        assert client.info("persistence")["aof_current_size"] > before


def test_threads_share_a_bucket_exactly(live: RateLimits) -> None:
    def take(_: int) -> int:
        return sum(live.take("a", 0.001, 500).allowed for _ in range(100))

    with ThreadPoolExecutor(16) as threads:
        assert sum(threads.map(take, range(16))) == 500


def test_threads_share_the_credit(live: RateLimits, redis_url: str) -> None:
    def take(_: int) -> int:
        return sum(
            live.take("a", 0.001, 2_000, 1).allowed + live.take("b", 20, 20_000).allowed for _ in range(100)
        )

    started = time.monotonic()
    with ThreadPoolExecutor(16) as threads:
        assert sum(threads.map(take, range(32))) == 2_000 + 3_200
    live.charge("b", 20, 20_000, 10)
    with redis.Redis.from_url(redis_url) as client:
        left = float(client.hget(f"{KEYS}b", "tokens"))
    refilled = 20 * (time.monotonic() - started)
    assert 20_000 - 3_210 - ROUNDING <= left <= 20_000 - 3_210 + refilled + credit(20, 20_000)


SHARED_RATE, SHARED_BURST, SHARED_SECONDS = 2_000, 1_000, 2.0


def hammer(redis_url: str) -> tuple[int, int, float, float]:
    """A process that asks all the time: how many passed, were open, and from when to when."""
    rate_limits.VALKEY_SECONDS = 10.0
    opened: list[int] = []
    limits = RateLimits(redis_url, lambda: opened.append(1))
    limits.take("warm up", 1, 1)
    passed = 0
    started = time.monotonic()
    while time.monotonic() < started + SHARED_SECONDS:
        passed += limits.take("shared", SHARED_RATE, SHARED_BURST).allowed
    return passed, len(opened), started, time.monotonic()


def test_two_processes_share_a_bucket(redis_url: str) -> None:
    with ProcessPoolExecutor(2, get_context("spawn")) as processes:
        results = list(processes.map(hammer, [redis_url] * 2))
    passed, opened, starts, ends = zip(*results, strict=True)
    filled = SHARED_BURST + SHARED_RATE * (max(ends) - min(starts))
    tolerated = 2 * (credit(SHARED_RATE, SHARED_BURST) + 1)
    assert sum(opened) == 0
    assert min(passed) > 0
    assert filled - tolerated - 0.1 * SHARED_RATE <= sum(passed) <= filled + tolerated


GREENLETS = """
from gevent import monkey; monkey.patch_all()
import sys, gevent
from beatline.rate_limits import RateLimits
limits = RateLimits(sys.argv[1])
take = lambda: sum(limits.take("a", 0.001, 300).allowed for _ in range(20))
jobs = [gevent.spawn(take) for _ in range(50)]
gevent.joinall(jobs, timeout=30, raise_error=True)
print(sum(job.value for job in jobs))
"""


def test_greenlets_share_a_bucket(redis_url: str) -> None:
    command = [sys.executable, "-W", "ignore", "-c", GREENLETS, redis_url]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert int(result.stdout.splitlines()[-1]) == 300, result


@pytest.fixture
def own_valkey(tmp_path: Path) -> Iterator[list[EmbeddedValkey]]:
    """A Valkey of the test's own, in a list whose last one is running."""
    servers = [valkey.start(tmp_path)]
    yield servers
    servers[-1].stop()


class Open:
    """How often the limits were open, and a clock that can be moved ahead of time."""

    def __init__(self) -> None:
        self.times = 0
        self.ahead = 0.0

    def count(self) -> None:
        self.times += 1

    def clock(self) -> float:
        return time.monotonic() + self.ahead


def three(limits: RateLimits, bucket: str) -> list[bool]:
    return [limits.take(bucket, 0.01, 2).allowed for _ in range(3)]


def test_given_valkey_is_killed_then_all_passes_and_is_counted_until_it_is_back(
    own_valkey: list[EmbeddedValkey], tmp_path: Path
) -> None:
    server = own_valkey[0]
    open_ = Open()
    limits = RateLimits(server.url, open_.count, open_.clock)
    assert three(limits, "before") == [True, True, False]

    os.kill(server.pid, signal.SIGKILL)
    server.stop()
    started = time.monotonic()
    assert three(limits, "while it is away") == [True, True, True]
    assert all(limits.take("many", 0.01, 2) == UNLIMITED for _ in range(1_000))
    assert time.monotonic() - started < 1
    assert open_.times == 1_003

    own_valkey.append(valkey.start(tmp_path, port=urlsplit(server.url).port))
    open_.ahead += AWAY_SECONDS
    assert three(limits, "after") == [True, True, False]
    assert three(limits, "after") == [False, False, False]
    assert open_.times == 1_003
    limits.close()


def test_given_valkey_hangs_then_one_request_a_second_waits_and_not_for_long(
    own_valkey: list[EmbeddedValkey], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limits, "VALKEY_SECONDS", 0.2)
    open_ = Open()
    limits = RateLimits(own_valkey[0].url, open_.count, open_.clock)
    with stopped(own_valkey[0].pid):
        for second in range(3):
            open_.ahead = second * 2 * AWAY_SECONDS
            slowest, others = slowest_first(lambda: limits.take("a", 0.01, 2))
            assert slowest > 0.15
            assert slowest < 2
            assert others < 0.1
    assert open_.times == 3 * 100
    open_.ahead += AWAY_SECONDS * 2
    monkeypatch.setattr(rate_limits, "VALKEY_SECONDS", 10.0)
    patient = RateLimits(own_valkey[0].url, open_.count, open_.clock)
    assert three(patient, "after") == [True, True, False]
    assert limits.take("other", 0.01, 2).allowed


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """A process that does nothing until the end of the block."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def slowest_first(call: Callable[[], object]) -> tuple[float, float]:
    """The seconds of a first call, and of the 99 after it together."""
    times = [time.perf_counter()]
    for calls in (1, 99):
        for _ in range(calls):
            call()
        times.append(time.perf_counter())
    return times[1] - times[0], times[2] - times[1]

"""What the limits do without Valkey: names of buckets, headers, credit, and staying open."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from beatline import rate_limits
from beatline.rate_limits import UNLIMITED, RateLimits, Verdict, address_bucket, headers

NO_VALKEY = "redis://127.0.0.1:1/0"
RATE, BURST, CREDIT = 50, 100, 5


class Clock:
    """A clock that stands still until it is moved."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Away:
    """Limits whose Valkey does not answer, and how often they were open."""

    def __init__(self, redis_url: str = NO_VALKEY) -> None:
        self.clock = Clock()
        self.opened = 0
        self.limits = RateLimits(redis_url, self.open, self.clock)

    def open(self) -> None:
        self.opened += 1

    def take(self, bucket: str = "a", times: int = 1) -> list[Verdict]:
        return [self.limits.take(bucket, RATE, BURST) for _ in range(times)]


@pytest.mark.parametrize(
    ("address", "bucket"),
    [
        ("192.0.2.7", "ip:192.0.2.7"),
        ("::ffff:192.0.2.7", "ip:192.0.2.7"),
        ("::FFFF:c000:0207", "ip:192.0.2.7"),
        ("2001:db8:1:2::1", "ip:2001:db8:1:2::/64"),
        ("2001:DB8:1:2:ffff:ffff:ffff:ffff", "ip:2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "ip:2001:db8:1:3::/64"),
        ("fe80::1%eth0", "ip:fe80::/64"),
        ("::1", "ip:::/64"),
        ("", "ip:unknown"),
        ("unknown", "ip:unknown"),
        ("192.0.2", "ip:unknown"),
        ("192.0.2.7:", "ip:192.0.2.7"),
        ("192.0.2.7:4711", "ip:192.0.2.7"),
        ("[2001:db8:1:2::1]", "ip:2001:db8:1:2::/64"),
        ("[2001:db8:1:2::1]:4711", "ip:2001:db8:1:2::/64"),
        ("[::ffff:192.0.2.7]:4711", "ip:192.0.2.7"),
        ("[", "ip:unknown"),
        ("[]:1", "ip:unknown"),
        (":", "ip:unknown"),
        ("2001:db8", "ip:unknown"),
        ("1.2.3.4\0", "ip:unknown"),
        ("\u0661.2.3.4", "ip:unknown"),
        ("\ud800::", "ip:unknown"),
        ("9" * 10_000, "ip:unknown"),
    ],
)
def test_an_address_has_a_bucket(address: str, bucket: str) -> None:
    assert address_bucket(address) == bucket


def verdict(**changes: object) -> Verdict:
    fields = {"allowed": True, "limit": 100, "remaining": 40, "reset": 1.2, "retry_after": 0}
    return Verdict(**(fields | changes))  # type: ignore[arg-type]


def sent(limit: int, remaining: int, reset: int, **more: str) -> dict[str, str]:
    numbers = {"Limit": limit, "Remaining": remaining, "Reset": reset}
    return {f"X-RateLimit-{name}": str(number) for name, number in numbers.items()} | more


REFUSAL = verdict(allowed=False, remaining=0, retry_after=7, reset=9.0)
FULLER = verdict(limit=10, remaining=5)


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([verdict()], sent(100, 40, 2)),
        ([verdict(), FULLER], sent(100, 40, 2)),
        ([FULLER, verdict()], sent(100, 40, 2)),
        ([verdict(), UNLIMITED], sent(100, 40, 2)),
        ([verdict(remaining=100, reset=0.0), UNLIMITED], sent(100, 100, 0)),
        ([UNLIMITED, UNLIMITED], {}),
        ([REFUSAL], sent(100, 0, 9) | {"Retry-After": "7"}),
        ([verdict(remaining=0), REFUSAL], sent(100, 0, 9) | {"Retry-After": "7"}),
    ],
)
def test_the_headers_tell_of_the_tightest_limit(verdicts: list[Verdict], expected: dict[str, str]) -> None:
    assert headers(*verdicts) == expected


@pytest.mark.parametrize("rate", [0, -1])
def test_given_no_rate_then_everything_passes_and_nobody_is_asked(rate: float) -> None:
    away = Away()
    assert [away.limits.take("a", rate, 1) for _ in range(5)] == [UNLIMITED] * 5
    away.limits.charge("a", rate, 1, 100)
    assert (away.opened, len(away.limits.recent)) == (0, 0)


def test_given_no_valkey_at_all_then_there_are_no_limits() -> None:
    limits = RateLimits(None)
    limits.charge("a", 1, 1, 100)
    assert [limits.take("a", 1, 1) for _ in range(5)] == [UNLIMITED] * 5
    limits.close()


def test_given_credit_then_nobody_is_asked_until_it_is_used_up() -> None:
    away = Away()
    verdicts = away.take(times=CREDIT)
    assert [one.allowed for one in verdicts] == [True] * CREDIT
    assert [one.remaining for one in verdicts] == [99, 98, 97, 96, 95]
    assert [one.limit for one in verdicts] == [BURST] * CREDIT
    assert verdicts[-1].reset == CREDIT / RATE
    away.clock.now += 3_600
    assert away.limits.take("b", RATE, BURST).remaining == 99
    away.clock.now += 3_600
    assert away.limits.take("b", RATE, BURST).remaining == 99
    assert away.opened == 0
    assert away.take() == [UNLIMITED]
    assert away.opened == 1


def test_given_valkey_is_away_then_everything_passes_at_once_and_is_counted() -> None:
    away = Away()
    started = time.perf_counter()
    verdicts = away.take(times=CREDIT + 1_000)
    assert time.perf_counter() - started < 1
    assert all(one.allowed for one in verdicts)
    assert away.opened == 1_000


def test_given_valkey_is_away_then_charges_are_counted_and_not_kept() -> None:
    away = Away()
    for _ in range(3):
        away.limits.charge("a", RATE, BURST, 10_000)
    assert away.opened == 3
    [account] = away.limits.recent.values()
    assert account.owed == CREDIT


@contextmanager
def hanging_up() -> Iterator[tuple[str, list[int]]]:
    """A server that hangs up on everybody; its URL, and a list as long as there were connections."""
    calls: list[int] = []

    def serve() -> None:
        while True:
            try:
                caller, _ = server.accept()
            except OSError:
                return
            calls.append(1)
            caller.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0", calls
        server.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def test_given_valkey_is_away_then_it_is_asked_once_a_second_for_all_buckets() -> None:
    with hanging_up() as (url, calls):
        away = Away(url)
        for second in range(3):
            away.clock.now = 1_000 + 1.01 * second
            for bucket in "abc":
                away.take(bucket, times=CREDIT + 100)
            assert len(calls) == second + 1
        assert away.opened == 3 * (3 * 100) + 2 * (3 * CREDIT)


def test_given_a_flood_of_addresses_then_memory_is_bounded_and_those_in_use_stay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rate_limits, "ACCOUNTS", 100)
    away = Away()
    seen = []
    for number in range(5_000):
        away.take(f"ip:{number}")
        if number % 40 == 0:
            seen += away.take("busy")
        assert len(away.limits.recent) + len(away.limits.older) <= 100
    assert seen[:CREDIT] != [UNLIMITED] * CREDIT
    assert seen[CREDIT:] == [UNLIMITED] * (125 - CREDIT)
    assert away.take("ip:1") != [UNLIMITED]


def test_given_another_limit_then_the_bucket_begins_anew() -> None:
    away = Away()
    away.take(times=CREDIT)
    assert away.limits.take("a", RATE, 2 * BURST).remaining == 2 * BURST - 1

"""Rate limits: token buckets in Valkey that all collectors share (docs/rate-limits.md).

A process does not ask for each token. It lets requests pass on credit, a twentieth of the burst at most, and
settles with the bucket when the credit is used up. Between two settlements it knows what the bucket held and
how fast it fills, and refuses by itself what cannot be there. Against an exact bucket, all processes together

- let pass at most processes * credit more, and the further events of the batches that are under way;
- refuse while there are at most processes * credit tokens, and one, left.

What passes too early is owed, and those that come later pay for it: over time the rate is exact.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from math import ceil
from pathlib import Path
from socket import AF_INET, AF_INET6, inet_ntoa, inet_ntop, inet_pton
from typing import Any

import msgspec
import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry

log = structlog.get_logger()

SCRIPT = Path(__file__).with_suffix(".lua").read_text()
KEYS = "beatline:limit:"  # and the bucket's name
CREDIT_OF_BURST = 1 / 20
CREDIT_SECONDS = 0.1  # and no more than what the bucket fills with in this time
LONGEST_DEBT_SECONDS = 30.0
LONGEST_WAIT_SECONDS = 30  # CONTRACTS, section 2, "Status codes"
VALKEY_SECONDS = 0.2  # longest wait for an answer
AWAY_SECONDS = 1.0  # then nobody asks for so long
ACCOUNTS = 20_000  # buckets that a process remembers
IPV4_MAPPED = bytes(10) + b"\xff\xff"


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """Whether a request may pass, and what to tell its client.

    limit: tokens of a full bucket, 0 without a limit. remaining: whole tokens left. reset: seconds until the
    bucket is full. retry_after: whole seconds until it is worth trying again, 1 to 30; 0 when it may pass.
    """

    allowed: bool
    limit: int
    remaining: int
    reset: float
    retry_after: int


UNLIMITED = Verdict(allowed=True, limit=0, remaining=0, reset=0.0, retry_after=0)


class Account:
    """What one process knows of one bucket: what it held when last asked, and what has passed since."""

    __slots__ = ("at", "bucket", "burst", "credit", "limit", "lock", "owed", "rate", "tokens")

    def __init__(self, bucket: str, rate: float, burst: float, now: float) -> None:
        self.lock = threading.Lock()
        self.bucket = bucket
        self.rate = rate
        self.burst = burst
        self.limit = int(burst)
        self.credit = float(int(min(burst * CREDIT_OF_BURST, rate * CREDIT_SECONDS)))
        self.owed = 0.0
        self.tokens = burst
        self.at = now

    def left(self, now: float) -> float:
        """The tokens that are there at most: others may have taken some meanwhile."""
        left = self.tokens - self.owed + (now - self.at) * self.rate
        return left if left < self.burst else self.burst

    def passed(self, left: float) -> Verdict:
        """The verdict on a request that passes, with the tokens left after it."""
        remaining = int(left) if left > 0 else 0
        return Verdict(True, self.limit, remaining, (self.burst - left) / self.rate, 0)

    def refused(self, left: float, cost: float) -> Verdict:
        """The verdict on a request that is refused, with the tokens that are left and its cost."""
        wait = ceil((min(cost, self.burst) - left) / self.rate)
        reset = (self.burst - left) / self.rate
        return Verdict(False, self.limit, max(int(left), 0), reset, min(wait, LONGEST_WAIT_SECONDS))


class RateLimits:
    """The limits of one process, which its threads share. Create it after a fork.

    on_open is called for each call that passes unchecked because Valkey does not answer. Without redis_url
    there are no limits. clock: seconds that never go back.
    """

    def __init__(
        self,
        redis_url: str | None,
        on_open: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.client = connect(redis_url) if redis_url else None
        self.script = self.client.register_script(SCRIPT) if self.client else None
        self.on_open = on_open
        self.clock = clock
        self.lock = threading.Lock()
        self.recent: dict[tuple[str, float, float], Account] = {}
        self.older: dict[tuple[str, float, float], Account] = {}
        self.away_until = 0.0

    def take(self, bucket: str, rate: float, burst: float, cost: float = 1) -> Verdict:
        """Take tokens from a bucket, if they are there.

        rate: tokens a second, 0 for no limit. burst: tokens of a full bucket, at least 1. A cost beyond the
        burst takes a full bucket, and leaves it in debt.
        """
        if rate <= 0 or self.script is None:
            return UNLIMITED
        account = self.recent.get((bucket, rate, burst)) or self._account(bucket, rate, burst)
        with account.lock:
            left = account.left(self.clock())
            if left < cost and left < burst:
                return account.refused(left, cost)
            if account.owed + cost <= account.credit:
                account.owed += cost
                return account.passed(left - cost)
            taken = self._settle(account, cost)
            if taken is None:
                return UNLIMITED
            return account.passed(account.tokens) if taken else account.refused(account.tokens, cost)

    def charge(self, bucket: str, rate: float, burst: float, cost: float) -> None:
        """Take tokens for what has passed already, such as the further events of a batch, there or not.

        A bucket in debt refuses until it has filled again; a debt of more than 30 seconds is forgiven.
        """
        if rate <= 0 or cost <= 0 or self.script is None:
            return
        account = self._account(bucket, rate, burst)
        with account.lock:
            account.owed += cost
            if account.owed > account.credit and self._settle(account, 0) is None:
                account.owed = account.credit

    def close(self) -> None:
        """Close the connections to Valkey."""
        if self.client:
            self.client.close()

    def _account(self, bucket: str, rate: float, burst: float) -> Account:
        """The account of a bucket. Those not used for longest make room, and their credit is forgotten."""
        key = (bucket, rate, burst)
        with self.lock:
            if len(self.recent) >= ACCOUNTS // 2:
                self.older, self.recent = self.recent, {}
            account = self.recent.get(key) or self.older.get(key)
            account = account or Account(bucket, rate, burst, self.clock())
            self.recent[key] = account
        return account

    def _settle(self, account: Account, cost: float) -> bool | None:
        """Pay what is owed and take the cost if it is there; whether it was, None without an answer."""
        answer = self._ask(account, cost)
        if answer is None:
            self.on_open()
            return None
        taken, tokens = answer
        account.owed = 0.0
        account.tokens = float(tokens)
        account.at = self.clock()
        return bool(taken)

    def _ask(self, account: Account, cost: float) -> Any:
        """The script's answer; None while Valkey is away, when one request a second still tries it."""
        was_away = self.away_until
        if was_away:
            if self.clock() < was_away:
                return None
            self.away_until = self.clock() + AWAY_SECONDS
        arguments = [account.rate, account.burst, account.owed, cost, LONGEST_DEBT_SECONDS]
        try:
            answer = self.script(keys=[KEYS + account.bucket], args=arguments)  # type: ignore[misc]
        except redis.RedisError as error:
            self.away_until = self.clock() + AWAY_SECONDS
            if not was_away:
                log.warning("rate limits are open", error=str(error))
            return None
        self.away_until = 0.0
        if was_away:
            log.info("rate limits are back")
        return answer


def connect(redis_url: str) -> redis.Redis:
    """A client that gives up soon."""
    return redis.Redis.from_url(
        redis_url,
        socket_connect_timeout=VALKEY_SECONDS,
        socket_timeout=VALKEY_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )


def headers(*verdicts: Verdict) -> dict[str, str]:
    """The headers for a client, of the verdict that refuses, else of the one with the smallest share left.

    None without a limit. X-RateLimit-Reset is in seconds from now, until the bucket is full
    (draft-ietf-httpapi-ratelimit-headers-06).
    """
    tightest = min(verdicts, key=share_left)
    if not tightest.limit:
        return {}
    answer = {
        "X-RateLimit-Limit": str(tightest.limit),
        "X-RateLimit-Remaining": str(tightest.remaining),
        "X-RateLimit-Reset": str(ceil(tightest.reset)),
    }
    if not tightest.allowed:
        answer["Retry-After"] = str(tightest.retry_after)
    return answer


def share_left(verdict: Verdict) -> float:
    """What is left of a limit, as a share: below 0 when it refuses, above 1 without a limit."""
    if not verdict.allowed:
        return -1.0
    return verdict.remaining / verdict.limit if verdict.limit else 2.0


def address_bucket(address: str) -> str:
    """The bucket of a client's address, with or without a port.

    IPv6 by its /64, which is what one household or server gets; an IPv4 address inside of IPv6 is that
    address. What is no address shares one bucket.
    """
    try:
        if ":" not in address:
            return f"ip:{inet_ntoa(inet_pton(AF_INET, address))}"
        if address.count(":") == 1:
            return address_bucket(address.partition(":")[0])
        packed = inet_pton(AF_INET6, address.removeprefix("[").partition("]")[0].partition("%")[0])
    except (OSError, ValueError):
        return "ip:unknown"
    if packed.startswith(IPV4_MAPPED):
        return f"ip:{inet_ntoa(packed[12:])}"
    return f"ip:{inet_ntop(AF_INET6, packed[:8] + bytes(8))}/64"

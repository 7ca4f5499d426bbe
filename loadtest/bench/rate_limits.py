"""What the rate limits cost a request, against the request itself and against asking Valkey each time."""

from __future__ import annotations

import timeit
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import count
from statistics import median

from beatline.rate_limits import RateLimits, address_bucket, headers
from beatline.settings import Settings
from loadtest.bench import services
from loadtest.bench.report import Bar, Goal, Section, Table
from loadtest.bench.services import Bench
from loadtest.bench.single_events import apply

CALLS = 20_000
ROUNDTRIPS = 1_000
REPEATS = 9
THREADS = 64
ENDLESS = 1e9  # tokens a second: such a bucket is settled with as usual, and never empty
NOBODY = "redis://127.0.0.1:1/0"
WANTED = 0.03
ABOUT = """\
Each accepted single event takes a token of its address and one of its write key, and its answer says
what is left. Measured are these calls, settling with Valkey included, one after the other in one
process, the best of {repeats} rounds; and the time between two answers to `POST /track` under
full load, as in "Single events", the median of {rounds} rounds."""
READING = """\
The share is that of {limits:.1f} µs in {request:.0f} µs. It overstates the cost, since the collector's
{workers} processes share those {request:.0f} µs, each having its own core. With a roundtrip for each token
the limits would take {roundtrips:.0%}."""


def measure(bench: Bench) -> Section:
    """The calls of one request, the others, and a request."""
    request = request_time(bench)
    calls = call_times(bench)
    limits = calls["address"] + 2 * calls["take"] + calls["headers"]
    asking = limits + 2 * (calls["roundtrip"] - calls["take"])
    rows = [[LABELS[name], f"{value:.2f}"] for name, value in calls.items()]
    rows.append(["**the limits of one request**: address, two takes, headers", f"**{limits:.2f}**"])
    rows.append([f"one request in {Settings().workers} processes", f"{request:.2f}"])
    return Section(
        title="Rate limits",
        about=ABOUT.format(repeats=REPEATS, rounds=bench.rounds),
        table=Table(["call", "µs"], rows),
        bars=[Bar("request", request), Bar("roundtrip", calls["roundtrip"]), Bar("limits", limits)],
        reading=READING.format(
            limits=limits, request=request, workers=Settings().workers, roundtrips=asking / request
        ),
        goals=[
            Goal("share of the rate limits in a single event's request", limits / request, at_most=WANTED)
        ],
    )


LABELS = {
    "address": "the bucket of an IPv4 address",
    "take": "take",
    "headers": "the headers of two verdicts",
    "address_v6": "the bucket of an IPv6 address",
    "first": "take of an address that was not seen before",
    "threads": f"take, {THREADS} threads on one bucket",
    "charge": "charge for a batch of 500",
    "refused": "take that is refused",
    "away": "take while Valkey is away",
    "roundtrip": "take with a roundtrip to Valkey",
}


def request_time(bench: Bench) -> float:
    """Microseconds between two answers to single events, under full load."""
    database_url = bench.database("rate_limits")
    with services.collector(bench, database_url) as port:
        results = [apply(bench, port, "/track") for _ in range(bench.rounds)]
    services.expect_stored(database_url, sum(result.answered for result in results))
    return 1e6 / median(result.rate for result in results)


def call_times(bench: Bench) -> dict[str, float]:
    """Microseconds of each call of LABELS. The buckets have the burst, thus the credit, of the defaults."""
    settings = Settings()
    with closing(RateLimits(bench.redis_url)) as limits, closing(RateLimits(NOBODY)) as away:

        def take(bucket: str, rate: float = ENDLESS, burst: float = settings.ip_burst) -> object:
            return limits.take(bucket, rate, burst)

        verdicts = [
            limits.take("ip", ENDLESS, settings.ip_burst),
            limits.take("key", ENDLESS, settings.key_burst),
        ]
        limits.charge("refused", 0.001, 10, 100)
        addresses = new_addresses()
        calls: dict[str, Callable[[], object]] = {
            "address": lambda: address_bucket("192.0.2.7"),
            "take": lambda: take("ip"),
            "headers": lambda: headers(*verdicts),
            "address_v6": lambda: address_bucket("2001:db8:85a3::8a2e:370:7334"),
            "first": lambda: take(next(addresses)),
            "charge": lambda: limits.charge("key", ENDLESS, settings.key_burst, 499),
            "refused": lambda: take("refused", 0.001, 10),
            "away": lambda: away.take("a", 1, 10),
            "roundtrip": lambda: take("exact", ENDLESS, 10),
        }
        times = {
            name: best(bench, call, ROUNDTRIPS if name == "roundtrip" else CALLS)
            for name, call in calls.items()
        }
        times["threads"] = threaded(bench, lambda: take("ip"))
        return {name: times[name] for name in LABELS}


def new_addresses() -> Iterator[str]:
    """Buckets that nobody has used."""
    return (f"ip:{number}" for number in count())


def best(bench: Bench, call: Callable[[], object], calls: int) -> float:
    """Microseconds of a call, in the best of the rounds."""
    number = bench.size(calls)
    return min(timeit.repeat(call, number=number, repeat=REPEATS)) / number * 1e6


def threaded(bench: Bench, call: Callable[[], object]) -> float:
    """Microseconds of a call when so many threads make it at once, all their calls taken together."""
    number = bench.size(CALLS) // THREADS

    def work(_: int) -> None:
        for _ in range(number):
            call()

    with ThreadPoolExecutor(THREADS) as threads:
        seconds = timeit.repeat(lambda: list(threads.map(work, range(THREADS))), number=1, repeat=REPEATS)
    return min(seconds) / (number * THREADS) * 1e6

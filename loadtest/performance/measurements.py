"""What is measured, one function each: it starts what it needs and returns what goes into its JSON file."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import msgspec
import psutil
import psycopg

from beatline.events import utc_now
from beatline.settings import Settings
from loadtest import baseline, locust_process, open_loop, shapes, stack, thresholds
from loadtest.bench import batches, cache, history, load_client, rolling_windows, services, workload
from loadtest.bench.load_client import Load, post
from loadtest.bench.services import Bench
from loadtest.open_loop import Plan
from loadtest.performance import knee, profile
from loadtest.performance.database import observed
from loadtest.performance.sampling import sampled
from loadtest.shapes import SHAPES, Stage

CONNECTIONS = 64
SECONDS = 8.0
RAMP_SHARES = (0.2, 0.35, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.25)
QUICK_SHARES = (0.35, 0.7, 0.9, 1.25)
BATCH = 500
BATCH_SLOW_MS = 500.0  # a batch of hundreds of events may take longer than the 100 ms of the service level
BATCH_CONNECTIONS = 8
BATCH_SIZES = (1, 10, 100, 500, 2_000)
HALF_SECONDS, KNEE_SECONDS, PROFILE_SECONDS = 20.0, 30.0, 30.0
OVERLOAD, OVERLOAD_SECONDS, OVERLOAD_CONNECTIONS = 10, 60.0, 1_024
QUICK_SHARE = 0.04
RAMP_TIMEOUT = 5.0
NAMES = {"postgres": "postgres", "valkey": "valkey"}
DURABLE, NOOP, BASELINE, BATCHES = "durable", "no-op", "baseline", "batches of 500"
PLAIN, BEHIND_FLASK, NO_GROUPS = "plain baseline", "behind Flask", "no group commit"

Data = dict[str, Any]


def parts_of(bench: Bench, **more: str) -> dict[str, int]:
    """Names and process ids of what is to be sampled: database, Valkey, and more as part=name of its lock."""
    return {part: stack.pid_of(bench, name) for part, name in (NAMES | more).items()}


# Peers: how many single events are stored a second, and by whom.


class Peer(NamedTuple):
    """Where a peer listens, and the table that it stores in."""

    name: str
    port: int
    path: str
    table: str | None


@contextmanager
def peers_running(bench: Bench) -> Iterator[dict[str, Peer]]:
    """Run every peer; each by its name."""
    url = bench.database("peers")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute((Path(baseline.__path__[0]) / "schema.sql").read_text())
    collectors = {DURABLE: Settings().flush_events, NO_GROUPS: 1}
    with ExitStack() as running:
        found: dict[str, Peer] = {}
        for name, flush_events in collectors.items():
            settings = replace(stack.settings_of(bench, url, lock_of(name)), flush_events=flush_events)
            port = running.enter_context(stack.collector(bench, settings, lock_of(name)))
            found[name] = Peer(name, port, "/track", "events")
        for name, (app, health, path, table) in {
            NOOP: ("loadtest.performance.noop:app", "/health", "/noop", None),
            BASELINE: ("loadtest.baseline.careful:app", "/health", "/track", "baseline_events"),
            PLAIN: ("loadtest.baseline.plain:app", "/health", "/track", "baseline_events"),
            BEHIND_FLASK: ("loadtest.performance.behind_flask:app", "/health/ready", "/track", "events"),
        }.items():
            settings = stack.settings_of(bench, url, lock_of(name))
            server = stack.served(bench, app, lock_of(name), settings, health)
            found[name] = Peer(name, running.enter_context(server), path, table)
        yield found


def lock_of(name: str) -> str:
    """What a peer's process is called on disk."""
    return name.replace(" ", "-").lower()


def peers(bench: Bench, _: Mapping[str, Any]) -> Data:
    """All peers in turns, each as fast as it can with CONNECTIONS requests always under way."""
    ways: dict[str, list[Data]] = {
        name: [] for name in (NOOP, DURABLE, BASELINE, PLAIN, BEHIND_FLASK, NO_GROUPS)
    }
    url = services_url(bench, "peers")
    with peers_running(bench) as running:
        for _round in range(bench.rounds):
            for name, done in ways.items():
                done.append(one_peer(bench, url, running[name]))
    return {
        "ways": ways,
        "connections": CONNECTIONS,
        "seconds": bench.seconds(SECONDS),
        "rounds": bench.rounds,
    }


def one_peer(bench: Bench, url: str, peer: Peer) -> Data:
    """One round of one peer; checks that exactly what was acknowledged is stored."""
    empty(url)
    services.settle(0.5)
    load = Load(peer.port, workload.single_requests(peer.path), CONNECTIONS, bench.seconds(SECONDS))
    with sampled(parts_of(bench, server=lock_of(peer.name))) as usage:
        result = load_client.run(load)
    if peer.table:
        expect_stored(url, peer.table, result.answered)
    figures = asdict(result) | {"rate": result.rate, "answered": result.answered}
    return figures | {"cores": {part: each["cores"] for part, each in usage["parts"].items()}}


def services_url(bench: Bench, database: str) -> str:
    """The URL of a database of the bench."""
    return bench.postgres_url.rpartition("/")[0] + f"/{database}"


def empty(url: str) -> None:
    """Empty all tables of events and write out what is dirty, so that rounds start alike."""
    services.start_clean(url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("truncate baseline_events")


def expect_stored(url: str, table: str, acknowledged: int) -> None:
    """Raise AssertionError unless exactly the acknowledged events are stored."""
    with psycopg.connect(url) as connection:
        counted = connection.execute(f"select count(*) from {table}").fetchone()  # noqa: S608 - our own names
    assert counted == (acknowledged,), f"{acknowledged} acknowledged, {counted} stored in {table}"


# Batches: against COPY, and by their size.


def batches_and_copy(bench: Bench, _: Mapping[str, Any]) -> Data:
    """Batches of 500 over HTTP and COPY of the same rows in turns (loadtest/bench/batches.py)."""
    return {"ways": batches.measure_rates(bench, bench.database("batches")), "rounds": bench.rounds}


def batch_sizes(bench: Bench, _: Mapping[str, Any]) -> Data:
    """Events a second by how many come in a request."""
    url = bench.database("sizes")
    found = []
    with stack.collector(bench, stack.settings_of(bench, url, "collector"), "collector") as port:
        for size in BATCH_SIZES:
            services.start_clean(url)
            load = Load(port, batch_requests(size), BATCH_CONNECTIONS, bench.seconds(SECONDS))
            result = load_client.run(load)
            services.expect_stored(url, result.answered * size)
            found.append(
                {
                    "size": size,
                    "events_a_second": result.rate * size,
                    "p50_ms": result.p50,
                    "p99_ms": result.p99,
                }
            )
    return {"sizes": found, "connections": BATCH_CONNECTIONS, "seconds": bench.seconds(SECONDS)}


def batch_requests(size: int) -> list[bytes]:
    """Posts of so many events each."""
    events = workload.shop_events(max(20 * size, 2_000))
    groups = list(workload.batches(events, size))[: 200 if size < BATCH else 20]
    return [post("/api/v1/analytics/batch/", msgspec.json.encode({"events": group})) for group in groups]


# Knees: ramps without waiting for answers, p99 at half of the knee, and what is at work at the knee.


def knees(bench: Bench, _: Mapping[str, Any]) -> Data:
    """Ramps of single events, of the no-op route, of the usual service and of batches."""
    url = services_url(bench, "peers")
    with peers_running(bench) as running:
        ramps = {name: single_ramp(bench, running[name]) for name in (NOOP, DURABLE, BASELINE)}
        empty(url)
        ramps[BATCHES] = ramp(
            bench, running[DURABLE].port, batch_requests(BATCH), BATCH_CONNECTIONS, BATCH_SLOW_MS
        )
        at = knee_rate(ramps[DURABLE])
        half: dict[str, list[Data]] = {NOOP: [], DURABLE: []}
        empty(url)
        for _round in range(bench.rounds):
            for name, rounds in half.items():
                rounds.append(half_knee(bench, running[name], at))
        empty(url)
        at_knee = work_at_knee(bench, url, running[DURABLE], at)
        flame = profile_at_knee(bench, running[DURABLE], at)
    return {"ramps": ramps, "half": half, "half_rate": at / 2, "at_knee": at_knee, "profile": flame}


def single_ramp(bench: Bench, peer: Peer) -> Data:
    """A ramp of single events."""
    return ramp(bench, peer.port, workload.single_requests(peer.path), CONNECTIONS, knee.SLOW_MS)


def ramp(bench: Bench, port: int, requests: list[bytes], connections: int, slow_ms: float) -> Data:
    """A ramp around what so many connections in a closed loop reach; its stages, and the knee among them."""
    fastest = load_client.run(Load(port, requests, connections, bench.seconds(SECONDS))).rate
    services.settle()
    shape = shapes.steps(fastest, QUICK_SHARES if bench.quick else RAMP_SHARES, bench.seconds(SECONDS))
    stages = open_loop.run(Plan(port, requests, shape, timeout=RAMP_TIMEOUT))["stages"]
    services.settle()
    return {
        "fastest": fastest,
        "stages": stages,
        "slow_ms": slow_ms,
        "knee": knee.knee(stages, slow_ms),
        "reached": knee.was_reached(stages, slow_ms),
    }


def knee_rate(ramp_data: Data) -> float:
    """The rate of a ramp's knee; of its lowest stage when none kept up."""
    return float((ramp_data["knee"] or ramp_data["stages"][0])["rate"])


def half_knee(bench: Bench, peer: Peer, rate: float) -> Data:
    """One round at half of a rate."""
    seconds = max(3.0, bench.seconds(HALF_SECONDS))
    shape = (Stage(2, rate / 2), Stage(seconds, rate / 2))
    return dict(open_loop.run(Plan(peer.port, workload.single_requests(peer.path), shape))["stages"][-1])


def work_at_knee(bench: Bench, url: str, peer: Peer, rate: float) -> Data:
    """What every part uses, and what the database does, while the knee's rate arrives."""
    shape = (Stage(max(5.0, bench.seconds(KNEE_SECONDS)), rate),)
    with observed(url) as database, sampled(parts_of(bench, collector=lock_of(DURABLE))) as usage:
        found = open_loop.run(Plan(peer.port, workload.single_requests(peer.path), shape))
    return {
        "stage": found["stages"][0],
        "usage": usage,
        "database": database,
        "events_a_request": 1,
        "processors": psutil.cpu_count(),
    }


def profile_at_knee(bench: Bench, peer: Peer, rate: float) -> Data:
    """Stacks of the busiest process of the collector while the knee's rate arrives."""
    seconds = max(5.0, bench.seconds(PROFILE_SECONDS))
    plan = Plan(peer.port, workload.single_requests(peer.path), (Stage(seconds + 3, rate),))
    with ThreadPoolExecutor(1) as threads:
        load = threads.submit(open_loop.run, plan)
        time.sleep(2)
        busiest = profile.busiest_child(stack.pid_of(bench, lock_of(DURABLE)))
        found = profile.record(busiest, round(seconds), bench.folder)
        return found | {"stage": load.result()["stages"][0], "seconds": seconds}


# Overload: ten times what can be stored.


def overload(bench: Bench, done: Mapping[str, Any]) -> Data:
    """OVERLOAD times the knee of batches, at a collector with the limits of a new installation.

    done: has the results of `knees`.
    """
    rate = knee_rate(done["knees"]["ramps"][BATCHES])
    url = bench.database("overload")
    new = Settings()
    settings = replace(
        stack.settings_of(bench, url, "collector"),
        key_rate=new.key_rate, key_burst=new.key_burst, ip_rate=new.ip_rate, ip_burst=new.ip_burst,
    )  # fmt: skip
    requests = batch_requests(BATCH)
    seconds = max(6.0, bench.seconds(OVERLOAD_SECONDS))
    with stack.collector(bench, settings, "collector") as port:
        open_loop.run(Plan(port, requests, (Stage(3, rate / 2),)))
        with sampled(parts_of(bench, collector="collector")) as calm:
            services.settle()
        with sampled(parts_of(bench, collector="collector")) as usage:
            plan = Plan(port, requests, (Stage(seconds, OVERLOAD * rate),), connections=OVERLOAD_CONNECTIONS)
            found = open_loop.run(plan)
        services.settle(2.0)
        after = open_loop.run(Plan(port, requests, (Stage(5, rate / 2),)))
    return {
        "knee_rate": rate, "stage": found["stages"][0], "done_in_second": found["done_in_second"],
        "usage": usage,
        "memory_before": median(calm["parts"]["collector"]["memory"]), "connections": OVERLOAD_CONNECTIONS,
        "after": after["stages"][0], "times": OVERLOAD, "events_a_request": BATCH,
    }  # fmt: skip


# Reading: rolling metrics with many events, and the cache.


def rolling(bench: Bench, _: Mapping[str, Any]) -> Data:
    """The rolling metrics with few and with many events (loadtest/bench/rolling_windows.py)."""
    section = rolling_windows.measure(bench)
    return {
        "ratios": {goal.what: goal.measured for goal in section.goals},
        "columns": list(section.table.columns),
        "rows": [list(row) for row in section.table.rows],
    }


def cached_reading(bench: Bench, _: Mapping[str, Any]) -> Data:
    """100 dashboards with and without the cache (loadtest/bench/cache.py), one round each."""
    url = bench.database("cache")
    now = utc_now()
    history.fill_history(url, bench.size(cache.EVENTS), now)
    ways = {
        name: cache.one_round(bench, url, way, cache=kept)
        for name, (way, kept) in cache.ROUNDS.items()
        if name.startswith("all the time")
    }
    return {
        "ways": {name: asdict(one.answers) | {"database": one.database} for name, one in ways.items()},
        "dashboards": cache.DASHBOARDS, "events": bench.size(cache.EVENTS),
    }  # fmt: skip


# Mixed load: all kinds of users, by Locust.


def mixed(name: str) -> Callable[[Bench, Mapping[str, Any]], Data]:
    """The measurement of one shape with all kinds of users."""

    def measure(bench: Bench, _: Mapping[str, Any]) -> Data:
        shape = shapes.shortened(SHAPES[name], QUICK_SHARE, least=5.0) if bench.quick else SHAPES[name]
        events_a_day = 1_000 if bench.quick else 100_000
        with stack.whole(bench, f"mixed_{name}", events_a_day) as target:
            folder = bench.folder / f"locust-{name}"
            parts = parts_of(bench, collector="collector", workers="workers", live="live")
            with observed(target.database_url) as database, sampled(parts) as usage:
                found = locust_process.run(
                    name, shape, target, folder, thresholds.faults_only(thresholds.read())
                )
        shape_rows = [list(stage) for stage in shape]
        return found | {"usage": usage, "database": database, "shape": shape_rows, "history": events_a_day}

    return measure


MEASUREMENTS: dict[str, Callable[[Bench, Mapping[str, Any]], Data]] = {
    "peers": peers,
    "batches": batches_and_copy,
    "batch_sizes": batch_sizes,
    "knees": knees,
    "overload": overload,
    "cache": cached_reading,
    "rolling": rolling,
    "steady": mixed("steady"),
    "spike": mixed("spike"),
    "soak": mixed("soak"),
}

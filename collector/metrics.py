"""The collector's Prometheus metrics, right with several processes (multiprocess mode).

A counter costs a microsecond or two there, so what every request would count is summed up in the process and
handed over once a flush.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache, wraps
from pathlib import Path
from threading import Lock
from typing import ParamSpec, TypeVar

from flask import abort, request
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.multiprocess import mark_process_dead

from beatline.build_info import export_version
from beatline.cache import Result
from beatline.ingest.pipeline import STEP_NAMES
from beatline.own_network import REFUSAL, may_read_metrics
from beatline.storage.writer import Flush, Outcome

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
BATCH_EVENTS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000)

P = ParamSpec("P")
T = TypeVar("T")


def for_own_network(view: Callable[P, T]) -> Callable[P, T]:
    """A view that answers 403 to who may not read metrics."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
        if not may_read_metrics(request.remote_addr or "", request.headers.get):
            abort(403, REFUSAL)
        return view(*args, **kwargs)

    return guarded


def forget_dead_processes() -> None:
    """Drop the gauges of processes of this server that were killed: what waited in them waits no more."""
    for file in Path(os.environ.get("PROMETHEUS_MULTIPROC_DIR", os.devnull)).glob("gauge_live*_*.db"):
        pid = int(file.stem.rpartition("_")[2])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            mark_process_dead(pid)  # type: ignore[no-untyped-call]


class IngestMetrics:
    """Everything that is counted between a request and its commit."""

    def __init__(self, registry: CollectorRegistry) -> None:
        export_version(registry)
        requests = Histogram(
            "beatline_ingest_request_seconds", "Time to answer an ingest request.",
            ["source", "route", "status"], buckets=SECONDS, registry=registry,
        )  # fmt: skip
        accepted = Counter(
            "beatline_events_accepted_total", "Events acknowledged.", ["source"], registry=registry
        )
        self.requests = cache(requests.labels)
        self.accepted = cache(accepted.labels)
        self.rejected = Counter(
            "beatline_events_rejected_total", "Events refused, by reason.",
            ["source", "reason"], registry=registry,
        )  # fmt: skip
        self.flagged = Counter(
            "beatline_events_flagged_total", "Events stored although they do not fit their schema.",
            ["source"], registry=registry,
        )  # fmt: skip
        steps = Counter(
            "beatline_step_seconds_total", "Time spent in each step of the pipeline.",
            ["step"], registry=registry,
        )  # fmt: skip
        self.steps = [steps.labels(name) for name in STEP_NAMES]
        self.piped_events = Counter(
            "beatline_pipeline_events_total", "Events that entered the pipeline.", registry=registry
        )
        self.flushes = Histogram(
            "beatline_flush_seconds", "Time of one flush of the writer, by what became of it.",
            ["outcome"], buckets=SECONDS, registry=registry,
        )  # fmt: skip
        self.flush_events = Histogram(
            "beatline_flush_events", "Events of one flush of the writer.",
            buckets=BATCH_EVENTS, registry=registry,
        )  # fmt: skip
        self.commit_waits = Histogram(
            "beatline_commit_wait_seconds", "Wait of a request from queueing to the commit of its events.",
            buckets=SECONDS, registry=registry,
        )  # fmt: skip
        self.duplicates = Counter(
            "beatline_events_duplicate_total", "Events that had been stored before.",
            registry=registry,
        )  # fmt: skip
        self.queue_events = Gauge(
            "beatline_queue_events", "Events that wait for the writer.",
            registry=registry, multiprocess_mode="livesum",
        )  # fmt: skip
        self.queue_bytes = Gauge(
            "beatline_queue_bytes", "Bytes of events that wait for the writer.",
            registry=registry, multiprocess_mode="livesum",
        )  # fmt: skip
        self.live_events = Counter(
            "beatline_live_events_total", "Events for watchers of the live preview, by what became of them.",
            ["outcome"], registry=registry,
        )  # fmt: skip
        self.rate_limited = Counter(
            "beatline_rate_limited_total", "Requests refused by a rate limit, of an address or a write key.",
            ["limit"], registry=registry,
        )  # fmt: skip
        self.rate_limits_open = Counter(
            "beatline_rate_limits_open_total", "Requests let in unchecked, because Valkey was away.",
            registry=registry,
        )  # fmt: skip
        results = Counter(
            "beatline_cache_requests_total", "Requests of cached answers, by how they got them.",
            ["result"], registry=registry,
        )  # fmt: skip
        self.cache_results = {result: results.labels(result) for result in Result}
        self.cache_computed = Histogram(
            "beatline_cache_compute_seconds", "Time to compute an answer for the cache.",
            buckets=SECONDS, registry=registry,
        )  # fmt: skip
        self.lock = Lock()
        self.summed_events = 0
        self.summed_seconds = [0.0] * len(STEP_NAMES)

    def piped(self, events: int, seconds: list[float]) -> None:
        """Sum up events that went through the pipeline, and the time of each step."""
        with self.lock:
            self.summed_events += events
            self.summed_seconds = [sum(pair) for pair in zip(self.summed_seconds, seconds, strict=True)]

    def flushed(self, flush: Flush) -> None:
        """Count one flush of the writer, and what was summed up until now."""
        self.flushes.labels(flush.outcome).observe(flush.seconds)
        self.flush_events.observe(flush.events)
        self.queue_events.set(flush.still_queued)
        self.queue_bytes.set(flush.still_queued_bytes)
        if flush.outcome is Outcome.COMMITTED:
            for seconds in flush.waits:
                self.commit_waits.observe(seconds)
        if flush.duplicates:
            self.duplicates.inc(flush.duplicates)
        self.hand_over()

    def live(self, outcome: str, events: int) -> None:
        """Count events that were published for the live preview, or were not."""
        self.live_events.labels(outcome).inc(events)

    def cached(self, result: Result) -> None:
        """Count a request of a cached answer."""
        self.cache_results[result].inc()

    def hand_over(self) -> None:
        """Give the sums to Prometheus."""
        with self.lock:
            events, self.summed_events = self.summed_events, 0
            seconds, self.summed_seconds = self.summed_seconds, [0.0] * len(STEP_NAMES)
        self.piped_events.inc(events)
        for counter, spent in zip(self.steps, seconds, strict=True):
            counter.inc(spent)

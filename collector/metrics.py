"""The collector's Prometheus metrics, right with several processes (multiprocess mode)."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from beatline.storage.writer import Flush
from collector.ingest.pipeline import STEP_NAMES

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
BATCH_EVENTS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000)


class IngestMetrics:
    """Everything that is counted between a request and its commit."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Histogram(
            "beatline_ingest_request_seconds", "Time to answer an ingest request.",
            ["source", "status"], buckets=SECONDS, registry=registry,
        )  # fmt: skip
        self.accepted = Counter(
            "beatline_events_accepted_total", "Events acknowledged.", ["source"], registry=registry
        )
        self.rejected = Counter(
            "beatline_events_rejected_total", "Events refused, by reason.",
            ["source", "reason"], registry=registry,
        )  # fmt: skip
        self.steps = Counter(
            "beatline_step_seconds_total", "Time spent in each step of the pipeline.",
            ["step"], registry=registry,
        )  # fmt: skip
        self.step_runs = Counter(
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
        self.duplicates = Counter(
            "beatline_events_duplicate_total", "Events that had been stored before.",
            registry=registry,
        )  # fmt: skip
        self.queue_events = Gauge(
            "beatline_queue_events", "Events that wait for the writer.",
            registry=registry, multiprocess_mode="livesum",
        )  # fmt: skip
        self.steps_by_number = [self.steps.labels(name) for name in STEP_NAMES]

    def flushed(self, flush: Flush) -> None:
        """Count one flush of the writer."""
        self.flushes.labels(flush.outcome).observe(flush.seconds)
        self.flush_events.observe(flush.events)
        if flush.duplicates:
            self.duplicates.inc(flush.duplicates)

    def piped(self, events: int, seconds: list[float]) -> None:
        """Count events that went through the pipeline, and the time of each step."""
        self.step_runs.inc(events)
        for counter, spent in zip(self.steps_by_number, seconds, strict=True):
            counter.inc(spent)

"""What every process exports: documented, right, and there when the parts are not."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from flask.testing import FlaskClient
from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.parser import text_string_to_metric_families

from beatline import __version__
from beatline.embedded.valkey import EmbeddedValkey
from beatline.settings import Settings
from beatline.storage.spill import STREAM, UNREADABLE, Spill
from beatline.storage.store import Batch
from beatline.storage.writer import Flush, Outcome
from collector.metrics import IngestMetrics, forget_dead_processes
from tests.fixtures.collectors import ROOT, free_port, running_collector
from tests.fixtures.storage import make_events, wait_until
from workers.actors import Actors, Work, make_actors, make_workers, sending_broker
from workers.monitor import read_health
from workers.pulse import Pulse
from workers.schedule import SCHEDULE
from workers.tasks import BULK, EXPORTS, MAINTENANCE

DOCUMENT = ROOT / "docs" / "metrics.md"
ROW = re.compile(r"^\| `(\w+)` \| (counter|gauge|histogram) \|([^|]*)\|", re.MULTILINE)
JOBS = [row.name for row in SCHEDULE]
QUEUE_OF = {row.name: row.queue for row in SCHEDULE}
PROXIED = {"X-Forwarded-For": "192.0.2.1"}
NOWHERE = "127.0.0.1:1"

Labels = frozenset[tuple[str, str]]


@dataclass
class Exported:
    """What a process answers to a scrape."""

    text: str

    @property
    def families(self) -> dict[str, tuple[str, set[str]]]:
        """The names as PromQL knows them, without a histogram's suffixes: (type, labels)."""
        return {
            family.name + ("_total" if family.type == "counter" else ""): (
                family.type,
                {label for sample in family.samples for label in sample.labels} - {"le"},
            )
            for family in text_string_to_metric_families(self.text)
            if not family.name.endswith("_created")
        }

    @cached_property
    def samples(self) -> dict[tuple[str, Labels], float]:
        """Every sample."""
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(self.text)
            for sample in family.samples
        }

    def value(self, metric: str, /, **labels: str) -> float | None:
        """One sample; None when there is none."""
        return self.samples.get((metric, frozenset(labels.items())))


@dataclass
class Process:
    """A process that answers /metrics and /health."""

    process: subprocess.Popen[bytes]
    port: int

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str, **headers: str) -> httpx.Response:
        """An answer of it."""
        return httpx.get(self.url + path, headers=headers, timeout=20)

    def scrape(self) -> Exported:
        """Its metrics now."""
        answer = self.get("/metrics")
        assert answer.status_code == 200
        return Exported(answer.text)

    def value(self, metric: str, /, **labels: str) -> float | None:
        """One sample of its metrics now."""
        return self.scrape().value(metric, **labels)

    def answers(self) -> bool:
        """Whether it listens."""
        assert self.process.poll() is None, "the process ended"
        try:
            self.get("/health")
        except httpx.TransportError:
            return False
        return True


@contextmanager
def running(*words: str, port_variable: str = "BEATLINE_WORKERS_PORT", **settings: Any) -> Iterator[Process]:
    """Run `python -m words...` until the end of the block; settings are by their field's name."""
    port = free_port()
    environ = os.environ | {f"BEATLINE_{name.upper()}": str(value) for name, value in settings.items()}
    command = [sys.executable, "-m", *words]
    process = subprocess.Popen(command, cwd=ROOT, env=environ | {port_variable: str(port)})
    try:
        running = Process(process, port)
        wait_until(running.answers)
        yield running
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def parts(workers_url: str, redis_url: str, tmp_path: Path) -> dict[str, Any]:
    """The settings of a process whose parts are all there."""
    return {"database_url": workers_url, "redis_url": redis_url, "data": tmp_path}


def documented(heading: str) -> dict[str, tuple[str, set[str]]]:
    """The metrics that the document has under a heading: (type, labels)."""
    section = DOCUMENT.read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = ROW.findall(section)
    assert rows
    return {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}


def assert_documented(exported: Exported, heading: str) -> None:
    """Exactly the documented metrics are exported, with the documented types and labels."""
    families, rows = exported.families, documented(heading)
    assert {name: kind for name, (kind, _) in families.items()} == {
        name: kind for name, (kind, _) in rows.items()
    }
    with_samples = {name: labels for name, (_, labels) in families.items() if labels}
    assert with_samples == {name: rows[name][1] for name in with_samples}


def test_the_collectors_metrics_are_the_documented_ones(client: FlaskClient) -> None:
    client.post("/track", json={"event_type": "x", "user_id": "u"})
    client.post("/track", json={})
    client.get("/api/v1/metrics/overview")
    assert_documented(Exported(client.get("/metrics").text), "Collector")


def test_the_live_servers_metrics_are_the_documented_ones(redis_url: str) -> None:
    with running("collector.live", port_variable="BEATLINE_LIVE_PORT", redis_url=redis_url) as live:
        assert_documented(live.scrape(), "Live server")
        assert live.value("beatline_info", version=__version__) == 1
        refused = live.get("/metrics", **PROXIED)
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


def test_given_events_then_the_collectors_values_move_over_all_of_its_processes(
    postgres_url: str, redis_url: str, tmp_path: Path
) -> None:
    with running_collector(tmp_path, postgres_url, redis_url, workers=2) as url:
        for _ in range(20):
            httpx.post(f"{url}/track", json={"event_type": "x", "user_id": "u"}).raise_for_status()
        assert httpx.post(f"{url}/webhooks/in/nobody", json={}).status_code == 404
        exported = Exported(httpx.get(f"{url}/metrics").text)
        refused = httpx.get(f"{url}/metrics", headers=PROXIED)

    track = {"source": "track", "route": "/track"}
    assert exported.value("beatline_ingest_request_seconds_count", **track, status="202") == 20
    webhook = {"source": "webhook", "route": "/webhooks/in/{}"}
    assert exported.value("beatline_ingest_request_seconds_count", **webhook, status="404") == 1
    assert exported.value("beatline_commit_wait_seconds_count") == 20
    waited = exported.value("beatline_commit_wait_seconds_sum")
    assert waited is not None
    assert 0 < waited < 20
    assert exported.value("beatline_queue_events") == exported.value("beatline_queue_bytes") == 0
    assert exported.value("beatline_info", version=__version__) == 1
    assert exported.families.keys() <= documented("Collector").keys()
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


@pytest.mark.parametrize(("outcome", "counted"), [(Outcome.COMMITTED, 2), (Outcome.SPILLED, 0)])
def test_only_requests_that_were_committed_waited_for_a_commit(outcome: Outcome, counted: int) -> None:
    registry = CollectorRegistry()
    flush = Flush(outcome, events=2, duplicates=0, submissions=2, waits=[0.25, 0.5], still_queued_bytes=9)
    IngestMetrics(registry).flushed(flush)
    assert registry.get_sample_value("beatline_commit_wait_seconds_count") == counted
    assert registry.get_sample_value("beatline_commit_wait_seconds_sum") == 0.375 * counted
    assert registry.get_sample_value("beatline_queue_bytes") == 9


def test_given_a_killed_process_of_the_collector_then_its_queue_is_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    script = "from collector.metrics import *; metrics = IngestMetrics(CollectorRegistry());"
    script += "metrics.queue_events.set(7); metrics.duplicates.inc(3)"
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)

    forget_dead_processes()

    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    assert registry.get_sample_value("beatline_queue_events") is None
    assert registry.get_sample_value("beatline_events_duplicate_total") == 3


def test_the_workers_metrics_are_the_documented_ones_and_move(parts: dict[str, Any]) -> None:
    with running("workers", **parts) as workers:
        wait_until(lambda: all(succeeded(workers.scrape(), job) for job in JOBS))
        exported = workers.scrape()
        assert_documented(exported, "Workers")
        assert exported.value("beatline_info", version=__version__) == 1
        assert exported.value("beatline_schedule_leader") == 1
        assert exported.value("beatline_database_up") == exported.value("beatline_valkey_up") == 1
        assert exported.value("beatline_dead_letters", queue=MAINTENANCE) == 0
        disk = shutil.disk_usage(parts["data"])
        assert exported.value("beatline_disk_size_bytes") == disk.total
        assert 0 < (exported.value("beatline_disk_free_bytes") or 0) < disk.total
        for job in JOBS:
            labels = {"queue_name": QUEUE_OF[job], "actor_name": job}
            assert exported.value("beatline_job_seconds_count", name=job)
            assert exported.value("dramatiq_messages_total", **labels)
            assert exported.value("dramatiq_message_errors_total", **labels) == 0
        assert not (parts["data"] / "metrics").exists()

        health = workers.get("/health")
        assert (health.status_code, health.json()["status"]) == (200, "ok")
        assert workers.get("/metrics", **PROXIED).status_code == 403
        for method, path, status, code in (
            ("GET", "/", 404, "not_found"),
            ("POST", "/metrics", 405, "method_not_allowed"),
        ):
            refused = httpx.request(method, workers.url + path)
            assert (refused.status_code, refused.json()["code"]) == (status, code)
            assert refused.json().keys() == {"code", "message", "errors", "request_id"}


def succeeded(exported: Exported, job: str) -> bool:
    """Whether a job has just ended well."""
    ended = exported.value("beatline_job_last_success_timestamp_seconds", name=job)
    return ended is not None and time.time() - 60 < ended <= time.time()


def test_given_several_processes_then_one_leads_and_each_counts_its_own_jobs(parts: dict[str, Any]) -> None:
    with (
        running("workers", "schedule", **parts) as schedule,
        running("workers", "jobs", **parts) as jobs,
        running("workers", **parts) as both,
    ):
        processes = (schedule, jobs, both)
        wait_until(
            lambda: {job for job in JOBS for each in scraped(processes) if succeeded(each, job)} == set(JOBS)
        )

        of_schedule, of_jobs, of_both = scraped(processes)
        leaders = [each.value("beatline_schedule_leader") for each in (of_schedule, of_both)]
        assert sorted(leaders) == [0, 1]
        assert of_jobs.value("beatline_schedule_leader") == 0
        runs = [
            each.value("beatline_job_seconds_count", name="make_partitions") for each in (of_jobs, of_both)
        ]
        assert sorted(runs) == [0, 1]
        assert not any(of_schedule.value("beatline_job_seconds_count", name=job) for job in JOBS)

        checks = [
            process.get("/health").json()["checks"].keys() - {"database", "valkey"} for process in processes
        ]
        assert checks == [{"schedule"}, {"threads"}, {"schedule", "threads"}]


def scraped(processes: tuple[Process, ...]) -> list[Exported]:
    """The metrics of each process now."""
    return [process.scrape() for process in processes]


def test_given_the_database_away_then_the_backlog_is_seen_and_health_says_503(parts: dict[str, Any]) -> None:
    with closing(Spill(parts["redis_url"], 100)) as spill:
        now = int(time.time() * 1000)
        batch = {b"batch": b"x" * 100}
        spill.client.xadd(STREAM, batch, id=f"{now - 90_000}-0")
        spill.append(Batch(make_events(1)))
        spill.client.xadd(UNREADABLE, batch)
    with running("workers", **parts | {"database_url": f"postgresql://{NOWHERE}/x"}) as workers:
        exported = workers.scrape()
        assert exported.value("beatline_database_up") == 0
        assert exported.value("beatline_valkey_up") == 1
        assert exported.value("beatline_spill_batches") == 2
        assert exported.value("beatline_spill_unreadable_batches") == 1
        assert 90 <= (exported.value("beatline_spill_oldest_seconds") or 0) < 150
        health = workers.get("/health")
        assert (health.status_code, health.json()["status"]) == (503, "down")
        assert health.json()["checks"]["database"] == {"status": "away"}


def test_given_valkey_away_then_all_but_what_it_knows_is_exported(parts: dict[str, Any]) -> None:
    with running("workers", **parts | {"redis_url": f"redis://{NOWHERE}"}) as workers:
        exported = workers.scrape()
        assert exported.value("beatline_valkey_up") == 0
        assert exported.value("beatline_database_up") == 1
        assert exported.value("beatline_disk_free_bytes")
        assert exported.value("beatline_broker_up") == 0
        assert documented("Workers").keys() - exported.families.keys() == {
            "beatline_spill_batches", "beatline_spill_oldest_seconds", "beatline_spill_unreadable_batches",
            "beatline_queue_messages",
        }  # fmt: skip
        health = workers.get("/health")
        assert (health.status_code, health.json()["checks"]["valkey"]) == (503, {"status": "away"})


def test_given_a_job_that_fails_then_its_message_is_a_dead_letter(
    parts: dict[str, Any], connection: psycopg.Connection
) -> None:
    connection.execute("drop table property_indexes cascade")
    labels = {"queue_name": BULK, "actor_name": "work_on_property_indexes"}
    with running("workers", **parts) as workers:
        wait_until(lambda: (workers.value("beatline_dead_letters", queue=BULK) or 0) >= 1)
        exported = workers.scrape()
        assert exported.value("dramatiq_message_rejects_total", **labels)
        assert exported.value("dramatiq_message_errors_total", **labels)
        assert exported.value("beatline_job_seconds_count", name="work_on_property_indexes")
        assert not succeeded(exported, "work_on_property_indexes")
    letter = "select queue, actor, arguments, left(error, 12), times >= 1 from dead_letters"
    assert connection.execute(letter).fetchall() == [
        (BULK, "work_on_property_indexes", [], "StorageError", True)
    ]


def test_given_rabbitmq_then_its_queues_are_exported_and_its_absence_is_seen(
    parts: dict[str, Any], rabbitmq_url: str
) -> None:
    with running("workers", "schedule", **parts | {"broker_url": rabbitmq_url}) as workers:
        wait_until(lambda: (workers.value("beatline_queue_messages", queue=MAINTENANCE) or 0) > 0)
        assert workers.value("beatline_broker_up") == 1
        assert workers.value("beatline_queue_messages", queue=EXPORTS) == 0
        assert workers.get("/health").json()["checks"]["rabbitmq"] == {"status": "ok"}
    with running("workers", "schedule", **parts | {"broker_url": f"amqp://{NOWHERE}"}) as workers:
        assert workers.value("beatline_broker_up") == 0
        assert workers.value("beatline_valkey_up") == 1
        health = workers.get("/health")
        assert (health.status_code, health.json()["checks"]["rabbitmq"]) == (503, {"status": "away"})


def actors_of(parts: dict[str, Any]) -> Actors:
    """The actors of a process."""
    return make_actors(Settings(**parts), CollectorRegistry(), Work())


def test_given_a_message_that_is_too_old_then_it_is_dropped_and_is_no_dead_letter(
    parts: dict[str, Any],
) -> None:
    broker = sending_broker(actors_of(parts))
    message = broker.get_actor("drain_spill").message()
    broker.enqueue(message.copy(message_timestamp=message.message_timestamp - 11_000))  # type: ignore[arg-type]
    broker.close()
    labels = {"queue_name": MAINTENANCE, "actor_name": "drain_spill"}
    with running("workers", "jobs", **parts) as workers:
        assert workers.value("beatline_queue_messages", queue=MAINTENANCE) in (0, 1)
        wait_until(lambda: workers.value("dramatiq_messages_total", **labels) == 1)
        wait_until(lambda: workers.value("beatline_queue_messages", queue=MAINTENANCE) == 0)
        exported = workers.scrape()
        assert exported.value("beatline_job_seconds_count", name="drain_spill") == 0
        assert exported.value("beatline_dead_letters", queue=MAINTENANCE) == 0
        assert exported.value("dramatiq_messages_inprogress", **labels) == 0


@pytest.mark.parametrize(
    ("silent_seconds", "started", "well", "of_schedule", "of_threads"),
    [(5, True, True, "ok", "ok"), (20, True, False, "late", "ok"), (5, False, False, "ok", "dead")],
)
def test_given_a_schedule_that_stands_still_or_no_threads_then_health_says_so(
    parts: dict[str, Any], silent_seconds: int, started: bool, well: bool, of_schedule: str, of_threads: str
) -> None:
    settings = Settings(**parts)
    workers = make_workers(actors_of(parts))
    for worker in workers if started else []:
        worker.start()
    try:
        healthy, health = read_health(settings, workers, Pulse(beat_at=time.monotonic() - silent_seconds))
    finally:
        for worker in workers:
            worker.stop()
    assert healthy == well
    assert health["checks"]["schedule"]["status"] == of_schedule
    assert health["checks"]["threads"]["status"] == of_threads


def test_given_a_port_in_use_then_the_workers_end_with_the_variable(
    parts: dict[str, Any], valkey_server: EmbeddedValkey
) -> None:
    port = valkey_server.url.rsplit(":", 1)[1].partition("/")[0]
    environ = os.environ | {f"BEATLINE_{name.upper()}": str(value) for name, value in parts.items()}
    command = [sys.executable, "-m", "workers"]
    ended = subprocess.run(
        command, cwd=ROOT, env=environ | {"BEATLINE_WORKERS_PORT": port}, capture_output=True, text=True,
        timeout=30, check=False,
    )  # fmt: skip
    assert ended.returncode == 1
    assert f"BEATLINE_WORKERS_PORT={port}" in ended.stderr

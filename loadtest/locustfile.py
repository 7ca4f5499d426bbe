"""What Locust runs: every kind of user, the shape of the plan, and what is written down at the end.

`LOADTEST_PLAN=plan.json locust --headless -f loadtest/locustfile.py --host http://…`;
loadtest/locust_process.py writes the plan and calls this. Nothing else may import it: Locust turns the
standard library into gevent's.
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import gevent
import psutil
from locust import LoadTestShape, events
from locust.env import Environment
from locust.runners import WorkerRunner
from locust.stats import StatsEntry

from loadtest import shapes, thresholds
from loadtest.bench.load_client import percentile
from loadtest.shapes import Stage
from loadtest.users import ingesting, live_stream_reader
from loadtest.users.backend_batch import BackendBatch
from loadtest.users.browser_sdk import BrowserSdk
from loadtest.users.dashboard_viewer import DashboardViewer
from loadtest.users.event_log_analyst import EventLogAnalyst
from loadtest.users.live_stream_reader import LiveStreamReader
from loadtest.users.plan import EVENTS_A_USER, PLAN
from loadtest.users.webhook_sender import WebhookSender

USERS = (BrowserSdk, BackendBatch, WebhookSender, DashboardViewer, EventLogAnalyst, LiveStreamReader)
READERS = sum(user.fixed_count for user in (DashboardViewer, EventLogAnalyst, LiveStreamReader))
SPAWN_SECONDS = 2.0  # in which a stage's users come, so that they do not all send at once
OUT = Path(PLAN["out"])
STAGES = tuple(Stage(*stage) for stage in PLAN["shape"])
cpu: list[float] = []
timeline: dict[int, list[tuple[str, float, bool]]] = defaultdict(list)


class PlannedShape(LoadTestShape):
    """As many users as make the rate of the stage."""

    def tick(self) -> tuple[int, float] | None:
        """Users, and how many of them may come or go in a second; None at the end."""
        rate = shapes.rate_at(STAGES, self.get_run_time())
        if rate is None:
            return None
        users = shapes.users_for(rate, EVENTS_A_USER, READERS)
        return users, max(1.0, abs(users - self.get_current_user_count()) / SPAWN_SECONDS)


@events.init.add_listener
def watch_own_cpu(environment: Environment, **_: Any) -> None:
    """Note the use of one core by this process, every second."""
    me = psutil.Process()
    me.cpu_percent()

    def watch() -> None:
        while True:
            gevent.sleep(1)
            cpu.append(me.cpu_percent() / 100)

    gevent.spawn(watch)


@events.request.add_listener
def remember(
    name: str, response_time: float, exception: Exception | None, start_time: float = 0, **_: Any
) -> None:
    """Keep each answer with the second of the run in which it came."""
    timeline[len(cpu)].append((name.split(maxsplit=1)[0], response_time, exception is not None))


@events.quitting.add_listener
def write_down(environment: Environment, **_: Any) -> None:
    """Write what the users remember and, where statistics are complete, the results; set the exit code."""
    OUT.mkdir(parents=True, exist_ok=True)
    for name, ids in (
        ("acknowledged", ingesting.acknowledged),
        ("sent", ingesting.sent),
        ("shown", live_stream_reader.shown),
    ):
        (OUT / f"{name}-{ingesting.WORKER}.txt").write_text("".join(f"{each}\n" for each in ids))
    if isinstance(environment.runner, WorkerRunner):
        return
    found = results(environment)
    (OUT / "results.json").write_text(json.dumps(found))
    for sentence in found["breaches"]:
        print(sentence)
    environment.process_exit_code = 1 if found["breaches"] else 0


def results(environment: Environment) -> dict[str, Any]:
    """Everything that was measured."""
    requests = [row(entry) for entry in environment.stats.entries.values()]
    runner = environment.runner
    warned = bool(runner and (runner.cpu_warning_emitted or runner.worker_cpu_warning_emitted))
    return {
        "requests": requests,
        "errors": [
            {"name": error.name, "error": str(error.error), "count": error.occurrences}
            for error in environment.stats.errors.values()
        ],
        "timeline": [second(number) for number in sorted(timeline)],
        "acknowledged": len(ingesting.acknowledged),
        "generator": {"cpu": cpu, "warned": warned, "busy": thresholds.generator_was_busy(cpu, warned)},
        "breaches": thresholds.breaches(PLAN["thresholds"], requests),
    }


def row(entry: StatsEntry) -> dict[str, Any]:
    """One line of Locust's statistics; times in milliseconds."""
    shares = {"p50_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99}
    return {
        "name": entry.name,
        "requests": entry.num_requests,
        "failed_share": entry.fail_ratio,
        "a_second": entry.total_rps,
        "max_ms": entry.max_response_time,
        **{name: entry.get_response_time_percentile(share) for name, share in shares.items()},
    }


def second(number: int) -> dict[str, Any]:
    """A second of the run: requests of ingesting users, how many failed, their times in milliseconds."""
    ingesting_kinds = {BrowserSdk.kind, BackendBatch.kind, WebhookSender.kind}
    answers = [answer for answer in timeline[number] if answer[0] in ingesting_kinds]
    times = sorted(time for _, time, _ in answers)
    return {
        "second": number,
        "requests": len(times),
        "failed": sum(failed for _, _, failed in answers),
        "p50_ms": percentile(times, 0.5) if times else None,
        "p99_ms": percentile(times, 0.99) if times else None,
    }

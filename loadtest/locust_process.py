"""A run of Locust in a process of its own, and the audit after it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from loadtest import audit, shapes
from loadtest.bench.services import ROOT
from loadtest.shapes import Shape
from loadtest.thresholds import Limits

END_SECONDS = 60.0  # for Locust to start and to end in
SLACK = timedelta(minutes=5)


class GeneratorError(Exception):
    """Locust did not write its results."""


@dataclass(frozen=True)
class Target:
    """What is tested: addresses of collector, live server and database, the token of administration, the
    source of webhooks with its secret, and what the seeded history answers (loadtest/seeding.py)."""

    url: str
    live_url: str
    database_url: str
    token: str
    source: str
    secret: str
    expected: dict[str, Any]


def plan(
    name: str, shape: Shape, target: Target, folder: Path, limits: Mapping[str, Limits]
) -> dict[str, Any]:
    """What loadtest/users/plan.py reads. limits: as loadtest/thresholds.py reads them."""
    return {
        "run": name,
        "seed": 1,
        "shape": [list(stage) for stage in shape],
        "out": str(folder),
        "expected": target.expected,
        "live_url": target.live_url,
        "token": target.token,
        "webhook": {"source": target.source, "secret": target.secret},
        "thresholds": limits,
    }


def run(
    name: str, shape: Shape, target: Target, folder: Path, limits: Mapping[str, Limits]
) -> dict[str, Any]:
    """Run Locust with all kinds of users; its results, with `audit`, `exit_code` and, in
    `breaches`, every fault found.

    folder: a new one, for plan, log and what the users remember. Raises GeneratorError when Locust breaks
    off.
    """
    folder.mkdir(parents=True)
    path = folder / "plan.json"
    path.write_text(json.dumps(plan(name, shape, target, folder, limits)))
    since = datetime.now(UTC) - SLACK
    code = start(path, target.url, folder / "locust.log", shapes.duration(shape) + END_SECONDS)
    results = folder / "results.json"
    if not results.exists():
        raise GeneratorError(f"Locust ended with code {code}:\n{(folder / 'locust.log').read_text()[-2000:]}")
    found: dict[str, Any] = json.loads(results.read_text())
    found["exit_code"] = code
    found["audit"] = audit.audit(target.database_url, folder, name, since)
    found["breaches"] += audit.faults(found["audit"])
    return found


def start(plan_path: Path, url: str, log: Path, seconds: float) -> int:
    """Run Locust to its end; its exit code. Killed when it takes longer than so many seconds."""
    command = [
        sys.executable, "-m", "locust", "--headless", "--only-summary",
        "--locustfile", str(ROOT / "loadtest" / "locustfile.py"), "--host", url,
    ]  # fmt: skip
    environ = {name: text for name, text in os.environ.items() if not name.startswith("LOCUST_")}
    environ |= {"LOADTEST_PLAN": str(plan_path), "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environ, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired as error:
            raise GeneratorError(f"Locust did not end within {seconds:g} s; its log is {log}") from error
        finally:
            process.kill()
            process.wait()

"""What a load test has to keep to, and what it did not keep to."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

TABLE = Path(__file__).with_name("thresholds.toml")
LARGEST = ("p95_ms", "p99_ms", "max_ms", "failed_share")
LEAST = {"requests_at_least": "requests"}
GENERATOR_CPU = 0.9  # share of one core; above it the generator has no time left to send and to measure in

Limits = Mapping[str, float]


def read(path: Path = TABLE) -> dict[str, dict[str, float]]:
    """The table: the limits of each kind of user. Raises ValueError for a limit that nobody checks."""
    table: dict[str, dict[str, float]] = tomllib.loads(path.read_text())
    unknown = {name for limits in table.values() for name in limits} - {*LARGEST, *LEAST}
    if unknown:
        raise ValueError(f"{path}: nobody checks {', '.join(sorted(unknown))}")
    return table


def faults_only(table: Mapping[str, Limits]) -> dict[str, dict[str, float]]:
    """The table without times, for shapes whose times are reported and not judged."""
    kept = ("failed_share", "requests_at_least")
    return {kind: {name: limits[name] for name in kept if name in limits} for kind, limits in table.items()}


def breaches(table: Mapping[str, Limits], requests: Sequence[Mapping[str, Any]]) -> list[str]:
    """A sentence for each limit that was not kept to.

    requests: rows of Locust's statistics, each with `name`, whose first word is the kind of user, `requests`,
    `failed_share`, `p95_ms`, `p99_ms` and `max_ms`. A kind that made no request breaks its limits.
    """
    return [
        sentence
        for kind, limits in table.items()
        for sentence in of_kind(kind, limits, [row for row in requests if row["name"].split()[0] == kind])
    ]


def of_kind(kind: str, limits: Limits, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The broken limits of one kind of user; times and shares are those of each of its rows."""
    if not rows:
        return [f"{kind}: made no request"]
    count = sum(row["requests"] for row in rows)
    found = [
        f"{row['name']}: {name} is {row[name]:g}, at most {limits[name]:g} allowed"
        for row in rows
        for name in LARGEST
        if name in limits and row[name] > limits[name]
    ]
    if count < limits.get("requests_at_least", 0):
        found.append(f"{kind}: {count} requests, at least {limits['requests_at_least']:g} wanted")
    return found


def generator_was_busy(cpu: Sequence[float], warned: bool) -> bool:
    """Whether the load generator was the bottleneck: Locust said so, or a tenth of its seconds, or more, had
    it use GENERATOR_CPU of its core."""
    busy = sum(share >= GENERATOR_CPU for share in cpu)
    return warned or (len(cpu) > 0 and busy >= 0.1 * len(cpu))

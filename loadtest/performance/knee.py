"""Where a service stops keeping up: the knee of a ramp; and what gives in first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

KEEPS_UP = 0.98  # share of what is due in a stage that has to be answered with success
SLOW_MS = 100.0  # p99 of the service level "latency" (docs/service-levels.md)
FULL = 0.9


def keeps_up(stage: Mapping[str, Any], slow_ms: float = SLOW_MS) -> bool:
    """Whether a stage was answered, nearly all of it and in time."""
    p99 = stage["p99_ms"]
    return bool(
        stage["due"] and stage["done"] >= KEEPS_UP * stage["due"] and p99 is not None and p99 <= slow_ms
    )


def knee(stages: Sequence[Mapping[str, Any]], slow_ms: float = SLOW_MS) -> Mapping[str, Any] | None:
    """The last stage of a ramp before the first that does not keep up; None when not even the first does.

    A later stage that happens to keep up again does not count. stages: by rising rate.
    """
    found = None
    for stage in stages:
        if not keeps_up(stage, slow_ms):
            break
        found = stage
    return found


def was_reached(stages: Sequence[Mapping[str, Any]], slow_ms: float = SLOW_MS) -> bool:
    """Whether the ramp went beyond the knee, so that the knee is one."""
    return any(not keeps_up(stage, slow_ms) for stage in stages)


def bottleneck(
    parts: Mapping[str, Mapping[str, Any]], machine_busy: float, processors: int, processes: int
) -> str:
    """What gives in first, in words, from what was used at the knee.

    parts: `cores` of each part. machine_busy: share of all processors. processes: of the collector.
    """
    cores = {name: part["cores"] for name, part in parts.items()}
    first = max(cores, key=lambda name: cores[name])
    if machine_busy >= FULL:
        return (
            f"the machine's {processors} processors, {machine_busy:.0%} busy; "
            f"most of their time goes to: {first} ({cores[first]:.2f} cores)"
        )
    if cores.get("collector", 0.0) >= FULL * processes:
        return f"the collector's {processes} processes, each of which has one interpreter lock"
    return f"waiting: the processors are {machine_busy:.0%} busy, and the waits of the database say for what"

"""What is wanted, and whether it was reached: ratios within one run, computed from the results.

Each goal is a function of the results of one or two measurements; one whose measurement is missing is not
shown as reached.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any, NamedTuple

Results = Mapping[str, Mapping[str, Any]]
MIB = 2**20
FLAT = 1.05  # by how much memory may have grown that is called flat
COLLECTOR_MEMORY = 640 * MIB  # mem_limit of the service in docker-compose.yml


@dataclass(frozen=True)
class Verdict:
    """One goal with what was measured; reached is None where nothing was."""

    what: str
    wanted: str
    measured: str
    reached: bool | None
    run: str


def verdicts(results: Results) -> list[Verdict]:
    """All goals, in the order of the table."""
    return [
        *(ratio_goal(results, goal) for goal in RATIOS),
        *(overload_goal(results, *row) for row in OVERLOAD),
        soak_goal(results),
        cpu_goal(results),
    ]


class RatioGoal(NamedTuple):
    """A goal that is a ratio, computed from one run, with a bound: at least ("≥") or at most a limit."""

    what: str
    run: str
    ratio: Callable[[Mapping[str, Any]], float]
    bound: str
    limit: float


def ratio_goal(results: Results, goal: RatioGoal) -> Verdict:
    """The verdict on a ratio."""
    wanted = f"{goal.bound} {goal.limit:g}"
    if goal.run not in results:
        return Verdict(goal.what, wanted, "not measured", None, goal.run)
    value = goal.ratio(results[goal.run])
    reached = value >= goal.limit if goal.bound == "≥" else value <= goal.limit
    return Verdict(goal.what, wanted, f"{value:.3g}", reached, goal.run)


def rate_of(peers: Mapping[str, Any], name: str) -> float:
    """Requests a second of a peer, the median of its rounds."""
    return float(median(each["rate"] for each in peers["ways"][name]))


def durable_over(name: str) -> Callable[[Mapping[str, Any]], float]:
    """The rate of durable single events over that of a peer: the median of the rounds' ratios."""

    def ratio(peers: Mapping[str, Any]) -> float:
        rounds = zip(peers["ways"]["durable"], peers["ways"][name], strict=True)
        return float(median(ours["rate"] / theirs["rate"] for ours, theirs in rounds))

    return ratio


def batch_over_copy(batches: Mapping[str, Any]) -> float:
    """The rate of batches over that of COPY in transactions of the same size."""
    return float(median(batches["ways"]["HTTP"]) / median(batches["ways"]["COPY, 500 rows"]))


def half_knee(knees: Mapping[str, Any]) -> float:
    """p99 at half of the knee over that of the no-op route at the same rate: the median of the rounds."""
    rounds = zip(knees["half"]["durable"], knees["half"]["no-op"], strict=True)
    return float(median(ours["p99_ms"] / theirs["p99_ms"] for ours, theirs in rounds))


def slowest_growth(rolling: Mapping[str, Any]) -> float:
    """The worst of the rolling metrics' ratios."""
    return float(max(rolling["ratios"].values()))


RATIOS = [
    RatioGoal(
        "single durable events over HTTP ÷ no-op Flask on the same server",
        "peers", durable_over("no-op"), "≥", 0.6,
    ),
    RatioGoal(
        "batches of 500 ÷ raw psycopg COPY of the same rows into the same table",
        "batches", batch_over_copy, "≥", 0.75,
    ),
    RatioGoal(
        "single durable events ÷ the usual service: a connection and an INSERT a request",
        "peers", durable_over("plain baseline"), "≥", 4,
    ),
    RatioGoal(
        "single durable events ÷ the same service written with care: pooled connections",
        "peers", durable_over("baseline"), "≥", 4,
    ),
    RatioGoal(
        "p99 at half of the knee ÷ p99 of the no-op route at the same rate",
        "knees", half_knee, "≤", 3,
    ),
    RatioGoal("rolling metrics: time at many events ÷ at few", "rolling", slowest_growth, "≤", 1.2),
]  # fmt: skip


def memory_judged(overload: Mapping[str, Any]) -> tuple[str, bool]:
    """The most memory of the collector in each half of an overload; whether it was within what its service
    has, and did not grow any more."""
    memory = overload["usage"]["parts"]["collector"]["memory"]
    middle = len(memory) // 2
    first, second = max(memory[:middle]), max(memory[middle:])
    measured = f"{first / MIB:.0f} MiB, then {second / MIB:.0f} MiB"
    return measured, max(first, second) <= COLLECTOR_MEMORY and second <= FLAT * first


def told(overload: Mapping[str, Any]) -> float:
    """Of the requests without success, the share that was told 429 or 503 with Retry-After; 1 when all
    succeeded."""
    stage = overload["stage"]
    others = stage["refused"] + stage["refused_rudely"] + stage["timed_out"] + stage["broken"]
    return stage["refused"] / others if others else 1.0


def goodput(overload: Mapping[str, Any]) -> float:
    """Successful requests a second during the overload over those at the knee."""
    return float(overload["stage"]["done_a_second"] / overload["knee_rate"])


OVERLOAD: list[tuple[str, str, Callable[[Mapping[str, Any]], tuple[str, bool]]]] = [
    (
        "overload, ten times the knee: memory of the collector at most, in each half",
        f"bounded: {COLLECTOR_MEMORY // MIB} MiB, no growth",
        memory_judged,
    ),
    (
        "overload, ten times the knee: refused with Retry-After, of all without success",
        "100 %",
        lambda found: (f"{100 * told(found):.1f} %", told(found) == 1.0),
    ),
    (
        "overload, ten times the knee: goodput ÷ knee",
        "≥ 0.8",
        lambda found: (f"{goodput(found):.2f}", goodput(found) >= 0.8),
    ),
]


def overload_goal(
    results: Results, what: str, wanted: str, judge: Callable[[Mapping[str, Any]], tuple[str, bool]]
) -> Verdict:
    """A goal of the overload."""
    if "overload" not in results:
        return Verdict(what, wanted, "not measured", None, "overload")
    measured, reached = judge(results["overload"])
    return Verdict(what, wanted, measured, reached, "overload")


def flatness(memory: list[int]) -> float:
    """The median of a series' last quarter over that of its second: the first is warming up."""
    quarter = max(1, len(memory) // 4)
    return median(memory[-quarter:]) / median(memory[quarter : 2 * quarter] or memory[:quarter])


def soak_goal(results: Results) -> Verdict:
    """The memory of the largest process of the collector over a soak."""
    what = "memory of one collector process over a soak: last quarter ÷ second"
    wanted = f"flat: ≤ {FLAT:g}"
    if "soak" not in results:
        return Verdict(what, wanted, "not measured", None, "soak")
    value = flatness(results["soak"]["usage"]["parts"]["collector"]["largest"])
    return Verdict(what, wanted, f"{value:.3f}", value <= FLAT, "soak")


def cpu_goal(results: Results) -> Verdict:
    """Processor time of an event at the knee."""
    what = "CPU per event at the knee"
    if "knees" not in results:
        return Verdict(what, "reported, by part", "not measured", None, "knees")
    total = sum(cpu_per_event(results["knees"]["at_knee"]).values())
    return Verdict(what, "reported, by part", f"{total:.0f} µs", True, "knees")


def cpu_per_event(at_knee: Mapping[str, Any]) -> dict[str, float]:
    """Microseconds of processor time that each part spends on an event."""
    events = at_knee["stage"]["done"] * at_knee["events_a_request"]
    parts = at_knee["usage"]["parts"]
    return {name: 1e6 * part["cpu_seconds"] / events for name, part in parts.items()} if events else {}

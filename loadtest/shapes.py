"""Load shapes as tables: stages of so many seconds at so many events a second, one after the other.

Nothing here knows Locust: the shapes are tested and drawn without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from math import ceil
from typing import NamedTuple


class Stage(NamedTuple):
    """A part of a shape. rate is in events a second, of all ingesting users together."""

    seconds: float
    rate: float


Shape = tuple[Stage, ...]

SHAPES: dict[str, Shape] = {
    "short": (Stage(10, 50), Stage(40, 100), Stage(10, 200)),
    "steady": (Stage(120, 100),),
    "ramp": tuple(Stage(30, 250 * step) for step in range(1, 41)),
    "spike": (Stage(30, 100), Stage(30, 1_000), Stage(60, 100)),
    "soak": (Stage(600, 100),),
}


def duration(shape: Shape) -> float:
    """How many seconds a shape lasts."""
    return sum(stage.seconds for stage in shape)


def rate_at(shape: Shape, seconds: float) -> float | None:
    """The rate so many seconds after the start; None once the shape is over."""
    for stage, end in zip(shape, accumulate(stage.seconds for stage in shape), strict=True):
        if seconds < end:
            return stage.rate
    return None


def shortened(shape: Shape, share: float, least: float = 2.0) -> Shape:
    """The same shape in a share of its time; no stage is shorter than `least` seconds, unless it was."""
    return tuple(
        stage._replace(seconds=max(stage.seconds * share, min(least, stage.seconds))) for stage in shape
    )


def users_for(rate: float, events_a_user: float, others: int) -> int:
    """How many users make a rate, when each makes `events_a_user` events a second and `others` make none."""
    return others + ceil(rate / events_a_user)


def steps(base: float, shares: Sequence[float], seconds: float) -> Shape:
    """A ramp: a stage at each share of a rate."""
    return tuple(Stage(seconds, base * share) for share in shares)

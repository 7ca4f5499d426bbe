"""The committed dashboards: their panels, targets and variables, and what Grafana makes of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.grafana.macros import TimeRange, parse_interval

PROVISIONING = Path(__file__).resolve().parents[2] / "grafana" / "provisioning"
DEFINITIONS = PROVISIONING / "dashboards" / "definitions"
DATABASE = "grafana-postgresql-datasource"
Json = dict[str, Any]

POINTS = 1000  # of a panel half the board's width
SINCE = re.compile(r"^now-(\d+[smhdw])$")
# Grafana rounds the length of a range over its points: up to so many seconds, to the other (rangeutil.ts).
ROUNDED = [
    (1.5, 1), (3.5, 2), (7.5, 5), (12.5, 10), (17.5, 15), (25, 20), (45, 30), (90, 60), (210, 120),
    (450, 300), (750, 600), (1050, 900), (1500, 1200), (2700, 1800), (5400, 3600), (9000, 7200),
    (16200, 10800), (32400, 21600), (86400, 43200), (604800, 86400), (2419200, 604800), (3628800, 2592000),
]  # fmt: skip


@dataclass(frozen=True)
class Target:
    """A statement of a panel. Where it comes from makes its id in the tests: live-3-A."""

    board: str
    panel: Json
    target: Json

    def __str__(self) -> str:
        """Its id."""
        return f"{self.board}-{self.panel['id']}-{self.target['refId']}"

    @property
    def sql(self) -> str:
        """The statement with macros and variables."""
        return str(self.target["rawSql"])

    @property
    def form(self) -> str:
        """time_series or table."""
        return str(self.target["format"])


@cache
def boards() -> dict[str, Json]:
    """Every committed dashboard by name."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(DEFINITIONS.rglob("*.json"))}


def panels(board: Json) -> Iterator[Json]:
    """The panels of a board, also those in rows, without the rows."""
    for panel in board["panels"]:
        yield from panel.get("panels") or []
        if panel["type"] != "row":
            yield panel


def targets() -> list[Target]:
    """Every statement of every panel."""
    return [
        Target(name, panel, target)
        for name, board in boards().items()
        for panel in panels(board)
        for target in panel.get("targets") or []
        if source_of(panel, target).get("type") == DATABASE
    ]


def source_of(panel: Json, target: Json) -> Json:
    """The data source that a target asks: its own, else the panel's."""
    return target.get("datasource") or panel.get("datasource") or {}


def variables(board: Json) -> list[Json]:
    """The variables that a board declares."""
    return list((board.get("templating") or {}).get("list") or [])


@cache
def datasource(name: str) -> Json:
    """The data source of a provisioning file."""
    text = (PROVISIONING / "datasources" / f"{name}.yml").read_text()
    return dict(yaml.safe_load(text)["datasources"][0])


def default_range(board: Json, now: datetime) -> TimeRange:
    """What the time picker says at first. Raises ValueError: it is not relative to now."""
    since = SINCE.match(board["time"]["from"])
    if since is None or board["time"]["to"] != "now":
        raise ValueError(f"time range {board['time']}")
    return TimeRange(now - parse_interval(since[1]), now)


def interval_of(panel: Mapping[str, Any], time_range: TimeRange) -> timedelta:
    """$__interval: the range over the panel's points, rounded, and no shorter than panel or source say."""
    shortest = parse_interval(panel.get("interval") or datasource("timescaledb")["jsonData"]["timeInterval"])
    points = panel.get("maxDataPoints") or POINTS
    return max(shortest, rounded((time_range.end - time_range.start) / points))


def rounded(interval: timedelta) -> timedelta:
    """The interval that Grafana chooses for one of any length."""
    for below, seconds in ROUNDED:
        if interval.total_seconds() < below:
            return timedelta(seconds=seconds)
    return timedelta(days=365)

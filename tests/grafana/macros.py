"""Grafana's macros for PostgreSQL, expanded as its backend does.

Source of the rules: grafana/grafana, pkg/tsdb/grafana-postgresql-datasource, macros.go (the macros) and
sqleng/sql_engine.go (Interpolate: $__interval and the epochs; SetupFillmode).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

MACRO = re.compile(r"\$([_a-zA-Z0-9]+)\(([^)]*)\)")  # an argument cannot hold a closing parenthesis
DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")
DATE_UNIT = re.compile(r"^(\d+)([dwMy])$")
SECONDS = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "ms": 1e-3,
    "s": 1,
    "m": 60,
    "h": 3600,
    "d": 86400,
    "w": 604800,
}
UNITS = [(365 * 86400, "y"), (86400, "d"), (3600, "h"), (60, "m"), (1, "s"), (0.001, "ms")]


class MacroError(Exception):
    """A statement that Grafana refuses before it reaches the database."""


@dataclass(frozen=True)
class TimeRange:
    """What the time picker says, both ends inclusive."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class Fill:
    """How points without a row are filled: mode is null, previous or value."""

    interval: timedelta
    mode: str
    value: float | None = None


@dataclass(frozen=True)
class Expanded:
    """A statement that PostgreSQL understands, and the fill that it asked Grafana for."""

    sql: str
    fill: Fill | None


def expand(
    sql: str, time_range: TimeRange, interval: timedelta = timedelta(minutes=1), *, timescaledb: bool = True
) -> Expanded:
    """Expand every macro. timescaledb is the data source's setting of that name.

    Raises MacroError: an unknown macro, a missing argument, an interval or a fill that cannot be read.
    """
    sql = expand_globals(sql, time_range, interval)
    expansion = Expansion(sql, time_range, timescaledb)
    return Expanded(MACRO.sub(expansion.replace, sql), expansion.fill)


def expand_globals(sql: str, time_range: TimeRange, interval: timedelta) -> str:
    """What Grafana replaces for every SQL data source, before the macros."""
    sql = sql.replace("$__interval_ms", str(int(interval / timedelta(milliseconds=1))))
    sql = sql.replace("$__interval", format_interval(interval))
    sql = sql.replace("$__unixEpochFrom()", str(epoch(time_range.start)))
    return sql.replace("$__unixEpochTo()", str(epoch(time_range.end)))


class Expansion:
    """The macros of one statement; remembers the fill."""

    def __init__(self, sql: str, time_range: TimeRange, timescaledb: bool) -> None:
        self.sql, self.timescaledb = sql, timescaledb
        self.start, self.end = time_range.start.astimezone(UTC), time_range.end.astimezone(UTC)
        self.fill: Fill | None = None

    def replace(self, match: re.Match[str]) -> str:
        """The text that takes a macro's place."""
        name, arguments = match[1], [argument.strip(" ") for argument in match[2].split(",")]
        if name == "__timeGroup" and self.follows(match[0]) == ",":
            name = "__timeGroupAlias"  # as before Grafana 5.3, when it always named the column
        return self.evaluate(name, arguments)

    def follows(self, call: str) -> str:
        """The character after the first place where the statement has this call, as Grafana looks for it."""
        after = self.sql.index(call) + len(call)
        return self.sql[after : after + 1]

    def evaluate(self, name: str, arguments: list[str]) -> str:
        """One macro by name."""
        if name not in MACROS:
            raise MacroError(f'unknown macro "{name}"')
        return MACROS[name](self, arguments)

    def between(self, column: str, start: object, end: object) -> str:
        """A range of integers, both inclusive."""
        return f"{column} >= {start} AND {column} <= {end}"

    def epoch_group(self, arguments: list[str]) -> str:
        """$__unixEpochGroup(column, interval[, fill])."""
        seconds = go_float(self.group_interval("__unixEpochGroup", arguments).total_seconds())
        return f"floor(({arguments[0]})/{seconds})*{seconds}"

    def time_group(self, arguments: list[str]) -> str:
        """$__timeGroup(column, interval[, fill])."""
        seconds = self.group_interval("__timeGroup", arguments).total_seconds()
        if self.timescaledb:
            return f"time_bucket('{seconds:.3f}s',{arguments[0]})"
        return f"floor(extract(epoch from {arguments[0]})/{go_float(seconds)})*{go_float(seconds)}"

    def group_interval(self, name: str, arguments: list[str]) -> timedelta:
        """The interval of a group; notes its fill."""
        if len(arguments) < 2:
            raise MacroError(f"macro {name} needs time column and interval and optional fill value")
        try:
            interval = parse_interval(arguments[1].strip("'"))
        except ValueError as error:
            raise MacroError(f"error parsing interval {arguments[1]}") from error
        if len(arguments) == 3:
            self.fill = read_fill(interval, arguments[2])
        return interval


MACROS: dict[str, Callable[[Expansion, list[str]], str]] = {
    "__time": lambda _, given: f'{given[0]} AS "time"',
    "__timeEpoch": lambda _, given: f'extract(epoch from {given[0]}) as "time"',
    "__timeFilter": lambda at, given: f"{given[0]} BETWEEN '{rfc3339(at.start)}' AND '{rfc3339(at.end)}'",
    "__timeFrom": lambda at, _: f"'{rfc3339(at.start)}'",
    "__timeTo": lambda at, _: f"'{rfc3339(at.end)}'",
    "__timeGroup": Expansion.time_group,
    "__timeGroupAlias": lambda at, given: at.time_group(given) + ' AS "time"',
    "__unixEpochFilter": lambda at, given: at.between(given[0], epoch(at.start), epoch(at.end)),
    "__unixEpochNanoFilter": lambda at, given: at.between(
        given[0], nanoseconds(at.start), nanoseconds(at.end)
    ),
    "__unixEpochNanoFrom": lambda at, _: str(nanoseconds(at.start)),
    "__unixEpochNanoTo": lambda at, _: str(nanoseconds(at.end)),
    "__unixEpochGroup": Expansion.epoch_group,
    "__unixEpochGroupAlias": lambda at, given: at.epoch_group(given) + ' AS "time"',
}


def read_fill(interval: timedelta, fill: str) -> Fill:
    """NULL, previous or a number."""
    if fill in ("NULL", "previous"):
        return Fill(interval, fill.lower())
    try:
        return Fill(interval, "value", float(fill))
    except ValueError as error:
        raise MacroError(f"error parsing fill value {fill}") from error


def parse_interval(text: str) -> timedelta:
    """5m, 1h30m, 20ms, 2d, 1w. Months and years have no fixed length and are refused here."""
    date_unit = DATE_UNIT.match(text)
    if date_unit:
        return timedelta(
            seconds=int(date_unit[1]) * SECONDS[date_unit[2]] if date_unit[2] in "dw" else refuse(text)
        )
    if not text or DURATION.sub("", text):
        raise ValueError(text)
    return timedelta(seconds=sum(float(number) * SECONDS[unit] for number, unit in DURATION.findall(text)))


def refuse(text: str) -> float:
    """No length."""
    raise ValueError(f"{text} has no fixed length")


def format_interval(interval: timedelta) -> str:
    """The largest unit that fits, whole ones only, as $__interval shows it."""
    for seconds, unit in UNITS:
        if interval.total_seconds() >= seconds:
            return f"{int(interval / timedelta(seconds=seconds))}{unit}"
    return "1ms"


def rfc3339(at: datetime) -> str:
    """Go's RFC3339Nano in UTC: a fraction without trailing zeros."""
    fraction = f".{at.microsecond:06}".rstrip("0") if at.microsecond else ""
    return f"{at:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def epoch(at: datetime) -> int:
    """Whole seconds since 1970, rounded down."""
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)


def nanoseconds(at: datetime) -> int:
    """Since 1970."""
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000


def go_float(number: float) -> str:
    """As Go's %v shows it: 300, 0.5, and 1.0368e+06 from a million on."""
    if abs(number) >= 1e6:
        digits = Decimal(repr(number)).normalize()
        mantissa = str(digits.scaleb(-digits.adjusted()).normalize())
        return f"{mantissa}e+{digits.adjusted():02}"
    return f"{number:g}"

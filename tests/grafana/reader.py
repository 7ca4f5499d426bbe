"""Grafana's side of the database: its role, its statements, its frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql as composed
from psycopg.conninfo import make_conninfo

from beatline.events import Event
from beatline.storage.engine import POSTGRES, TIMESCALEDB
from tests.grafana import frames, macros
from tests.grafana.boards import DATABASE, Json, Target, boards, datasource, interval_of
from tests.grafana.frames import TABLE, Frame
from tests.grafana.macros import Expanded, TimeRange
from tests.grafana.variables import Choices, Value, Variable, interpolate, resolve

ROLE = "beatline_grafana"
PASSWORD = "only-in-tests"
Bounds = tuple[datetime, datetime]
PARTITIONS = {
    POSTGRES: "select name, lower, upper from event_partitions where lower > '-infinity'",
    TIMESCALEDB: """
        select chunk_name, range_start, range_end from timescaledb_information.chunks
        where hypertable_name = 'events'""",
}
QUICK = timedelta(minutes=1)


@dataclass
class Reader:
    """A seeded database as Grafana sees it: read as its role.

    database_url is its owner's. partitions: the partitions or chunks of events by name, with their bounds.
    """

    engine: str
    database_url: str
    connection: psycopg.Connection
    events: list[Event]
    partitions: dict[str, Bounds]
    resolved: dict[Any, dict[str, Variable]] = field(default_factory=dict)

    def frame(self, sql: str, time_range: TimeRange, form: str = TABLE, interval: timedelta = QUICK) -> Frame:
        """The frame of a statement without variables. Raises MacroError, FrameError, psycopg.Error."""
        expanded = expand(sql, time_range, interval)
        with self.as_grafana():
            frame = frames.read(self.connection.execute(expanded.sql.encode()))
        return frames.framed(frame, form, time_range, expanded.fill)

    def answer(self, target: Target, time_range: TimeRange, choices: Choices | None = None) -> Frame:
        """The frame of a panel's target."""
        sql = self.statement(target, time_range, choices)
        return self.frame(sql, time_range, target.form, interval_of(target.panel, time_range))

    def statement(self, target: Target, time_range: TimeRange, choices: Choices | None = None) -> str:
        """A target's statement with its variables; the macros are still in it."""
        return interpolate(target.sql, self.variables(target.board, time_range, choices), time_range)

    def variables(
        self, board: str, time_range: TimeRange, choices: Choices | None = None
    ) -> dict[str, Variable]:
        """A board's variables, from their own queries. choices: what somebody picked."""
        key = (board, time_range, repr(choices))
        if key not in self.resolved:
            self.resolved[key] = resolve(boards()[board], self.running(time_range), choices)
        return self.resolved[key]

    def running(self, time_range: TimeRange) -> Callable[[Json, Mapping[str, Variable]], Frame]:
        """What runs the query of a variable; one that asks Prometheus has no values here."""

        def run(model: Json, variables: Mapping[str, Variable]) -> Frame:
            if model["datasource"]["type"] != DATABASE:
                return Frame([])
            return self.frame(interpolate(model["query"], variables, time_range), time_range)

        return run

    def plan(self, target: Target, time_range: TimeRange, choices: Choices | None = None) -> Json:
        """What PostgreSQL would do, without doing it."""
        sql = self.statement(target, time_range, choices)
        expanded = expand(sql, time_range, interval_of(target.panel, time_range))
        with self.as_grafana():
            row = self.connection.execute(f"explain (format json) {expanded.sql}".encode()).fetchone()
        assert row is not None
        return dict(row[0][0]["Plan"])

    @contextmanager
    def as_grafana(self) -> Iterator[None]:
        """TimescaleDB for tests has one session, and everybody in it is superuser: it takes the role for each
        statement. On PostgreSQL the connection has logged in as the role."""
        if self.engine == POSTGRES:
            yield
            return
        self.connection.execute(f"set role {ROLE}")
        try:
            yield
        finally:
            self.connection.execute("reset role")


def expand(sql: str, time_range: TimeRange, interval: timedelta) -> Expanded:
    """The macros, as the provisioned data source is set."""
    timescaledb = bool(datasource("timescaledb")["jsonData"]["timescaledb"])
    return macros.expand(sql, time_range, interval, timescaledb=timescaledb)


@contextmanager
def reading(engine: str, owner_url: str, events: list[Event]) -> Iterator[Reader]:
    """Grafana in a seeded database."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        rows = connection.execute(PARTITIONS[engine].encode())
        partitions = {str(name): (start, end) for name, start, end in rows}
    url = login(owner_url) if engine == POSTGRES else owner_url
    with psycopg.connect(url, autocommit=True) as connection:
        yield Reader(engine, owner_url, connection, events, partitions)


def login(owner_url: str) -> str:
    """Let the role log in, and give its URL."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        statement = composed.SQL("alter role {} login password {}")
        connection.execute(statement.format(composed.Identifier(ROLE), composed.Literal(PASSWORD)))
    return make_conninfo(owner_url, user=ROLE, password=PASSWORD)


TYPED: dict[str, str] = {"user": "usr_003", "page": "/pricing", "session": "usr_003_2026030412"}
QUOTES = """O'Brien "\\'; -- %_"""


def choices(reader: Reader, board: str, time_range: TimeRange, setting: str) -> dict[str, Value]:
    """What somebody picks in a board's variables: all, one, two, typed (text boxes), quoted (quotes in them).

    Other variables stay as they are. As provisioned: nothing is picked.
    """
    picked: dict[str, Value] = {}
    for model in boards()[board].get("templating", {}).get("list", []):
        name = model["name"]
        known = [value for value, _ in reader.variables(board, time_range)[name].options]
        if model["type"] == "textbox":
            texts = {"typed": TYPED.get(name, "a"), "quoted": QUOTES}
            picked[name] = texts.get(setting, "")
        elif setting == "all" and model.get("includeAll"):
            picked[name] = ["$__all"] if model.get("multi") else "$__all"
        elif setting in ("one", "two") and known:
            count = 2 if setting == "two" else 1
            picked[name] = known[:count] if model.get("multi") else known[-1] if count == 2 else known[0]
    return {} if setting == "as provisioned" else picked

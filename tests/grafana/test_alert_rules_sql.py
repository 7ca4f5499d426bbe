"""Every alert rule that asks the database, driven to firing and to normal by events, on both engines.

A project is a case, so one database serves all of them: the rules answer a row a project.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from beatline.storage.engine import POSTGRES, TIMESCALEDB, read_engine
from beatline.storage.queries import query
from tests.fixtures.databases import TEMPLATE, a_database
from tests.fixtures.rows import AGGREGATES
from tests.grafana import alerting
from tests.grafana.alerting import FIRING, NORMAL, Rule
from tests.grafana.macros import TimeRange
from tests.grafana.reader import Reader, reading
from tests.grafana.seed import materialize

AT = datetime(2026, 3, 4, 12, 34, 30, tzinfo=UTC)  # when Grafana evaluates; nothing here reads a clock
SECOND, MINUTE, HOUR, DAY = (timedelta(seconds=seconds) for seconds in (1, 60, 3600, 86400))
RULES = {str(rule): rule for rule in alerting.rules() if rule.asks("beatline-timescaledb")}
INSERT = """
    insert into events (project_id, event_id, ts, received_at, event_type, user_id)
    select project_id, gen_random_uuid(), ts, ts, 'view', 'user ' || number
    from projects
    cross join generate_series(1, %(events)s) as number
    cross join lateral (
        select %(start)s::timestamptz + (number - 1) * %(length)s::interval / %(events)s as ts
    ) as spread
    where name = %(project)s"""
MISCOUNT = """
    update events_by_minute set events = events + %(by)s
    where bucket = time_bucket('1 minute', %(minute)s::timestamptz)"""

Traffic = tuple[
    int, timedelta, timedelta
]  # so many events, each of another user, evenly from one age to a younger
CASES: dict[str, dict[str, tuple[list[Traffic], str | None]]] = {
    "ingestion-stopped": {
        "silent for 15 minutes": ([(60, 75 * MINUTE, 15 * MINUTE)], FIRING),
        "silent since last evening": ([(60, 16 * HOUR, 15 * HOUR)], FIRING),
        "silent for 5 minutes": ([(60, 65 * MINUTE, 5 * MINUTE)], NORMAL),
        "never more than a few events": ([(59, 75 * MINUTE, 15 * MINUTE)], NORMAL),
        "silent for two days": ([(200, 49 * HOUR, 48 * HOUR)], NORMAL),
        "speaks": ([(600, 10 * HOUR, timedelta())], NORMAL),
        "never spoke": ([], NORMAL),
        "paused": ([(60, 75 * MINUTE, 15 * MINUTE)], None),
    },
    # The last full hour is 11 to 12 o'clock.
    "active-users-drop": {
        "lost more than half": (
            [(100, 7 * DAY + 94 * MINUTE, 7 * DAY + 36 * MINUTE), (49, 90 * MINUTE, HOUR)],
            FIRING,
        ),
        "lost everybody": ([(50, 7 * DAY + 94 * MINUTE, 7 * DAY + 36 * MINUTE)], FIRING),
        "lost just half": (
            [(100, 7 * DAY + 94 * MINUTE, 7 * DAY + 36 * MINUTE), (50, 90 * MINUTE, HOUR)],
            NORMAL,
        ),
        "had few": ([(49, 7 * DAY + 94 * MINUTE, 7 * DAY + 36 * MINUTE)], NORMAL),
        "won some": ([(50, 7 * DAY + 94 * MINUTE, 7 * DAY + 36 * MINUTE), (80, 90 * MINUTE, HOUR)], NORMAL),
        "is new": ([(80, 90 * MINUTE, HOUR)], NORMAL),
    },
    "traffic-spike": {
        "three times the busiest day": (
            [(1240, 10 * MINUTE, MINUTE), (400, 3 * DAY + 10 * MINUTE, 3 * DAY + MINUTE)],
            FIRING,
        ),
        "as on this weekday": (
            [
                (1240, 10 * MINUTE, MINUTE),
                (10, DAY + 10 * MINUTE, DAY + MINUTE),
                (500, 7 * DAY + 10 * MINUTE, 7 * DAY + MINUTE),
            ],
            NORMAL,
        ),
        "much of a little": ([(900, 10 * MINUTE, MINUTE), (10, DAY + 10 * MINUTE, DAY + MINUTE)], NORMAL),
        "busy at another time": ([(1240, 10 * MINUTE, MINUTE), (600, DAY + HOUR, DAY + 30 * MINUTE)], NORMAL),
    },
}
FLAT = [(uid, project) for uid, cases in CASES.items() for project in cases]


@pytest.fixture(scope="module", params=[POSTGRES, TIMESCALEDB])
def reader(request: pytest.FixtureRequest) -> Iterator[Reader]:
    """Grafana's role in a database with all cases, of each engine."""
    for url in a_migrated_database(str(request.param), request):
        with psycopg.connect(url, autocommit=True) as connection:
            seed(connection)
        with reading(str(request.param), url, []) as reader:
            yield reader


def a_migrated_database(engine: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """A fresh database, for this module alone."""
    if engine == POSTGRES:
        yield from a_database(request.getfixturevalue("template_database").url, TEMPLATE)
    else:
        yield from request.getfixturevalue("timescale_server").migrated()


def seed(connection: psycopg.Connection) -> None:
    """A project for each case, with its events."""
    for uid, project in FLAT:
        paused = project == "paused"
        connection.execute("insert into projects (name, paused) values (%s, %s)", [project, paused])
        for traffic in CASES[uid][project][0]:
            insert(connection, project, traffic)
    connection.execute("analyze")


def insert(connection: psycopg.Connection, project: str, traffic: Traffic) -> None:
    """Events of a project."""
    events, oldest, youngest = traffic
    start = AT - oldest
    if read_engine(connection) == POSTGRES:
        for days in range(oldest // DAY + 2):
            connection.execute(query("make_event_partition"), {"ts": start + days * DAY})
    row = {"events": events, "start": start, "length": oldest - youngest, "project": project}
    connection.execute(INSERT, row)


def evaluate(rule: Rule, reader: Reader, at: datetime = AT) -> dict[Any, str]:
    """The states of a rule's instances, by their labels."""
    answers = {}
    for ref_id, asked in rule.queries.items():
        model = asked["model"]
        if "rawSql" in model:
            time_range = TimeRange(at - timedelta(seconds=asked["relativeTimeRange"]["from"]), at)
            answers[ref_id] = alerting.numbers(reader.frame(model["rawSql"], time_range, model["format"]))
    return alerting.states(rule, answers)


@pytest.mark.parametrize(("uid", "project"), FLAT, ids=map("-".join, FLAT))
def test_a_project_is_in_the_state_that_its_events_say(uid: str, project: str, reader: Reader) -> None:
    found = evaluate(RULES[uid], reader)
    assert found.get(frozenset({("project", project)})) == CASES[uid][project][1]


@pytest.mark.parametrize("uid", CASES)
def test_a_rule_without_events_is_normal(uid: str, reader: Reader) -> None:
    """As on a fresh installation: years before the first event, every project is as quiet as ever."""
    found = evaluate(RULES[uid], reader, AT - 1000 * DAY)
    assert set(found.values()) == {NORMAL}
    assert len(found) == len(FLAT)  # less the paused one, and the first project of all


def test_every_rule_of_the_database_has_a_case_that_fires_and_one_that_does_not() -> None:
    wanted = {uid: {state for _, state in cases.values()} for uid, cases in CASES.items()}
    assert set(RULES) - {"aggregates-stale"} == set(wanted)  # it has tests of its own
    assert all({FIRING, NORMAL} <= states for states in wanted.values())


def test_aggregates_that_are_behind_fire_until_they_are_refreshed(reader: Reader) -> None:
    """TimescaleDB's jobs stand still in tests: nothing is materialised until somebody does it."""
    if reader.engine == POSTGRES:
        assert set(evaluate(RULES["aggregates-stale"], reader).values()) == {NORMAL}
        return
    behind = evaluate(RULES["aggregates-stale"], reader)
    materialize(reader.connection)

    assert behind[frozenset({("aggregate", "events_by_minute")})] == FIRING
    after = evaluate(RULES["aggregates-stale"], reader)
    assert set(after) == {frozenset({("aggregate", aggregate.name)}) for aggregate in AGGREGATES}
    assert set(after.values()) == {NORMAL}


def test_an_aggregate_that_is_off_fires_until_it_is_right(reader: Reader) -> None:
    """By an event that came late and was not refreshed, or on PostgreSQL by somebody's hand."""
    at = AT - 10 * MINUTE
    with as_owner(reader) as owner:
        if reader.engine == TIMESCALEDB:
            materialize(owner)
            insert(owner, "speaks", (1, 10 * MINUTE, 10 * MINUTE))
            wrong = evaluate(RULES["aggregates-stale"], reader)
            materialize(owner)
        else:
            owner.execute(MISCOUNT, {"by": 1, "minute": at})
            wrong = evaluate(RULES["aggregates-stale"], reader)
            owner.execute(MISCOUNT, {"by": -1, "minute": at})

    firing = {labels for labels, state in wrong.items() if state == FIRING}
    assert firing == {frozenset({("aggregate", "events_by_minute")})}
    assert set(evaluate(RULES["aggregates-stale"], reader).values()) == {NORMAL}


@contextmanager
def as_owner(reader: Reader) -> Iterator[psycopg.Connection]:
    """The owner's connection. On TimescaleDB for tests everybody is the owner between statements."""
    if reader.engine == TIMESCALEDB:
        yield reader.connection
    else:
        with psycopg.connect(reader.database_url, autocommit=True) as connection:
            yield connection

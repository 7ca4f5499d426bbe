"""Reports on both engines: every measure and grouping against the same done by hand, clock changes,
hostile text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from beatline.analytics.event_log import Operator
from beatline.reports import engine
from beatline.reports.definition import (
    MOST_POINTS,
    PERCENTILES,
    By,
    Condition,
    Conditions,
    Definition,
    Grouping,
    Kind,
    Measure,
    as_json,
    from_json,
    problems,
)  # fmt: skip
from beatline.reports.engine import AGGREGATES, EVENTS, TooLong, run_report
from beatline.reports.periods import GRAINS, Fixed, Last, Rolling, This, Unit, unit_start
from beatline.reports.result import OTHER, Result, rows_of
from beatline.storage.engine import POSTGRES, TIMESCALEDB, read_engine
from tests.fixtures.event_log import EVENT_TYPES, PAGES, insert_rows
from tests.fixtures.reports import AUTUMN, SPRING, assert_is_by_hand, insert_traits, report_rows
from tests.fixtures.rows import AGGREGATES as AGGREGATE_TABLES

ROWS = report_rows(400)
NOW = AUTUMN + timedelta(days=2, hours=7, minutes=33, seconds=20)
BERLIN = "Europe/Berlin"
WEEK = Fixed(datetime(2026, 10, 20), datetime(2026, 10, 27))
VIEWS = ["view", "page_view"]

MEASURES = [
    Measure(), Measure(Kind.USERS), Measure(Kind.SESSIONS),
    *(Measure(kind, "n") for kind in (Kind.SUM, Kind.AVERAGE, Kind.MINIMUM, Kind.MAXIMUM)),
    *(Measure(Kind.PERCENTILE, "n", percent) for percent in PERCENTILES),
]  # fmt: skip
TYPE, PAGE = Grouping(By.EVENT_TYPE), Grouping(By.PAGE)
PLAN, SEGMENT = Grouping(By.PROPERTY, "plan"), Grouping(By.SEGMENT, "plan")
GROUPINGS: list[list[Grouping]] = [
    [], [TYPE], [PAGE], [PLAN], [SEGMENT], [Grouping(By.PROPERTY, "n")], [TYPE, PAGE], [PLAN, SEGMENT],
    [SEGMENT, Grouping(By.SEGMENT, "seats")],
]  # fmt: skip
FILTERS = [
    Conditions(event_types=["buy"]), Conditions(event_types=VIEWS), Conditions(event_types=["none"]),
    Conditions(user_id="ann"), Conditions(anonymous_id="a1"), Conditions(session_id="s1", device_id="d1"),
    Conditions(page_url="/shop"), Conditions(event_types=VIEWS, page_url="/shop%"),
    Conditions(event_types=VIEWS, page_prefix="/shop"), Conditions(event_types=["view"], page_prefix="%"),
    Conditions(properties=[Condition("plan", Operator.EQUALS, "pro")]),
    Conditions(properties=[Condition("n", Operator.GREATER, 2), Condition("n", Operator.LESS, 5)]),
    Conditions(properties=[Condition("plan", Operator.CONTAINS, "r"), Condition("n", Operator.EXISTS, True)]),
    Conditions(properties=[Condition("a\\.b", Operator.EXISTS, True)]),
    Conditions(properties=[Condition("n", Operator.EXISTS, False)]),
]  # fmt: skip


@pytest.fixture
def log(database: psycopg.Connection) -> psycopg.Connection:
    """A database with events of every kind."""
    database.execute("insert into projects (name) values ('other')")
    insert_rows(database, ROWS)
    insert_traits(database)
    return database


def ask(connection: psycopg.Connection, definition: Definition, now: datetime = NOW) -> Result:
    """The answer to a definition that is right."""
    assert problems(definition, now) == {}
    return run_report(connection, 1, definition, now)


def some(cases: list[Any], engine: str, count: int) -> list[Any]:
    """All cases, or on TimescaleDB, which is slow in tests, some of them."""
    return cases if engine == POSTGRES else Random(3).sample(cases, count)


def materialize(connection: psycopg.Connection, until: datetime) -> None:
    """Have TimescaleDB's aggregates materialised up to a time; what is younger is read from what they are
    made of."""
    if read_engine(connection) == TIMESCALEDB:
        for each in AGGREGATE_TABLES:
            call = "call refresh_continuous_aggregate(%s::regclass, null, %s::timestamptz)"
            connection.execute(call, [each.name, until])


def test_every_measure_by_every_grouping_is_what_it_is_by_hand(log: psycopg.Connection, engine: str) -> None:
    cases = list(product(MEASURES, GROUPINGS, [None, Unit.DAY]))
    for measure, groupings, grain in some(cases, engine, 20):
        definition = Definition(WEEK, measure, grain, groupings, top=3, time_zone=BERLIN)
        result = ask(log, definition)
        assert_is_by_hand(ROWS, result)
        assert result.all.total is not None


@pytest.mark.parametrize("change", [SPRING, AUTUMN])
def test_every_grain_is_that_of_the_time_zone_across_clock_changes(
    log: psycopg.Connection, engine: str, change: datetime
) -> None:
    span = Fixed(change - timedelta(hours=50, minutes=7), change + timedelta(hours=20, seconds=9))
    asked = [
        (Measure(), []),
        (Measure(), [TYPE]),
        (Measure(Kind.USERS), []),
        (Measure(Kind.SUM, "n"), [PAGE]),
    ]
    places = [BERLIN, "UTC", "Asia/Kolkata", "America/Havana"]
    for (measure, groupings), grain, place in some(list(product(asked, GRAINS, places)), engine, 12):
        short = Fixed(change - timedelta(hours=3, seconds=40), change + timedelta(hours=2))
        period = short if grain is Unit.MINUTE else span
        definition = Definition(period, measure, grain, groupings, time_zone=place, top=2)
        assert_is_by_hand(ROWS, ask(log, definition))


def test_the_answer_is_the_same_from_aggregates_and_from_events(
    log: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    materialize(log, NOW - timedelta(days=3))
    cases = [
        (Measure(), [], Conditions()), (Measure(), [TYPE], Conditions()),
        (Measure(), [TYPE], Conditions(event_types=["buy", "none"])), (Measure(Kind.USERS), [], Conditions()),
        (Measure(), [PAGE], Conditions(event_types=VIEWS, page_prefix="/")),
        (Measure(), [], Conditions(event_types=VIEWS, page_url="/shop")),
    ]  # fmt: skip
    for (measure, groupings, filters), grain in product(cases, [None, Unit.DAY, Unit.HOUR]):
        definition = Definition(
            Rolling(9, Unit.DAY), measure, grain, groupings, filters, top=2, compare=True, time_zone=BERLIN
        )
        known = ask(log, definition)
        assert known.source == AGGREGATES, definition
        assert_is_by_hand(ROWS, known)
        with monkeypatch.context() as patched:
            patched.setattr(engine, "from_counts", lambda *_: None)
            patched.setattr(engine, "from_users", lambda *_: None)
            counted = ask(log, definition)
        assert counted.source == EVENTS
        counted.source = AGGREGATES
        assert counted == known


@pytest.mark.parametrize(
    "definition",
    [
        Definition(WEEK, groupings=[PAGE]), Definition(WEEK, groupings=[TYPE, PAGE]),
        Definition(WEEK, filters=FILTERS[3]), Definition(WEEK, filters=Conditions(page_url="/")),
        Definition(WEEK, filters=Conditions(event_types=VIEWS, page_url="/"), groupings=[TYPE]),
        Definition(WEEK, filters=FILTERS[-1]), Definition(WEEK, Measure(Kind.USERS), groupings=[TYPE]),
        Definition(WEEK, Measure(Kind.USERS), filters=Conditions(event_types=["buy"])),
        Definition(WEEK, Measure(Kind.USERS), Unit.HOUR, time_zone="Asia/Kolkata"),
        Definition(WEEK, Measure(Kind.SESSIONS)), Definition(Rolling(30, Unit.MINUTE), Measure(Kind.USERS)),
    ],
)  # fmt: skip
def test_what_no_aggregate_knows_is_counted_in_the_events(
    connection: psycopg.Connection, definition: Definition
) -> None:
    insert_rows(connection, ROWS)
    insert_traits(connection)

    result = ask(connection, definition)

    assert result.source == EVENTS
    assert_is_by_hand(ROWS, result)


def test_given_more_groups_than_aggregates_may_give_then_events_are_counted(
    connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert_rows(connection, ROWS)
    monkeypatch.setattr(engine, "MOST_COUNTED", 3)

    result = ask(connection, Definition(WEEK, groupings=[TYPE], top=2))

    assert result.source == EVENTS
    assert_is_by_hand(ROWS, result)


def test_filters_are_those_of_the_event_log(log: psycopg.Connection, engine: str) -> None:
    found = []
    for filters in some(FILTERS, engine, 8):
        for measure in (Measure(), Measure(Kind.USERS)):
            definition = Definition(Fixed(SPRING - timedelta(days=50), NOW), measure, None, [TYPE], filters)
            result = ask(log, definition)
            assert_is_by_hand(ROWS, result)  # whose filter is that of the tests of the event log
            found.append(result.all.total)
    assert sum(bool(total) for total in found) > len(found) / 2


def test_percentiles_are_the_databases_own(connection: psycopg.Connection) -> None:
    rows = [
        row | {"properties": {"ms": number**1.7}} for number, row in enumerate(ROWS) if row["project_id"] == 1
    ]
    insert_rows(connection, rows)
    for percent in PERCENTILES:
        row = connection.execute(PERCENTILE, [percent / 100]).fetchone()
        assert row
        period = Fixed(datetime(2025, 12, 1), datetime(2026, 12, 1))
        definition = Definition(period, Measure(Kind.PERCENTILE, "ms", percent))
        assert ask(connection, definition).all.total == row[0]


PERCENTILE = (
    "select percentile_cont(%s) within group (order by (properties ->> 'ms')::double precision) from events"
)


@pytest.mark.parametrize(
    "period",
    [Last(3, Unit.DAY), This(Unit.MONTH), This(Unit.WEEK), Rolling(30, Unit.HOUR), Last(1, Unit.MONTH), WEEK],
)
def test_a_period_is_compared_with_the_one_before(connection: psycopg.Connection, period: Any) -> None:
    insert_rows(connection, ROWS)
    for groupings in ([], [TYPE], [PLAN]):
        definition = Definition(
            period, grain=Unit.DAY, groupings=groupings, top=2, compare=True, time_zone=BERLIN
        )
        result = ask(connection, definition)
        assert result.previous
        assert result.previous.until <= result.since
        assert_is_by_hand(ROWS, result)
        assert result.all.previous_total or period != WEEK


def test_the_table_holds_what_the_series_hold(connection: psycopg.Connection) -> None:
    insert_rows(connection, ROWS)
    definition = Definition(
        WEEK, grain=Unit.DAY, groupings=[TYPE, PAGE], top=2, compare=True, time_zone=BERLIN
    )
    result = ask(connection, definition)

    rows = list(rows_of(result))

    assert [column.name for column in result.columns] == [
        "time",
        "event type",
        "page",
        "count",
        "previous count",
    ]
    assert len(rows) == 7 * 3
    assert sum(row[3] for row in rows) == result.all.total
    assert sum(row[4] for row in rows) == result.all.previous_total
    assert [row[1] for row in rows[:3]][-1] == OTHER
    assert {row[0].isoformat() for row in rows} == {point.isoformat() for point in result.points}
    whole = ask(connection, Definition(WEEK, groupings=[TYPE]))
    assert [row[1] for row in rows_of(whole)] == [series.total for series in whole.series]


def test_given_no_events_then_counts_and_sums_are_0_and_nothing_else_is(
    connection: psycopg.Connection,
) -> None:
    for measure, grain in product(MEASURES, [None, Unit.DAY]):
        expected = 0 if measure.kind in (Kind.COUNT, Kind.USERS, Kind.SESSIONS, Kind.SUM) else None
        alone = ask(connection, Definition(WEEK, measure, grain, compare=True))
        grouped = ask(connection, Definition(WEEK, measure, grain, [PLAN], compare=True))

        assert (alone.all.total, alone.all.previous_total) == (expected, expected)
        assert alone.all.points == alone.all.previous_points == [expected] * len(alone.points)
        assert grouped.series == []
        assert grouped.all.total == expected


def test_numbers_of_any_size_and_kind_break_nothing(connection: psycopg.Connection) -> None:
    numbers = [
        "1e400",
        "-1e400",
        "1e-400",
        "9007199254740993",
        "1.5",
        '"7"',
        "null",
        "true",
        "[1]",
        "123456789012345678901",
    ]
    connection.execute("select make_event_partition(%s)", [NOW])
    for number in numbers:
        connection.execute(INSERT_NUMBER, [NOW - timedelta(hours=1), f'{{"n": {number}}}'])
    for kind in (Kind.SUM, Kind.AVERAGE, Kind.MINIMUM, Kind.MAXIMUM):
        assert ask(connection, Definition(Last(1, Unit.YEAR), Measure(kind, "n"))).all.total in (0.0, None)
        result = ask(
            connection,
            Definition(This(Unit.DAY), Measure(kind, "n"), groupings=[Grouping(By.PROPERTY, "n")], top=20),
        )
        assert len(result.series) == len(numbers)
    groups = [series.group for series in result.series]
    assert ["9007199254740993"] in groups, "JavaScript would round it"
    assert [None] in groups
    assert all(isinstance(group[0], str | float | bool | None) for group in groups if group)


INSERT_NUMBER = """
    insert into events (project_id, event_id, ts, received_at, event_type, properties)
    values (1, gen_random_uuid(), %s, now(), 'n', %s)"""


def test_long_values_are_cut(connection: psycopg.Connection) -> None:
    rows = [ROWS[0] | {"ts": NOW - timedelta(hours=1), "project_id": 1, "properties": {"plan": "é" * 5_000}}]
    insert_rows(connection, rows)

    result = ask(connection, Definition(This(Unit.DAY), groupings=[PLAN]))

    assert [series.group for series in result.series] == [["é" * 200]]


def test_a_report_that_takes_too_long_is_told_so_and_leaves_the_connection_usable(
    connection: psycopg.Connection,
) -> None:
    insert_rows(connection, ROWS)
    definition = Definition(WEEK, groupings=[PLAN])

    with pytest.raises(TooLong, match="too long"):
        run_report(connection, 1, definition, NOW, seconds=0)
    blocker = psycopg.connect(connection.info.dsn, password=connection.info.password)
    with blocker:
        blocker.execute("lock table events in access exclusive mode")
        with pytest.raises(TooLong, match="too long"):
            run_report(connection, 1, definition, NOW, seconds=0.2)
        blocker.rollback()

    assert run_report(connection, 1, definition, NOW).all.total
    assert connection.execute("show statement_timeout").fetchone() == ("0",)


HOSTILE = [
    "'; drop table events; --", "' or '1'='1", "%", "\\", "{a}", '"', "$1", "%(limit)s", "null", "[]", "=1+1",
]  # fmt: skip


def test_sql_in_every_text_is_a_value_like_any_other(database: psycopg.Connection, engine: str) -> None:
    columns = ["event_type", "user_id", "anonymous_id", "session_id", "device_id", "page_url"]
    now = datetime(2026, 3, 4, 12, tzinfo=UTC)
    rows = [
        ROWS[0] | dict.fromkeys(columns, text) | {
            "event_id": row["event_id"], "project_id": 1, "ts": now - timedelta(minutes=5),
            "properties": {text: {"in": [text]}, "text": text},
        }
        for text, row in zip(HOSTILE, ROWS, strict=False)
    ]  # fmt: skip
    insert_rows(database, rows)
    for text in some(HOSTILE, engine, 3):
        path = text.replace("\\", "\\\\").replace(".", "\\.")
        filters = [Conditions(**{name: text}) for name in columns[1:]] + [
            Conditions(event_types=[text]), Conditions(page_prefix=text),
            Conditions(properties=[Condition("text", Operator.EQUALS, text)]),
            Conditions(properties=[Condition(f"{path}.in", Operator.CONTAINS, text)]),
        ]  # fmt: skip
        for each in filters:
            groupings = [Grouping(By.PROPERTY, "text"), Grouping(By.PROPERTY, f"{path}.in.0")]
            result = ask(database, Definition(This(Unit.DAY), groupings=groupings, filters=each, top=50), now)
            assert [text, text] in [series.group for series in result.series]
            assert_is_by_hand(rows, result)
        measured = ask(database, Definition(This(Unit.DAY), Measure(Kind.SUM, path)), now)
        assert measured.all.total == 0
    assert_is_by_hand(rows, ask(database, Definition(This(Unit.DAY), groupings=[TYPE, PAGE], top=50), now))


def test_units_of_time_are_those_of_the_database(connection: psycopg.Connection) -> None:
    chosen, asked, expected = Random(4), [], []
    for place in (BERLIN, "Asia/Kolkata", "America/New_York", "Africa/Cairo", "America/St_Johns", "UTC"):
        for grain in GRAINS:
            for _ in range(60):
                at = datetime(2010, 1, 1, tzinfo=UTC) + timedelta(seconds=chosen.randrange(16 * 365 * 86_400))
                asked.append((grain.value, at, place))
                expected.append(unit_start(at, grain, ZoneInfo(place)))
    units, times, places = zip(*asked, strict=True)
    rows = connection.execute(TRUNCATED, [list(units), list(times), list(places)])
    assert [truncated for (truncated,) in rows] == expected


TRUNCATED = """
    select date_trunc(unit, at, place)
    from unnest(%s::text[], %s::timestamptz[], %s::text[]) with ordinality as asked (unit, at, place, number)
    order by number"""


def test_a_definition_comes_back_from_json() -> None:
    definition = Definition(WEEK, MEASURES[-1], Unit.HOUR, [PLAN], FILTERS[-1], 3, True, BERLIN)
    assert from_json(as_json(definition)) == definition


def asking(*names: str) -> Conditions:
    """Filters on some properties."""
    return Conditions(properties=[Condition(name) for name in names])


LONG = Fixed(datetime(2010, 1, 1), datetime(2026, 1, 1))
WRONG: list[tuple[Definition, list[str]]] = [
    (Definition(WEEK, Measure(Kind.SUM)), ["measure", "property"]),
    (Definition(WEEK, Measure(Kind.COUNT, "n")), ["measure", "property"]),
    (Definition(WEEK, Measure(Kind.SUM, "a..b")), ["measure", "property"]),
    (Definition(WEEK, Measure(Kind.PERCENTILE, "n")), ["measure", "percentile"]),
    (Definition(WEEK, Measure(Kind.PERCENTILE, "n", 42)), ["measure", "percentile"]),
    (Definition(WEEK, Measure(Kind.SUM, "n", 50)), ["measure", "percentile"]),
    (Definition(WEEK, groupings=[TYPE, PAGE, PLAN]), ["groupings"]),
    (Definition(WEEK, groupings=[PLAN, PLAN]), ["groupings"]),
    (Definition(WEEK, groupings=[TYPE, Grouping(By.PROPERTY)]), ["groupings", "1", "property"]),
    (Definition(WEEK, groupings=[Grouping(By.PAGE, "x")]), ["groupings", "0", "property"]),
    (Definition(WEEK, filters=asking("a..")), ["filters", "properties", "0", "property"]),
    (Definition(WEEK, filters=asking(*"abcdef")), ["filters", "properties"]),
    (Definition(WEEK, time_zone="Europe/Atlantis"), ["time_zone"]),
    (Definition(WEEK, time_zone="../../etc/passwd"), ["time_zone"]),
    (Definition(WEEK, time_zone="Europe"), ["time_zone"]),
    (Definition(WEEK, top=0), ["top"]),
    (Definition(WEEK, top=51), ["top"]),
    (Definition(WEEK, grain=Unit.YEAR), ["grain"]),
    (Definition(WEEK, grain=Unit.MINUTE), ["grain"]),
    (Definition(This(Unit.YEAR), grain=Unit.HOUR), ["grain"]),
    (Definition(Last(MOST_POINTS + 1, Unit.DAY), grain=Unit.DAY), ["grain"]),
    (Definition(Last(1_000, Unit.DAY), grain=Unit.DAY, groupings=[TYPE], top=50), ["top"]),
    (Definition(LONG), ["period"]),
    (Definition(Last(11, Unit.YEAR)), ["period"]),
    (Definition(Rolling(3_000, Unit.YEAR)), ["period"]),
    (Definition(Last(10**9, Unit.YEAR)), ["period", "count"]),
    (Definition(Rolling(0, Unit.DAY)), ["period", "count"]),
    (Definition(Fixed(WEEK.until, WEEK.since)), ["period", "until"]),
    (Definition(Fixed(datetime(1960, 1, 1), WEEK.since)), ["period", "since"]),
]


@pytest.mark.parametrize(("definition", "where"), WRONG)
def test_what_is_wrong_is_said_of_its_field(definition: Definition, where: list[str]) -> None:
    found: Any = problems(definition, NOW)

    for name in where:
        assert list(found) == [name]
        found = found[name]
    assert all(isinstance(sentence, str) for sentence in found)


def test_data_of_the_tests_has_every_kind_of_event() -> None:
    assert {row["event_type"] for row in ROWS} == set(EVENT_TYPES)
    assert {row["page_url"] for row in ROWS} == set(PAGES)

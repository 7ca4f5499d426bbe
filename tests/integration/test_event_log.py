"""The event log on both engines: every filter against the same done by hand, pages, totals, bounded work."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from uuid import UUID

import msgspec
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beatline.analytics import event_log
from beatline.analytics.event_log import (
    FIRST,
    LAST,
    MICROSECOND,
    MOST_PROPERTIES,
    Filter,
    Operator,
    Page,
    Place,
    PropertyFilter,
    search,
)  # fmt: skip
from beatline.analytics.event_totals import Total, total
from beatline.storage.engine import POSTGRES
from beatline.storage.queries import query
from tests.fixtures.event_log import (
    ANONYMOUS,
    DEVICES,
    EVENT_TYPES,
    NOW,
    PAGES,
    PATHS,
    PROPERTIES,
    SESSIONS,
    USERS,
    VALUES,
    Row,
    a_row,
    after,
    by_hand,
    ids,
    insert_rows,
    property_passes,
    read_all,
    some_rows,
)  # fmt: skip

ROWS = some_rows(240)
DAY = timedelta(days=1)


@pytest.fixture
def log(database: psycopg.Connection) -> psycopg.Connection:
    """A database with events of every kind."""
    database.execute("insert into projects (name) values ('other')")
    insert_rows(database, ROWS)
    return database


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """So few rows and hours at once that every search has many parts."""
    monkeypatch.setattr(event_log, "FEWEST_ROWS", 20)
    monkeypatch.setattr(event_log, "MOST_ROWS", 50)
    monkeypatch.setattr(event_log, "HOURS_AT_ONCE", 3)


def maybe(*values: object) -> st.SearchStrategy[object]:
    """One of some values, or none."""
    return st.none() | st.sampled_from([value for value in values if value is not None])


def property_filters() -> st.SearchStrategy[PropertyFilter]:
    """A filter on a property that an operator takes."""
    path = st.sampled_from(PATHS)
    scalar = st.sampled_from(VALUES)
    sized = st.sampled_from(
        [value for value in VALUES if isinstance(value, str | float) or type(value) is int]
    )
    by_operator = {
        Operator.EQUALS: scalar, Operator.CONTAINS: scalar, Operator.EXISTS: st.booleans(),
        Operator.GREATER: sized, Operator.LESS: sized,
    }  # fmt: skip
    return st.one_of(
        st.builds(PropertyFilter, path, st.just(operator), values) for operator, values in by_operator.items()
    )


times = st.sampled_from([row["ts"] for row in ROWS[:40]]) | st.sampled_from([FIRST, LAST, NOW, NOW - 3 * DAY])
filters = st.builds(
    Filter,
    project_id=st.sampled_from([1, 1, 1, 2, 3]),
    since=st.just(FIRST) | times,
    until=st.just(LAST) | times,
    event_types=st.none() | st.lists(st.sampled_from([*EVENT_TYPES, "none"]), min_size=1, max_size=3),
    user_id=maybe(*USERS, "nobody"),
    persons=st.none() | st.none() | st.lists(st.sampled_from(["ann", "a1", "a2"]), min_size=1, max_size=2),
    anonymous_id=maybe(*ANONYMOUS),
    session_id=maybe(*SESSIONS),
    device_id=maybe(*DEVICES),
    page_url=maybe(*PAGES),
    page_prefix=maybe("/", "/shop", "%", "_"),
    properties=st.lists(property_filters(), max_size=MOST_PROPERTIES).map(tuple),
)
one_filter = st.sampled_from(["event_types", "user_id", "persons", "anonymous_id", "session_id", "device_id"])
few_filters = st.builds(
    lambda wanted, kept: Filter(
        wanted.project_id, wanted.since, wanted.until, properties=wanted.properties[:1],
        **{kept: getattr(wanted, kept)},
    ),
    filters, one_filter,
)  # fmt: skip


def test_every_filter_lets_through_what_it_does_by_hand(
    log: psycopg.Connection, engine: str, small_parts: None
) -> None:
    found = []
    examples = 200 if engine == POSTGRES else 25

    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(
        wanted=filters | few_filters | few_filters,
        limit=st.integers(5, 60),
        parts=st.sampled_from([5, 9, 1_000]),
    )
    def check(wanted: Filter, limit: int, parts: int) -> None:
        expected = by_hand(ROWS, wanted)
        assert ids(read_all(log, wanted, limit, parts)) == expected
        found.append(len(expected))

    check()
    assert max(found) > 20, "some filters let nothing through, not all"


def test_every_operator_on_every_property_and_value(database: psycopg.Connection) -> None:
    takes = {
        Operator.EXISTS: [True, False], Operator.EQUALS: VALUES, Operator.CONTAINS: VALUES,
        Operator.GREATER: ["pro", 3, -2.5], Operator.LESS: ["pro", 3, -2.5],
    }  # fmt: skip
    asked = [
        (properties, PropertyFilter(path, operator, value))
        for properties in PROPERTIES for operator in Operator for path in PATHS for value in takes[operator]
    ]  # fmt: skip
    for start in range(0, len(asked), 500):
        some = asked[start : start + 500]
        given = [[properties, *wanted] for properties, wanted in some]
        rows = database.execute(JUDGED, [msgspec.json.encode(given).decode()])
        expected = [property_passes(properties, wanted) for properties, wanted in some]
        assert [bool(fits) for (fits,) in rows] == expected


JUDGED = """
    select property_fits(
        asked -> 0, array(select jsonb_array_elements_text(asked -> 1)), asked ->> 2, asked -> 3)
    from jsonb_array_elements(%s::jsonb) with ordinality as given (asked, number)
    order by number"""


def test_an_event_comes_back_as_it_was_stored(log: psycopg.Connection) -> None:
    stored = {row["event_id"]: row for row in ROWS if row["project_id"] == 1}
    found = read_all(log, Filter(1))
    assert len(found) == len(stored)
    for event in found:
        row = stored[event.event_id]
        assert msgspec.json.decode(event.properties) == row["properties"]
        for name in row.keys() - {"project_id", "properties"}:
            assert getattr(event, name) == row[name], name


@pytest.mark.parametrize("wanted", [Filter(1), Filter(1, event_types=["view"]), Filter(1, device_id="d1")])
def test_paging_has_no_gaps_and_no_doubles_while_events_arrive(
    log: psycopg.Connection, small_parts: None, wanted: Filter
) -> None:
    expected, seen = by_hand(ROWS, wanted), []
    behind: Place | None = None
    chosen = Random(2)
    for number in range(1_000):
        page = search(log, wanted, behind, 20, lambda: False)
        seen += ids(page.events)
        if page.next is None:
            break
        behind = page.next
        if number < 3:
            newer = [
                a_row(1, NOW + timedelta(seconds=number, microseconds=each), chosen) for each in range(3)
            ]
            insert_rows(log, newer)

    assert seen == expected


def test_a_search_that_is_out_of_time_says_how_far_it_came_and_goes_on(
    log: psycopg.Connection, small_parts: None
) -> None:
    wanted = Filter(1, device_id="d2", session_id="s2", user_id=None, page_url="/shop/1")
    expected, seen = by_hand(ROWS, wanted), []
    behind: Place | None = None
    cut_short = 0
    while True:
        page = search(log, wanted, behind, 50, after(4))
        seen += ids(page.events)
        if page.next is None:
            break
        assert page.searched_until is not None
        newer = [event_id for event_id in expected if ts_of(event_id) >= page.searched_until]
        assert seen == newer, "everything from there on was searched"
        cut_short, behind = cut_short + 1, page.next

    assert seen == expected != []
    assert cut_short > 2


def ts_of(event_id: UUID) -> datetime:
    """When an event of ROWS happened."""
    return next(row["ts"] for row in ROWS if row["event_id"] == event_id)


HELD = """
    select count(*) from events where project_id = %(project_id)s and ts >= %(since)s and ts < %(until)s"""


def test_a_statement_looks_at_few_rows_and_only_at_the_time_it_is_about(
    log: psycopg.Connection, engine: str, small_parts: None
) -> None:
    wanted = Filter(1, device_id="nobody's")
    for part in event_log.parts(log, wanted, None):
        parameters = {"project_id": 1, **part._asdict()}
        row = log.execute(HELD, parameters).fetchone()
        ties = 80  # of the very same time, which no part divides
        assert row
        assert row[0] <= 50 + ties

    part = event_log.Part(NOW - timedelta(hours=1), NOW + timedelta(hours=1))
    plan = explain(log, wanted, part)
    tables = {word for word in plan.split() if word.startswith(("events_2", "_hyper_", "events_before"))}
    assert len({name.removesuffix("_project_id_ts_idx") for name in tables}) <= (
        4 if engine == POSTGRES else 8
    )
    assert "Seq Scan" not in plan


def explain(connection: psycopg.Connection, wanted: Filter, part: event_log.Part) -> str:
    """The plan of a page."""
    parameters = wanted.parameters() | part._asdict() | {"limit": 50}
    with connection.transaction():
        connection.execute(query("event_log_planning"))
        rows = connection.execute("explain (costs off) " + query("event_log_page"), parameters, prepare=False)
        return "\n".join(line for (line,) in rows)


# Totals

MINUTE = timedelta(minutes=1)
VIEWS = ["view", "page_view"]
EXACT = [
    Filter(1), Filter(2), Filter(1, event_types=["buy"]), Filter(1, since=NOW - DAY), Filter(1, until=NOW),
    Filter(1, since=NOW - 5 * DAY + 61 * MINUTE + MICROSECOND, until=NOW - timedelta(seconds=7)),
    Filter(1, since=NOW - 50 * MINUTE, until=NOW - 10 * MINUTE), Filter(1, since=NOW, until=NOW),
    Filter(1, since=NOW, until=NOW + 2 * MICROSECOND), Filter(1, event_types=VIEWS, page_url="/shop"),
    Filter(1, event_types=VIEWS, page_prefix="/shop", since=NOW - DAY, until=NOW - timedelta(seconds=90)),
    Filter(1, event_types=VIEWS, page_prefix="%"),
]  # fmt: skip
GUESSED = [
    Filter(1, page_url="/shop"), Filter(1, event_types=["view"], page_url="/shop"), Filter(1, user_id="ann"),
    Filter(1, properties=(PropertyFilter(("plan",), Operator.EXISTS, True),)),
]  # fmt: skip
FULL = Page([], Place(NOW))


def test_the_total_is_exact_where_aggregates_know(log: psycopg.Connection) -> None:
    for wanted in EXACT:
        assert total(log, wanted, None, FULL) == Total(len(by_hand(ROWS, wanted)), True), wanted


def test_the_total_is_else_a_guess_and_says_so(log: psycopg.Connection) -> None:
    for wanted in GUESSED:
        guessed = total(log, wanted, None, FULL)
        assert guessed
        assert not guessed.exact
        whole = search(log, wanted, None, 1_000, lambda: False)
        assert total(log, wanted, None, whole) == Total(len(by_hand(ROWS, wanted)), True)
    assert total(log, Filter(1), Place(NOW), FULL) is None


# Hostile input

HOSTILE = [
    "'; drop table events; --",
    "' or '1'='1",
    "%",
    "\\",
    "{a}",
    '"',
    "$1",
    "%(limit)s",
    "null",
    "\u2028",
]
FIELDS = ["user_id", "anonymous_id", "session_id", "device_id", "page_url", "event_type"]


def test_sql_in_a_filter_is_a_value_like_any_other(database: psycopg.Connection) -> None:
    chosen = Random(2)
    rows: list[Row] = []
    for text in HOSTILE:
        row = a_row(1, NOW, chosen) | dict.fromkeys(FIELDS, text)
        rows.append(row | {"properties": {text: text, "in": {text: [text]}}})
    insert_rows(database, rows)

    for text, row in zip(HOSTILE, rows, strict=True):
        every = [Filter(1, **{name: text}) for name in FIELDS[:-1]]  # type: ignore[arg-type]
        every += [Filter(1, event_types=[text]), Filter(1, persons=[text]), Filter(1, page_prefix=text)]
        for path in ((text,), ("in", text, "0")):
            operators = {Operator.EQUALS: text, Operator.CONTAINS: text, Operator.EXISTS: True}
            every += [Filter(1, properties=(PropertyFilter(path, *each),)) for each in operators.items()]
        for wanted in every:
            expected = by_hand(rows, wanted)
            assert row["event_id"] in expected
            assert ids(read_all(database, wanted)) == expected, wanted

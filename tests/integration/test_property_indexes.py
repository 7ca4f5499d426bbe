"""Indexes on properties: built and dropped by the workers while events are written, used by the event log."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from random import Random

import psycopg
import pytest

from beatline.analytics import event_log
from beatline.analytics.event_log import Filter, Operator, Part, PropertyFilter, search
from beatline.events import utc_now
from beatline.property_indexes import MOST_INDEXES, PropertyIndex, drop_index, list_indexes, request_index
from beatline.settings import Settings
from beatline.storage.engine import TIMESCALEDB
from beatline.storage.queries import query
from tests.fixtures.admin import Admin
from tests.fixtures.databases import as_workers
from tests.fixtures.event_log import NOW, Row, a_row, by_hand, ids, insert_rows, read_all
from tests.fixtures.storage import count, lock_waiters, wait_until
from workers import property_indexes as workers
from workers.property_indexes import work_on_property_indexes

PLAN = ("plan",)
NESTED = ("a'; drop table events; --", 'b."{},\\')
PARTS_OF = """
    select relname from pg_class where relkind in ('i', 'I') and pg_get_indexdef(oid) like '%jsonb_hash%'"""
LONG = "x" * 50_000


@pytest.fixture(autouse=True)
def one_backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """TimescaleDB as WebAssembly has one backend, and statements of several transactions fail in it: the
    parts are made in one transaction there."""
    if "engine" not in request.fixturenames or os.environ.get("BEATLINE_TEST_TIMESCALE_URL"):
        return
    if request.getfixturevalue("engine") == TIMESCALEDB:
        monkeypatch.setattr(workers, "query", lambda name: query(name).replace(" concurrently", ""))


def rows_of(values: list[object], at: datetime = NOW, project_id: int = 1) -> list[Row]:
    """An event a minute, each with a value of the property."""
    chosen = Random(3)
    times = [at - timedelta(minutes=number) for number in range(len(values))]
    return [
        a_row(project_id, ts, chosen) | {"properties": {"plan": value, NESTED[0]: {NESTED[1]: value}}}
        for ts, value in zip(times, values, strict=True)
    ]


def wish(connection: psycopg.Connection, path: tuple[str, ...] = PLAN) -> PropertyIndex:
    """Ask for an index."""
    with connection.transaction():
        return request_index(connection, 1, path, NOW)


def turn(url: str) -> None:
    """A turn of the workers on a database, given as its owner."""
    work_on_property_indexes(Settings(database_url=as_workers(url), owner_database_url=url), NOW)


def states(connection: psycopg.Connection) -> list[str]:
    """The states of the indexes of project 1."""
    return [index.state for index in list_indexes(connection, 1)]


def having(value: object, path: tuple[str, ...] = PLAN) -> Filter:
    """The events in which the property has a value."""
    return Filter(1, properties=(PropertyFilter(path, Operator.EQUALS, value),))  # type: ignore[arg-type]


def explain(connection: psycopg.Connection, wanted: Filter, part: Part) -> str:
    """The plan of a page."""
    parameters = wanted.parameters() | part._asdict() | {"limit": 50}
    with connection.transaction():
        connection.execute(query("event_log_planning"))
        rows = connection.execute("explain (costs off) " + query("event_log_page"), parameters, prepare=False)
        return "\n".join(line for (line,) in rows)


@pytest.mark.parametrize("path", [PLAN, NESTED])
def test_an_index_that_was_asked_for_is_built_and_used(
    database: psycopg.Connection, database_url: str, path: tuple[str, ...]
) -> None:
    rows = rows_of(["pro", "free", 3, "3", None, ["pro"], LONG] * 3)
    old = rows_of(["pro", "free"], NOW - timedelta(days=30))
    insert_rows(database, rows + old)
    part = Part(NOW - timedelta(days=60), NOW + timedelta(days=1))
    assert "jsonb_hash" not in index_conditions(explain(database, having("pro", path), part))

    wish(database, path)
    assert states(database) == ["building"]
    turn(database_url)
    later = rows_of(["pro", 3, LONG], NOW + timedelta(days=3))
    insert_rows(database, later)

    (index,) = list_indexes(database, 1)
    assert (index.state, index.ready_at, index.error) == ("ready", NOW, None)
    plan = explain(database, having("pro", path), Part(part.since, NOW + timedelta(days=4)))
    assert plan.count("Index Scan") == index_conditions(plan).count("jsonb_hash") >= 3, plan
    for value in ("pro", 3, "3", None, LONG, "none"):
        wanted = having(value, path)
        assert ids(read_all(database, wanted)) == by_hand(rows + old + later, wanted)


def index_conditions(plan: str) -> str:
    """What of a plan an index answers."""
    return "\n".join(line for line in plan.splitlines() if "Index Cond" in line)


def test_an_indexed_filter_needs_one_statement_a_width_of_time(
    database: psycopg.Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_log, "FEWEST_ROWS", 2)
    now = utc_now()
    insert_rows(database, rows_of(["free"] * 40 + ["pro"], now))
    wanted = having("pro")
    without = len(list(event_log.parts(database, wanted, None)))
    wish(database)
    turn(database_url)

    assert len(list(event_log.parts(database, wanted, None))) == len(event_log.WIDTHS) + 1 < without
    assert len(search(database, wanted, None, 50, lambda: False).events) == 1


def test_a_filter_that_asks_for_more_looks_at_few_rows_that_the_index_finds(
    database: psycopg.Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_log, "FEWEST_ROWS", 5)
    monkeypatch.setattr(event_log, "MOST_ROWS", 5)
    rows = rows_of(["free", "pro"] * 20, utc_now())
    insert_rows(database, rows)
    wish(database)
    turn(database_url)
    wanted = Filter(1, device_id="d1", properties=having("pro").properties)

    parts = list(event_log.parts(database, wanted, None))
    held = [
        len(by_hand(rows, Filter(1, part.since, part.until, properties=wanted.properties))) for part in parts
    ]
    assert max(held) == 6  # five, and the one at the edge
    assert ids(read_all(database, wanted)) == by_hand(rows, wanted)


def test_a_dropped_index_leaves_nothing(database: psycopg.Connection, database_url: str) -> None:
    insert_rows(database, rows_of(["pro"] * 3))
    before = database.execute(PARTS_OF).fetchall()
    index = wish(database)
    turn(database_url)
    assert len(database.execute(PARTS_OF).fetchall()) > len(before)

    assert drop_index(database, 2, index.index_id) is None
    assert drop_index(database, 1, index.index_id)
    assert states(database) == ["dropping"]
    turn(database_url)

    assert states(database) == []
    assert database.execute(PARTS_OF).fetchall() == before
    wish(database)
    turn(database_url)
    assert states(database) == ["ready"]


def test_events_of_other_projects_are_not_in_it(database: psycopg.Connection, database_url: str) -> None:
    database.execute("insert into projects (name) values ('other')")
    insert_rows(database, rows_of(["pro"] * 3, project_id=2) + rows_of(["pro"]))
    wish(database)
    turn(database_url)

    definitions = database.execute("select pg_get_indexdef(oid) from pg_class where relname ~ '_property_1$'")
    assert all("WHERE ((project_id = 1) AND" in text for (text,) in definitions)
    wanted = Filter(2, properties=having("pro").properties)
    assert len(read_all(database, wanted)) == 3


@pytest.mark.parametrize("engine", [TIMESCALEDB])
def test_what_became_columns_is_searched_all_the_same(
    database: psycopg.Connection, database_url: str, engine: str
) -> None:
    rows = rows_of(["pro", "free", 3] * 5) + rows_of(["pro", "free"], NOW - timedelta(days=30))
    insert_rows(database, rows)
    database.execute("select compress_chunk(chunk) from show_chunks('events') as chunk")
    late = rows_of(["pro"], NOW - timedelta(days=30, seconds=5))
    insert_rows(database, late)
    wish(database)
    turn(database_url)

    assert states(database) == ["ready"]
    for wanted in (
        having("pro"),
        having(3),
        Filter(1),
        Filter(1, user_id="ann", event_types=["view", "buy"]),
    ):
        assert ids(read_all(database, wanted, limit=4)) == by_hand(rows + late, wanted)


# On PostgreSQL: beside writers, and after accidents


def test_writers_go_on_while_an_index_is_built(connection: psycopg.Connection, owner_url: str) -> None:
    insert_rows(connection, rows_of(["pro"] * 3))
    wish(connection)
    with (
        psycopg.connect(owner_url) as long_writer,
        psycopg.connect(owner_url, autocommit=True) as writer,
        ThreadPoolExecutor() as pool,
    ):
        turn_done = None
        try:
            long_writer.execute("update users set traits = default where false")
            long_writer.execute("lock table events_20260304 in row exclusive mode")
            turn_done = pool.submit(turn, owner_url)
            wait_until(lambda: lock_waiters(connection) != [])
            writer.execute("set lock_timeout = '5s'")
            insert_rows(writer, rows_of(["pro"]))
            assert not turn_done.done()
        finally:
            long_writer.rollback()
        turn_done.result(30)
    assert states(connection) == ["ready"]
    assert len(read_all(connection, having("pro"))) == 4


def test_a_long_read_puts_it_off(
    connection: psycopg.Connection, owner_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert_rows(connection, rows_of(["pro"]))
    wish(connection)
    with psycopg.connect(owner_url) as blocker:
        blocker.execute("lock table events in row exclusive mode")
        turn(owner_url)
        assert states(connection) == ["building"]
    turn(owner_url)
    assert states(connection) == ["ready"]


def test_what_an_interrupted_turn_left_is_built_anew(connection: psycopg.Connection, owner_url: str) -> None:
    rows = rows_of(["pro"] * 2) + rows_of(["pro"], NOW - timedelta(days=2))
    insert_rows(connection, rows)
    wish(connection)
    with psycopg.connect(owner_url) as long_writer, ThreadPoolExecutor() as pool:
        long_writer.execute("lock table events_20260304 in row exclusive mode")
        interrupted = pool.submit(turn, owner_url)
        wait_until(lambda: lock_waiters(connection) != [])
        connection.execute("select pg_cancel_backend(%s)", lock_waiters(connection))
        interrupted.result(30)
    assert invalid_indexes(connection) > 0
    assert states(connection) == ["building"]

    turn(owner_url)

    assert states(connection) == ["ready"]
    assert invalid_indexes(connection) == 0
    assert ids(read_all(connection, having("pro"))) == by_hand(rows, having("pro"))


def invalid_indexes(connection: psycopg.Connection) -> int:
    """How many indexes of the database are not valid."""
    return count(connection, "pg_index where not indisvalid")


def test_what_was_left_of_a_building_is_dropped_with_it(
    connection: psycopg.Connection, owner_url: str
) -> None:
    insert_rows(connection, rows_of(["pro"]))
    index = wish(connection)
    connection.execute(
        "create index events_20260304_property_1 on events_20260304 "
        "((jsonb_hash_extended(properties #> '{plan}', 0)), ts)"
    )
    drop_index(connection, 1, index.index_id)
    turn(owner_url)

    assert states(connection) == []
    assert connection.execute(PARTS_OF).fetchall() == []


def test_what_fails_again_and_again_is_given_up_with_the_reason(
    connection: psycopg.Connection, owner_url: str
) -> None:
    wish(connection)
    connection.execute("create table events_property_1 (taken integer)")
    for expected in ("building", "building", "failed", "failed"):
        turn(owner_url)
        assert states(connection) == [expected]

    assert "already exists" in str(list_indexes(connection, 1)[0].error)


# By the API


def test_an_index_is_asked_for_and_dropped_by_the_api(
    admin: Admin, connection: psycopg.Connection, owner_url: str
) -> None:
    asked = admin("POST", "property-indexes", {"property": r"address.city\.name"})
    assert asked.status_code == 202, asked.text
    assert asked.json.items() >= {"property": r"address.city\.name", "state": "building"}.items()
    assert list_indexes(connection, 1)[0].path == ["address", "city.name"]
    turn(owner_url)
    (shown,) = admin.done("GET", "property-indexes")["property_indexes"]
    assert shown.items() >= {"state": "ready", "error": None, "index_id": asked.json["index_id"]}.items()

    assert admin("POST", "property-indexes", {"property": r"address.city\.name"}).status_code == 409
    path = f"property-indexes/{shown['index_id']}"
    assert admin("DELETE", path, project=2).status_code == 404
    assert admin("DELETE", path).json["state"] == "dropping"
    turn(owner_url)
    assert admin.done("GET", "property-indexes") == {"property_indexes": []}
    assert admin("DELETE", path).status_code == 404
    actions = connection.execute("select action, subject from audit_log order by audit_id").fetchall()
    assert actions == [
        ("property index asked for", r"address.city\.name"),
        ("property index dropped", r"address.city\.name"),
    ]


def test_there_are_few_of_them(admin: Admin) -> None:
    for number in range(MOST_INDEXES):
        assert admin("POST", "property-indexes", {"property": f"p{number}"}).status_code == 202
    assert admin("POST", "property-indexes", {"property": "one more"}).status_code == 409


@pytest.mark.parametrize(
    "name", ["", "a..b", ".a", "a.", "\\", "a\0b", "x" * 201, ".".join("abcdefghijk"), 5]
)
def test_what_names_no_property_is_refused(admin: Admin, name: object) -> None:
    answer = admin("POST", "property-indexes", {"property": name})

    assert (answer.status_code, list(answer.json["errors"])) == (400, ["property"])
    assert admin.done("GET", "property-indexes") == {"property_indexes": []}

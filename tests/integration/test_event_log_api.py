"""The event log by its API: parameters, answers, exports, and the admin reads on the same code."""

from __future__ import annotations

import csv
import http.client
import io
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import msgspec
import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from psycopg_pool import ConnectionPool
from werkzeug.test import TestResponse

from beatline.analytics.event_log import Filter, Operator, PropertyFilter
from collector.api import event_log
from collector.services import pooled
from tests.fixtures.admin import TOKEN
from tests.fixtures.collectors import running_collector
from tests.fixtures.event_log import NOW, Row, a_row, by_hand, insert_rows, some_rows
from tests.fixtures.storage import wait_until

LOG = "/api/v1/events"
ADMIN = "/api/v1/analytics/admin"
ROWS = some_rows(120)
MANY = """
    insert into events (project_id, event_id, ts, received_at, event_type, user_id, page_url, properties)
    select 1, gen_random_uuid(), timestamptz '2026-03-04 12:00Z' - number * interval '1 second', now(),
           'view', 'usr_' || number %% 100, '/', jsonb_build_object('text', repeat('x', 150))
    from generate_series(1, %s) as number"""


@pytest.fixture
def client(administered: Flask) -> FlaskClient:
    """A client of a collector."""
    return administered.test_client()


@pytest.fixture
def log(client: FlaskClient, connection: psycopg.Connection) -> FlaskClient:
    """A client of a collector with events of every kind."""
    connection.execute("insert into projects (name) values ('other')")
    insert_rows(connection, ROWS)
    return client


def get(client: FlaskClient, path: str, **parameters: Any) -> TestResponse:
    """What is answered to whoever administers."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    query = urlencode(parameters, doseq=True)
    return client.get(f"{path}?{query}", headers=headers, buffered=True)


def read(client: FlaskClient, path: str = LOG, **parameters: Any) -> Any:
    """The content of a good answer."""
    answer = get(client, path, **parameters)
    assert answer.status_code == 200, answer.text
    return answer.json


def ids_of(events: list[Row]) -> list[str]:
    """The ids of events."""
    return [event["event_id"] for event in events]


def expected(wanted: Filter) -> list[str]:
    """The ids of the events that pass."""
    return [str(event_id) for event_id in by_hand(ROWS, wanted)]


def asked(name: str, operator: str | None = None, value: Any = ...) -> str:
    """A filter on a property."""
    given = {"property": name, "operator": operator, "value": value}
    return msgspec.json.encode({key: part for key, part in given.items() if part not in (None, ...)}).decode()


def test_pages_follow_one_another(log: FlaskClient) -> None:
    page = read(log, limit=50)
    assert page["total"] == {"events": len(expected(Filter(1))), "exact": True}
    found, searches = ids_of(page["events"]), 1
    while page["next_cursor"]:
        page = read(log, limit=50, cursor=page["next_cursor"])
        assert (page["total"], page["searched_until"]) == (None, None)
        found, searches = found + ids_of(page["events"]), searches + 1

    assert found == expected(Filter(1))
    assert searches > 1


def test_filters_are_parameters(log: FlaskClient) -> None:
    plan = PropertyFilter(("plan",), Operator.EQUALS, "pro")
    nested = PropertyFilter(("a", "b"), Operator.EXISTS, True)
    cases: list[tuple[dict[str, Any], Filter]] = [
        ({"project_id": 2}, Filter(2)),
        ({"since": "2026-03-04T11:00:00Z", "until": "2026-03-04T12:00:00+00:00"},
         Filter(1, NOW - timedelta(hours=1), NOW)),
        ({"event_type": ["view", "buy"]}, Filter(1, event_types=["view", "buy"])),
        ({"user_id": "ann", "session_id": "s1"}, Filter(1, user_id="ann", session_id="s1")),
        ({"anonymous_id": "a1", "device_id": "d1"}, Filter(1, anonymous_id="a1", device_id="d1")),
        ({"page_url": "/shop"}, Filter(1, page_url="/shop")),
        ({"page_prefix": "/shop"}, Filter(1, page_prefix="/shop")),
        ({"property": asked("plan", None, "pro")}, Filter(1, properties=(plan,))),
        ({"property": [asked("a.b", "exists")]}, Filter(1, properties=(nested,))),
        ({"property": asked("a\\.b", "equals", 3.0)},
         Filter(1, properties=(PropertyFilter(("a.b",), Operator.EQUALS, 3),))),
        ({"property": [asked("n", "greater", 2), asked("n", "less", 5)]},
         Filter(1, properties=(PropertyFilter(("n",), Operator.GREATER, 2),
                               PropertyFilter(("n",), Operator.LESS, 5)))),
        ({"property": asked("n", "greater", "2")},
         Filter(1, properties=(PropertyFilter(("n",), Operator.GREATER, "2"),))),
    ]  # fmt: skip
    for parameters, wanted in cases:
        assert ids_of(read(log, limit=500, **parameters)["events"]) == expected(wanted) != [], parameters


def test_a_bad_parameter_is_named(client: FlaskClient) -> None:
    cases: dict[str, list[Any]] = {
        "project_id": [0, "x", 2**31], "limit": [0, 501, "x"],
        "since": ["yesterday", "1969-12-31", "2300-01-01"],
        "cursor": ["", "x", "AAAA", "WzEsMl0=", "é", "W" * 5_000, quote("WyIyMDI2IiwgbnVsbF0=")],
        "user_id": ["", "\0", "x" * 201], "page_url": ["", "x" * 2_049], "page_prefix": ["\0"],
        "anonymous_id": [""], "session_id": [""], "device_id": [""], "colour": ["red"],
        "event_type": ["", "\0", "x" * 129, ["x"] * 21],
        "property": [
            "", "plan", "[]", "{}", "{", "null", '{"property": 3}', asked(""), asked("a..b", "exists"),
            asked("a", "like", "x"), asked("a"), asked("a", "greater"), asked("a", "less", True),
            '{"property": "a", "value": null, "operator": "greater"}', asked("a", "exists", 1),
            asked("a", "equals", "\0"), asked("a", "equals", "x" * 1_001), asked("a\0b", "exists"),
            '{"property": "a", "value": "\\ud800"}', '{"property": "a", "value": 1e999}',
            '{"property": "a", "value": [1]}', '{"property": "a", "value": 1, "or": 2}', "[" * 100_000,
            [asked("a", "exists")] * 6, '{"property": "a", "value": ' + "9" * 3_000 + "}",
        ],
    }  # fmt: skip
    for name, values in cases.items():
        for value in values:
            answer = get(client, LOG, **{name: value})
            assert answer.status_code == 400, (name, value, answer.text)
            assert list(answer.json["errors"]) == [name], (name, value)
    answer = get(client, LOG, since="2026-01-02", until="2026-01-01")
    assert (answer.status_code, list(answer.json["errors"])) == (400, ["until"])


HOSTILE = ["'; drop table events; --", "' or ''='", "%(limit)s", "\\", "$1", "*/", "{0}", "\u2028"]


def test_sql_in_a_parameter_finds_nothing_and_does_nothing(log: FlaskClient) -> None:
    texts = ["event_type", "user_id", "anonymous_id", "session_id", "device_id", "page_url", "page_prefix"]
    for text in HOSTILE:
        for name in texts:
            assert read(log, **{name: text})["events"] == []
        for operator in ("equals", "contains", "greater"):
            escaped = text.replace("\\", "\\\\")
            assert read(log, property=asked(escaped, operator, text))["events"] == []
        assert get(log, LOG, cursor=text).status_code == 400
    assert ids_of(read(log, limit=500)["events"]) == expected(Filter(1))


def test_a_search_that_is_cut_short_says_so_and_goes_on(
    log: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_log, "search_budget", lambda: lambda: True)
    monkeypatch.setattr("beatline.analytics.event_log.FEWEST_ROWS", 20)
    wanted = {"event_type": "view", "device_id": "d1", "limit": 500}
    page = read(log, **wanted)
    found = ids_of(page["events"])
    assert page["searched_until"] is not None
    while page["next_cursor"]:
        page = read(log, cursor=page["next_cursor"], **wanted)
        found += ids_of(page["events"])

    assert found == expected(Filter(1, event_types=["view"], device_id="d1"))


# Exports


def test_an_export_has_what_the_log_has(log: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_log, "EXPORT_PAGE", 7)
    whole = read(log, limit=500, event_type="view")["events"]

    ndjson = get(log, f"{LOG}/export", event_type="view")
    assert [msgspec.json.decode(line) for line in ndjson.data.splitlines()] == whole
    assert ndjson.headers["Content-Type"] == "application/x-ndjson"
    answer = get(log, f"{LOG}/export", event_type="view", format="csv")
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [row | {"properties": msgspec.json.decode(row["properties"])} for row in rows] == [
        {name: "" if value is None else value for name, value in event.items()} for event in whole
    ]
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    name = answer.headers["Content-Disposition"]
    assert name.startswith('attachment; filename="events-1-')
    assert name.endswith('.csv"')
    assert (answer.headers["X-Content-Type-Options"], answer.headers["Cache-Control"]) == (
        "nosniff",
        "no-store",
    )


def test_an_export_of_nothing_has_a_header_or_is_empty(client: FlaskClient) -> None:
    assert get(client, f"{LOG}/export").data == b""
    assert get(client, f"{LOG}/export", format="csv").text.splitlines()[0].startswith('"event_id","ts"')
    assert get(client, f"{LOG}/export", format="pdf").status_code == 400
    assert get(client, f"{LOG}/export", limit=5).status_code == 400


@pytest.mark.parametrize(
    "sign", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"]
)
def test_no_cell_of_a_csv_is_a_formula(
    client: FlaskClient, connection: psycopg.Connection, sign: str
) -> None:
    evil = f"{sign}cmd|' /C calc'!A0\",\"{sign}1\n{sign}2"
    fields = ["event_type", "user_id", "anonymous_id", "session_id", "device_id", "page_url", "os_name"]
    row = a_row(1, NOW, Random(1)) | dict.fromkeys(fields, evil) | {"properties": {evil: evil}}
    insert_rows(connection, [row])

    text = get(client, f"{LOG}/export", format="csv").text
    (cells,) = csv.DictReader(io.StringIO(text, newline=""))
    assert {cells[name] for name in fields} == {f"'{evil}"}
    assert msgspec.json.decode(cells["properties"]) == {evil: evil}
    assert not any(cell.startswith(sign) for cell in cells.values())


def test_an_export_is_bounded_and_says_by_what(log: FlaskClient, administered: Flask) -> None:
    services = administered.extensions["beatline"]
    services.settings = replace(services.settings, export_events=5)
    answer = get(log, f"{LOG}/export")

    assert answer.headers["X-Export-Limit"] == "5"
    assert len(answer.data.splitlines()) == 5


def store_many(connection: psycopg.Connection, rows: int) -> None:
    """Store so many events, without counting them."""
    for day in ("2026-03-03", "2026-03-04"):
        connection.execute("select make_event_partition(%s)", [day])
    connection.execute("alter table events disable trigger user")
    connection.execute(MANY, [rows])


def test_a_large_export_needs_little_memory_and_holds_no_connection(
    client: FlaskClient, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = 50_000
    store_many(connection, rows)
    held: list[ConnectionPool] = []

    @contextmanager
    def noted(pool: ConnectionPool) -> Iterator[psycopg.Connection]:
        held.append(pool)
        with pooled(pool) as borrowed:
            yield borrowed
        held.pop()

    monkeypatch.setattr(event_log, "pooled", noted)
    tracemalloc.start()
    answer = client.get(f"{LOG}/export", headers={"Authorization": f"Bearer {TOKEN}"}, buffered=False)
    size = lines = 0
    for piece in answer.response:
        size, lines = size + len(piece), lines + piece.count(b"\n")
        assert held == []
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    answer.close()

    assert (lines, size > 20 * 2**20) == (rows, True)
    assert peak < 5 * 2**20, f"{peak:,} bytes for an export of {size:,}"


def test_who_hangs_up_frees_the_export(
    tmp_path: Path, postgres_url: str, redis_url: str, connection: psycopg.Connection
) -> None:
    store_many(connection, 50_000)
    with running_collector(tmp_path, postgres_url, redis_url, admin_token=TOKEN) as url:
        for _ in range(2 * event_log.EXPORTS_AT_ONCE):
            wait_until(lambda: begun_export(url) == 200)


def open_export(url: str) -> http.client.HTTPConnection:
    """An export whose client reads its head only."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
    connection.request("GET", f"{LOG}/export", headers={"Authorization": f"Bearer {TOKEN}"})
    return connection


def begun_export(url: str) -> int:
    """The status of an export whose client hangs up after its first bytes."""
    connection = open_export(url)
    answer = connection.getresponse()
    answer.read(1_000)
    connection.close()
    return answer.status


def test_too_many_exports_at_once_are_told_to_wait(log: FlaskClient) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    open_ones = [
        log.get(f"{LOG}/export", headers=headers, buffered=False) for _ in range(event_log.EXPORTS_AT_ONCE)
    ]
    assert get(log, f"{LOG}/export").status_code == 429
    for each in open_ones:
        each.close()
    assert get(log, f"{LOG}/export").status_code == 200


@pytest.mark.parametrize("name", ["ndjson", "csv"])
def test_an_export_that_cannot_be_read_on_says_so_in_its_last_line(
    log: FlaskClient, administered: Flask, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(event_log, "EXPORT_PAGE", 7)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    answer = log.get(f"{LOG}/export?format={name}", headers=headers, buffered=False)
    administered.extensions["beatline"].pool.close()
    *stored, last = b"".join(answer.response).splitlines()
    answer.close()

    assert len(stored) == 7 + (name == "csv")
    assert b"broke off" in last
    if name == "ndjson":
        assert msgspec.json.decode(last).keys() == {"code", "message", "errors", "request_id"}
    assert get(log, f"{LOG}/export").status_code == 503


# The admin reads


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_admin_reads_events_and_counts(log: FlaskClient, slash: str) -> None:
    assert read(log, f"{ADMIN}/events{slash}", limit=20) == read(log, limit=20)
    counts = read(log, f"{ADMIN}/events/event_counts{slash}", start_date="2026-03-04", end_date="2026-03-04")
    of_day = [row for row in ROWS if row["project_id"] == 1 and row["ts"].date() == NOW.date()]
    assert counts["total_events"] == sum(counts["by_type"].values()) == len(of_day)
    one = read(log, f"{ADMIN}/events/event_counts{slash}", event_type="buy")
    buys = len(expected(Filter(1, event_types=["buy"])))
    assert one == {"total_events": buys, "by_type": {"buy": buys}}


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_admin_reads_aggregates_page_by_page(log: FlaskClient, slash: str) -> None:
    path = f"{ADMIN}/event-aggregates{slash}"
    for unit in ("minute", "hour", "day"):
        page = read(log, path, unit=unit, limit=7)
        rows = page["aggregates"]
        while page["next_cursor"]:
            page = read(log, path, unit=unit, limit=7, cursor=page["next_cursor"])
            rows += page["aggregates"]
        assert sum(row["events"] for row in rows) == len(expected(Filter(1)))
        keys = [(row["bucket"], row["event_type"]) for row in rows]
        assert keys == sorted(set(keys), reverse=True)
    some = read(log, path, event_type=["buy"], since=NOW.isoformat(), limit=1_000)["aggregates"]
    assert {row["event_type"] for row in some} <= {"buy"}
    for name, value in {"unit": "week", "limit": 1_001, "cursor": "x", "event_type": ""}.items():
        assert list(get(log, path, **{name: value}).json["errors"]) == [name]


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_admin_reads_sessions_page_by_page(client: FlaskClient, slash: str) -> None:
    for number in range(12):
        event = {"event_type": "view", "user_id": f"u{number % 3}", "session_id": f"s{number}"}
        event["timestamp"] = (NOW + timedelta(minutes=number // 2)).isoformat()
        assert client.post("/track", json=event).status_code == 202
    path = f"{ADMIN}/sessions{slash}"

    page = read(client, path, limit=5)
    rows = page["sessions"]
    while page["next_cursor"]:
        page = read(client, path, limit=5, cursor=page["next_cursor"])
        rows += page["sessions"]
    keys = [(row["last_seen_at"], row["user_id"], row["session_id"]) for row in rows]
    assert keys == sorted(set(keys), reverse=True)
    assert len(keys) == 12
    assert {row["session_id"] for row in read(client, path, user_id="u1")["sessions"]} == {
        "s1",
        "s4",
        "s7",
        "s10",
    }
    late = read(client, path, since=(NOW + timedelta(minutes=5)).isoformat())["sessions"]
    assert {row["session_id"] for row in late} == {"s10", "s11"}

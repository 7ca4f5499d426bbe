"""Imports: received by the collector, stored by the worker's plain function, looked at while it goes on."""

from __future__ import annotations

import csv
import dataclasses
import gzip
import json
import os
import random
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient

from beatline import catalogue_admin, project_admin
from beatline.catalogue import Mode
from beatline.events import utc_now
from beatline.imports import REJECTS, UPLOAD, RejectsFile, import_folder
from beatline.settings import Settings
from beatline.storage.store import Store
from collector import create_app
from tests.fixtures.collectors import running_collector
from tests.fixtures.storage import NUL_PROPERTIES, assert_counts_agree, count, locked, wait_until
from workers import imports
from workers.imports import forget_imports, run_imports, work

IMPORTS = "/api/v1/imports"
SMALL = "event_type,user_id,timestamp,amount\nview,u1,2024-03-15T14:30:00Z,9.50\nclick,u2,2001-01-01,\n"
NOW = datetime.now(UTC)


@pytest.fixture
def settings(workers_url: str, redis_url: str, tmp_path: Path) -> Settings:
    """Settings of the workers."""
    return Settings(
        database_url=workers_url, redis_url=redis_url, data=tmp_path, max_import_bytes=2**20,
        max_event_bytes=2_000, max_open_imports=3,
    )  # fmt: skip


@pytest.fixture
def app(settings: Settings, postgres_url: str) -> Iterator[Flask]:
    """A collector with the same ones, as its own role in the database."""
    app = create_app(dataclasses.replace(settings, database_url=postgres_url))
    yield app
    app.extensions["beatline"].close()


def upload(client: FlaskClient, body: str | bytes, query: str = "", **options: Any) -> Any:
    """Send a file as the body of a request."""
    return client.post(IMPORTS + query, data=body, content_type="text/csv", **options)


def imported(client: FlaskClient, settings: Settings, body: str | bytes, query: str = "") -> Any:
    """Send a file, let a worker have it, and say how far it is."""
    answer = upload(client, body, query)
    assert answer.status_code == 202, answer.json
    run_imports(settings, utc_now())
    return client.get(answer.json["url"]).json


def rejected(client: FlaskClient, shown: dict[str, Any]) -> list[list[str]]:
    """The rows of rejected.csv."""
    answer = client.get(shown["rejected_url"])
    assert (answer.status_code, answer.mimetype) == (200, "text/csv")
    return list(csv.reader(StringIO(answer.text, newline="")))


def numbered(rows: int, **cells: str) -> str:
    """A CSV file of so many rows, each with its number as a property."""
    extra = "".join(f",{name}" for name in cells)
    values = "".join(f",{value}" for value in cells.values())
    return f"event_type,n{extra}\n" + "".join(f"view,{number}{values}\n" for number in range(rows))


def stored_numbers(connection: psycopg.Connection) -> list[int]:
    """The numbers of the stored rows."""
    return [n for (n,) in connection.execute("select (properties ->> 'n')::int as n from events order by n")]


def test_it_works(client: FlaskClient, settings: Settings, connection: psycopg.Connection) -> None:
    answer = upload(client, SMALL)
    assert answer.status_code == 202
    assert answer.headers["Location"] == answer.json["url"] == f"{IMPORTS}/{answer.json['import_id']}"
    waiting = client.get(answer.json["url"]).json
    assert (waiting["status"], waiting["percent"], waiting["rate"]) == ("waiting", 0, None)

    run_imports(settings, utc_now())

    done = client.get(answer.json["url"]).json
    assert {name: done[name] for name in ("status", "rows_read", "stored", "duplicates", "rejected")} == {
        "status": "done", "rows_read": 2, "stored": 2, "duplicates": 0, "rejected": 0,
    }  # fmt: skip
    assert (done["percent"], done["eta_seconds"], done["error"]) == (100, None, None)
    assert done["rate"] > 0
    assert done["created_at"] <= done["started_at"] <= done["finished_at"]
    events = connection.execute(
        "select ts, user_id, event_type, properties from events order by ts"
    ).fetchall()
    assert events == [
        (datetime(2001, 1, 1, tzinfo=UTC), "u2", "click", {}),
        (datetime(2024, 3, 15, 14, 30, tzinfo=UTC), "u1", "view", {"amount": 9.5}),
    ]
    assert_counts_agree(connection)


FORM = {"content_type": "multipart/form-data"}
LINES = '{"event_type":"view","user_id":"u1","properties":{"a":[1]}}\n\n{"event_type":"click","user_id":"u2"}'
WAYS: dict[str, Callable[[FlaskClient], Any]] = {
    "body": lambda client: upload(client, SMALL),
    "gzip": lambda client: upload(client, gzip.compress(SMALL.encode())),
    "gzip of two members": lambda client: upload(
        client, gzip.compress(SMALL[:20].encode()) + gzip.compress(SMALL[20:].encode())
    ),
    "no type": lambda client: client.post(IMPORTS, data=SMALL.encode()),
    "form": lambda client: client.post(
        IMPORTS, data={"file": (BytesIO(SMALL.encode()), "events.csv"), "note": "x"}, **FORM
    ),
    "gzip in a form": lambda client: client.post(
        IMPORTS, data={"file": (BytesIO(gzip.compress(SMALL.encode())), "events.csv.gz")}, **FORM
    ),
    "JSON lines": lambda client: client.post(IMPORTS, data=LINES, content_type="application/x-ndjson"),
    "JSON lines named CSV": lambda client: upload(client, b"\xef\xbb\xbf" + LINES.encode()),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_file_may_come_in_many_ways(
    client: FlaskClient, settings: Settings, connection: psycopg.Connection, way: str
) -> None:
    answer = WAYS[way](client)
    assert answer.status_code == 202, answer.json

    run_imports(settings, utc_now())

    events = connection.execute("select event_type, user_id from events order by user_id").fetchall()
    assert events == [("view", "u1"), ("click", "u2")]


def test_rejected_rows_are_told_and_may_be_mended_and_sent_again(
    client: FlaskClient, settings: Settings, connection: psycopg.Connection
) -> None:
    body = (
        "event_type,user_id,timestamp,note\n"
        "view,u1,,fine\n"
        'view,u2,yesterday,"two\nlines"\n'
        ",u3,,\n"
        "view,u4,,,extra\n"
        f"view,u5,,{'x' * 3_000}\n"
    )
    done = imported(client, settings, body)

    assert (done["status"], done["stored"], done["rejected"]) == ("done", 1, 4)
    rows = rejected(client, done)
    assert rows == [
        ["$row", "$reason", "event_type", "user_id", "timestamp", "note"],
        [
            "2",
            "timestamp: timestamp: Not an ISO 8601 date and time.",
            "view",
            "u2",
            "yesterday",
            "two\nlines",
        ],
        ["3", "invalid: event_type: Missing data for required field.", "", "u3", "", ""],
        ["4", "malformed: row: More cells than columns.", "view", "u4", "", "", "extra"],
        ["5", "too_large: properties: Larger than 2000 bytes.", "view", "u5", "", "x" * 3_000],
    ]

    rows[1][4] = "2024-01-01"
    mended = StringIO()
    csv.writer(mended).writerows(rows[:2])
    assert imported(client, settings, mended.getvalue())["stored"] == 1
    newest = connection.execute("select user_id, properties from events where user_id = 'u2'").fetchall()
    assert newest == [("u2", {"note": "two\nlines"})]


def test_rejected_lines_of_json_are_told(client: FlaskClient, settings: Settings) -> None:
    long = json.dumps({"event_type": "x", "properties": {"a": "y" * 80_000}})
    body = "\n".join(['{"user_id":"u"}', "not json", long, "[1]", '{"event_type":"fine"}'])
    done = imported(client, settings, body)

    assert (done["rows_read"], done["stored"], done["rejected"]) == (5, 1, 4)
    assert rejected(client, done) == [
        ["$row", "$reason", "json"],
        ["1", "invalid: event_type: Missing data for required field.", '{"user_id":"u"}'],
        ["2", "malformed: event: Not valid JSON: JSON is malformed: invalid character (byte 4)", "not json"],
        ["3", "malformed: row: Longer than 69536 bytes.", ""],
        ["4", "invalid: event: Not a JSON object.", "[1]"],
    ]


@pytest.mark.parametrize("body", ["user_id\nu1\nu2\n", '{"user_id":"u1"}\n{"user_id":"u2"}\n'])
def test_a_type_may_be_given_for_all_rows(
    client: FlaskClient, settings: Settings, connection: psycopg.Connection, body: str
) -> None:
    assert imported(client, settings, body, "?event_type=signup")["stored"] == 2
    assert connection.execute("select distinct event_type from events").fetchall() == [("signup",)]


@pytest.mark.parametrize("path", [IMPORTS, "/api/v1/analytics/batch/"])
@pytest.mark.parametrize("event_type", ["", "a%00b", "x" * 129])
def test_a_type_that_is_none_is_refused(client: FlaskClient, path: str, event_type: str) -> None:
    answer = client.post(f"{path}?event_type={event_type}", data="user_id\nu1\n", content_type="text/csv")

    assert (answer.status_code, answer.json["code"]) == (400, "invalid")
    assert answer.json["errors"].keys() == {"event_type"}


def test_rows_with_ids_are_stored_once_and_others_each_time(
    client: FlaskClient, settings: Settings, connection: psycopg.Connection
) -> None:
    body = "event_type,event_id\nview,order-1\nview,order-1\nview,\nview,\n"
    first, second = (imported(client, settings, body) for _ in range(2))

    assert (first["stored"], first["duplicates"]) == (3, 1)
    assert (second["stored"], second["duplicates"]) == (2, 2)
    assert count(connection, "events") == 5


def test_a_time_of_sending_does_not_shift_old_events(
    client: FlaskClient, settings: Settings, connection: psycopg.Connection
) -> None:
    line = {"event_type": "x", "timestamp": "2024-01-01T00:00:00Z", "sent_at": "2024-01-01T00:00:01Z"}
    assert imported(client, settings, json.dumps(line))["stored"] == 1
    assert connection.execute("select ts from events").fetchall() == [(datetime(2024, 1, 1, tzinfo=UTC),)]


def test_events_belong_to_the_write_key_s_project(
    client: FlaskClient, settings: Settings, connection: psycopg.Connection
) -> None:
    key = project_admin.create_project(connection, "shop")
    assert imported(client, settings, SMALL, f"?write_key={key}")["stored"] == 2
    assert connection.execute("select distinct project_id from events").fetchall() == [(2,)]


def test_old_events_of_many_days_get_their_partitions(
    client: FlaskClient, settings: Settings, connection: psycopg.Connection
) -> None:
    chance = random.Random(1)
    days = [datetime(1999, 1, 1) + timedelta(days=chance.randrange(9_000)) for _ in range(300)]
    body = "event_type,timestamp\n" + "".join(f"view,{day:%Y-%m-%d}\n" for day in days)

    assert imported(client, settings, body)["stored"] == 300
    stored = connection.execute("select ts from events order by ts").fetchall()
    assert [ts.replace(tzinfo=None) for (ts,) in stored] == sorted(days)


def test_the_project_s_catalogue_judges_the_rows(
    client: FlaskClient, settings: Settings, connection: psycopg.Connection
) -> None:
    catalogue_admin.set_mode(connection, 1, Mode.ENFORCE)
    done = imported(
        client, settings, "event_type,latitude,longitude\nlocation,52.5,13.4\nlocation,152.5,13.4\n"
    )

    assert (done["stored"], done["rejected"]) == (1, 1)
    assert rejected(client, done)[1][:2] == [
        "2",
        "schema: properties.latitude: value is greater than the maximum of 90",
    ]


# What is refused at the door


UNUSABLE: list[tuple[str | bytes, str, str]] = [
    ("user_id\nu\n", "", "event_type"),
    ("event_type,a,a\nx,1,2\n", "", "header"),
    ("", "", "file"),
    ("\n \n", "", "file"),
    (b"\x1f", "", "header"),
    (b"\xff\xfe\0", "", "header"),
    (b"\x1f\x8bnot gzip", "", "body"),
    (gzip.compress(SMALL.encode())[:-5], "", "body"),
    ('[{"event_type":"x"}]', "", "event_type"),
    ("user_id\nu\n", "?event_type=" + "x" * 200, "event_type"),
]


def test_a_file_that_cannot_be_used_is_refused_and_leaves_nothing(
    client: FlaskClient, settings: Settings, connection: psycopg.Connection
) -> None:
    for body, query, field in UNUSABLE:
        answer = upload(client, body, query)

        assert answer.status_code == 400, body
        assert answer.json.keys() == {"code", "message", "errors", "request_id"}
        assert answer.json["errors"].keys() == {field}, body
    assert count(connection, "imports") == 0
    assert list((settings.data / "imports").iterdir()) == []


BAD_FORMS: list[dict[str, Any]] = [
    {},
    {"file": "no file but a field"},
    {"file": "x" * 100_000},
    {"file": [(BytesIO(b"event_type\na\n"), "a.csv"), (BytesIO(b"event_type\na\n"), "b.csv")]},
]
BROKEN_FORMS = [b"--x\r\n", b"", b"--x\r\nContent-Disposition: form-data\r\n\r\n"]


def test_a_form_needs_one_file(client: FlaskClient, connection: psycopg.Connection) -> None:
    for data in BAD_FORMS:
        assert client.post(IMPORTS, data=data, **FORM).status_code in (400, 413), data
    for body in BROKEN_FORMS:
        for kind in ("multipart/form-data", "multipart/form-data; boundary=x"):
            assert client.post(IMPORTS, data=body, content_type=kind).status_code == 400, (body, kind)
    assert count(connection, "imports") == 0


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(SMALL.encode() + b"view,,,\n" * 2**18, id="plain"),
        pytest.param(gzip.compress(SMALL.encode() + b"view,,,\n" * 2**18), id="bomb"),
    ],
)
@pytest.mark.parametrize("chunked", [False, True])
def test_a_file_beyond_the_limit_is_refused_and_leaves_nothing(
    client: FlaskClient, settings: Settings, connection: psycopg.Connection, body: bytes, chunked: bool
) -> None:
    if chunked:
        body = body if body.startswith(b"\x1f\x8b") else gzip.compress(body)
        stream = {"wsgi.input": BytesIO(body), "HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}
        answer = client.post(IMPORTS, environ_overrides=stream)
    else:
        answer = upload(client, body)

    assert (answer.status_code, answer.json["code"]) == (413, "too_large")
    assert count(connection, "imports") == 0
    assert list((settings.data / "imports").iterdir()) == []


def test_a_body_that_ends_too_early_is_refused(client: FlaskClient, connection: psycopg.Connection) -> None:
    short = {"wsgi.input": BytesIO(SMALL.encode()), "CONTENT_LENGTH": str(len(SMALL) + 1)}
    assert client.post(IMPORTS, environ_overrides=short).status_code == 400
    assert count(connection, "imports") == 0


def test_a_project_has_so_many_open_imports(
    client: FlaskClient, settings: Settings, connection: psycopg.Connection
) -> None:
    for _ in range(3):
        assert upload(client, SMALL).status_code == 202
    refused = upload(client, SMALL)
    assert (refused.status_code, refused.json["code"]) == (429, "rate_limited")
    assert int(refused.headers["Retry-After"]) > 0
    key = project_admin.create_project(connection, "shop")
    assert upload(client, SMALL, f"?write_key={key}").status_code == 202

    run_imports(settings, utc_now())
    assert upload(client, SMALL).status_code == 202


def test_keys_are_checked(settings: Settings, postgres_url: str, connection: psycopg.Connection) -> None:
    closed = create_app(dataclasses.replace(settings, database_url=postgres_url, open_ingest=False))
    client = closed.test_client()
    key = project_admin.create_project(connection, "shop")
    assert upload(client, SMALL).status_code == 401
    assert upload(client, SMALL, headers={"X-Write-Key": "bl_unknown"}).status_code == 401
    assert upload(client, SMALL, headers={"X-Write-Key": key}).status_code == 202
    project_admin.pause_project(connection, 2, paused=True)
    closed.extensions["beatline"].projects.refresh()
    assert upload(client, SMALL, headers={"X-Write-Key": key}).status_code == 403
    closed.extensions["beatline"].close()


def test_an_import_that_is_not_there_is_not_found(client: FlaskClient) -> None:
    for import_id in ("11111111-2222-4333-8444-555555555555", "nothing", "1"):
        for path in ("", "/rejected.csv"):
            answer = client.get(f"{IMPORTS}/{import_id}{path}")
            assert (answer.status_code, answer.json["code"]) == (404, "not_found")


def test_a_disk_that_takes_nothing_is_said_so(client: FlaskClient, settings: Settings) -> None:
    (settings.data / "imports").write_text("not a folder")
    answer = upload(client, SMALL)
    assert (answer.status_code, answer.json["code"]) == (503, "unavailable")


# Stopped and gone on with


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of ten rows."""
    monkeypatch.setattr(imports, "CHUNK_ROWS", 10)


class Killed(BaseException):
    """Ends a worker as SIGKILL does: nothing of ours runs any more."""


def kill_at(monkeypatch: pytest.MonkeyPatch, name: str, times: int) -> None:
    """Kill the worker when it has done something for the n-th time: before the transaction's end."""
    done = 0
    original = getattr(RejectsFile, name)

    def counted(self: RejectsFile, *given: Any) -> Any:
        nonlocal done
        result = original(self, *given)
        done += 1
        if done == times:
            raise Killed
        return result

    monkeypatch.setattr(RejectsFile, name, counted)


@pytest.mark.parametrize("died_at", range(1, 12))
@pytest.mark.usefixtures("small_chunks")
def test_a_killed_worker_s_import_goes_on_and_nothing_is_twice(
    client: FlaskClient, settings: Settings, connection: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch, died_at: int,
) -> None:  # fmt: skip
    header, *lines = numbered(50).splitlines(keepends=True)
    lines[7::10] = ["view,seven,more,cells\n"] * 5
    answer = upload(client, header + "".join(lines))

    with monkeypatch.context() as patch:
        kill_at(patch, "write", died_at)
        try:
            run_imports(settings, utc_now())
        except Killed:
            connection.execute("truncate event_ledger_0, event_ledger_1")  # it was away for days
    run_imports(settings, utc_now() + timedelta(minutes=2))

    done = client.get(answer.json["url"]).json
    assert (done["status"], done["rows_read"], done["stored"], done["rejected"]) == ("done", 50, 45, 5)
    assert stored_numbers(connection) == [number for number in range(50) if number % 10 != 7]
    assert [row[0] for row in rejected(client, done)[1:]] == ["8", "18", "28", "38", "48"]
    assert_counts_agree(connection)


@pytest.mark.usefixtures("small_chunks")
def test_rejected_csv_shows_no_row_of_a_chunk_that_is_not_stored(
    client: FlaskClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    header, *lines = numbered(20).splitlines(keepends=True)
    lines[15] = "view,1,2,3\n"
    answer = upload(client, header + "".join(lines))
    kill_at(monkeypatch, "write", 3)
    with pytest.raises(Killed):
        run_imports(settings, utc_now())

    shown = client.get(answer.json["url"]).json
    folder = import_folder(settings, UUID(answer.json["import_id"]))
    assert b"1,2,3" in (folder / REJECTS).read_bytes()
    assert (shown["status"], shown["rows_read"], shown["percent"] < 100) == ("running", 10, True)
    assert shown["eta_seconds"] >= 0
    assert len(rejected(client, shown)) == 1


@pytest.mark.usefixtures("small_chunks")
def test_imports_take_turns(
    client: FlaskClient, settings: Settings, connection: psycopg.Connection, workers_url: str
) -> None:
    urls = [upload(client, numbered(25)).json["url"] for _ in range(2)]
    for _ in range(6):
        with closing(Store.connect(workers_url)) as store:
            work(settings, store, utc_now(), 0)
        progress = [client.get(url).json["rows_read"] for url in urls]
        assert abs(progress[0] - progress[1]) <= 10
    assert progress == [25, 25]


def test_what_the_database_refuses_is_rejected_alone(
    client: FlaskClient, settings: Settings, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    header, *lines = numbered(40).splitlines(keepends=True)
    lines[3] = "view,1,2\n"

    def add(self: imports.Chunk, import_id: UUID, number: int, event: Any) -> None:
        if number in (11, 30):
            event.properties = NUL_PROPERTIES
        original(self, import_id, number, event)

    original = imports.Chunk.add
    monkeypatch.setattr(imports.Chunk, "add", add)
    done = imported(client, settings, header + "".join(lines))

    assert (done["rows_read"], done["stored"], done["rejected"]) == (40, 37, 3)
    rows = rejected(client, done)[1:]
    assert [row[0] for row in rows] == ["4", "11", "30"] or [row[0] for row in rows] == ["4", "30", "11"]
    assert {row[1].partition(":")[0] for row in rows[1:]} == {"storage"}
    assert stored_numbers(connection) == [n for n in range(40) if n not in (3, 10, 29)]
    assert_counts_agree(connection)


def test_an_import_waits_while_its_project_is_paused(
    client: FlaskClient, settings: Settings, connection: psycopg.Connection
) -> None:
    url = upload(client, SMALL).json["url"]
    project_admin.pause_project(connection, 1, paused=True)
    run_imports(settings, utc_now())
    assert client.get(url).json["status"] == "waiting"

    project_admin.pause_project(connection, 1, paused=False)
    run_imports(settings, utc_now())
    assert client.get(url).json["status"] == "done"


def test_nobody_works_on_an_import_that_somebody_has(
    client: FlaskClient, settings: Settings, connection: psycopg.Connection
) -> None:
    answer = upload(client, SMALL)
    lock = f"beatline import {answer.json['import_id']}"
    connection.execute("select pg_advisory_lock(hashtext(%s))", [lock])
    run_imports(settings, utc_now())
    assert client.get(answer.json["url"]).json["status"] == "waiting"


def test_while_the_database_is_held_up_the_import_waits(
    client: FlaskClient, settings: Settings, owner_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from beatline.storage import store

    options = {**store.CONNECT_OPTIONS, "options": "-c statement_timeout=200ms -c timezone=UTC"}
    monkeypatch.setattr(store, "CONNECT_OPTIONS", options)
    url = upload(client, SMALL).json["url"]
    with locked(owner_url, "events"):
        run_imports(settings, utc_now())
    shown = client.get(url).json
    assert (shown["status"], shown["rows_read"], shown["error"]) == ("running", 0, None)

    run_imports(settings, utc_now() + timedelta(seconds=10))
    assert client.get(url).json["stored"] == 2


def test_an_import_that_never_gets_on_is_given_up(
    client: FlaskClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = upload(client, SMALL).json["url"]
    monkeypatch.setattr(imports.Turn, "run", lambda *_: (_ for _ in ()).throw(Killed))
    now = utc_now()
    for attempt in range(imports.MOST_ATTEMPTS):
        now += timedelta(minutes=2)
        with pytest.raises(Killed):
            run_imports(settings, now)
        assert client.get(url).json["status"] == "running", attempt
    run_imports(settings, now + timedelta(minutes=2))

    shown = client.get(url).json
    assert (shown["status"], shown["error"]) == ("failed", "Given up: 10 attempts did not store a row.")


@pytest.mark.parametrize("gone", [UPLOAD, REJECTS])
def test_an_import_whose_file_is_gone_fails(client: FlaskClient, settings: Settings, gone: str) -> None:
    answer = upload(client, SMALL)
    (import_folder(settings, UUID(answer.json["import_id"])) / gone).unlink()
    run_imports(settings, utc_now())
    shown = client.get(answer.json["url"]).json
    assert shown["status"] == "failed"
    assert "BEATLINE_DATA" in shown["error"]
    assert client.get(shown["rejected_url"]).status_code == (404 if gone == REJECTS else 200)


def test_ended_imports_and_uploads_without_an_end_are_forgotten(
    client: FlaskClient, settings: Settings, connection: psycopg.Connection
) -> None:
    ended, waiting = (upload(client, SMALL).json["import_id"] for _ in range(2))
    run_imports(settings, utc_now())
    stray, fresh = (settings.data / "imports" / name for name in ("stray", "fresh"))
    for folder in (stray, fresh):
        folder.mkdir()
    for name in (ended, waiting, "stray"):
        os.utime(settings.data / "imports" / name, (0, 0))
    connection.execute(
        "insert into imports (import_id, project_id, status, created_at) values (%s, 1, 'receiving', %s)",
        [UUID(int=7), NOW - timedelta(days=2)],
    )

    forget_imports(settings, utc_now())
    assert client.get(f"{IMPORTS}/{ended}").status_code == 200
    assert not stray.exists()
    assert connection.execute("select count(*) from imports where status = 'receiving'").fetchone() == (0,)

    forget_imports(settings, utc_now() + timedelta(days=settings.import_days, hours=1))
    assert client.get(f"{IMPORTS}/{ended}").status_code == 404
    assert client.get(f"{IMPORTS}/{waiting}").status_code == 200
    assert {folder.name for folder in (settings.data / "imports").iterdir()} == {waiting}


def test_both_engines_store_the_same(
    database_url: str, database: psycopg.Connection, redis_url: str, tmp_path: Path
) -> None:
    settings = Settings(database_url=database_url, data=tmp_path)
    new = imports.import_folder(settings, UUID(int=1))
    new.mkdir(parents=True)
    (new / UPLOAD).write_text("event_type,timestamp,user_id\n" + "".join(
        f"view,2025-0{1 + number % 9}-01,u{number % 3}\n" for number in range(30)
    ))  # fmt: skip
    size = RejectsFile.create(new / REJECTS, [])
    database.execute(
        "insert into imports (import_id, project_id, status, created_at, file_bytes, rejects_bytes)"
        " values (%s, 1, 'waiting', now(), 1, %s)",
        [UUID(int=1), size],
    )
    with closing(Store.connect(database_url)) as store:
        work(settings, store, utc_now(), 60)

    assert database.execute("select status, stored, error from imports").fetchall() == [("done", 30, None)]
    assert count(database, "events") == 30


# Behind the real server

UPLOADS: dict[str, tuple[bytes, dict[str, str]]] = {
    "plain": (numbered(3).encode(), {}),
    "gzip": (gzip.compress(numbered(3).encode()), {}),
    "form": (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
        + numbered(3).encode()
        + b"\r\n--x--\r\n",
        {"Content-Type": "multipart/form-data; boundary=x"},
    ),
}


@pytest.mark.parametrize("server", ["granian", "gthread"])
def test_an_upload_that_is_cut_off_is_no_import(
    postgres_url: str, redis_url: str, tmp_path: Path, connection: psycopg.Connection, server: str
) -> None:
    with running_collector(tmp_path, postgres_url, redis_url, server=server, threads=2) as url:
        for name, (body, headers) in UPLOADS.items():
            for chunked in (False, True):
                status = 411 if (name, chunked) == ("plain", True) else 202
                content = pieces(body) if chunked else body
                assert httpx.post(url + IMPORTS, content=content, headers=headers).status_code == status
                if status == 202:
                    cut_off(url, body, headers, chunked)
        wait_until(lambda: count(connection, "imports where status = 'receiving'") == 0)

    assert count(connection, "imports") == 5
    assert len(list((tmp_path / "imports").iterdir())) == 5


def pieces(body: bytes) -> Iterator[bytes]:
    """A file in pieces of a few bytes."""
    return (body[start : start + 7] for start in range(0, len(body), 7))


def cut_off(url: str, body: bytes, headers: dict[str, str], chunked: bool) -> None:
    """Send all but the last bytes of a file, and go."""
    length = {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": str(len(body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in {"Host": "x", **headers, **length}.items())
    start = b"%x\r\n%s\r\n" % (len(body) - 9, body[:-9]) if chunked else body[:-9]
    with socket.create_connection((urlsplit(url).hostname, urlsplit(url).port)) as client:
        client.sendall(f"POST {IMPORTS} HTTP/1.1\r\n{head}\r\n".encode() + start)

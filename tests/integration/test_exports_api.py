"""Exports by the API: asked for, listed, cancelled, deleted; links to their files, and who may use those."""

from __future__ import annotations

import csv
import http.client
import json
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import UUID, uuid4

import jwt
import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from pyarrow import parquet
from werkzeug.test import TestResponse

from beatline.accounts.access import Role
from beatline.accounts.signing_keys import ALGORITHM, SigningKeys
from beatline.events import utc_now
from beatline.exports import EventsRequest, NewExport, export_store, find_export, request_export
from beatline.settings import Settings
from collector.api import exports
from collector.api.export_links import LIFETIME, export_of_link, link_token
from collector.api.tokens import KEYS
from tests.fixtures.admin import TOKEN
from tests.fixtures.collectors import running_collector
from tests.fixtures.event_log import insert_rows, some_rows
from tests.fixtures.people import People, Tokens, bearer
from tests.fixtures.storage import wait_until
from workers.exports import run_export

EXPORTS = "/api/v1/projects/1/exports"
DOWNLOAD = "/api/v1/exports/download"
NUMBERS = {"period": {"kind": "last", "count": 7, "unit": "day"}, "grain": "day"}
OF_PEOPLE = NUMBERS | {"groupings": [{"by": "property", "property": "plan"}]}
EVENTS = {"kind": "events", "format": "csv"}
REPORT = {"kind": "report", "format": "csv", "definition": NUMBERS}
ERROR = {"code", "message", "errors", "request_id"}


@pytest.fixture
def stored(connection: psycopg.Connection) -> int:
    """How many events project 1 has."""
    rows = some_rows(400)
    insert_rows(connection, rows)
    return sum(row["project_id"] == 1 for row in rows)


@pytest.fixture
def settings(workers_url: str, guarded: Flask, tmp_path: Path) -> Settings:
    """Those of workers that share their files with the collector."""
    return Settings(database_url=workers_url, data=tmp_path)


@pytest.fixture
def keys(guarded: Flask) -> SigningKeys:
    """Those that sign the collector's tokens."""
    found: SigningKeys = guarded.extensions[KEYS]
    return found


@pytest.fixture
def viewer(persons: People) -> Tokens:
    """A viewer of project 1."""
    return persons.join("viewer@example.com", Role.VIEWER, 1).sign_in()


@pytest.fixture
def analyst(persons: People) -> Tokens:
    """An analyst of project 1."""
    return persons.join("analyst@example.com", Role.ANALYST, 1).sign_in()


def ask(who: Tokens, body: Any = EVENTS) -> str:
    """Ask for an export; its path."""
    answer = who("POST", EXPORTS, body)
    assert answer.status_code == 202, answer.text
    path = str(answer.headers["Location"])
    assert path == f"{EXPORTS}/{answer.json['export_id']}"
    return path


def work(settings: Settings, path: str) -> None:
    """One attempt of a worker."""
    run_export(settings, path.rpartition("/")[2], utc_now())


@pytest.fixture
def done(boss: Tokens, settings: Settings, stored: int) -> str:
    """The path of an export of all events that is done."""
    path = ask(boss)
    work(settings, path)
    return path


def follow(client: FlaskClient, link: str) -> TestResponse:
    """The whole answer to a link."""
    return client.get(link, buffered=True)


def link_of(who: Tokens, path: str) -> str:
    """The link to the file of an export."""
    return str(who("GET", path).json["link"])


def parquet_rows(content: bytes) -> int:
    """The rows of a Parquet file."""
    return int(parquet.ParquetFile(BytesIO(content)).metadata.num_rows)


ROWS: dict[str, Callable[[bytes], int]] = {
    "csv": lambda content: len(list(csv.DictReader(StringIO(content.decode(), newline="")))),
    "ndjson": lambda content: len([json.loads(line) for line in content.splitlines()]),
    "parquet": parquet_rows,
    "pdf": lambda content: 7 if content.startswith(b"%PDF-") else 0,
}


# Asking


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        *((EVENTS, name) for name in ("csv", "ndjson", "parquet")),
        *((REPORT, name) for name in ("csv", "ndjson", "parquet", "pdf")),
    ],
)
def test_each_kind_is_made_in_each_format_and_downloaded_by_its_link(
    boss: Tokens, settings: Settings, stored: int, asked: dict[str, Any], name: str
) -> None:
    path = ask(boss, asked | {"format": name})
    waiting = boss("GET", path).json
    assert (waiting["state"], waiting["percent"], waiting["link"]) == ("waiting", 0, None)

    work(settings, path)

    shown = boss("GET", path).json
    rows = stored if asked["kind"] == "events" else 7
    assert (shown["state"], shown["percent"], shown["rows_written"], shown["error"]) == (
        "done", 100, rows, None
    )  # fmt: skip
    answer = follow(boss.client, shown["link"])
    assert answer.status_code == 200
    assert (len(answer.data), int(answer.headers["Content-Length"])) == (shown["bytes"], shown["bytes"])
    assert ROWS[name](answer.data) == rows
    assert answer.headers["Content-Type"] == exports.CONTENT_TYPES[name]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.headers["Content-Disposition"].endswith(f'.{name}"')


def test_an_export_has_the_events_that_pass_its_filters(
    boss: Tokens, settings: Settings, stored: int, connection: psycopg.Connection
) -> None:
    filters = {"event_types": ["view"], "properties": [{"property": "plan", "value": "pro"}]}
    body = EVENTS | {"since": "2026-03-01", "until": "2026-03-04T12:00:00Z", "filters": filters}
    path = ask(boss, body | {"since": "2026-03-01T00:00:00Z"})

    work(settings, path)

    content = follow(boss.client, link_of(boss, path)).text
    ids = {row["event_id"] for row in csv.DictReader(StringIO(content))}
    statement = """
        select event_id::text from events
        where project_id = 1 and event_type = 'view' and properties->>'plan' = 'pro'
          and ts >= '2026-03-01Z' and ts < '2026-03-04 12:00Z'"""
    assert ids == {event_id for (event_id,) in connection.execute(statement)} != set()


def test_a_saved_report_is_exported_as_it_is_and_with_another_period(
    boss: Tokens, settings: Settings
) -> None:
    saved = boss("POST", "/api/v1/projects/1/reports", {"name": "Weekly", "definition": NUMBERS}).json
    asked = {"kind": "report", "format": "csv", "report_id": saved["report_id"]}
    period = {"kind": "last", "count": 3, "unit": "day"}

    for body, rows in ((asked, 7), (asked | {"period": period}, 3)):
        path = ask(boss, body)
        work(settings, path)
        shown = boss("GET", path).json
        assert (shown["title"], shown["rows_written"]) == ("Weekly", rows)


WRONG: list[tuple[Any, str]] = [
    ({"format": "csv"}, "kind"),
    ([], "_schema"),
    ({"kind": "users", "format": "csv"}, "kind"),
    ({"kind": "events"}, "format"),
    (EVENTS | {"format": "xlsx"}, "format"),
    (EVENTS | {"format": "../csv"}, "format"),
    (EVENTS | {"format": "pdf"}, "format"),
    (EVENTS | {"since": "yesterday"}, "since"),
    (EVENTS | {"since": "1969-12-31T00:00:00Z"}, "since"),
    (EVENTS | {"since": "2026-03-02T00:00:00Z", "until": "2026-03-01T00:00:00Z"}, "until"),
    (EVENTS | {"definition": NUMBERS}, "definition"),
    (EVENTS | {"report_id": 1}, "report_id"),
    (EVENTS | {"file_name": "/etc/passwd"}, "file_name"),
    (EVENTS | {"filters": {"user": "u"}}, "filters"),
    (EVENTS | {"filters": {"user_id": "a\0"}}, "filters"),
    (EVENTS | {"filters": {"properties": [{"property": "a", "value": 1}] * 6}}, "filters"),
    (EVENTS | {"filters": None}, "filters"),
    ({"kind": "report", "format": "csv"}, "report_id"),
    (REPORT | {"report_id": 1}, "report_id"),
    (REPORT | {"definition": {"period": {"kind": "last"}}}, "definition"),
    (REPORT | {"since": "2026-03-01T00:00:00Z"}, "since"),
    (REPORT | {"filters": {}}, "filters"),
    (REPORT | {"period": {"kind": "last", "count": 0, "unit": "day"}}, "period"),
    (REPORT | {"period": {"kind": "last", "count": 3_000, "unit": "day"}}, "grain"),
    ({"kind": "report", "format": "csv", "report_id": 2**31}, "report_id"),
    ({"kind": "report", "format": "csv", "report_id": "1"}, "report_id"),
]


def test_what_is_wrong_is_told_by_its_field(boss: Tokens) -> None:
    for body, where in WRONG:
        answer = boss("POST", EXPORTS, body)
        assert (answer.status_code, answer.json.keys()) == (400, ERROR), body
        assert list(answer.json["errors"]) == [where], body
    assert boss("GET", EXPORTS).json["exports"] == []


def test_no_report_no_export(boss: Tokens) -> None:
    answer = boss("POST", EXPORTS, {"kind": "report", "format": "csv", "report_id": 7})

    assert (answer.status_code, answer.json.keys()) == (404, ERROR)


def test_viewers_have_numbers_but_nobodys_own_data(viewer: Tokens) -> None:
    for body, status in (
        (EVENTS, 403), (REPORT, 202), (REPORT | {"definition": OF_PEOPLE}, 403),
        (REPORT | {"period": {"kind": "last", "count": 3, "unit": "day"}}, 202),
    ):  # fmt: skip
        answer = viewer("POST", EXPORTS, body)
        assert (answer.status_code, answer.json.keys() == ERROR) == (status, status == 403), body


def test_viewers_export_a_report_that_is_for_them_but_look_no_closer(boss: Tokens, viewer: Tokens) -> None:
    shown, hidden = (
        boss(
            "POST",
            "/api/v1/projects/1/reports",
            {"name": str(for_viewers), "definition": OF_PEOPLE, "for_viewers": for_viewers},
        ).json["report_id"]
        for for_viewers in (True, False)
    )
    asked = {"kind": "report", "format": "csv"}
    minute = {"kind": "last", "count": 1, "unit": "minute"}

    statuses = [
        viewer("POST", EXPORTS, asked | more).status_code
        for more in ({"report_id": shown}, {"report_id": shown, "period": minute}, {"report_id": hidden})
    ]

    assert statuses == [202, 403, 403]


def test_who_has_too_many_open_exports_is_told_to_wait(
    guarded: Flask, analyst: Tokens, boss: Tokens, connection: psycopg.Connection
) -> None:
    limits = Settings()
    paths = [ask(analyst) for _ in range(limits.max_open_exports_per_account)]

    refused = analyst("POST", EXPORTS, EVENTS)
    assert (refused.status_code, refused.json.keys()) == (429, ERROR)
    assert refused.json["message"].startswith("You have 5 exports here")
    assert int(refused.headers["Retry-After"]) == exports.RETRY_SECONDS
    analyst("DELETE", paths[0])
    ask(analyst)
    connection.execute("update exports set account_id = null")
    token = guarded.test_client()
    for left in reversed(range(limits.max_open_exports - len(paths))):
        assert token.post(EXPORTS, json=EVENTS, headers=bearer(TOKEN)).status_code == 202, left
    assert boss("POST", EXPORTS, EVENTS).status_code == 429
    assert boss("POST", "/api/v1/projects/2/exports", EVENTS).status_code == 202


# Whose they are


def test_an_export_of_another_project_or_of_somebody_else_is_not_there(
    boss: Tokens, analyst: Tokens, viewer: Tokens, persons: People, done: str
) -> None:
    elsewhere = persons.join("elsewhere@example.com", Role.ADMIN, 2).sign_in()
    export_id = done.rpartition("/")[2]
    other_project = f"/api/v1/projects/2/exports/{export_id}"
    for who, path, status in (
        (analyst, done, 404), (viewer, done, 404), (elsewhere, done, 403), (elsewhere, other_project, 404),
        (boss, other_project, 404), (boss, f"{EXPORTS}/{uuid4()}", 404), (boss, f"{EXPORTS}/1", 404),
        (boss, f"/api/v1/projects/99/exports/{export_id}", 404),
    ):  # fmt: skip
        for method in ("GET", "DELETE"):
            answer = who(method, path)
            assert (answer.status_code, answer.json.keys()) == (status, ERROR), path
    assert boss("GET", done).status_code == 200
    assert [len(who("GET", EXPORTS).json["exports"]) for who in (analyst, viewer, boss)] == [0, 0, 1]
    assert boss("GET", "/api/v1/projects/99/exports").status_code == 404


def test_recipients_have_it_as_long_as_they_may_see_what_is_in_it(
    persons: People, connection: psycopg.Connection, stored: int, boss: Tokens
) -> None:
    bob = persons.join("bob@example.com", Role.ANALYST, 1)
    request = EventsRequest(utc_now() - timedelta(days=9), utc_now())
    new = NewExport(1, request, "csv", recipients=[bob.account_id])
    path = f"{EXPORTS}/{request_export(connection, new, utc_now())}"
    tokens = bob.sign_in()

    def seen() -> list[int]:
        return [tokens("GET", path).status_code, len(tokens("GET", EXPORTS).json["exports"])]

    assert seen() == [200, 1]
    refused = tokens("DELETE", path)
    assert (refused.status_code, refused.json.keys()) == (403, ERROR)
    boss("PUT", "/api/v1/projects/1/members", {"email": bob.email, "role": "viewer"})
    assert seen() == [404, 0]


def test_exports_are_paged_the_newest_first(boss: Tokens, connection: psycopg.Connection) -> None:
    paths = [ask(boss) for _ in range(4)]
    connection.execute("update exports set requested_at = date_trunc('day', requested_at)")  # in one moment
    newest = ask(boss, REPORT)

    seen, cursor, pages = [], "", 0
    while cursor is not None:
        page = boss("GET", f"{EXPORTS}?limit=2{cursor and f'&cursor={cursor}'}").json
        seen += [f"{EXPORTS}/{export['export_id']}" for export in page["exports"]]
        cursor, pages = page["next_cursor"], pages + 1

    assert (seen[0], sorted(seen[1:])) == (newest, sorted(paths))
    assert pages == 3


def test_wrong_parameters_are_named(boss: Tokens) -> None:
    for wrong in ("limit=0", "limit=201", "cursor=x", "cursor=WyJub3ciLCAxXQ==", "state=done"):
        answer = boss("GET", f"{EXPORTS}?{wrong}")
        assert (answer.status_code, answer.json.keys()) == (400, ERROR), wrong
        assert list(answer.json["errors"]) == [wrong.partition("=")[0]], wrong


# The end


def test_an_export_is_cancelled_then_forgotten_and_all_of_it_is_in_the_audit_log(
    boss: Tokens, connection: psycopg.Connection, settings: Settings
) -> None:
    path = ask(boss)

    assert boss("DELETE", path).status_code == 204
    cancelled = boss("GET", path).json
    assert (cancelled["state"], cancelled["link"]) == ("cancelled", None)
    work(settings, path)
    assert boss("GET", path).json == cancelled
    assert boss("DELETE", path).status_code == 204
    assert boss("GET", path).status_code == 404
    assert boss("DELETE", path).status_code == 404

    log = connection.execute(
        "select action, subject, project_id, actor, after->>'export_id', after->>'format' from audit_log"
        " where action like 'export%%' order by audit_id"
    ).fetchall()
    what = ("Events", 1, "boss@example.com", path.rpartition("/")[2], "csv")
    assert log == [
        ("export requested", *what), ("export cancelled", *what), ("export deleted", *what)
    ]  # fmt: skip


def test_an_export_that_is_deleted_takes_its_file_with_it(
    boss: Tokens, done: str, settings: Settings
) -> None:
    link = link_of(boss, done)
    assert len(list(export_store(settings).names(""))) == 1

    assert boss("DELETE", done).status_code == 204

    assert list(export_store(settings).names("")) == []
    assert follow(boss.client, link).status_code == 404


def test_an_export_that_ends_just_before_it_is_cancelled_keeps_its_file(
    boss: Tokens, done: str, settings: Settings
) -> None:
    assert boss("DELETE", f"{done}?only_open=true").status_code == 409
    assert boss("GET", done).json["state"] == "done"
    assert len(list(export_store(settings).names(""))) == 1


# Links


def download(client: FlaskClient, token: str) -> TestResponse:
    """The answer to a link."""
    return follow(client, f"{DOWNLOAD}?{urlencode({'token': token})}")


def token_of(link: str) -> str:
    """The token in a link."""
    return parse_qs(urlsplit(link).query)["token"][0]


def test_a_link_works_without_signing_in_until_it_is_over(
    boss: Tokens, guarded: Flask, done: str, keys: SigningKeys
) -> None:
    nobody, now, export_id = guarded.test_client(), utc_now(), UUID(done.rpartition("/")[2])
    shown = boss("GET", done).json
    expires_at = datetime.fromisoformat(shown["link_expires_at"])
    assert LIFETIME - timedelta(seconds=30) < expires_at - now <= LIFETIME + timedelta(seconds=30)
    assert follow(nobody, shown["link"]).status_code == 200

    statuses = [
        download(nobody, link_token(export_id, keys, now - age)).status_code
        for age in (timedelta(), LIFETIME - timedelta(seconds=30), LIFETIME, timedelta(days=365))
    ]

    assert statuses == [200, 200, 404, 404]


def test_a_link_that_is_none_of_ours_opens_nothing(
    boss: Tokens, guarded: Flask, done: str, keys: SigningKeys
) -> None:
    nobody, token = guarded.test_client(), token_of(link_of(boss, done))
    head, body, signature = token.split(".")
    claims = jwt.decode(token, options={"verify_signature": False})
    signed = {"headers": {"kid": keys.signing_id}, "algorithm": ALGORITHM, "key": keys.private}
    public = "not so secret a secret, as long as HMAC likes it to be"
    for wrong in (
        token[:-8] + "AAAAAAAA", f"{head}.{body}.", f"{head}.{signature}.{body}", body, "x", "a.b.c",
        jwt.encode(claims, None, "none", {"kid": keys.signing_id}),
        jwt.encode(claims, public, "HS256", {"kid": keys.signing_id}),
        jwt.encode(claims, keys.private, ALGORITHM, {"kid": "another"}),
        jwt.encode(claims, keys.private, ALGORITHM),
        *(jwt.encode(claims | change, **signed) for change in (
            {"iss": "somebody"}, {"type": "access"}, {"type": None}, {"export": "../../etc/passwd"},
            {"export": 1}, {"export": str(uuid4())},
        )),
        *(jwt.encode({key: value for key, value in claims.items() if key != missing}, **signed)
          for missing in ("exp", "iss", "type", "export")),
    ):  # fmt: skip
        answer = download(nobody, wrong)
        assert (answer.status_code, answer.json.keys()) == (404, ERROR), wrong
    for wrong in ("", "x" * 2_001):
        answer = download(nobody, wrong)
        assert (answer.status_code, list(answer.json["errors"])) == (400, ["token"])
    assert follow(nobody, DOWNLOAD).status_code == 400
    assert download(nobody, token).status_code == 200


def test_a_link_signs_nobody_in_and_who_is_signed_in_has_no_link(
    boss: Tokens, guarded: Flask, done: str, keys: SigningKeys
) -> None:
    nobody, token = guarded.test_client(), token_of(link_of(boss, done))

    assert nobody.get("/api/v1/account", headers=bearer(token)).status_code == 401
    assert nobody.get(done, headers=bearer(token)).status_code == 401
    refresh = nobody.post("/api/v1/auth/refresh", headers=bearer(token))
    assert refresh.status_code in (401, 422)
    for other in (boss.access, boss.refresh, TOKEN):
        assert export_of_link(other, keys) is None
        assert download(nobody, other).status_code == 404


def test_an_account_that_is_deleted_leaves_its_export_to_who_administers(
    persons: People, analyst: Tokens, boss: Tokens, settings: Settings, connection: psycopg.Connection
) -> None:
    path = ask(analyst)
    work(settings, path)
    connection.execute("delete from accounts where email = 'analyst@example.com'")

    assert boss("GET", path).json["account_id"] is None
    assert follow(boss.client, link_of(boss, path)).status_code == 200


def test_a_file_that_is_gone_is_not_found(
    boss: Tokens, done: str, settings: Settings, connection: psycopg.Connection
) -> None:
    link = link_of(boss, done)
    for state in ("cancelled", "expired"):
        connection.execute("update exports set state = %s", [state])
        assert follow(boss.client, link).status_code == 404, state
    connection.execute("update exports set state = 'done'")
    (name,) = export_store(settings).names("")
    export_store(settings).delete(name)

    answer = follow(boss.client, link)

    assert (answer.status_code, answer.json.keys()) == (404, ERROR)


def test_a_file_store_that_does_not_answer_is_told_and_takes_no_place(
    boss: Tokens, done: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = link_of(boss, done)
    with monkeypatch.context() as patched:
        patched.setattr(
            "beatline.file_store.LocalFiles.open", lambda *_: (_ for _ in ()).throw(OSError(5, "I/O error"))
        )
        for _ in range(exports.DOWNLOADS_AT_ONCE + 1):
            answer = follow(boss.client, link)
            assert (answer.status_code, answer.json.keys()) == (503, ERROR)
    assert follow(boss.client, link).status_code == 200


HOSTILE = ["../../secret\r\nX-Evil: 1", '"; filename="evil.exe', "/etc/passwd", "日本語", "x" * 100]


def test_no_name_that_somebody_gives_is_part_of_a_path_or_a_header(
    boss: Tokens, settings: Settings, connection: psycopg.Connection
) -> None:
    for name in HOSTILE:
        saved = boss("POST", "/api/v1/projects/1/reports", {"name": name, "definition": NUMBERS}).json
        path = ask(boss, {"kind": "report", "format": "ndjson", "report_id": saved["report_id"]})
        work(settings, path)
        export = find_export(connection, UUID(path.rpartition("/")[2]))
        assert export

        answer = follow(boss.client, link_of(boss, path))

        assert export.file_name == f"exports/{export.export_id}.1.ndjson"
        at = f"{export.requested_at:%Y%m%dT%H%M%SZ}"
        assert answer.headers["Content-Disposition"] == f'attachment; filename="report-1-{at}.ndjson"'
        assert "X-Evil" not in answer.headers
        assert boss("GET", path).json["title"] == name


# Downloads at once


def test_too_many_downloads_at_once_are_told_to_wait(boss: Tokens, done: str) -> None:
    link = link_of(boss, done)
    open_ones = [boss.client.get(link, buffered=False) for _ in range(exports.DOWNLOADS_AT_ONCE)]

    refused = follow(boss.client, link)
    assert (refused.status_code, refused.json.keys()) == (429, ERROR)
    for each in open_ones:
        each.close()
    for method in ("GET", "HEAD") * exports.DOWNLOADS_AT_ONCE:
        with boss.client.open(link, method=method, buffered=True) as answer:
            assert answer.status_code == 200


@pytest.fixture
def large(connection: psycopg.Connection, tmp_path: Path) -> UUID:
    """An export whose file is larger than what sockets hold."""
    request = EventsRequest(utc_now() - timedelta(days=9), utc_now())
    export_id = request_export(connection, NewExport(1, request, "csv"), utc_now())
    part, size = tmp_path / "part", 64 * 2**20
    part.write_bytes(bytes(size))
    export_store(Settings(data=tmp_path)).put(part, "exports/large.csv")
    connection.execute(
        "update exports set state = 'done', file_name = 'exports/large.csv', bytes = %s", [size]
    )
    return export_id


def test_who_hangs_up_frees_the_download(
    large: UUID, tmp_path: Path, postgres_url: str, redis_url: str
) -> None:
    with running_collector(tmp_path, postgres_url, redis_url, admin_token=TOKEN) as url:
        for _ in range(2 * exports.DOWNLOADS_AT_ONCE):
            wait_until(lambda: begun_download(url, large) == 200)


def begun_download(url: str, export_id: UUID) -> int:
    """The status of a download whose client hangs up after its first bytes."""
    host = urlsplit(url).netloc
    with closing(http.client.HTTPConnection(host, timeout=20)) as connection:
        connection.request("GET", f"{EXPORTS}/{export_id}", headers=bearer(TOKEN))
        link = json.load(connection.getresponse())["link"]
    with closing(http.client.HTTPConnection(host, timeout=20)) as connection:
        connection.request("GET", link)
        answer = connection.getresponse()
        answer.read(1_000)
        return answer.status

"""CSV at the batch route: stored, refused row by row, and refused as a whole."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import psycopg
import pytest
from flask.testing import FlaskClient

from beatline import project_admin
from beatline.settings import Settings
from collector import create_app
from tests.fixtures.storage import count

BATCH = "/api/v1/analytics/batch/"
COMMERCE = (
    "timestamp,user_id,event_type,page_url,session_id,amount,coupon\r\n"
    "2024-03-15T14:30:00Z,usr_789,page_view,/products/electronics,sess_456,19.90,007\r\n"
    "2024-03-15 14:31:00,usr_789,purchase,,sess_456,,\r\n"
)


def send(client: FlaskClient, body: str | bytes, query: str = "", **headers: str) -> Any:
    """Post CSV to the batch route."""
    return client.post(BATCH + query, data=body, content_type="text/csv; charset=utf-8", headers=headers)


def test_it_works(client: FlaskClient, connection: psycopg.Connection) -> None:
    answer = send(client, COMMERCE)

    assert (answer.status_code, answer.json) == (200, {"accepted": 2, "rejected": []})
    columns = "ts, user_id, event_type, page_url, session_id, properties"
    stored = connection.execute(f"select {columns} from events order by ts").fetchall()
    shown = {"amount": 19.9, "coupon": "007"}
    assert stored == [
        (datetime(2024, 3, 15, 14, 30, tzinfo=UTC), "usr_789", "page_view", "/products/electronics",
         "sess_456", shown),
        (datetime(2024, 3, 15, 14, 31, tzinfo=UTC), "usr_789", "purchase", None, "sess_456", {}),
    ]  # fmt: skip


def test_bad_rows_are_named_and_kept_and_good_ones_stored(
    client: FlaskClient, connection: psycopg.Connection
) -> None:
    body = (
        "event_type,user_id,timestamp,note,properties\n"
        'view,u1,,"two\nlines",\n'
        ",u2,,,\n"
        "view,u3,yesterday,,\n"
        f"view,{'u' * 201},,,\n"
        "view,u5,,,not json\n"
        "view,u6,,,,,one more\n"
        "view,u7,,\0,\n"
        "view,u8,2024-01-01,,\n"
    )
    answer = send(client, body)

    rejected = {(item["index"], item["line"]): item["errors"] for item in answer.json["rejected"]}
    assert (answer.status_code, answer.json["accepted"]) == (200, 2)
    assert rejected == {
        (1, 4): {"event_type": ["Missing data for required field."]},
        (2, 5): {"timestamp": ["Not an ISO 8601 date and time."]},
        (3, 6): {"user_id": ["Longer than maximum length 200."]},
        (4, 7): {"properties": ["Not a valid mapping type."]},
        (5, 8): {"row": ["More cells than columns."]},
        (6, 9): {"event": ["NUL characters cannot be stored."]},
    }
    kept = connection.execute("select source, reason from rejected_events order by rejected_id").fetchall()
    assert kept == [
        ("csv", reason) for reason in ("invalid", "timestamp", "invalid", "invalid", "malformed", "character")
    ]
    assert count(connection, "events") == 2


def test_an_event_type_may_be_given_for_all_rows(client: FlaskClient, connection: psycopg.Connection) -> None:
    assert send(client, "user_id\nu1\nu2\n", "?event_type=signup").json == {"accepted": 2, "rejected": []}
    assert connection.execute("select distinct event_type from events").fetchall() == [("signup",)]


def test_rows_with_ids_are_stored_once(client: FlaskClient, connection: psycopg.Connection) -> None:
    for _ in range(2):
        assert send(client, "event_id,event_type\norder-1,paid\norder-2,paid\n").status_code == 200
    assert count(connection, "events") == 2


def test_a_compressed_body_with_a_write_key_goes_to_the_key_s_project(
    client: FlaskClient, connection: psycopg.Connection
) -> None:
    key = project_admin.create_project(connection, "shop")
    answer = send(client, gzip.compress(COMMERCE.encode()), Content_Encoding="gzip", X_Write_Key=key)

    assert answer.json["accepted"] == 2
    assert connection.execute("select distinct project_id from events").fetchall() == [(2,)]


def test_an_unknown_write_key_is_refused(client: FlaskClient) -> None:
    answer = send(client, COMMERCE, "?write_key=bl_unknown")
    assert (answer.status_code, answer.json["code"]) == (401, "unauthorized")


UNUSABLE: list[tuple[str | bytes, str, str]] = [
    ("user_id\nu1\n", "", "event_type"),
    ("user_id\nu1\n", "?event_type=" + "x" * 129, "event_type"),
    ("event_type,user_id\n", "", "body"),
    ("", "", "header"),
    (",,,\n", "", "header"),
    ("a,a\n", "?event_type=x", "header"),
    (b"\xff\xfee\0v\0", "", "header"),
    (b"\x1f\x8bnot gzip", "", "body"),
]


def test_a_body_that_is_no_such_file_is_refused(client: FlaskClient) -> None:
    for body, query, field in UNUSABLE:
        answer = send(client, body, query)

        assert answer.status_code == 400, body
        assert answer.json.keys() == {"code", "message", "errors", "request_id"}
        assert answer.json["errors"].keys() == {field}, body


@pytest.mark.parametrize(
    ("body", "status"), [(COMMERCE.encode(), 411), (gzip.compress(COMMERCE.encode()), 200)]
)
def test_a_chunked_body_has_to_say_where_it_ends(
    client: FlaskClient, connection: psycopg.Connection, body: bytes, status: int
) -> None:
    chunked = {"wsgi.input": BytesIO(body), "HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}
    answer = client.post(BATCH, content_type="text/csv", environ_overrides=chunked)
    assert answer.status_code == status
    assert count(connection, "events") == (2 if status == 200 else 0)


def test_too_many_rows_are_refused_before_they_are_all_read(postgres_url: str, redis_url: str) -> None:
    app = create_app(Settings(database_url=postgres_url, redis_url=redis_url, max_batch_events=3))
    client = app.test_client()
    assert send(client, "event_type\n" + "x\n" * 3).json["accepted"] == 3
    assert send(client, "event_type\n" + "x\n" * 4).status_code == 413
    app.extensions["beatline"].close()

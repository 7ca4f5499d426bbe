"""What holds for every ingest route: CORS, packed bodies, and limits that no packing gets around."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable

import psycopg
import pytest
import zstandard
from flask.testing import FlaskClient

from tests.fixtures.storage import count

BATCH = "/api/v1/analytics/batch/"
EVENT = {"event_type": "hello", "user_id": "me"}
Pack = Callable[[bytes], bytes]
PACKERS: dict[str, tuple[Pack, str | None]] = {
    "gzip": (gzip.compress, "gzip"),
    "gzip that does not say so": (gzip.compress, None),
    "deflate": (zlib.compress, "deflate"),
    "zstd": (zstandard.compress, "zstd"),
    "zstd that does not say so": (zstandard.compress, None),
    "nothing": (bytes, None),
}


@pytest.mark.parametrize(("pack", "encoding"), PACKERS.values(), ids=PACKERS)
def test_packed_bodies_are_unpacked(
    client: FlaskClient, connection: psycopg.Connection, pack: Pack, encoding: str | None
) -> None:
    headers = {"Content-Encoding": encoding} if encoding else {}
    body = pack(json.dumps({"events": [EVENT, EVENT]}).encode())

    assert client.post(BATCH, data=body, headers=headers).json == {"accepted": 2, "rejected": []}
    assert count(connection, "events") == 2


@pytest.mark.parametrize("path", ["/events", "/track", "/api/v1/analytics/capture/", BATCH])
@pytest.mark.parametrize(("pack", "encoding"), list(PACKERS.values())[:5], ids=list(PACKERS)[:5])
def test_a_bomb_is_refused(client: FlaskClient, path: str, pack: Pack, encoding: str | None) -> None:
    headers = {"Content-Encoding": encoding} if encoding else {}
    answer = client.post(path, data=pack(b'{"a":"' + b"a" * 10 * 2**20 + b'"}'), headers=headers)

    assert (answer.status_code, answer.json["code"]) == (413, "too_large")


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gzip.compress(b"{}")[:-9], "gzip"),
        (b"\x1f\x8b broken", "gzip"),
        (b"broken", "deflate"),
        (zstandard.compress(b"{}" * 99)[:9], "zstd"),
    ],
    ids=["gzip that ends early", "broken gzip", "broken deflate", "zstd that ends early"],
)
def test_a_body_that_cannot_be_unpacked_is_refused(client: FlaskClient, body: bytes, encoding: str) -> None:
    answer = client.post(BATCH, data=body, headers={"Content-Encoding": encoding})

    assert (answer.status_code, answer.json["code"]) == (400, "malformed")


@pytest.mark.parametrize("path", ["/track", BATCH])
def test_browsers_may_send_from_anywhere_with_any_header(client: FlaskClient, path: str) -> None:
    asked = "authorization,content-type,x-custom"
    answer = client.options(
        path, headers={"Origin": "https://a.example", "Access-Control-Request-Headers": asked}
    )

    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Access-Control-Allow-Headers"] == asked
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert int(answer.headers["Access-Control-Max-Age"]) > 0


def test_headers_that_are_none_are_not_echoed(client: FlaskClient) -> None:
    answer = client.options("/track", headers={"Access-Control-Request-Headers": "a: b; <script>"})

    assert "script" not in answer.headers["Access-Control-Allow-Headers"]
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]


@pytest.mark.parametrize("body", [b'{"event_type":"hello"}', b"broken"])
def test_browsers_may_read_every_answer(client: FlaskClient, body: bytes) -> None:
    answer = client.post("/track", data=body)

    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Retry-After" in answer.headers["Access-Control-Expose-Headers"]

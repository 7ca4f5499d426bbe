"""Attacks on a running collector: on the server's parser, on paths, by stored content, by cookies.

What is elsewhere: tokens and CSRF (test_login), roles and ids of others (test_access), SQL and formulas in
the event log (test_event_log), origins (test_allowed_origins). Beatline asks no URL that a user gives, so
there is nothing for server-side request forgery.
"""

from __future__ import annotations

import base64
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest
from flask.testing import FlaskClient

from beatline.embedded.postgres import EmbeddedPostgres
from beatline.embedded.valkey import EmbeddedValkey
from beatline.settings import Settings
from collector import create_app
from tests.fixtures.admin import TOKEN
from tests.fixtures.collectors import running_collector
from tests.fixtures.databases import TEMPLATE, a_database
from tests.fixtures.people import PASSWORD, People, Tokens, bearer

LOGIN = "/api/v1/auth/login"
EVENT = b'{"event_type":"view","user_id":"smuggled"}'
BEGIN = b"POST /track HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
HIDDEN = BEGIN + b"Content-Length: %d\r\n\r\n%b" % (len(EVENT), EVENT)
SECRET = "the content of the signing key"


@pytest.fixture(scope="module")
def database(template_database: EmbeddedPostgres) -> Iterator[str]:
    yield from a_database(template_database.url, TEMPLATE)


@pytest.fixture(scope="module")
def url(
    database: str, valkey_server: EmbeddedValkey, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A real collector, for all of these tests."""
    data = tmp_path_factory.mktemp("collector")
    with running_collector(data, database, valkey_server.url, admin_token=TOKEN, ip_rate=0) as url:
        (data / "secret").write_text(SECRET)
        yield url


def raw(url: str, request: bytes, seconds: float = 3.0) -> bytes:
    """All that the server says to some bytes until it closes the connection, or is silent for a while."""
    parts = urlsplit(url)
    said = b""
    with socket.create_connection((str(parts.hostname), int(parts.port or 0)), seconds) as connection:
        try:
            connection.sendall(request)
            while received := connection.recv(65536):
                said += received
                connection.settimeout(2.0)
        except (TimeoutError, ConnectionError):
            pass
    return said


def statuses(said: bytes) -> list[int]:
    """The statuses of the answers."""
    return [int(code) for code in re.findall(rb"HTTP/1\.1 (\d{3}) ", said)]


def smuggled(url: str) -> int:
    """The events that came in hidden."""
    answer = httpx.get(f"{url}/api/v1/events?user_id=smuggled", headers=bearer(TOKEN), timeout=20)
    return len(answer.json()["events"])


# Each is one request to whoever follows RFC 9112, section 6, or none; to others there is one hidden in it.
SMUGGLED = {
    "length and chunked": b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "chunked and length": b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + HIDDEN,
    "two lengths": b"Content-Length: 0\r\nContent-Length: %d\r\n\r\n%b" % (len(HIDDEN), HIDDEN),
    "a list of lengths": b"Content-Length: 0, %d\r\n\r\n%b" % (len(HIDDEN), HIDDEN),
    "a signed length": b"Content-Length: +0\r\n\r\n" + HIDDEN,
    "a negative length": b"Content-Length: -1\r\n\r\n" + HIDDEN,
    "a length in hex": b"Content-Length: 0x0\r\n\r\n" + HIDDEN,
    "an unknown coding": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "chunked is not last": b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + HIDDEN,
    "a space before the colon": b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "a folded header": b"X: y\r\n Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n" + HIDDEN,
    "a chunk size that is none": b"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n" + HIDDEN,
    "a chunk size beyond numbers": b"Transfer-Encoding: chunked\r\n\r\n%b\r\n" % (b"f" * 40) + HIDDEN,
    "a chunk longer than it says": b"Transfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n" + HIDDEN,
    "NUL in a header": b"X: a\0b\r\nContent-Length: 0\r\n\r\n" + HIDDEN,
    "a bare CR": b"X: a\rContent-Length: 5\r\n\r\n" + HIDDEN,
}  # fmt: skip


def test_a_second_request_on_a_connection_counts_as_one(url: str) -> None:
    """What the next test would notice."""
    before = smuggled(url)

    said = raw(url, BEGIN + b"Content-Length: 2\r\n\r\n{}" + HIDDEN)

    assert statuses(said) == [400, 202]
    assert smuggled(url) == before + 1


@pytest.mark.parametrize("name", SMUGGLED)
def test_a_request_of_two_meanings_hides_no_other(url: str, name: str) -> None:
    before = smuggled(url)

    said = raw(url, BEGIN + SMUGGLED[name])

    assert smuggled(url) == before, said
    assert all(status in (400, 411, 501) for status in statuses(said)), said
    assert httpx.get(f"{url}/health/live", timeout=20).status_code == 200


@pytest.mark.parametrize(
    "line",
    [
        b"GET / HTTP/9.9\r\n", b"GET  / HTTP/1.1\r\n", b"get\0 / HTTP/1.1\r\n", b"\x16\x03\x01\x02\x00\r\n",
        b"GET /",
        b"GET /%00 HTTP/1.1\r\n", b"GET /\xff\xfe HTTP/1.1\r\n", b"GET http://[ HTTP/1.1\r\n",
        b"CONNECT evil.example:443 HTTP/1.1\r\n", b"TRACE / HTTP/1.1\r\n",
    ],
)  # fmt: skip
def test_a_request_line_of_nonsense_is_no_fault_of_ours(url: str, line: bytes) -> None:
    said = raw(url, line + b"Host: x\r\nConnection: close\r\n\r\n")

    assert all(400 <= status < 500 for status in statuses(said)), said


@pytest.mark.parametrize(
    "headers",
    [b"X: " + b"a" * 2**20 + b"\r\n", b"".join(b"X-%d: a\r\n" % n for n in range(5_000)), b"a" * 2**20],
    ids=["one header", "many headers", "no end"],
)
def test_headers_without_end_are_refused(url: str, headers: bytes) -> None:
    said = raw(url, b"GET /health HTTP/1.1\r\nHost: x\r\n" + headers + b"\r\n")

    assert 200 not in statuses(said), said[:300]
    assert httpx.get(f"{url}/health/live", timeout=20).status_code == 200


@pytest.mark.parametrize("field", ["X-Request-Id", "Origin", "Access-Control-Request-Headers"])
@pytest.mark.parametrize("given", ["a%0d%0aSet-Cookie:%20x=1", "a\tb", "é", "<script>", "a" * 3_000])
def test_what_comes_back_in_a_header_cannot_make_another_one(url: str, field: str, given: str) -> None:
    for method, path in [("GET", "/health/live"), ("OPTIONS", "/track"), ("POST", "/e/")]:
        answer = httpx.request(method, url + path, headers={field: given.encode()}, timeout=20)
        assert "Set-Cookie" not in answer.headers
        for name, text in answer.headers.items():
            assert given not in text or field != "X-Request-Id", (name, text)


@pytest.mark.parametrize("start", ["", "/assets", "/docs", "/example", "/tracker", "/api/v1/imports"])
@pytest.mark.parametrize(
    "way",
    [
        "/../../../etc/passwd", "/%2e%2e/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2f..%2fetc%2fpasswd",
        "/....//....//etc/passwd", "//etc/passwd", "/%2fetc%2fpasswd", "/..\\..\\etc\\passwd", "/%00",
        "/..%5c..%5cpyproject.toml", "/../pyproject.toml", "/..%c0%af..%c0%afetc/passwd", "/../secret",
    ],
)  # fmt: skip
def test_no_path_leads_out_of_a_folder(url: str, start: str, way: str) -> None:
    said = raw(url, f"GET {start}{way} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())

    assert statuses(said)
    assert not {200, 500} & set(statuses(said)), said
    assert b"root:" not in said
    assert SECRET.encode() not in said


@pytest.mark.parametrize(
    "name", ["../../../evil.csv", "/etc/evil.csv", "..\\evil", "a\0.csv", "CON", "é" * 300]
)
def test_the_name_of_an_uploaded_file_is_no_path(url: str, name: str, tmp_path: Path) -> None:
    content = b"timestamp,user_id,event_type\n2026-01-01T00:00:00Z,u,imported\n"
    files = {"file": (name, content, "text/csv")}

    answer = httpx.post(f"{url}/api/v1/imports", files=files, timeout=20)

    assert answer.status_code in (202, 400, 429), answer.text
    assert not list(Path("/etc").glob("evil*"))
    assert not list(Path.cwd().glob("evil*"))


@pytest.mark.parametrize(
    "start",
    ["//evil.example", "/\\evil.example", "/%2f/evil.example", "/docs//evil.example", "/example//evil"],
)
def test_nothing_redirects_to_elsewhere(url: str, start: str) -> None:
    for host in ("x", "evil.example"):
        headers = f"Host: {host}\r\nX-Forwarded-Host: evil.example\r\nConnection: close"
        said = raw(url, f"GET {start} HTTP/1.1\r\n{headers}\r\n\r\n".encode())
        for place in re.findall(rb"^location: *(\S+)", said, re.MULTILINE | re.IGNORECASE):
            assert not re.match(rb"(https?:)?[/\\]{2}(?!%b[/:])" % host.encode(), place), place


PAYLOADS = [
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "javascript:alert(1)", "{{7*7}}${7*7}",
    "</title><svg/onload=alert(1)>", "\u202e\u2028alert(1)", "=cmd|' /C calc'!A0",
]  # fmt: skip


@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_is_stored_comes_back_as_json_that_browsers_do_not_sniff(url: str, payload: str) -> None:
    event = {
        "event_type": payload, "user_id": payload, "session_id": payload, "page_url": payload,
        "properties": {payload: payload},
    }  # fmt: skip
    assert httpx.post(f"{url}/track", json=event, timeout=20).status_code == 202

    answer = httpx.get(
        f"{url}/api/v1/events",
        params={"user_id": payload},
        headers=bearer(TOKEN) | {"Accept": "text/html"},
        timeout=20,
    )

    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    [stored] = answer.json()["events"]
    assert (stored["event_type"], stored["properties"]) == (payload, {payload: payload})
    for path in (f"/api/v1/{payload}", f"/docs/{payload}", f"/tracker/{payload}/tracker.js"):
        refused = httpx.get(url + path, headers={"Accept": "*/*"}, timeout=20)
        assert refused.headers["Content-Type"] == "application/json", path


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_a_form_of_another_page_signs_nobody_in(url: str, kind: str) -> None:
    """What a page may send without asking first (CORS-safelisted media types) is no sign-in: nobody is signed
    in as somebody else (login CSRF)."""
    body = msgspec.json.encode({"email": "a@b.example", "password": PASSWORD, "cookies": True})

    answer = httpx.post(url + LOGIN, content=body, headers={"Content-Type": kind}, timeout=20)

    assert answer.status_code == 400
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("kid", [["x"], {"a": 1}, 5, "../../etc/passwd", "' or 1=1 --", "\0", None])
def test_a_key_id_of_nonsense_is_no_key(url: str, kid: object) -> None:
    parts = (msgspec.json.encode({"alg": "ES256", "typ": "JWT", "kid": kid}), b'{"login":"x"}', b"x" * 64)
    token = ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)

    answer = httpx.get(f"{url}/api/v1/account", headers=bearer(token), timeout=20)

    assert answer.status_code == 401


@pytest.fixture
def behind_tls(postgres_url: str, redis_url: str, tmp_path: Path, persons: People) -> Iterator[FlaskClient]:
    """A browser at a collector that is reached by HTTPS only, on the database with people."""
    app = create_app(Settings(database_url=postgres_url, redis_url=redis_url, data=tmp_path, tls=True))
    yield app.test_client()
    app.extensions["beatline"].close()


def test_behind_tls_every_cookie_is_for_https_and_this_site_only(
    behind_tls: FlaskClient, persons: People, boss: Tokens
) -> None:
    person = persons.join("ann@example.com")

    answer = behind_tls.post(LOGIN, json={"email": person.email, "password": PASSWORD, "cookies": True})

    cookies = answer.headers.getlist("Set-Cookie")
    assert len(cookies) == 5
    for cookie in cookies:
        assert {"Secure", "SameSite=Strict"} <= set(cookie.split("; ")), cookie
        assert "Domain=" not in cookie
        assert ("HttpOnly" in cookie) == (not cookie.startswith("csrf_")), cookie

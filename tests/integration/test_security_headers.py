"""What browsers are told of every kind of answer, and that our pages work under it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser

from beatline.settings import Settings
from collector import create_app
from collector.console import DIST
from collector.tracker import SCRIPT
from tests.fixtures.people import People, bearer

CLOSED = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
PAGES = ["/", "/docs/", "/example/"]
# Path, its status, and whether it is a page or a part of one: then it may be cached and run scripts.
KINDS = {
    "/docs/": 200, "/docs/start.js": 200, "/docs/swagger-ui-bundle.js": 200, "/openapi.json": 200,
    "/example/": 200, "/example/example.js": 200, "/api/v1/metrics/overview": 200, "/health": 200,
    "/metrics": 200, "/.well-known/jwks.json": 200, "/api/v1/live": 200, "/api/v1/account": 401,
    "/api/v1/nowhere": 404, "/nowhere": 404, "/api/v1/auth/login": 405, "/track": 405,
    "/api/v1/metrics/top-pages?limit=x": 400, "/api/v1/events": 401, "/api/v1/events/export": 401,
}  # fmt: skip
CACHED = {"/docs/swagger-ui-bundle.js", "/example/", "/example/example.js"}


def policy(client: FlaskClient, path: str) -> dict[str, str]:
    """The Content-Security-Policy of an answer, by directive."""
    with client.get(path) as answer:
        directives = answer.headers["Content-Security-Policy"].split("; ")
    return {name: value for name, _, value in (directive.partition(" ") for directive in directives)}


@pytest.mark.parametrize("path", KINDS)
def test_every_kind_of_answer_is_bounded(client: FlaskClient, path: str) -> None:
    with client.get(path, headers={"Origin": "https://evil.example"}) as answer:
        assert answer.status_code == KINDS[path]
        names = [name.lower() for name, _ in answer.headers.to_wsgi_list()]
        headers = answer.headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert names.count("x-content-type-options") == 1
    assert "Strict-Transport-Security" not in headers
    if path == "/track":
        return  # answered before Flask
    assert headers["Referrer-Policy"] == "same-origin"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Frame-Options"] == "DENY"
    assert "camera=()" in headers["Permissions-Policy"]
    assert (headers["Cache-Control"] == "no-store") == (path not in CACHED), headers["Cache-Control"]
    assert not any(name.startswith("access-control-") for name in names)


def test_an_answer_that_is_no_page_loads_nothing(client: FlaskClient) -> None:
    for path in ("/api/v1/metrics/overview", "/openapi.json", "/nowhere"):
        assert client.get(path).headers["Content-Security-Policy"] == CLOSED


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_scripts_of_its_own_and_none_inline(client: FlaskClient, path: str) -> None:
    if path == "/" and not DIST.exists():
        pytest.skip("the console is not built")

    assert policy(client, path)["default-src"] == "'none'"
    assert policy(client, path)["script-src"] == "'self'"
    with client.get(path) as answer:
        page = answer.text
    assert re.findall(r"<script(?![^>]*\bsrc=)|\son\w+=|<style|\sstyle=|javascript:", page) == []


def test_only_the_example_may_ask_where_somebody_is(client: FlaskClient) -> None:
    for path, allowed in [("/example/", "geolocation=(self)"), ("/docs/", "geolocation=()")]:
        with client.get(path) as answer:
            assert allowed in answer.headers["Permissions-Policy"]


@pytest.mark.parametrize(
    ("host", "reachable"),
    [
        ("beat.example:8000", "'self' http://beat.example:8001 ws://beat.example:8001"),
        ("[::1]:8000", "'self' http://[::1]:8001 ws://[::1]:8001"),
        ("a.example; script-src *", "'self'"),
    ],
)
def test_the_console_reaches_the_live_preview_and_nothing_else(
    client: FlaskClient, host: str, reachable: str
) -> None:
    if not DIST.exists():
        pytest.skip("the console is not built")
    with client.get("/", headers={"Host": host}) as answer:
        assert f"connect-src {reachable};" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Content-Security-Policy"].count("script-src") == 1


def test_the_tracker_is_for_pages_of_any_origin(client: FlaskClient) -> None:
    if not SCRIPT.exists():
        pytest.skip("the tracker is not built")
    answer = client.get("/tracker.js")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_what_is_personal_is_kept_nowhere(persons: People) -> None:
    signed_in = persons.join("ann@example.com").sign_in()

    for path in ("/api/v1/account", "/api/v1/account/logins", "/api/v1/projects"):
        answer = persons.client.get(path, headers=bearer(signed_in.access))
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.fixture
def behind_tls(postgres_url: str, redis_url: str, tmp_path: Path) -> Iterator[FlaskClient]:
    """A client of a collector that is reached by HTTPS only."""
    app: Flask = create_app(Settings(database_url=postgres_url, redis_url=redis_url, data=tmp_path, tls=True))
    yield app.test_client()
    app.extensions["beatline"].close()


@pytest.mark.parametrize(
    ("host", "sent"),
    [
        ("events.example.org", True), ("events.example.org:8443", True), ("localhost", False),
        ("shop.localhost:8443", False), ("127.0.0.1", False), ("[::1]:8443", False),
    ],
)  # fmt: skip
def test_behind_tls_browsers_keep_to_it_where_the_name_is_ours(
    behind_tls: FlaskClient, host: str, sent: bool
) -> None:
    answer = behind_tls.get("/health", headers={"Host": host})

    assert answer.headers.get("Strict-Transport-Security") == ("max-age=31536000" if sent else None)


def test_swagger_ui_works_under_its_policy(browser: Browser, collector_url: str) -> None:
    page = browser.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: message.type == "error" and complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{collector_url}/docs/")
    page.locator(".opblock-summary", has_text="/api/v1/metrics/overview").click()
    page.locator(".try-out button").first.click()
    page.locator("button.execute").first.click()
    page.locator(".responses-wrapper .response-col_status", has_text="200").first.wait_for()
    page.goto(f"{collector_url}/docs/#/ingestion")
    page.reload()  # an address that differs only behind its # loads nothing
    page.locator(".opblock-summary-path", has_text="/track").first.wait_for()
    page.close()

    assert complaints == []

"""Whose pages may send events: CORS by project, on ingest paths only."""

from __future__ import annotations

import msgspec
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.fixtures.people import People, Tokens
from tests.fixtures.storage import count

PROJECT = "/api/v1/projects/1"
SHOP, EVIL = "https://shop.example", "https://evil.example"
EVENT = {"event_type": "view", "user_id": "u"}


@pytest.fixture
def sending(persons: People, boss: Tokens) -> FlaskClient:
    """A client of a collector whose default project takes events from pages of the shop."""
    answer = boss("PATCH", PROJECT, {"allowed_origins": [SHOP]})
    assert (answer.status_code, answer.json["allowed_origins"]) == (200, [SHOP])
    app = persons.client.application
    app.extensions["beatline"].projects.refresh()
    return persons.client


def send(client: FlaskClient, origin: str | None, path: str = "/track", **options: object) -> TestResponse:
    """Send an event as a page of an origin does."""
    headers = {"Origin": origin} if origin else {}
    return client.post(path, json=EVENT, headers=headers, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("path", ["/track", "/api/v1/analytics/capture/"])
def test_pages_of_an_allowed_origin_send_and_read_the_answer(sending: FlaskClient, path: str) -> None:
    answer = send(sending, SHOP, path)

    assert answer.status_code in (200, 202)
    assert answer.headers.getlist("Access-Control-Allow-Origin") == [SHOP]
    assert answer.headers["Vary"] == "Origin"


@pytest.mark.parametrize(
    "origin", [EVIL, "null", "http://shop.example", f"{SHOP}:8443", "https://a.shop.example", f"{SHOP}."]
)
def test_pages_of_another_origin_are_refused_and_store_nothing(
    sending: FlaskClient, persons: People, origin: str
) -> None:
    answer = send(sending, origin)

    assert (answer.status_code, answer.json["code"]) == (403, "forbidden_origin")
    assert "allowed_origins" in answer.json["message"]
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert count(persons.connection, "events") == 0


def test_servers_apps_and_our_own_pages_send_as_ever(sending: FlaskClient) -> None:
    assert send(sending, None).status_code == 202
    assert send(sending, "http://localhost").status_code == 202


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/batch", {"batch": [{"type": "track", "event": "x", "userId": "u"}]}),
        ("/e/", {"event": "x", "distinct_id": "u", "api_key": "KEY"}),
        ("/api/event", {"n": "pageview", "u": "https://a.example/", "d": "shop.example"}),
    ],
)
def test_sdks_whose_key_is_in_the_body_are_bounded_too(
    sending: FlaskClient, boss: Tokens, path: str, body: dict[str, object]
) -> None:
    (key,) = boss("GET", "/api/v1/projects").json["projects"][0]["write_keys"]
    boss("POST", f"{PROJECT}/domains", {"domain": "shop.example"})
    text = msgspec.json.encode(body | {"writeKey": key}).decode().replace("KEY", key)
    options = {"data": text, "content_type": "application/json"}

    refused = sending.post(path, headers={"Origin": EVIL}, **options)  # type: ignore[arg-type]
    taken = sending.post(path, headers={"Origin": SHOP}, **options)  # type: ignore[arg-type]

    assert (refused.status_code, taken.status_code) == (403, 200)
    assert taken.headers["Access-Control-Allow-Origin"] == SHOP


def test_a_preflight_is_answered_to_everybody_since_it_names_no_project(sending: FlaskClient) -> None:
    answer = sending.options("/track", headers={"Origin": EVIL, "Access-Control-Request-Method": "POST"})

    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (204, "*")


def test_null_opens_the_project_again_and_other_changes_leave_it(sending: FlaskClient, boss: Tokens) -> None:
    projects = sending.application.extensions["beatline"].projects
    assert boss("PATCH", PROJECT, {"paused": False}).json["allowed_origins"] == [SHOP]

    assert boss("PATCH", PROJECT, {"allowed_origins": None}).json["allowed_origins"] is None
    projects.refresh()

    answer = send(sending, EVIL)
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (202, "*")
    entry = boss("GET", "/api/v1/audit-log").json["entries"][0]
    assert (entry["before"], entry["after"]) == ({"allowed_origins": [SHOP]}, {"allowed_origins": None})


@pytest.mark.parametrize(
    "origin",
    [
        f"{SHOP}/", f"{SHOP}/path", "shop.example", "*", "https://*", "", "null", "https://a b", "\0",
        f"{SHOP}\n", "HTTPS://A.example",
    ],
)  # fmt: skip
def test_what_is_no_origin_is_refused(boss: Tokens, origin: str) -> None:
    answer = boss("PATCH", PROJECT, {"allowed_origins": [origin]})

    assert (answer.status_code, list(answer.json["errors"])) == (400, ["allowed_origins"])


def test_the_api_and_the_console_are_for_no_other_origin(sending: FlaskClient, boss: Tokens) -> None:
    for method in ("GET", "OPTIONS", "POST"):
        for path in ("/", "/api/v1/account", "/api/v1/events", "/api/v1/auth/login", "/docs/"):
            headers = {"Origin": SHOP, "Access-Control-Request-Method": "GET"}
            with sending.open(path, method=method, headers=headers) as answer:
                found = [name for name, _ in answer.headers if name.lower().startswith("access-control")]
            assert found == [], (method, path)

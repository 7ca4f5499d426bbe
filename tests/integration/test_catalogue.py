"""The catalogue over the API: who may change it, what it answers, and what it does to events."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient

from beatline import catalogue_admin, project_admin
from beatline.catalogue import BUILT_IN, usable
from beatline.projects import Directory, read_directory
from tests.fixtures.admin import TOKEN, Admin
from tests.fixtures.collectors import free_port, running_collector
from tests.fixtures.storage import count, wait_until

BATCH = "/api/v1/analytics/batch/"
PURCHASE = {"type": "object", "required": ["amount"], "properties": {"amount": {"type": "number"}}}
GOOD = {"event_type": "purchase", "user_id": "u", "properties": {"amount": 3}}
BAD = {"event_type": "purchase", "user_id": "u", "properties": {"amount": "3"}}
ERRORS = {"properties.amount": ['value is not of type "number"']}


def describe(admin: Admin, mode: str, schema: Any = PURCHASE, event_type: str = "purchase") -> None:
    """Describe a type, and say what becomes of events that do not fit."""
    admin.done("PUT", f"event-types/{event_type}", {"schema": schema})
    admin.done("PUT", "catalogue", {"mode": mode})


def stored_properties(connection: psycopg.Connection) -> list[Any]:
    """The properties of the stored events, the oldest first."""
    return [row[0] for row in connection.execute("select properties from events order by ts")]


# Access

ROUTES = [
    ("GET", "catalogue"), ("PUT", "catalogue"), ("GET", "event-types"), ("GET", "event-types/view"),
    ("PUT", "event-types/view"), ("DELETE", "event-types/view"), ("POST", "event-types/view/check"),
    ("GET", "rejected-events"), ("GET", "rejected-events/1"), ("DELETE", "rejected-events/1"),
    ("POST", "rejected-events/replay"),
]  # fmt: skip


def test_without_the_token_there_is_nothing(administered: Flask) -> None:
    client = administered.test_client()
    for credentials in (None, "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer \xe9"):
        headers = {"Authorization": credentials} if credentials else {}
        for method, path in ROUTES:
            answer = client.open(f"/api/v1/projects/1/{path}", method=method, headers=headers)
            assert (answer.status_code, answer.json["code"]) == (401, "unauthorized"), (credentials, path)
            assert answer.headers["WWW-Authenticate"].lower().startswith("bearer")


def test_without_a_token_that_is_set_nobody_administers(client: FlaskClient) -> None:
    for method, path in ROUTES:
        answer = client.open(
            f"/api/v1/projects/1/{path}", method=method, headers={"Authorization": "Bearer "}
        )
        assert (answer.status_code, answer.json["code"]) == (401, "unauthorized"), path


# The API


def test_built_in_types_are_there_and_can_be_replaced(admin: Admin) -> None:
    listed = admin.done("GET", "event-types")["event_types"]
    assert [(known["event_type"], known["builtin"]) for known in listed] == [
        (name, True) for name in ("click", "location", "page_view", "view")
    ]
    assert admin.done("GET", "event-types/view")["schema"]["required"] == ["url"]

    admin.done("PUT", "event-types/view", {"schema": True, "description": "Whatever."})
    ours = admin.done("GET", "event-types/view")
    assert (ours["schema"], ours["description"], ours["builtin"]) == (True, "Whatever.", False)
    assert len(admin.done("GET", "event-types")["event_types"]) == len(BUILT_IN)

    admin.done("DELETE", "event-types/view")
    assert admin.done("GET", "event-types/view")["builtin"]


NAMES = [
    "purchase",
    "Order Completed",
    "$pageview",
    "shop/cart",
    "a//b",
    "check",
    "a/check",
    "ä%?#",
    "x" * 128,
]


def test_a_type_of_any_name_is_described_and_forgotten(admin: Admin) -> None:
    for event_type in NAMES:
        path = f"event-types/{quote(event_type)}"
        put = admin.done("PUT", path, {"schema": PURCHASE, "description": "d"})
        assert (put["event_type"], put["schema"], put["builtin"]) == (event_type, PURCHASE, False)
        assert put["created_at"] == put["updated_at"]
        assert admin.done("GET", path) == admin.done("GET", f"{path}/") == put

        again = admin.done("PUT", path, {"schema": None})
        assert (again["schema"], again["description"]) == (None, "")
        assert again["created_at"] == put["created_at"] < again["updated_at"]

        admin.done("DELETE", path)
        assert admin("GET", path).status_code == admin("DELETE", path).status_code == 404


REFUSED: list[tuple[str, str, Any, str]] = [
    ("PUT", "catalogue", {"mode": "strict"}, "mode"),
    ("PUT", "catalogue", {}, "mode"),
    ("PUT", "event-types/x", {}, "schema"),
    ("PUT", "event-types/x", {"schema": {"type": "text"}}, "schema.type"),
    ("PUT", "event-types/x", {"schema": 5}, "schema"),
    ("PUT", "event-types/x", {"schema": {"$ref": "http://127.0.0.1:1/"}}, "schema"),
    ("PUT", "event-types/x", {"schema": {"title": "x" * 70_000}}, "schema"),
    ("PUT", "event-types/x", {"schema": {}, "description": "\0"}, "description"),
    ("PUT", "event-types/x", {"schema": {}, "colour": "red"}, "colour"),
    ("PUT", f"event-types/{'x' * 129}", {"schema": {}}, "event_type"),
    ("PUT", "event-types/%00", {"schema": {}}, "event_type"),
    ("POST", "event-types/view/check", {"properties": {}, "schema": {"pattern": "("}}, "schema.pattern"),
    ("POST", "event-types/view/check", {"properties": 5}, "properties"),
]


def test_a_bad_request_is_refused_by_its_field(admin: Admin) -> None:
    for method, path, body, field in REFUSED:
        answer = admin(method, path, body)
        assert (answer.status_code, answer.json["code"]) == (400, "bad_request"), (path, body)
        assert answer.json["errors"][field], (path, body)


def test_a_body_that_is_no_json_or_too_large_is_refused(administered: Flask) -> None:
    deep, large = b'{"schema":' + b"[" * 5_000, b'{"schema":"' + b"x" * 9 * 2**20 + b'"}'
    bodies = {
        b"": 400, b"{": 400, b'{"schema": NaN}': 400, b'{"schema": {"title": "\\ud800"}}': 400,
        b"\xff": 400, deep: 400, large: 413,
    }  # fmt: skip
    for body, status in bodies.items():
        answer = administered.test_client().put(
            "/api/v1/projects/1/event-types/x", data=body, content_type="application/json",
            headers={"Authorization": f"Bearer {TOKEN}"},
        )  # fmt: skip
        assert answer.status_code == status, body[:30]
        assert answer.json.keys() == {"code", "message", "errors", "request_id"}


def test_a_project_that_is_none_is_not_found(admin: Admin) -> None:
    bodies = {
        "PUT catalogue": {"mode": "off"}, "PUT event-types/view": {"schema": {}},
        "POST event-types/view/check": {"properties": {}}, "POST rejected-events/replay": {},
    }  # fmt: skip
    for project in (2, 2**31, 2**80):
        for method, path in ROUTES:
            answer = admin(method, path, bodies.get(f"{method} {path}"), project=project)
            assert (answer.status_code, answer.json["code"]) == (404, "not_found"), (project, path)


def test_there_are_so_many_types_and_no_more(admin: Admin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue_admin, "MOST_TYPES", 2)
    for event_type in ("a", "b", "a"):
        admin.done("PUT", f"event-types/{event_type}", {"schema": {}})
    answer = admin("PUT", "event-types/c", {"schema": {}})
    assert (answer.status_code, "event_type" in answer.json["errors"]) == (400, True)


def test_an_event_is_tried_and_not_stored(admin: Admin, connection: psycopg.Connection) -> None:
    admin.done("PUT", "event-types/purchase", {"schema": PURCHASE})
    check = "event-types/purchase/check"
    assert admin.done("POST", check, {"properties": {"amount": 3}}) == {"fits": True, "errors": {}}
    assert admin.done("POST", check, {"properties": {"amount": "3"}}) == {"fits": False, "errors": ERRORS}
    assert admin.done("POST", check, {"properties": {"amount": "3"}, "schema": True})["fits"]
    assert admin.done("POST", "event-types/new/check", {"properties": {}, "schema": None})["fits"]
    assert not admin.done("POST", "event-types/page_view/check", {"properties": {}})["fits"]
    assert admin.done("POST", "event-types/page_view/check", {"properties": {}, "page_url": "/"})["fits"]
    assert admin("POST", "event-types/new/check", {"properties": {}}).status_code == 404
    assert count(connection, "events") == 0


# What it does to events


def test_off_looks_at_nothing(admin: Admin, events: FlaskClient, connection: psycopg.Connection) -> None:
    describe(admin, "off")
    assert admin.done("GET", "catalogue") == {"mode": "off"}
    assert events.post(BATCH, json={"events": [BAD]}).json == {"accepted": 1, "rejected": []}
    assert stored_properties(connection) == [BAD["properties"]]


def test_flag_stores_marks_and_counts(
    admin: Admin, events: FlaskClient, connection: psycopg.Connection
) -> None:
    describe(admin, "flag")
    assert events.post(BATCH, json={"events": [BAD, GOOD]}).json == {"accepted": 2, "rejected": []}
    assert events.post("/track", json=BAD).status_code == 202

    marked = {"amount": "3", "$schema_errors": ['properties.amount: value is not of type "number"']}
    assert sorted(stored_properties(connection), key=str) == sorted([marked, {"amount": 3}, marked], key=str)
    metrics = events.get("/metrics").text
    assert 'beatline_events_flagged_total{source="batch"} 1.0' in metrics
    assert 'beatline_events_flagged_total{source="track"} 1.0' in metrics


def test_enforce_refuses_and_keeps(admin: Admin, events: FlaskClient, connection: psycopg.Connection) -> None:
    describe(admin, "enforce")
    answer = events.post(BATCH, json={"events": [GOOD, BAD]})
    assert answer.json == {"accepted": 1, "rejected": [{"index": 1, "errors": ERRORS}]}
    kept = connection.execute("select reason, errors, event ->> 'event_type' from rejected_events").fetchall()
    assert kept == [("schema", ERRORS, "purchase")]
    assert 'beatline_events_rejected_total{reason="schema",source="batch"} 1.0' in events.get("/metrics").text


def test_enforce_tells_who_sends_one_event_and_keeps_nothing(
    admin: Admin, events: FlaskClient, connection: psycopg.Connection
) -> None:
    describe(admin, "enforce")
    answer = events.post("/track", json=BAD)
    assert (answer.status_code, answer.json["code"], answer.json["errors"]) == (400, "schema", ERRORS)
    assert count(connection, "events") == count(connection, "rejected_events") == 0


def test_a_project_has_a_catalogue_of_its_own(
    admin: Admin, events: FlaskClient, connection: psycopg.Connection
) -> None:
    write_key = project_admin.create_project(connection, "shop")
    describe(admin, "enforce")
    assert events.post("/track", json=BAD).status_code == 400
    assert events.post("/track", json=BAD, headers={"X-Write-Key": write_key}).status_code == 202


def test_a_built_in_type_is_enforced_on_every_route(admin: Admin, events: FlaskClient) -> None:
    admin.done("PUT", "catalogue", {"mode": "enforce"})
    view = {"event_type": "view", "properties": {"title": "no url"}}
    assert events.post("/track", json=view).json["errors"] == {"properties": ['"url" is a required property']}
    seen = {"user_id": "u", "event_type": "view", "payload": {"url": "/"}}
    assert events.post("/events", json=seen).status_code == 202

    admin.done("PUT", "event-types/view", {"schema": {"required": ["title"]}})
    assert events.post("/track", json=view).status_code == 202
    assert events.post("/events", json=seen).json["code"] == "schema"


def test_the_process_that_answers_uses_a_change_at_once(admin: Admin, events: FlaskClient) -> None:
    describe(admin, "enforce")
    for schema, status in ((True, 202), (False, 400), (PURCHASE, 400), (None, 202)):
        admin.done("PUT", "event-types/purchase", {"schema": schema})
        assert events.post("/track", json=BAD).status_code == status
    admin.done("PUT", "event-types/purchase", {"schema": False})
    admin.done("DELETE", "event-types/purchase")
    assert events.post("/track", json=BAD).status_code == 202
    admin.done("PUT", "event-types/purchase", {"schema": False})
    admin.done("PUT", "catalogue", {"mode": "flag"})
    assert events.post("/track", json=BAD).status_code == 202


def test_other_processes_follow_within_two_seconds(postgres_url: str, redis_url: str, tmp_path: Path) -> None:
    ports = free_port(), free_port()
    settings = {"admin_token": TOKEN}
    steps: list[tuple[Any, str, int]] = [
        (PURCHASE, "enforce", 400), (True, "enforce", 202), (False, "enforce", 400), (False, "off", 202)
    ]  # fmt: skip
    with (
        running_collector(tmp_path, postgres_url, redis_url, ports[0], **settings) as one,
        running_collector(tmp_path, postgres_url, redis_url, ports[1], **settings) as other,
        httpx.Client(
            headers={"Authorization": f"Bearer {TOKEN}"}, base_url=f"{one}/api/v1/projects/1"
        ) as admin,
    ):
        for schema, mode, status in steps:
            admin.put("/event-types/purchase", json={"schema": schema}).raise_for_status()
            admin.put("/catalogue", json={"mode": mode}).raise_for_status()
            wait_until(lambda: httpx.post(f"{other}/track", json=BAD).status_code == status, seconds=2)  # noqa: B023


def test_a_refresh_compiles_and_reads_nothing_again(
    admin: Admin, events: FlaskClient, connection: psycopg.Connection
) -> None:
    describe(admin, "enforce")
    events.post("/track", json=GOOD)
    first = read_directory(connection)
    before = usable.cache_info().misses

    again = read_directory(connection, first)
    assert again.projects[1].catalogue is first.projects[1].catalogue is not None
    admin.done("PUT", "event-types/other", {"schema": {"title": "another one"}})
    changed = read_directory(connection, again)
    assert changed.projects[1].catalogue is not first.projects[1].catalogue
    assert read_directory(connection, Directory()).projects[1].catalogue == changed.projects[1].catalogue
    events.post("/track", json=GOOD)
    assert usable.cache_info().misses == before

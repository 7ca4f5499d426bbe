"""Who may do what: every route of the OpenAPI document, asked by everybody."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg
import pytest
from flask import Flask

from beatline.accounts.access import Role
from tests.fixtures.admin import TOKEN
from tests.fixtures.people import People, bearer

EVERYBODY = {"nobody", "viewer", "analyst", "admin", "admin of all", "admin elsewhere", "admin token"}
VIEWERS = EVERYBODY - {"nobody", "admin elsewhere"}
ANALYSTS = VIEWERS - {"viewer"}
ADMINS = ANALYSTS - {"analyst"}
OWNERS = {"admin of all", "admin token"}
SIGNED_IN = EVERYBODY - {"nobody", "admin token"}
SOMEWHERE = ADMINS | {"admin elsewhere"}

# Routes of the API, and who may use them in project 1. Whoever adds a route adds it here.
ALLOWED: dict[str, set[str]] = {
    "GET /api/v1/metrics/overview": VIEWERS,
    "GET /api/v1/metrics/active-users": VIEWERS,
    "GET /api/v1/metrics/top-pages": VIEWERS,
    "GET /api/v1/metrics/active-sessions": VIEWERS,
    "GET /api/v1/metrics/throughput": VIEWERS,
    "GET /analytics/event-counts": VIEWERS,
    "GET /analytics/event-counts-by-type": VIEWERS,
    "GET /api/v1/projects/{project_id}/catalogue": VIEWERS,
    "PUT /api/v1/projects/{project_id}/catalogue": ADMINS,
    "GET /api/v1/projects/{project_id}/event-types": VIEWERS,
    "GET /api/v1/projects/{project_id}/event-types/{event_type}": VIEWERS,
    "PUT /api/v1/projects/{project_id}/event-types/{event_type}": ADMINS,
    "DELETE /api/v1/projects/{project_id}/event-types/{event_type}": ADMINS,
    "POST /api/v1/projects/{project_id}/event-types/{event_type}/check": VIEWERS,
    "GET /api/v1/projects/{project_id}/rejected-events": ANALYSTS,
    "GET /api/v1/projects/{project_id}/rejected-events/{rejected_id}": ANALYSTS,
    "DELETE /api/v1/projects/{project_id}/rejected-events/{rejected_id}": ADMINS,
    "POST /api/v1/projects/{project_id}/rejected-events/replay": ADMINS,
    "GET /api/v1/projects/{project_id}/members": ADMINS,
    "PUT /api/v1/projects/{project_id}/members": ADMINS,
    "POST /api/v1/imports": EVERYBODY,  # with a write key
    "GET /api/v1/imports/{import_id}": EVERYBODY,  # who knows its id
    "GET /api/v1/imports/{import_id}/rejected.csv": EVERYBODY,
    "GET /api/v1/live": EVERYBODY,
    "POST /api/v1/auth/login": EVERYBODY,
    "POST /api/v1/auth/refresh": EVERYBODY,  # with a refresh token
    "POST /api/v1/auth/logout": SIGNED_IN,
    "POST /api/v1/auth/logout-everywhere": SIGNED_IN,
    "GET /.well-known/jwks.json": EVERYBODY,
    "GET /api/v1/account": SIGNED_IN,
    "PATCH /api/v1/account": SIGNED_IN,
    "PUT /api/v1/account/password": SIGNED_IN,
    "GET /api/v1/account/logins": SIGNED_IN,
    "DELETE /api/v1/account/logins/{login_id}": SIGNED_IN,
    "GET /api/v1/account/tokens": SIGNED_IN,
    "POST /api/v1/account/tokens": SIGNED_IN,
    "DELETE /api/v1/account/tokens/{token_id}": SIGNED_IN,
    "GET /api/v1/accounts": OWNERS,
    "POST /api/v1/accounts": OWNERS,
    "PATCH /api/v1/accounts/{account_id}": OWNERS,
    "DELETE /api/v1/accounts/{account_id}": OWNERS,
    "POST /api/v1/accounts/{account_id}/password": OWNERS,
    "PUT /api/v1/accounts/{account_id}/role": OWNERS,
    "GET /api/v1/audit-log": SOMEWHERE,
    "GET /api/v1/alerts/history": OWNERS,
    "POST /webhooks/grafana": set(),  # with the token of Grafana
    "GET /api/v1/projects": EVERYBODY - {"nobody"},
    "POST /api/v1/projects": OWNERS,
    "PATCH /api/v1/projects/{project_id}": ADMINS,
    "POST /api/v1/projects/{project_id}/write-keys/rotate": ADMINS,
    "POST /api/v1/projects/{project_id}/domains": ADMINS,
    "DELETE /api/v1/projects/{project_id}/domains/{domain}": ADMINS,
    "GET /api/v1/projects/{project_id}/imports": ANALYSTS,
    "GET /api/v1/projects/{project_id}/webhook-sources": ANALYSTS,
    "POST /api/v1/projects/{project_id}/webhook-sources": ADMINS,
    "PATCH /api/v1/projects/{project_id}/webhook-sources/{source}": ADMINS,
    "POST /api/v1/projects/{project_id}/webhook-sources/{source}/secret": ADMINS,
    "DELETE /api/v1/projects/{project_id}/webhook-sources/{source}": ADMINS,
    "GET /api/v1/events": ANALYSTS,
    "GET /api/v1/events/export": ANALYSTS,
    "GET /api/v1/analytics/admin/events/": ANALYSTS,
    "GET /api/v1/analytics/admin/events/event_counts/": ANALYSTS,
    "GET /api/v1/analytics/admin/sessions/": ANALYSTS,
    "GET /api/v1/analytics/admin/event-aggregates/": ANALYSTS,
    "GET /api/v1/projects/{project_id}/users": ANALYSTS,
    "GET /api/v1/projects/{project_id}/users/{user_id}": ANALYSTS,
    "GET /api/v1/projects/{project_id}/users/{user_id}/sessions": ANALYSTS,
    "GET /api/v1/projects/{project_id}/users/{user_id}/events": ANALYSTS,
    "GET /api/v1/projects/{project_id}/property-indexes": VIEWERS,
    "POST /api/v1/projects/{project_id}/property-indexes": ADMINS,
    "DELETE /api/v1/projects/{project_id}/property-indexes/{index_id}": ADMINS,
    "GET /api/v1/projects/{project_id}/reports": VIEWERS,
    "POST /api/v1/projects/{project_id}/reports": ANALYSTS,
    "POST /api/v1/projects/{project_id}/reports/run": VIEWERS,
    "GET /api/v1/projects/{project_id}/reports/{report_id}": VIEWERS,
    "PUT /api/v1/projects/{project_id}/reports/{report_id}": ANALYSTS,
    "DELETE /api/v1/projects/{project_id}/reports/{report_id}": ANALYSTS,
    "POST /api/v1/projects/{project_id}/reports/{report_id}/run": VIEWERS,
    "GET /api/v1/projects/{project_id}/reports/{report_id}/schedules": VIEWERS,
    "POST /api/v1/projects/{project_id}/reports/{report_id}/schedules": ANALYSTS,
    "PUT /api/v1/projects/{project_id}/reports/{report_id}/schedules/{schedule_id}": ANALYSTS,
    "DELETE /api/v1/projects/{project_id}/reports/{report_id}/schedules/{schedule_id}": ANALYSTS,
    "GET /api/v1/projects/{project_id}/exports": VIEWERS,  # their own
    "POST /api/v1/projects/{project_id}/exports": VIEWERS,  # of what they may see
    "GET /api/v1/projects/{project_id}/exports/{export_id}": VIEWERS,
    "DELETE /api/v1/projects/{project_id}/exports/{export_id}": VIEWERS,
    "GET /api/v1/exports/download": EVERYBODY,  # with a link
    "GET /api/v1/projects/{project_id}/watches": VIEWERS,
    "POST /api/v1/projects/{project_id}/watches": VIEWERS,
    "GET /api/v1/projects/{project_id}/watches/history": VIEWERS,
    "POST /api/v1/projects/{project_id}/watches/test": VIEWERS,
    "GET /api/v1/projects/{project_id}/watches/{watch_id}": VIEWERS,  # their own and the project's
    "PUT /api/v1/projects/{project_id}/watches/{watch_id}": VIEWERS,
    "DELETE /api/v1/projects/{project_id}/watches/{watch_id}": VIEWERS,
    "POST /api/v1/projects/{project_id}/watches/{watch_id}/snooze": VIEWERS,
    "DELETE /api/v1/projects/{project_id}/watches/{watch_id}/snooze": VIEWERS,
    "GET /api/v1/projects/{project_id}/watches/{watch_id}/history": VIEWERS,
    "GET /api/v1/devices": SIGNED_IN,
    "POST /api/v1/devices": SIGNED_IN,
    "DELETE /api/v1/devices/{device_id}": SIGNED_IN,  # their own
    "POST /api/v1/devices/{device_id}/test": SIGNED_IN,
    "GET /api/v1/devices/{device_id}/deliveries": SIGNED_IN,
    "GET /api/v1/notifications": SIGNED_IN,
    "POST /api/v1/notifications/{notification_id}/read": SIGNED_IN,
    "POST /api/v1/notifications/read": SIGNED_IN,
    "GET /api/v1/notifications/preferences": SIGNED_IN,
    "PUT /api/v1/notifications/preferences": SIGNED_IN,
    "GET /api/v1/notifications/channels": SIGNED_IN,
    "GET /api/v1/jobs": OWNERS,
    "GET /api/v1/jobs/runs": OWNERS,
    "GET /api/v1/jobs/dead-letters": OWNERS,
    "POST /api/v1/jobs/dead-letters/{dead_letter_id}/send": OWNERS,
    "DELETE /api/v1/jobs/dead-letters/{dead_letter_id}": OWNERS,
    "GET /api/v1/archive": OWNERS,
    "GET /health": EVERYBODY,
    "GET /health/live": EVERYBODY,
    "GET /health/ready": EVERYBODY,
}
SIGNS_OUT = {"POST /api/v1/auth/logout", "POST /api/v1/auth/logout-everywhere"}  # tests/…/test_login.py
# By keys of their own:
KEYED = {"POST /api/v1/auth/login", "POST /api/v1/auth/refresh", "POST /api/v1/imports"}
IDS = {
    "device_id": str(UUID(int=1)), "notification_id": "1", "export_id": str(UUID(int=1)),
    "event_type": "view", "rejected_id": "1", "import_id": str(UUID(int=1)), "login_id": str(UUID(int=1)),
    "token_id": str(UUID(int=1)), "account_id": str(UUID(int=1)), "source": "shop", "user_id": "u",
    "index_id": "1", "dead_letter_id": "1", "watch_id": "1", "report_id": "1", "schedule_id": "1",
    "domain": "shop.example",
}  # fmt: skip


def operations(app: Flask) -> list[str]:
    """Every operation of the document that Flask answers, as 'METHOD /path'."""
    document = app.test_client().get("/openapi.json").json
    return [
        f"{method.upper()} {path}"
        for path, described in document["paths"].items()
        for method, operation in described.items()
        if method != "parameters" and "ingestion" not in operation.get("tags", [])
        and not any(tag.startswith("SDK") or tag == "sdks" for tag in operation.get("tags", []))
    ]  # fmt: skip


@pytest.fixture
def headers(persons: People, connection: psycopg.Connection) -> dict[str, dict[str, str]]:
    """What each of them sends."""
    elsewhere = connection.execute("select max(project_id) from projects").fetchone()
    assert elsewhere
    roles = {
        "viewer": (Role.VIEWER, 1), "analyst": (Role.ANALYST, 1), "admin": (Role.ADMIN, 1),
        "admin of all": (Role.ADMIN, None), "admin elsewhere": (Role.ADMIN, elsewhere[0]),
    }  # fmt: skip
    tokens = {
        who: bearer(persons.join(f"{who.replace(' ', '.')}@example.com", role, project_id).sign_in().access)
        for who, (role, project_id) in roles.items()
    }
    return tokens | {"nobody": {}, "admin token": bearer(TOKEN)}


def test_every_route_says_who_may_use_it(guarded: Flask) -> None:
    for rule in guarded.url_map.iter_rules():
        assert "access" in vars(guarded.view_functions[rule.endpoint]), f"{rule} says nothing"


def test_every_operation_of_the_document_is_listed_here(guarded: Flask) -> None:
    assert set(operations(guarded)) == set(ALLOWED)


def test_everybody_may_do_what_is_theirs_and_nothing_else(
    guarded: Flask, persons: People, headers: dict[str, dict[str, str]]
) -> None:
    wrong: list[Any] = []
    for operation in sorted(ALLOWED.keys() - SIGNS_OUT - KEYED):
        method, _, path = operation.partition(" ")
        for who in sorted(EVERYBODY):
            where = path.format(project_id=1, **IDS)
            with persons.client.open(where, method=method, headers=headers[who], json={}) as answer:
                if (answer.status_code not in (401, 403)) != (who in ALLOWED[operation]):
                    wrong.append((operation, who, answer.status_code, answer.text))
    assert wrong == []


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/projects/2/rejected-events", "/api/v1/projects/2/members", "/api/v1/projects/0/members",
        "/api/v1/projects/99/members", "/api/v1/metrics/overview?project_id=2",
        "/api/v1/metrics/overview?project_id=x", "/api/v1/audit-log?project_id=2",
    ],
)  # fmt: skip
def test_an_admin_of_one_project_sees_nothing_of_another(
    headers: dict[str, dict[str, str]], persons: People, path: str
) -> None:
    answer = persons.client.get(path, headers=headers["admin"])

    assert answer.status_code in (400, 403)


def test_a_token_of_another_installation_opens_nothing(persons: People) -> None:
    for token in (TOKEN + "x", TOKEN.upper(), ""):
        answer = persons.client.get("/api/v1/accounts", headers=bearer(token))
        assert answer.status_code == 401


def test_given_an_open_installation_then_counts_are_for_everybody_and_nothing_else(
    administered: Flask,
) -> None:
    client = administered.test_client()

    assert client.get("/api/v1/metrics/overview").status_code == 200
    for path in ("/api/v1/projects/1/catalogue", "/api/v1/projects/1/rejected-events", "/api/v1/account"):
        assert client.get(path).status_code == 401


def test_the_admin_of_a_project_gives_roles_in_it_only(
    persons: People, headers: dict[str, dict[str, str]]
) -> None:
    ann = persons.join("ann@example.com")
    wanted = {"email": ann.email, "role": "analyst"}

    given = persons.client.put("/api/v1/projects/1/members", headers=headers["admin"], json=wanted)
    beyond = persons.client.put("/api/v1/projects/2/members", headers=headers["admin"], json=wanted)
    everywhere = persons.client.put(
        f"/api/v1/accounts/{ann.account_id}/role", headers=headers["admin"], json={"role": "admin"}
    )

    assert [given.status_code, beyond.status_code, everywhere.status_code] == [204, 403, 403]
    seen = ann.sign_in()("GET", "/api/v1/account").json["projects"]
    assert [(project["project_id"], "events:read" in project["permissions"]) for project in seen] == [
        (1, True)
    ]

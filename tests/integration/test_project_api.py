"""Projects, write keys and sources of webhooks over the API."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from beatline.accounts.access import Role
from beatline.events import utc_now
from tests.fixtures.people import People, Tokens

PROJECT = "/api/v1/projects/1"
SOURCES = f"{PROJECT}/webhook-sources"


def test_a_new_project_takes_events_by_its_key(persons: People, boss: Tokens) -> None:
    made = boss("POST", "/api/v1/projects", {"name": "shop"})
    assert made.status_code == 201

    projects = boss("GET", "/api/v1/projects").json["projects"]

    assert [(project["name"], project["paused"]) for project in projects] == [
        ("default", False), ("other", False), ("shop", False),
    ]  # fmt: skip
    assert projects[-1]["write_keys"] == [made.json["write_key"]]
    event = {"event_type": "hello", "user_id": "me"}
    stored = persons.client.post("/track", json=event, headers={"X-Write-Key": made.json["write_key"]})
    assert stored.status_code == 202


def test_a_rotated_key_lets_events_in_until_the_grace_is_over(persons: People, boss: Tokens) -> None:
    (old,) = boss("GET", "/api/v1/projects").json["projects"][0]["write_keys"]

    new = boss("POST", f"{PROJECT}/write-keys/rotate", {"grace_hours": 1}).json["write_key"]
    assert set(boss("GET", "/api/v1/projects").json["projects"][0]["write_keys"]) == {old, new}

    newest = boss("POST", f"{PROJECT}/write-keys/rotate", {}).json["write_key"]
    assert set(boss("GET", "/api/v1/projects").json["projects"][0]["write_keys"]) == {old, newest}
    actions = [entry["action"] for entry in boss("GET", "/api/v1/audit-log").json["entries"]]
    assert actions == ["write key rotated"] * 2


def test_of_a_replaced_key_one_sees_when_it_ends(boss: Tokens) -> None:
    (old,) = boss("GET", "/api/v1/projects").json["projects"][0]["write_keys"]

    boss("POST", f"{PROJECT}/write-keys/rotate", {"grace_hours": 1})

    ends = boss("GET", "/api/v1/projects").json["projects"][0]["key_ends"]
    left = datetime.fromisoformat(ends.pop(old)) - utc_now()
    assert timedelta(minutes=59) < left <= timedelta(hours=1)
    assert ends == {}


def test_domains_are_added_and_removed_and_keys_are_none(boss: Tokens) -> None:
    (key,) = boss("GET", "/api/v1/projects").json["projects"][0]["write_keys"]

    assert boss("POST", f"{PROJECT}/domains", {"domain": "Shop.Example"}).status_code == 204
    assert boss("POST", "/api/v1/projects/2/domains", {"domain": "shop.example"}).status_code == 409
    assert boss("DELETE", "/api/v1/projects/2/domains/shop.example").status_code == 404
    assert boss("GET", "/api/v1/projects").json["projects"][0]["write_keys"] == [key, "shop.example"]

    assert boss("DELETE", f"{PROJECT}/domains/{key}").status_code == 404
    assert boss("DELETE", f"{PROJECT}/domains/shop.example").status_code == 204
    assert boss("GET", "/api/v1/projects").json["projects"][0]["write_keys"] == [key]
    actions = [entry["action"] for entry in boss("GET", "/api/v1/audit-log").json["entries"]]
    assert actions == ["domain removed", "domain added"]


def test_a_viewer_sees_no_keys_and_only_their_own_projects(persons: People) -> None:
    viewer = persons.join("ann@example.com", Role.VIEWER, 1).sign_in()

    projects = viewer("GET", "/api/v1/projects").json["projects"]

    assert [(project["project_id"], project["write_keys"]) for project in projects] == [(1, None)]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/api/v1/projects", {"name": "other"}, 409),
        ("POST", "/api/v1/projects", {"name": ""}, 400),
        ("POST", "/api/v1/projects", {"name": "x", "write_keys": ["mine"]}, 400),
        ("PATCH", PROJECT, {"name": "other"}, 409),
        ("PATCH", "/api/v1/projects/99", {"paused": True}, 404),
        ("POST", f"{PROJECT}/write-keys/rotate", {"grace_hours": -1}, 400),
        ("POST", "/api/v1/projects/99/write-keys/rotate", {}, 404),
        ("POST", f"{PROJECT}/domains", {"domain": ""}, 400),
        ("POST", f"{PROJECT}/domains", {"domain": "BL_mine"}, 409),
        ("POST", "/api/v1/projects/99/domains", {"domain": "shop.example"}, 404),
        ("DELETE", f"{PROJECT}/domains/nobody.example", None, 404),
        ("POST", SOURCES, {"source": "../up"}, 409),
        ("POST", SOURCES, {"source": "shop", "kind": "nobody's"}, 400),
        ("POST", SOURCES, {"source": "shop", "mapping": {"user_id": "a ||| b"}}, 409),
        ("POST", "/api/v1/projects/99/webhook-sources", {"source": "shop"}, 404),
        ("DELETE", f"{SOURCES}/nobody", None, 404),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_noted(
    boss: Tokens, method: str, path: str, body: object, status: int
) -> None:
    answer = boss(method, path, body)

    assert answer.status_code == status, answer.text
    assert boss("GET", "/api/v1/audit-log").json["entries"] == []


def test_sources_are_made_paused_given_secrets_and_deleted(boss: Tokens) -> None:
    made = boss("POST", SOURCES, {"source": "shop"}).json
    assert made["url"].endswith("/webhooks/in/shop")

    again = boss("POST", f"{SOURCES}/shop/secret", {"secret": "given by them"}).json
    assert (made["secret"] != again["secret"], again["secret"]) == (True, "given by them")
    assert boss("PATCH", f"{SOURCES}/shop", {"paused": True}).status_code == 204
    (shown,) = boss("GET", SOURCES).json["webhook_sources"]
    assert (shown["source"], shown["paused"], "secret" in shown) == ("shop", True, False)
    assert boss("DELETE", f"{SOURCES}/shop").status_code == 204
    assert boss("GET", SOURCES).json["webhook_sources"] == []
    noted = str(boss("GET", "/api/v1/audit-log").json)
    assert "given by them" not in noted
    assert made["secret"] not in noted


def test_a_source_of_another_project_is_not_there(persons: People, boss: Tokens) -> None:
    boss("POST", SOURCES, {"source": "shop"})
    other = persons.join("ann@example.com", Role.ADMIN, 2).sign_in()

    for method, path, body in [
        ("DELETE", "shop", None), ("PATCH", "shop", {"paused": True}), ("POST", "shop/secret", {}),
    ]:  # fmt: skip
        assert other(method, f"{SOURCES}/{path}", body).status_code == 403
        assert other(method, f"/api/v1/projects/2/webhook-sources/{path}", body).status_code == 404

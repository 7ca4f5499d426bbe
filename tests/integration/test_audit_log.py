"""The audit log: administrative changes, once made never changed."""

from __future__ import annotations

import psycopg
import pytest

from beatline.accounts.access import Role
from tests.fixtures.people import PASSWORD, People, Tokens

PROJECT = "/api/v1/projects/1"


def test_changes_are_noted_with_who_where_before_and_after(persons: People, boss: Tokens) -> None:
    made = boss("POST", "/api/v1/accounts", {"email": "ann@example.com", "role": "viewer"}).json
    boss("PUT", f"/api/v1/accounts/{made['account_id']}/role", {"role": "analyst"})
    boss("PUT", "/api/v1/projects/1/members", {"email": "ann@example.com", "role": "admin"})
    boss("POST", f"/api/v1/accounts/{made['account_id']}/password")
    boss("PATCH", f"/api/v1/accounts/{made['account_id']}", {"disabled": True})
    boss("DELETE", f"/api/v1/accounts/{made['account_id']}")

    entries = boss("GET", "/api/v1/audit-log").json["entries"]

    told = [(e["action"], e["subject"], e["project_id"], e["before"], e["after"]) for e in reversed(entries)]
    assert told == [
        ("account made", "ann@example.com", None, None, {"role": "viewer"}),
        ("role changed", "ann@example.com", None, {"role": "viewer"}, {"role": "analyst"}),
        ("role changed", "ann@example.com", 1, {"role": None}, {"role": "admin"}),
        ("password reset", "ann@example.com", None, None, None),
        ("account changed", "ann@example.com", None, {"disabled": False}, {"disabled": True}),
        ("account deleted", "ann@example.com", None,
         {"roles": [{"project_id": None, "role": "analyst"}, {"project_id": 1, "role": "admin"}]}, None),
    ]  # fmt: skip
    assert {(entry["actor"], entry["ip_address"]) for entry in entries} == {("boss@example.com", "127.0.0.1")}
    assert all(entry["request_id"] for entry in entries)


def test_a_change_that_fails_is_not_noted(boss: Tokens) -> None:
    me = boss("GET", "/api/v1/account").json["account_id"]

    assert boss("DELETE", f"/api/v1/accounts/{me}").status_code == 409

    assert boss("GET", "/api/v1/audit-log").json["entries"] == []


def test_no_password_is_noted(persons: People, boss: Tokens, connection: psycopg.Connection) -> None:
    boss("PUT", "/api/v1/account/password", {"current": PASSWORD, "new": "another password"})
    made = boss("POST", "/api/v1/accounts", {"email": "ann@example.com"}).json

    text = str(connection.execute("select * from audit_log").fetchall())

    assert "password changed" in text
    for secret in (PASSWORD, "another password", made["password"]):
        assert secret not in text


@pytest.mark.parametrize(
    "statement",
    ["update audit_log set actor = 'nobody'", "delete from audit_log", "truncate audit_log"],
)
def test_the_log_may_only_be_added_to(boss: Tokens, connection: psycopg.Connection, statement: str) -> None:
    boss("POST", "/api/v1/accounts", {"email": "ann@example.com"})

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement)


def test_the_admin_of_a_project_reads_what_is_of_it(persons: People, boss: Tokens) -> None:
    for project_id in (1, 2):
        persons.join(f"ann{project_id}@example.com")
        member = {"email": f"ann{project_id}@example.com", "role": "viewer"}
        assert boss("PUT", f"/api/v1/projects/{project_id}/members", member).status_code == 204
    admin = persons.join("admin@example.com", Role.ADMIN, 1).sign_in()

    entries = admin("GET", "/api/v1/audit-log").json["entries"]

    assert [entry["subject"] for entry in entries] == ["ann1@example.com"]


def test_pages_follow_each_other(boss: Tokens) -> None:
    for number in range(5):
        boss("POST", "/api/v1/accounts", {"email": f"ann{number}@example.com"})

    first = boss("GET", "/api/v1/audit-log?limit=3").json
    second = boss("GET", f"/api/v1/audit-log?limit=3&cursor={first['next_cursor']}").json

    subjects = [entry["subject"] for entry in first["entries"] + second["entries"]]
    assert subjects == [f"ann{number}@example.com" for number in (4, 3, 2, 1, 0)]
    assert second["next_cursor"] is None


def test_changes_of_the_catalogue_are_noted_with_their_schemas(boss: Tokens) -> None:
    schema = {"type": "object", "required": ["plan"]}
    boss("PUT", f"{PROJECT}/catalogue", {"mode": "enforce"})
    boss("PUT", f"{PROJECT}/event-types/signup", {"schema": schema})
    boss("DELETE", f"{PROJECT}/event-types/signup")

    entries = boss("GET", "/api/v1/audit-log").json["entries"]

    told = [(e["action"], e["subject"], e["project_id"], e["before"], e["after"]) for e in reversed(entries)]
    assert told == [
        ("catalogue mode set", "catalogue", 1, {"mode": "off"}, {"mode": "enforce"}),
        ("event type described", "signup", 1, None, {"schema": schema}),
        ("event type forgotten", "signup", 1, {"schema": schema}, None),
    ]


def test_what_becomes_of_rejected_events_is_noted(boss: Tokens, connection: psycopg.Connection) -> None:
    connection.execute(
        "insert into rejected_events (project_id, received_at, source, reason, errors, raw)"
        " values (1, now(), 'track', 'invalid', '{}', '{}')"
    )
    (rejected,) = boss("GET", f"{PROJECT}/rejected-events").json["rejected_events"]
    boss("POST", f"{PROJECT}/rejected-events/replay", {"ids": [rejected["id"]]})
    boss("DELETE", f"{PROJECT}/rejected-events/{rejected['id']}")

    entries = boss("GET", "/api/v1/audit-log").json["entries"]

    assert [entry["action"] for entry in entries] == ["rejected event dismissed", "rejected events replayed"]
    assert entries[1]["after"]["replayed"] == 0

"""Webhooks in: who may send, what is stored of GitHub's, Stripe's and anybody's, and that once."""

from __future__ import annotations

import hmac
import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg
import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient

from beatline import project_admin, source_admin
from beatline.cli import cli
from beatline.events import utc_now
from beatline.settings import Settings
from beatline.source_admin import SourceOptions
from collector import create_app
from tests.fixtures.storage import count

SAMPLES = Path(__file__).resolve().parents[1] / "fixtures" / "webhooks"
SECRET = "whsec_of_the_test"
DELIVERY = "72d3162e-cc78-11e3-81ab-4c9367dc0958"
TIMED_HEADER = {"generic": "X-Beatline-Signature", "stripe": "Stripe-Signature"}


@pytest.fixture
def sources(connection: psycopg.Connection) -> None:
    """A source of each kind, which sends to the default project."""
    for kind in ("generic", "github", "stripe"):
        source_admin.create_source(connection, kind, 1, kind, SourceOptions(secret=SECRET))


def sign(body: bytes, at: datetime | None = None, secret: str = SECRET) -> str:
    """The signature of a body with its time."""
    t = str(int((at or utc_now()).timestamp()))
    return f"t={t},v1={hmac.new(secret.encode(), t.encode() + b'.' + body, sha256).hexdigest()}"


def sign_github(body: bytes, secret: str = SECRET) -> str:
    """GitHub's signature of a body."""
    return "sha256=" + hmac.new(secret.encode(), body, sha256).hexdigest()


def send(client: FlaskClient, content: Any, source: str = "generic", **headers: str) -> Any:
    """Send to a generic source or one of Stripe's, signed unless headers say otherwise."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    signed = {TIMED_HEADER.get(source, TIMED_HEADER["generic"]): sign(body)}
    return client.post(f"/webhooks/in/{source}", data=body, headers=signed | headers)


def send_github(client: FlaskClient, body: bytes, event: str, **headers: str) -> Any:
    """Send as GitHub does."""
    named = {
        "X-GitHub-Event": event, "X-GitHub-Delivery": DELIVERY, "X-Hub-Signature-256": sign_github(body),
        "Content-Type": "application/json", "User-Agent": "GitHub-Hookshot/044aadd",
    }  # fmt: skip
    return client.post("/webhooks/in/github", data=body, headers=named | headers)


def sample(name: str) -> bytes:
    """A payload as the vendor documents it, shortened."""
    return (SAMPLES / f"{name}.json").read_bytes()


def stored(connection: psycopg.Connection) -> list[dict[str, Any]]:
    """The stored events: type, user, and properties without the raw body."""
    statement = "select event_type, user_id, properties - '$raw' from events order by event_type"
    return [
        {"event_type": event_type, "user_id": user_id, **properties}
        for event_type, user_id, properties in connection.execute(statement)
    ]


@pytest.mark.usefixtures("sources")
def test_it_works(client: FlaskClient, connection: psycopg.Connection) -> None:
    body = {
        "type": "order.paid",
        "id": 17,
        "user_id": "u1",
        "timestamp": "2024-03-15T14:30:00Z",
        "total": 9.5,
    }
    answer = send(client, body)

    assert (answer.status_code, answer.json) == (200, {"accepted": 1, "rejected": []})
    row = connection.execute("select ts, event_type, user_id, properties from events").fetchone()
    ts = datetime(2024, 3, 15, 14, 30, tzinfo=UTC)
    assert row == (ts, "order.paid", "u1", {"$source": "generic", "$raw": body})


@pytest.mark.usefixtures("sources")
@pytest.mark.parametrize(
    ("name", "event", "expected"),
    [
        (
            "github_push", "push",
            {"ref": "refs/heads/main", "repository": "Codertocat/Hello-World", "link":
             "https://github.com/Codertocat/Hello-World/compare/6113728f27ae...0d1a26e67d8f"},
        ),
        (
            "github_pull_request", "pull_request",
            {"action": "opened", "repository": "Codertocat/Hello-World",
             "link": "https://github.com/Codertocat/Hello-World/pull/2"},
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", [False, True])
def test_github_s_events(
    client: FlaskClient, connection: psycopg.Connection, name: str, event: str, expected: Any, form: bool
) -> None:
    body = urlencode({"payload": sample(name).decode()}).encode() if form else sample(name)
    answer = send_github(client, body, event)

    assert (answer.status_code, answer.json) == (200, {"accepted": 1, "rejected": []})
    assert stored(connection) == [
        {"event_type": event, "user_id": "Codertocat", "$source": "github", **expected}
    ]
    (row,) = connection.execute("select event_id::text, properties -> '$raw' from events").fetchall()
    assert row == (DELIVERY, json.loads(sample(name)))


@pytest.mark.usefixtures("sources")
@pytest.mark.parametrize(
    ("name", "event", "user", "at", "expected"),
    [
        (
            "stripe_invoice_paid", "invoice.paid", "cus_NeZwdNtLEOXuvB", 1715952755,
            {"object": "invoice", "object_id": "in_1PHiUc2eZvKYlo2CZ0jz0zqU", "amount": 1999,
             "currency": "usd", "status": "paid", "livemode": False},
        ),
        (
            "stripe_customer_created", "customer.created", "cus_O5TnkPvTpSFYEz", 1686089970,
            {"object": "customer", "object_id": "cus_O5TnkPvTpSFYEz", "livemode": False},
        ),
    ],
)  # fmt: skip
def test_stripe_s_events(
    client: FlaskClient, connection: psycopg.Connection,
    name: str, event: str, user: str, at: int, expected: dict[str, Any],
) -> None:  # fmt: skip
    for _ in range(2):  # Stripe signs a retry anew
        answer = send(client, sample(name), "stripe")
        assert (answer.status_code, answer.json) == (200, {"accepted": 1, "rejected": []})

    assert stored(connection) == [{"event_type": event, "user_id": user, "$source": "stripe", **expected}]
    assert connection.execute("select ts from events").fetchone() == (datetime.fromtimestamp(at, UTC),)


@pytest.mark.usefixtures("sources")
def test_while_stripe_s_secret_is_rolled_either_signature_will_do(client: FlaskClient) -> None:
    body = sample("stripe_invoice_paid")
    t, _, ours = sign(body).partition(",")
    header = f"{t},v1={'0' * 64},{ours}"
    assert send(client, body, "stripe", **{"Stripe-Signature": header}).json["accepted"] == 1


# Who may send

PAYLOAD = b'{"type":"order.paid","id":"17"}'


@pytest.mark.usefixtures("sources")
def test_a_wrong_or_old_signature_is_refused(client: FlaskClient, connection: psycopg.Connection) -> None:
    wrong = [
        (sign(PAYLOAD, secret="another"), "signature"),
        (sign(PAYLOAD + b" "), "signature"),
        ("", "signature"),
        (sign_github(PAYLOAD), "signature"),
        (sign(PAYLOAD, utc_now() - timedelta(minutes=6)), "signature_expired"),
        (sign(PAYLOAD, utc_now() + timedelta(minutes=6)), "signature_expired"),
    ]
    for source, name in TIMED_HEADER.items():
        for header, code in wrong:
            answer = send(client, PAYLOAD, source, **{name: header})
            assert (answer.status_code, answer.json["code"]) == (401, code), header
            assert answer.json.keys() == {"code", "message", "errors", "request_id"}
    assert count(connection, "events") == count(connection, "rejected_events") == 0


@pytest.mark.usefixtures("sources")
def test_a_wrong_signature_of_github_s_is_refused(
    client: FlaskClient, connection: psycopg.Connection
) -> None:
    for header in (sign_github(PAYLOAD, "another"), sign_github(b"{}"), "", "sha256="):
        answer = send_github(client, PAYLOAD, "push", **{"X-Hub-Signature-256": header})
        assert (answer.status_code, answer.json["code"]) == (401, "signature"), header
    assert count(connection, "events") == 0


@pytest.mark.usefixtures("sources")
def test_an_unknown_source_is_not_found(client: FlaskClient) -> None:
    for name in ("nobody", "Generic", "generic;x", "%00", "a" * 1_000, "%F0%9F"):
        answer = send(client, PAYLOAD, name)
        assert (answer.status_code, answer.json["code"]) == (404, "not_found"), name


@pytest.mark.usefixtures("sources")
def test_a_source_needs_no_write_key_and_sends_to_its_own_project(
    postgres_url: str, redis_url: str, connection: psycopg.Connection
) -> None:
    project_admin.create_project(connection, "shop")
    source_admin.create_source(connection, "shop", 2, "generic", SourceOptions(secret=SECRET))
    app = create_app(Settings(database_url=postgres_url, redis_url=redis_url, open_ingest=False))
    assert send(app.test_client(), PAYLOAD, "shop").status_code == 200
    app.extensions["beatline"].close()
    assert connection.execute("select project_id from events").fetchall() == [(2,)]


@pytest.mark.usefixtures("sources")
def test_a_paused_source_or_project_takes_nothing(app: Flask, connection: psycopg.Connection) -> None:
    client, refresh = app.test_client(), app.extensions["beatline"].projects.refresh
    source_admin.pause_source(connection, "generic", paused=True)
    refresh()
    assert (send(client, PAYLOAD).status_code, send(client, PAYLOAD, "stripe").status_code) == (403, 200)

    source_admin.pause_source(connection, "generic", paused=False)
    project_admin.pause_project(connection, 1, paused=True)
    refresh()
    answer = send(client, PAYLOAD)
    assert (answer.status_code, answer.json["code"]) == (403, "paused")


@pytest.mark.usefixtures("sources")
def test_known_sources_may_send_while_the_database_cannot_be_asked(app: Flask) -> None:
    services = app.extensions["beatline"]
    services.projects.refresh()
    services.pool.close()
    client = app.test_client()
    assert send(client, PAYLOAD).status_code == 200
    assert send(client, PAYLOAD, "nobody").status_code in (404, 503)


# Stored once


@pytest.mark.usefixtures("sources")
def test_a_replay_is_stored_once(client: FlaskClient, connection: psycopg.Connection) -> None:
    push, without_id = sample("github_push"), b'[{"type":"ping"},{"type":"ping"}]'
    signed = {"X-Beatline-Signature": sign(without_id)}
    for _ in range(3):
        assert send_github(client, push, "push").status_code == 200
        assert send(client, PAYLOAD).status_code == 200
        assert send(client, without_id, **signed).json == {"accepted": 2, "rejected": []}

    types = [row["event_type"] for row in stored(connection)]
    assert types == ["order.paid", "ping", "ping", "push"]


@pytest.mark.usefixtures("sources")
def test_a_replay_in_other_words_is_stored_once(client: FlaskClient, connection: psycopg.Connection) -> None:
    body = b'{"type":"ping"}'
    header = sign(body)
    for signature in (header, header.replace(",", ", "), header + ",v1=0", header + ",t=1", "v0=x," + header):
        assert send(client, body, **{"X-Beatline-Signature": signature}).status_code == 200
    assert count(connection, "events") == 1


@pytest.mark.usefixtures("sources")
def test_the_same_body_signed_at_another_time_is_another_event(
    client: FlaskClient, connection: psycopg.Connection
) -> None:
    body, now = b'{"type":"ping"}', utc_now()
    for at in (now, now - timedelta(seconds=1)):
        assert send(client, body, **{"X-Beatline-Signature": sign(body, at)}).status_code == 200
    assert count(connection, "events") == 2


@pytest.mark.usefixtures("sources")
def test_sources_do_not_share_ids(client: FlaskClient, connection: psycopg.Connection) -> None:
    for source in ("generic", "stripe"):
        assert send(client, PAYLOAD, source).json["accepted"] == 1
    assert count(connection, "events") == 2


# Bodies


@pytest.mark.usefixtures("sources")
def test_of_several_events_the_good_ones_are_stored_and_the_others_named_and_kept(
    client: FlaskClient, connection: psycopg.Connection
) -> None:
    body = [{"type": "a"}, {"id": 1}, 7, {"type": "b", "timestamp": "yesterday"}, {"type": "c"}]
    answer = send(client, body)

    assert (answer.status_code, answer.json["accepted"]) == (200, 2)
    assert [item["index"] for item in answer.json["rejected"]] == [1, 2, 3]
    assert [row["event_type"] for row in stored(connection)] == ["a", "c"]
    kept = connection.execute(
        "select source, reason, raw from rejected_events order by rejected_id"
    ).fetchall()
    assert kept == [
        ("webhook", "invalid", '{"id": 1}'),
        ("webhook", "invalid", "7"),
        ("webhook", "timestamp", '{"type": "b", "timestamp": "yesterday"}'),
    ]


NO_EVENTS: list[tuple[bytes, int]] = [
    (b"", 400),
    (b"{", 400),
    (b"\xff\xfe", 400),
    (b'"text"', 400),
    (b"7", 400),
    (b"null", 400),
    (b'{"type":"\\ud800"}', 400),
    (b"[" * 100_000, 400),
    (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, 400),
    (b"\x1f\x8bnot gzip", 400),
    (b"[]", 200),
    (b"[{}]", 200),
    (b'{"type":"a\\u0000b"}', 200),
    (b'{"type":"x","id":true}', 200),
    (b'{"type":"x","a":' + b"[" * 150 + b"]" * 150 + b"}", 200),
    (b'{"type":"x","a":"' + b"y" * 2**20 + b'"}', 200),
    (b'{"type":"x","timestamp":1e308}', 200),
]


@pytest.mark.usefixtures("sources")
def test_bodies_that_are_no_event_are_refused_and_never_fail(
    client: FlaskClient, connection: psycopg.Connection
) -> None:
    for body, status in NO_EVENTS:
        before = count(connection, "rejected_events")
        answer = send(client, body)

        assert answer.status_code == status, body[:30]
        kept = count(connection, "rejected_events") - before
        assert kept == (len(answer.json["rejected"]) if status == 200 else 0), body[:30]
        assert kept == (body not in (b"[]",) and status == 200), body[:30]
    assert count(connection, "events") == 0


@pytest.mark.usefixtures("sources")
def test_forms_and_lists_from_github_that_hold_no_event_are_refused(client: FlaskClient) -> None:
    for body in (b"payload=", b"payload=%7B", b"payload=%ff", b"payload", b"[{}]", b"[]"):
        assert send_github(client, body, "push").status_code == 400, body


@pytest.mark.usefixtures("sources")
def test_a_body_beyond_the_limit_is_refused_before_its_signature_is_looked_at(client: FlaskClient) -> None:
    assert send(client, b"x" * (8 * 2**20 + 1)).status_code == 413


# The command


@pytest.fixture
def run(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs `beatline source …` and returns what it prints."""
    monkeypatch.setenv("BEATLINE_DATABASE_URL", postgres_url)

    def run(*words: str, given: str | None = None) -> str:
        result = CliRunner().invoke(cli, ["source", *words], input=given, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    return run


def secret_in(output: str) -> str:
    """The secret that the command has printed."""
    return next(line.split()[1] for line in output.splitlines() if line.strip().startswith("Secret"))


def test_the_command_makes_shows_and_changes_sources(
    app: Flask, connection: psycopg.Connection, run: Any, tmp_path: Path
) -> None:
    client, refresh = app.test_client(), app.extensions["beatline"].projects.refresh
    project_admin.create_project(connection, "web shop")
    mapping = tmp_path / "mapping.json"
    mapping.write_text('{"event_type": "\'sale\'", "user_id": "body.buyer.mail"}')

    made = run("create", "shop", "--project", "web shop", "--mapping", str(mapping))
    assert "http://127.0.0.1:8000/webhooks/in/shop" in made
    body = b'{"buyer":{"mail":"me@example.org"}}'
    signed = {"X-Beatline-Signature": sign(body, secret=secret_in(made))}
    assert send(client, body, "shop", **signed).json == {"accepted": 1, "rejected": []}
    assert connection.execute("select project_id, event_type, user_id from events").fetchall() == [
        (2, "sale", "me@example.org")
    ]

    listed = run("list")
    assert "shop\tgeneric\tweb shop\topen" in listed
    assert secret_in(made) not in listed

    rotated = secret_in(run("rotate-secret", "shop"))
    refresh()
    old, new = (sign(body, secret=secret) for secret in (secret_in(made), rotated))
    assert send(client, body, "shop", **{"X-Beatline-Signature": old}).status_code == 401
    assert send(client, body, "shop", **{"X-Beatline-Signature": new}).status_code == 200

    run("pause", "shop")
    assert "shop\tgeneric\tweb shop\tpaused" in run("list")
    run("resume", "shop")
    run("delete", "shop")
    refresh()
    assert run("list") == ""
    assert send(client, body, "shop", **{"X-Beatline-Signature": new}).status_code == 404


@pytest.mark.parametrize("kind", ["github", "stripe", "generic"])
def test_a_secret_of_the_sender_s_making_is_taken(client: FlaskClient, run: Any, kind: str) -> None:
    assert secret_in(run("create", kind, "--kind", kind, "--secret", "-", given=f"{SECRET}\n")) == SECRET
    body = sample("stripe_invoice_paid")
    answer = send_github(client, body, "push") if kind == "github" else send(client, body, kind)
    assert answer.json["accepted"] == 1


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["create", "Shop"], "1 to 64 of a-z"),
        (["create", "x" * 65], "1 to 64 of a-z"),
        (["create", "taken"], "there is a source 'taken' already"),
        (["create", "a", "--project", "nobody"], "there is no project 'nobody'"),
        (["create", "a", "--secret", "short"], "8 to 200 characters"),
        (["rotate-secret", "nobody"], "there is no source 'nobody'"),
        (["delete", "nobody"], "there is no source 'nobody'"),
        (["pause", "nobody"], "there is no source 'nobody'"),
    ],
)
def test_the_command_says_what_is_wrong(
    connection: psycopg.Connection, postgres_url: str, monkeypatch: pytest.MonkeyPatch,
    words: list[str], complaint: str,
) -> None:  # fmt: skip
    source_admin.create_source(connection, "taken", 1, "generic", SourceOptions())
    monkeypatch.setenv("BEATLINE_DATABASE_URL", postgres_url)
    result = CliRunner().invoke(cli, ["source", *words])
    assert complaint in str(result.exception)


def test_a_mapping_that_is_none_makes_no_source(
    connection: psycopg.Connection, postgres_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mapping = tmp_path / "mapping.json"
    mapping.write_text('{"event_type": "body["}')
    monkeypatch.setenv("BEATLINE_DATABASE_URL", postgres_url)
    result = CliRunner().invoke(cli, ["source", "create", "shop", "--mapping", str(mapping)])
    assert "no JMESPath expression" in str(result.exception)
    assert count(connection, "webhook_sources") == 0

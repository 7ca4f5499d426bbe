"""Messages to Android apps, against a server that speaks as Google's do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from beatline.notifications.channels import FcmTarget, Refused, Unavailable, Unregistered
from beatline.settings import Settings
from tests.providers.certificates import Authority
from tests.providers.fcm import PROJECT, Fcm, error
from tests.providers.https import (
    Handler,
    Reply,
    drip,
    hang_up,
    hang_up_in_the_body,
    hang_up_in_the_head,
    json_reply,
    running,
    say_nothing,
    send_garbage,
)
from tests.providers.messages import NOW, message
from workers.channels.fcm.access import access_of
from workers.channels.fcm.send import send

TARGET = FcmTarget(token="dYf3:APA91bHPRgkFLJu6u1v0MvVr9")
PAGE = Reply(502, {"Content-Type": "text/html"}, b"<!DOCTYPE html><title>Error 502</title>")


@pytest.fixture
def fcm(trusted: Authority) -> Iterator[Fcm]:
    with running(Fcm(trusted.server_context("localhost"))) as server:
        yield server


@pytest.fixture
def settings(fcm: Fcm) -> Settings:
    return Settings(fcm_service_account=fcm.account, fcm_url=fcm.url)


def test_it_works(fcm: Fcm, settings: Settings) -> None:
    sent = message()
    assert send(TARGET, sent, settings, now=NOW) == f"projects/{PROJECT}/messages/0:1"
    (taken,) = fcm.messages
    assert taken["token"] == TARGET.token
    assert taken["notification"] == {"title": sent.title, "body": sent.body}
    assert taken["data"] == {
        "delivery_id": str(sent.delivery_id),
        "kind": "watch",
        "severity": "critical",
        "created_at": sent.created_at.isoformat(),
        "url": sent.url,
    }
    assert taken["android"]["priority"] == "HIGH"
    assert taken["android"]["ttl"] == "3600s"
    assert taken["android"]["collapse_key"] == taken["android"]["notification"]["tag"]


def test_given_several_messages_then_token_and_connection_are_kept(fcm: Fcm, settings: Settings) -> None:
    for _ in range(3):
        send(TARGET, message(), settings, now=NOW)
    assert (len(fcm.tokens), len(fcm.messages), len(fcm.connections)) == (1, 3, 1)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"severity": "info"}, {"priority": "NORMAL"}),
        ({"severity": "warning"}, {"priority": "HIGH"}),
        ({"expires_at": NOW - timedelta(seconds=1)}, {"ttl": "0s"}),
        ({"expires_at": NOW + timedelta(days=90)}, {"ttl": "2419200s"}),
    ],
)
def test_severity_and_expiry(
    fcm: Fcm, settings: Settings, changes: dict[str, Any], expected: dict[str, str]
) -> None:
    send(TARGET, message(**changes), settings, now=NOW)
    assert expected.items() <= fcm.messages[0]["android"].items()


def test_given_the_same_collapse_then_the_same_tag_and_else_another(fcm: Fcm, settings: Settings) -> None:
    for collapse in ("watch:1", "watch:1", "watch:2"):
        send(TARGET, message(collapse=collapse), settings, now=NOW)
    first, second, third = (taken["android"]["collapse_key"] for taken in fcm.messages)
    assert first == second != third


def test_given_a_long_text_then_it_is_shortened_and_sent(fcm: Fcm, settings: Settings) -> None:
    send(TARGET, message(body="🔔" * 5_000), settings, now=NOW)
    body = fcm.messages[0]["notification"]["body"]
    assert body.endswith("🔔…")
    assert 3_900 < len(fcm.requests[-1].body) <= 4_096


def test_given_a_token_that_google_has_taken_back_then_a_new_one_is_used_once(
    fcm: Fcm, settings: Settings
) -> None:
    send(TARGET, message(), settings, now=NOW)
    fcm.tokens.append("another one that only Google knows")
    assert send(TARGET, message(), settings, now=NOW)
    assert len(fcm.tokens) == 3


ERRORS: list[tuple[str, Reply, type[Exception], float | None]] = [
    ("unregistered", error(404, "NOT_FOUND", "UNREGISTERED"), Unregistered, None),
    ("bad token by field", error(400, *["INVALID_ARGUMENT"] * 2, "message.token"), Unregistered, None),
    (
        "bad token by words",
        json_reply(
            400,
            {
                "error": {
                    "code": 400,
                    "message": "The registration token is not a valid FCM registration token",
                    "status": "INVALID_ARGUMENT",
                }
            },
        ),
        Unregistered,
        None,
    ),
    ("bad field", error(400, "INVALID_ARGUMENT", field="message.data[0].value"), Refused, None),
    ("no such project", error(404, "NOT_FOUND"), Refused, None),
    ("no such page", Reply(404, {}, b"<html>UNREGISTERED</html>"), Refused, None),
    ("another sender's", error(403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH"), Refused, None),
    ("not allowed", error(403, "PERMISSION_DENIED"), Refused, None),
    ("apple's key", error(401, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR"), Refused, None),
    ("redirect", Reply(302, {"Location": "http://127.0.0.1/"}), Refused, None),
    ("quota", error(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"), Unavailable, 60),
    ("quota with seconds", error(429, "RESOURCE_EXHAUSTED", Retry_After="7"), Unavailable, 7),
    (
        "quota with a date",
        error(
            429,
            "RESOURCE_EXHAUSTED",
            "QUOTA_EXCEEDED",
            Retry_After=format_datetime(NOW + timedelta(seconds=90), usegmt=True),
        ),
        Unavailable,
        90,
    ),
    ("unavailable", error(503, "UNAVAILABLE", "UNAVAILABLE"), Unavailable, None),
    ("unavailable with seconds", error(503, "UNAVAILABLE", "UNAVAILABLE", Retry_After="30"), Unavailable, 30),
    ("nonsense to wait for", error(503, "UNAVAILABLE", Retry_After="soon"), Unavailable, None),
    ("for ever", error(503, "UNAVAILABLE", Retry_After="9" * 30), Unavailable, 86_400),
    ("internal", error(500, "INTERNAL", "INTERNAL"), Unavailable, None),
    ("a page of the load balancer", PAGE, Unavailable, None),
    ("error of another shape", json_reply(400, {"error": ["UNREGISTERED", {"details": 1}]}), Refused, None),
    ("details of another shape", json_reply(400, {"error": {"details": [1, {"@type": []}]}}), Refused, None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("fault", "raised", "retry_after"), [case[1:] for case in ERRORS], ids=[case[0] for case in ERRORS]
)
def test_given_an_error_of_google_then_it_is_told_apart(
    fcm: Fcm, settings: Settings, fault: Reply, raised: type[Exception], retry_after: float | None
) -> None:
    send(TARGET, message(), settings, now=NOW)
    fcm.faults = [fault]
    with pytest.raises(raised) as caught:
        send(TARGET, message(), settings, now=NOW)
    assert getattr(caught.value, "retry_after", None) == retry_after
    assert not getattr(caught.value, "unknown", False)
    assert send(TARGET, message(), settings, now=NOW)


@pytest.mark.parametrize(
    "fault",
    [
        hang_up,
        hang_up_in_the_head,
        hang_up_in_the_body,
        send_garbage,
        say_nothing,
        drip,
        Reply(200, {}, b"<html>"),
    ],
    ids=lambda fault: getattr(fault, "__name__", "no JSON"),
)
def test_given_no_answer_or_half_of_one_then_it_may_have_been_sent(
    fcm: Fcm, settings: Settings, fault: Reply | Callable[[Handler], None]
) -> None:
    send(TARGET, message(), settings, now=NOW)
    fcm.faults = [fault]
    with pytest.raises(Unavailable) as caught:
        send(TARGET, message(), settings, now=NOW, seconds=0.3)
    assert caught.value.unknown
    assert send(TARGET, message(), settings, now=NOW)


@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        (json_reply(400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}), Refused),
        (json_reply(401, {"error": "invalid_client"}), Refused),
        (Reply(403, {}, b"no"), Refused),
        (json_reply(503, {"error": "temporarily_unavailable"}), Unavailable),
        (json_reply(429, {"error": "rate_limit"}), Unavailable),
        (json_reply(200, {"token": "of another name"}), Unavailable),
        (Reply(200, {}, b"\xff"), Unavailable),
        (hang_up, Unavailable),
        (say_nothing, Unavailable),
    ],
    ids=lambda value: getattr(value, "__name__", None) or str(value),
)
def test_given_no_token_then_nothing_was_sent(
    fcm: Fcm, settings: Settings, fault: Any, raised: type[Exception]
) -> None:
    fcm.faults = [fault]
    with pytest.raises(raised) as caught:
        send(TARGET, message(), settings, now=NOW, seconds=0.3)
    assert not getattr(caught.value, "unknown", False)
    assert not fcm.messages
    assert send(TARGET, message(), settings, now=NOW)


def test_given_nobody_at_the_address_then_it_may_work_later(fcm: Fcm, settings: Settings) -> None:
    send(TARGET, message(), settings, now=NOW)
    nowhere = Settings(fcm_service_account=fcm.account, fcm_url="https://127.0.0.1:9")
    with pytest.raises(Unavailable) as caught:
        send(TARGET, message(), nowhere, now=NOW)
    assert not caught.value.unknown


def test_given_a_server_that_is_not_google_then_no_token_is_shown_to_it(
    fcm: Fcm, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(Unavailable, match="certificate") as caught:
        send(TARGET, message(), settings, now=NOW)
    assert not caught.value.unknown
    assert not fcm.requests


@pytest.mark.parametrize(
    "account",
    [None, "{", "[]", '{"project_id": "p"}', '{"project_id": "p", "private_key": "x", "client_email": "e"}'],
)
def test_given_no_account_or_a_broken_one_then_it_is_refused(account: str | None) -> None:
    with pytest.raises(Refused, match="BEATLINE_FCM_SERVICE_ACCOUNT"):
        send(TARGET, message(), Settings(fcm_service_account=account), now=NOW)


def test_given_a_broken_account_then_its_key_is_not_told() -> None:
    account = json.dumps({"project_id": "p", "private_key": "s3cret", "client_email": "e", "token_uri": "t"})
    with pytest.raises(Refused) as caught:
        access_of(account)
    assert "s3cret" not in str(caught.value)

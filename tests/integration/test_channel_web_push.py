"""Messages to browsers, against a push service that checks VAPID and a browser that decrypts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import msgspec
import pytest

from beatline.notifications.channels import Refused, Unavailable, Unregistered
from beatline.notifications.vapid_keys import vapid_public_key
from beatline.settings import Settings
from tests.providers.certificates import Authority
from tests.providers.https import (
    Reply,
    drip,
    drip_the_body,
    hang_up,
    hang_up_in_the_body,
    running,
    say_nothing,
    send_garbage,
)
from tests.providers.messages import NOW, message
from tests.providers.push_service import PATH, PushService
from workers.channels.web_push.send import send

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1"))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path, webhook_networks=LOOPBACK, admin_email="admin@example.org")


@pytest.fixture
def service(trusted: Authority, settings: Settings) -> Iterator[PushService]:
    with running(PushService(trusted.server_context("localhost"), vapid_public_key(settings))) as server:
        yield server


def test_it_works(service: PushService, settings: Settings) -> None:
    sent = message()
    assert send(service.subscription, sent, settings, now=NOW) == f"{service.url}/m/1"
    (shown,) = service.shown
    assert (shown["title"], shown["body"], shown["url"]) == (sent.title, sent.body, sent.url)
    assert (shown["delivery_id"], shown["kind"], shown["severity"]) == (
        str(sent.delivery_id),
        "watch",
        "critical",
    )
    headers = service.requests[0].headers
    assert (headers["ttl"], headers["urgency"]) == ("3600", "high")
    assert headers["topic"] == shown["tag"]
    assert sent.title.encode() not in service.requests[0].body


def test_given_several_messages_then_the_connection_is_kept(service: PushService, settings: Settings) -> None:
    for _ in range(3):
        send(service.subscription, message(), settings, now=NOW)
    assert (len(service.shown), len(service.connections)) == (3, 1)


@pytest.mark.parametrize(
    ("changes", "header", "expected"),
    [
        ({"severity": "info"}, "urgency", "low"),
        ({"severity": "warning"}, "urgency", "normal"),
        ({"severity": "of another time"}, "urgency", "normal"),
        ({"expires_at": NOW - timedelta(hours=1)}, "ttl", "0"),
        ({"expires_at": NOW + timedelta(days=365)}, "ttl", "2419200"),
    ],
)
def test_severity_and_expiry(
    service: PushService, settings: Settings, changes: dict[str, Any], header: str, expected: str
) -> None:
    send(service.subscription, message(**changes), settings, now=NOW)
    assert service.requests[0].headers[header] == expected


@pytest.mark.parametrize("text", ["🔔" * 3_000, "x" * 3_900, "x" * 100_000])
def test_given_a_long_text_then_it_is_shortened_and_sent(
    service: PushService, settings: Settings, text: str
) -> None:
    send(service.subscription, message(body=text), settings, now=NOW)
    body = service.shown[0]["body"]
    assert text.startswith(body.removesuffix("…"))
    assert 4_090 <= len(service.requests[0].body) <= 4_096


@pytest.mark.parametrize(
    ("fault", "raised", "retry_after"),
    [
        (Reply(404), Unregistered, None),
        (Reply(410, {}, b'{"errno": 106}'), Unregistered, None),
        (Reply(400), Refused, None),
        (Reply(401), Refused, None),
        (Reply(403, {}, b"the VAPID credentials do not correspond"), Refused, None),
        (Reply(413), Refused, None),
        (Reply(302, {"Location": "http://169.254.169.254/"}), Refused, None),
        (Reply(429, {"Retry-After": "120"}), Unavailable, 120),
        (
            Reply(429, {"Retry-After": format_datetime(NOW + timedelta(minutes=3), usegmt=True)}),
            Unavailable,
            180,
        ),
        (Reply(429), Unavailable, None),
        (Reply(500), Unavailable, None),
        (Reply(503, {"Retry-After": "-1"}), Unavailable, None),
    ],
    ids=lambda value: " ".join([str(value.status), *value.headers]) if isinstance(value, Reply) else None,
)
def test_given_an_error_of_the_service_then_it_is_told_apart(
    service: PushService,
    settings: Settings,
    fault: Reply,
    raised: type[Exception],
    retry_after: float | None,
) -> None:
    service.faults = [fault]
    with pytest.raises(raised) as caught:
        send(service.subscription, message(), settings, now=NOW)
    assert getattr(caught.value, "retry_after", None) == retry_after
    assert not getattr(caught.value, "unknown", False)
    assert send(service.subscription, message(), settings, now=NOW)


@pytest.mark.parametrize("fault", [hang_up, send_garbage, say_nothing, drip], ids=lambda it: it.__name__)
def test_given_no_answer_then_it_may_have_been_sent(
    service: PushService, settings: Settings, fault: Any
) -> None:
    service.faults = [fault]
    with pytest.raises(Unavailable) as caught:
        send(service.subscription, message(), settings, now=NOW, seconds=0.3)
    assert caught.value.unknown
    assert send(service.subscription, message(), settings, now=NOW)


@pytest.mark.parametrize("fault", [hang_up_in_the_body, drip_the_body], ids=lambda it: it.__name__)
def test_given_half_a_body_then_the_status_counts(
    service: PushService, settings: Settings, fault: Any
) -> None:
    service.faults = [fault]
    assert send(service.subscription, message(), settings, now=NOW, seconds=0.3) is None
    assert send(service.subscription, message(), settings, now=NOW)


def test_given_another_key_than_the_browser_subscribed_with_then_it_is_refused(
    service: PushService, settings: Settings, tmp_path: Path
) -> None:
    with pytest.raises(Refused, match="403"):
        send(service.subscription, message(), replace(settings, data=tmp_path / "other"), now=NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"p256dh": ""},
        {"p256dh": "AAAA"},
        {"p256dh": "B" * 87},
        {"p256dh": "not base64 🔔"},
        {"auth": ""},
        {"auth": "!"},
        {"auth": "🔔"},
        {"endpoint": "https://user:pw@localhost/"},
        {"endpoint": "http://93.184.216.34" + PATH},
        {"endpoint": "https://10.0.0.1" + PATH},
        {"endpoint": "https://169.254.169.254/latest/meta-data"},
        {"endpoint": "javascript:alert(1)"},
    ],
)
def test_given_a_subscription_that_no_browser_makes_then_it_is_refused(
    service: PushService, settings: Settings, changes: dict[str, str]
) -> None:
    with pytest.raises(Refused):
        send(msgspec.structs.replace(service.subscription, **changes), message(), settings, now=NOW)
    assert not service.requests


def test_given_a_key_in_the_settings_that_is_none_then_it_is_refused(
    service: PushService, settings: Settings
) -> None:
    with pytest.raises(Refused, match="BEATLINE_VAPID_PRIVATE_KEY"):
        send(service.subscription, message(), replace(settings, vapid_private_key="x"), now=NOW)

"""Outgoing webhooks, against a receiver that checks their signatures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import ip_network
from typing import Any

import pytest

from beatline.notifications.channels import Refused, Unavailable, Unregistered, WebhookTarget
from beatline.notifications.webhook_secrets import new_secret, secret_bytes
from beatline.settings import Settings
from tests.providers.certificates import Authority
from tests.providers.https import (
    Reply,
    drip,
    drip_the_body,
    go_on_for_ever,
    hang_up,
    hang_up_in_the_head,
    promise_for_ever,
    running,
    say_nothing,
    send_garbage,
    send_headers_for_ever,
)
from tests.providers.messages import NOW, message
from tests.providers.webhook_receiver import SECRET, WebhookReceiver
from workers.channels.webhook.send import send

SETTINGS = Settings(webhook_networks=(ip_network("127.0.0.0/8"), ip_network("::1")))


@pytest.fixture
def receiver(trusted: Authority) -> Iterator[WebhookReceiver]:
    with running(WebhookReceiver(trusted.server_context("localhost"))) as server:
        yield server


def target(receiver: WebhookReceiver, secret: str = SECRET) -> WebhookTarget:
    """Its address."""
    return WebhookTarget(url=f"{receiver.url}/hooks?from=beatline", secret=secret)


def test_it_works(receiver: WebhookReceiver) -> None:
    sent = message()
    assert send(target(receiver), sent, SETTINGS) is None
    (event,) = receiver.events
    assert event["type"] == "notification.watch"
    assert event["timestamp"] == sent.created_at.isoformat().replace("+00:00", "Z")
    assert event["data"] == {
        "delivery_id": str(sent.delivery_id),
        "severity": "critical",
        "title": sent.title,
        "body": sent.body,
        "url": sent.url,
        "collapse": "watch:17",
        "expires_at": sent.expires_at.isoformat().replace("+00:00", "Z"),
    }
    (request,) = receiver.requests
    assert request.path == "/hooks?from=beatline"
    assert request.headers["webhook-id"] == str(sent.delivery_id)
    assert request.headers["host"] == f"localhost:{receiver.server_port}"
    assert receiver.server_names == ["localhost"]


def test_given_a_repetition_then_the_id_is_the_same_and_the_time_is_new(receiver: WebhookReceiver) -> None:
    now = datetime.now(UTC)
    send(target(receiver), message(), SETTINGS, now=now)
    send(target(receiver), message(), SETTINGS, now=now + timedelta(seconds=60))
    first, second = (request.headers for request in receiver.requests)
    assert first["webhook-id"] == second["webhook-id"]
    assert int(second["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 60
    assert (len(receiver.events), len(receiver.connections)) == (2, 1)


def test_given_another_secret_then_the_receiver_does_not_take_it(receiver: WebhookReceiver) -> None:
    with pytest.raises(Unavailable, match="401 the signature does not match"):
        send(target(receiver, new_secret()), message(), SETTINGS)
    assert not receiver.events


def test_given_a_new_secret_then_it_is_one_of_standard_webhooks() -> None:
    assert new_secret() != new_secret()
    assert len(secret_bytes(new_secret())) == 32


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_short", "whsec_" + "A" * 28, "🔔" * 30, "A" * 100])
def test_given_a_secret_that_is_none_then_nothing_is_sent(receiver: WebhookReceiver, secret: str) -> None:
    with pytest.raises(Refused, match="secret"):
        send(target(receiver, secret), message(), SETTINGS)
    assert not receiver.requests


@pytest.mark.parametrize(
    ("fault", "raised", "retry_after"),
    [
        (Reply(410), Unregistered, None),
        (Reply(301, {"Location": "/elsewhere"}), Refused, None),
        (Reply(307, {"Location": "http://169.254.169.254/latest/meta-data"}), Refused, None),
        (Reply(400, {}, b"what is that?"), Refused, None),
        (Reply(413), Refused, None),
        (Reply(422), Refused, None),
        (Reply(401), Unavailable, None),
        (Reply(404), Unavailable, None),
        (Reply(429, {"Retry-After": "15"}), Unavailable, 15),
        (
            Reply(503, {"Retry-After": format_datetime(NOW + timedelta(seconds=75), usegmt=True)}),
            Unavailable,
            75,
        ),
        (Reply(503, {"Retry-After": "Mon, 01 Jan 2001 00:00:00 GMT"}), Unavailable, 0),
        (Reply(503, {"Retry-After": "²"}), Unavailable, None),
        (Reply(500, {}, b"\x00\xff" * 1_000), Unavailable, None),
    ],
    ids=lambda value: " ".join([str(value.status), *value.headers]) if isinstance(value, Reply) else None,
)
def test_given_another_status_than_2xx_then_it_is_told_apart(
    receiver: WebhookReceiver, fault: Reply, raised: type[Exception], retry_after: float | None
) -> None:
    receiver.faults = [fault]
    with pytest.raises(raised, match=f"^{fault.status}") as caught:
        send(target(receiver), message(), SETTINGS, now=NOW)
    assert getattr(caught.value, "retry_after", None) == retry_after
    assert not getattr(caught.value, "unknown", False)
    assert len(receiver.requests) == 1
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "fault",
    [hang_up, hang_up_in_the_head, send_garbage, say_nothing, drip, send_headers_for_ever, promise_for_ever],
    ids=lambda fault: fault.__name__,
)
def test_given_no_answer_then_it_may_have_been_sent_and_the_worker_is_free_in_time(
    receiver: WebhookReceiver, fault: Any
) -> None:
    receiver.faults = [fault]
    with pytest.raises(Unavailable) as caught:
        send(target(receiver), message(), SETTINGS, seconds=0.3)
    assert caught.value.unknown
    assert send(target(receiver), message(), SETTINGS) is None


@pytest.mark.parametrize("fault", [drip_the_body, go_on_for_ever], ids=lambda fault: fault.__name__)
def test_given_a_body_without_end_then_the_status_counts(receiver: WebhookReceiver, fault: Any) -> None:
    receiver.faults = [fault]
    assert send(target(receiver), message(), SETTINGS, seconds=0.3) is None


def test_given_a_certificate_of_somebody_else_then_nothing_is_sent(trusted: Authority) -> None:
    with running(WebhookReceiver(trusted.server_context("somebody.else.example"))) as receiver:
        with pytest.raises(Unavailable, match="certificate") as caught:
            send(target(receiver), message(), SETTINGS)
        assert not caught.value.unknown
        assert not receiver.requests


def test_given_an_own_network_then_http_will_do() -> None:
    with running(WebhookReceiver(None)) as receiver:
        send(target(receiver), message(), SETTINGS)
        assert len(receiver.events) == 1


@pytest.mark.parametrize("networks", [None, (ip_network("10.0.0.0/8"),)])
def test_given_a_network_that_is_not_allowed_then_nothing_is_sent(
    receiver: WebhookReceiver, networks: Any
) -> None:
    with pytest.raises(Refused):
        send(target(receiver), message(), replace(SETTINGS, webhook_networks=networks))
    assert not receiver.connections

"""Messages to iOS apps, against a server that speaks HTTP/2 and checks tokens as Apple's does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from beatline.notifications.channels import ApnsTarget, Refused, Unavailable, Unregistered
from beatline.settings import Settings
from tests.providers.apns import DEVICE, KEY_ID, TEAM_ID, TOPIC, Apns, reason
from tests.providers.certificates import Authority
from tests.providers.http2 import (
    Fault,
    answer_and_go_away,
    answer_and_hang_up,
    break_the_rules,
    break_the_rules_later,
    go_away_after,
    go_away_before,
    half_an_answer,
    hang_up,
    ping_for_ever,
    refuse_stream,
    reset,
    running,
    say_nothing,
    send_garbage,
)
from tests.providers.https import Reply
from tests.providers.messages import NOW, message
from workers.channels.apns.send import send

TARGET = ApnsTarget(token=DEVICE)


@pytest.fixture
def apns(trusted: Authority) -> Iterator[Apns]:
    with running(Apns(trusted.server_context("localhost", alpn="h2"), NOW)) as server:
        yield server


@pytest.fixture
def settings(apns: Apns) -> Settings:
    return Settings(
        apns_key=apns.p8,
        apns_key_id=KEY_ID,
        apns_team_id=TEAM_ID,
        apns_topic=TOPIC,
        apns_url=apns.url,
        apns_sandbox_url="https://127.0.0.1:9",
    )


def test_it_works(apns: Apns, settings: Settings) -> None:
    sent = message()
    assert send(TARGET, sent, settings, now=NOW) == str(sent.delivery_id)
    (request,) = apns.requests
    assert request.headers["apns-id"] == str(sent.delivery_id)
    assert request.headers["apns-expiration"] == str(int(sent.expires_at.timestamp()))
    assert (request.headers["apns-priority"], request.headers["apns-push-type"]) == ("10", "alert")
    payload = json.loads(request.body)
    assert payload["aps"]["alert"] == {"title": sent.title, "body": sent.body}
    assert payload["aps"]["sound"] == "default"
    assert (payload["delivery_id"], payload["url"]) == (str(sent.delivery_id), sent.url)


def test_given_a_notice_then_it_waits_for_the_device_and_makes_no_sound(
    apns: Apns, settings: Settings
) -> None:
    send(TARGET, message(severity="info"), settings, now=NOW)
    assert apns.requests[0].headers["apns-priority"] == "5"
    assert "sound" not in json.loads(apns.requests[0].body)["aps"]


def test_given_a_development_build_then_it_goes_to_the_sandbox(apns: Apns, settings: Settings) -> None:
    swapped = replace(settings, apns_url="https://127.0.0.1:9", apns_sandbox_url=apns.url)
    assert send(ApnsTarget(token=DEVICE, sandbox=True), message(), swapped, now=NOW)


def test_given_several_messages_then_connection_and_token_are_kept(apns: Apns, settings: Settings) -> None:
    for minute in range(0, 60, 4):
        apns.now = NOW + timedelta(minutes=minute)
        send(TARGET, message(), settings, now=apns.now)
    assert (apns.connections, len(apns.requests)) == (1, 15)
    assert len(apns.provider_tokens) == 2


def test_given_the_same_collapse_then_the_same_id_and_else_another(apns: Apns, settings: Settings) -> None:
    for collapse in ("Ä" * 200, "Ä" * 200, "Ä" * 201):
        send(TARGET, message(collapse=collapse), settings, now=NOW)
    first, second, third = (request.headers["apns-collapse-id"] for request in apns.requests)
    assert first == second != third


@pytest.mark.parametrize("text", ["\\" * 9_000, "🔔" * 3_000, "x " * 5_000])
def test_given_a_long_text_then_it_is_shortened_and_sent(apns: Apns, settings: Settings, text: str) -> None:
    send(TARGET, message(body=text), settings, now=NOW)
    shown = json.loads(apns.requests[0].body)["aps"]["alert"]["body"]
    assert shown.endswith("…")
    assert text.startswith(shown[:-1])
    assert 4_080 < len(apns.requests[0].body) <= 4_096


def test_given_a_long_title_too_then_both_are_shortened(apns: Apns, settings: Settings) -> None:
    send(TARGET, message(body="b" * 5_000, title="t" * 5_000), settings, now=NOW)
    alert = json.loads(apns.requests[0].body)["aps"]["alert"]
    assert alert["body"] == "…"
    assert alert["title"].endswith("t…")


def test_given_a_url_that_leaves_no_room_then_it_is_refused(apns: Apns, settings: Settings) -> None:
    with pytest.raises(Refused, match="4096"):
        send(TARGET, message(url="https://x/" + "y" * 5_000), settings, now=NOW)
    assert not apns.requests


def test_given_a_token_that_apple_calls_expired_then_a_new_one_is_used_once(
    apns: Apns, settings: Settings
) -> None:
    send(TARGET, message(), settings, now=NOW)
    apns.now = NOW + timedelta(minutes=65)  # Apple's clock is ahead of ours
    assert send(TARGET, message(), settings, now=NOW + timedelta(minutes=30))
    assert len(apns.provider_tokens) == 2


def test_given_a_new_token_that_is_called_expired_then_it_is_not_renewed_too_often(
    apns: Apns, settings: Settings
) -> None:
    apns.now = NOW + timedelta(hours=3)
    for minutes, wait in ((0, 1_200), (5, 900)):
        with pytest.raises(Unavailable, match="ExpiredProviderToken") as caught:
            send(TARGET, message(), settings, now=NOW + timedelta(minutes=minutes))
        assert caught.value.retry_after == wait
    assert len({request.headers["authorization"] for request in apns.requests}) == 1


@pytest.mark.parametrize(
    ("fault", "raised", "retry_after"),
    [
        (reason(410, "Unregistered"), Unregistered, None),
        (reason(410, "ExpiredToken"), Unregistered, None),
        (reason(400, "BadDeviceToken"), Unregistered, None),
        (reason(400, "DeviceTokenNotForTopic"), Refused, None),
        (reason(400, "TopicDisallowed"), Refused, None),
        (reason(400, "BadTopic"), Refused, None),
        (reason(413, "PayloadTooLarge"), Refused, None),
        (reason(403, "InvalidProviderToken"), Refused, None),
        (reason(403, "BadCertificate"), Refused, None),
        (reason(404, "BadPath"), Refused, None),
        (Reply(400, {}, b"BadDeviceToken"), Refused, None),
        (Reply(400, {}, b'{"reason": ["BadDeviceToken"]}'), Refused, None),
        (reason(429, "TooManyRequests"), Unavailable, None),
        (reason(429, "TooManyRequests", Retry_After="12"), Unavailable, 12),
        (
            reason(
                503, "Shutdown", Retry_After=format_datetime(NOW + timedelta(seconds=20), usegmt=True)
            ),
            Unavailable,
            20,
        ),
        (reason(429, "TooManyProviderTokenUpdates"), Unavailable, 1_200),
        (reason(500, "InternalServerError"), Unavailable, None),
        (reason(503, "ServiceUnavailable"), Unavailable, None),
        (Reply(502, {}, b"<html>\xff"), Unavailable, None),
    ],
    ids=lambda value: f"{value.status} {value.body!r}" if isinstance(value, Reply) else None,
)  # fmt: skip
def test_given_an_error_of_apple_then_it_is_told_apart(
    apns: Apns, settings: Settings, fault: Reply, raised: type[Exception], retry_after: float | None
) -> None:
    apns.faults = [fault]
    with pytest.raises(raised) as caught:
        send(TARGET, message(), settings, now=NOW)
    assert getattr(caught.value, "retry_after", None) == retry_after
    assert not getattr(caught.value, "unknown", False)
    assert send(TARGET, message(), settings, now=NOW)
    assert apns.connections == 1


@pytest.mark.parametrize(
    "fault",
    [
        hang_up,
        reset,
        go_away_after,
        send_garbage,
        half_an_answer,
        break_the_rules,
        break_the_rules_later,
        say_nothing,
        ping_for_ever,
    ],
    ids=lambda fault: fault.__name__,
)
@pytest.mark.parametrize("earlier", [0, 1])
def test_given_a_connection_that_breaks_then_it_may_have_been_sent(
    apns: Apns, settings: Settings, fault: Fault, earlier: int
) -> None:
    for _ in range(earlier):
        send(TARGET, message(), settings, now=NOW)
    apns.faults = [fault]
    with pytest.raises(Unavailable) as caught:
        send(TARGET, message(), settings, now=NOW, seconds=0.3)
    assert caught.value.unknown
    assert send(TARGET, message(), settings, now=NOW)
    assert apns.connections == 2


def test_given_a_server_that_shuts_down_in_order_then_the_next_connection_takes_it(
    apns: Apns, settings: Settings
) -> None:
    send(TARGET, message(), settings, now=NOW)
    apns.faults = [go_away_before]
    assert send(TARGET, message(), settings, now=NOW)
    assert (apns.connections, len(apns.requests)) == (2, 2)


@pytest.mark.parametrize("fault", [go_away_before, refuse_stream], ids=lambda fault: fault.__name__)
def test_given_a_server_that_says_it_has_not_begun_then_it_was_not_sent(
    apns: Apns, settings: Settings, fault: Fault
) -> None:
    apns.faults = [fault]
    with pytest.raises(Unavailable) as caught:
        send(TARGET, message(), settings, now=NOW)
    assert not caught.value.unknown
    assert send(TARGET, message(), settings, now=NOW)


@pytest.mark.parametrize("end", [answer_and_go_away, answer_and_hang_up], ids=lambda end: end.__name__)
def test_given_a_connection_that_was_closed_meanwhile_then_a_new_one_is_made(
    apns: Apns, settings: Settings, end: Fault
) -> None:
    apns.faults = [end]
    send(TARGET, message(), settings, now=NOW)
    apns.threads[0].join()
    assert send(TARGET, message(), settings, now=NOW)
    assert (apns.connections, len(apns.requests)) == (2, 1)


def test_given_a_server_that_always_goes_away_then_it_ends_in_time(apns: Apns, settings: Settings) -> None:
    send(TARGET, message(), settings, now=NOW)
    apns.faults = [go_away_before] * 10_000
    with pytest.raises(Unavailable):
        send(TARGET, message(), settings, now=NOW, seconds=0.5)


def test_given_nobody_at_the_address_then_it_was_not_sent(settings: Settings) -> None:
    with pytest.raises(Unavailable) as caught:
        send(ApnsTarget(token=DEVICE, sandbox=True), message(), settings, now=NOW)
    assert not caught.value.unknown


@pytest.mark.parametrize("token", ["", "../../x", "zz", "00 11", "00\r\nx: y", "0" * 201])
def test_given_a_token_that_is_no_hex_then_it_never_becomes_a_path(
    apns: Apns, settings: Settings, token: str
) -> None:
    with pytest.raises(Refused):
        send(ApnsTarget(token=token), message(), settings, now=NOW)
    assert apns.connections == 0


ED25519 = """-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF
-----END PRIVATE KEY-----"""


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"apns_key": None}, "BEATLINE_APNS_KEY"),
        ({"apns_key_id": None}, "BEATLINE_APNS_KEY_ID"),
        ({"apns_team_id": None, "apns_topic": None}, "BEATLINE_APNS_TEAM_ID, BEATLINE_APNS_TOPIC"),
        ({"apns_key": "no PEM"}, "BEATLINE_APNS_KEY"),
        ({"apns_key": ED25519}, "P-256"),
    ],
)
def test_given_settings_that_do_not_do_then_they_are_named(
    apns: Apns, settings: Settings, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(Refused, match=said):
        send(TARGET, message(), replace(settings, **changes), now=NOW)
    assert apns.connections == 0

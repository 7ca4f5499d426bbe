"""Sends to an iOS app: Apple Push Notification service, HTTP/2 with a provider token."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import msgspec

from beatline.notifications.channels import ApnsTarget, Message, Refused, Unavailable, Unregistered
from beatline.outgoing_http import SECONDS, Answer, trusted_client
from beatline.settings import Settings
from workers.channels.answers import collapse_id, fitting, json_object, post, reason, retry_after
from workers.channels.apns.provider_token import MOST_OFTEN, ProviderToken, provider_token_of

MOST_BYTES = 4_096
DEVICE_TOKEN = re.compile(r"[0-9a-fA-F]{1,200}")  # it becomes a part of the path
GONE = {"BadDeviceToken", "Unregistered", "ExpiredToken"}


def send(
    target: ApnsTarget,
    message: Message,
    settings: Settings,
    *,
    now: datetime | None = None,
    seconds: float = SECONDS,
) -> str | None:
    """Send a message; apns-id is the delivery's, also in a repetition. seconds: for each call.

    A provider token that Apple calls expired is replaced by a new one, once.
    """
    now = now or datetime.now(UTC)
    if not DEVICE_TOKEN.fullmatch(target.token):
        raise Refused("the device's token is not hexadecimal")
    token = provider_token_of(settings)
    answer = call(target, message, settings, token.text(now), seconds)
    if reason_of(answer) == "ExpiredProviderToken" and token.renew(now):
        answer = call(target, message, settings, token.text(now), seconds)
    return outcome(answer, token, now)


def call(target: ApnsTarget, message: Message, settings: Settings, token: str, seconds: float) -> Answer:
    """Apple's answer to a message."""
    base = settings.apns_sandbox_url if target.sandbox else settings.apns_url
    headers = {
        "authorization": f"bearer {token}",
        "apns-id": str(message.delivery_id),
        "apns-topic": str(settings.apns_topic),
        "apns-push-type": "alert",
        "apns-priority": "5" if message.severity == "info" else "10",
        "apns-expiration": str(int(message.expires_at.timestamp())),
        "apns-collapse-id": collapse_id(message.collapse),
    }
    body = fitting(message, content, MOST_BYTES)
    return post(
        trusted_client(http2=True), f"{base.rstrip('/')}/3/device/{target.token}", headers, body, seconds
    )


def content(message: Message) -> bytes:
    """The payload: what iOS shows, and beside it what the app reads."""
    alert = {"alert": {"title": message.title, "body": message.body}, "thread-id": message.kind}
    return msgspec.json.encode(
        {
            "aps": alert if message.severity == "info" else alert | {"sound": "default"},
            "delivery_id": message.delivery_id,
            "kind": message.kind,
            "severity": message.severity,
            "url": message.url,
            "created_at": message.created_at,
        }
    )


def outcome(answer: Answer, token: ProviderToken, now: datetime) -> str | None:
    """Apple's id of the message, or the error that an answer means.

    A device is forgotten only when Apple says so of its token; DeviceTokenNotForTopic may be a wrong
    BEATLINE_APNS_TOPIC, which must not cost all devices.
    """
    said = reason_of(answer)
    if answer.status == 200:
        return answer.headers.get("apns-id")
    if answer.status == 410 or (answer.status == 400 and said in GONE):
        raise Unregistered(reason(answer))
    if said == "TooManyProviderTokenUpdates":
        raise Unavailable(reason(answer), MOST_OFTEN.total_seconds())
    if said == "ExpiredProviderToken":
        raise Unavailable(reason(answer), token.seconds_to_renewal(now))
    if answer.status >= 500 or answer.status in (408, 429):
        raise Unavailable(reason(answer), retry_after(answer, now))
    raise Refused(reason(answer))


def reason_of(answer: Answer) -> str | None:
    """Apple's word for an error."""
    said = json_object(answer.body).get("reason")
    return said if isinstance(said, str) else None

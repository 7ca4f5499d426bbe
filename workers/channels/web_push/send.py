"""Sends to a browser: encrypted for it alone (RFC 8291), signed for its push service (VAPID, RFC 8292)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import jwt
import msgspec

from beatline.errors import StartError
from beatline.notifications.channels import Message, Refused, Unavailable, Unregistered, WebPushTarget
from beatline.notifications.vapid_keys import public_half, vapid_key
from beatline.outgoing_http import SECONDS, guarded_client
from beatline.outgoing_urls import UrlRefused, place_of
from beatline.settings import Settings
from workers.channels.answers import collapse_id, fitting, post, reason, retry_after, seconds_left

# Push services take 4,096 bytes (RFC 8030, 7.2): 86 for the header, 16 for the tag, one for the padding.
MOST_BYTES = 4_096 - 86 - 16 - 1
TOKEN_LIFE = timedelta(hours=12)  # 24 hours at most (RFC 8292, 2)
URGENCY = {"info": "low", "warning": "normal", "critical": "high"}
GONE = {404, 410}
LATER = {408, 425, 429}


def send(
    target: WebPushTarget,
    message: Message,
    settings: Settings,
    *,
    now: datetime | None = None,
    seconds: float = SECONDS,
) -> str | None:
    """Send a message; returns the address of the message at the push service. seconds: for the whole call."""
    now = now or datetime.now(UTC)
    body = encrypted(target, fitting(message, plain, MOST_BYTES))
    headers = {
        "Authorization": authorization(target.endpoint, settings, now),
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        "TTL": str(seconds_left(message, now)),
        "Urgency": URGENCY.get(message.severity, "normal"),
        "Topic": collapse_id(message.collapse),
    }
    answer = post(guarded_client(settings), target.endpoint, headers, body, seconds)
    if 200 <= answer.status < 300:
        return answer.headers.get("location")
    if answer.status in GONE:
        raise Unregistered(reason(answer))
    if answer.status in LATER or answer.status >= 500:
        raise Unavailable(reason(answer), retry_after(answer, now))
    raise Refused(reason(answer))


def plain(message: Message) -> bytes:
    """What the console's service worker gets."""
    return msgspec.json.encode(
        {
            "delivery_id": message.delivery_id,
            "kind": message.kind,
            "severity": message.severity,
            "title": message.title,
            "body": message.body,
            "url": message.url,
            "tag": collapse_id(message.collapse),
            "created_at": message.created_at,
        }
    )


def encrypted(target: WebPushTarget, data: bytes) -> bytes:
    """Data for one browser. Raises Refused for keys that no browser has made."""
    from pywebpush import WebPusher, WebPushException  # noqa: PLC0415 - half a second that only its users wait

    subscription = {"endpoint": target.endpoint, "keys": {"p256dh": target.p256dh, "auth": target.auth}}
    try:
        return bytes(WebPusher(subscription).encode(data)["body"])
    except (WebPushException, ValueError, IndexError) as error:
        raise Refused(f"the subscription's keys cannot be used: {error}") from error


def authorization(endpoint: str, settings: Settings, now: datetime) -> str:
    """The header that tells the push service who sends, for its origin alone."""
    try:
        audience = place_of(endpoint).origin
        key = vapid_key(settings)
    except (UrlRefused, StartError) as error:
        raise Refused(str(error)) from error
    subject = settings.vapid_subject or f"mailto:{settings.admin_email}"
    token = jwt.encode({"aud": audience, "exp": now + TOKEN_LIFE, "sub": subject}, key, algorithm="ES256")
    return f"vapid t={token},k={public_half(key)}"

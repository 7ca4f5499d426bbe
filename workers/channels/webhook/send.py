"""Sends to a URL of somebody's own, signed (Standard Webhooks 1.0.0)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime

import msgspec

from beatline.notifications.channels import Message, Refused, Unavailable, Unregistered, WebhookTarget
from beatline.notifications.webhook_secrets import secret_bytes
from beatline.outgoing_http import SECONDS, guarded_client
from beatline.settings import Settings
from workers.channels.answers import post, reason, retry_after

UNWANTED = {400, 413, 415, 422}  # the same message would be answered the same


def send(
    target: WebhookTarget,
    message: Message,
    settings: Settings,
    *,
    now: datetime | None = None,
    seconds: float = SECONDS,
) -> str | None:
    """Send a message; webhook-id is the delivery's, also in a repetition.

    Any status but 2xx is a failure, 410 ends the subscription. Redirects are not followed. seconds: for the
    whole call.
    """
    now = now or datetime.now(UTC)
    body = msgspec.json.encode(content(message))
    headers = {
        "Content-Type": "application/json",
        **signature(target.secret, str(message.delivery_id), body, now),
    }
    answer = post(guarded_client(settings), target.url, headers, body, seconds)
    if 200 <= answer.status < 300:
        return None
    if answer.status == 410:
        raise Unregistered(reason(answer))
    if answer.status < 400 or answer.status in UNWANTED:
        raise Refused(reason(answer))
    raise Unavailable(reason(answer), retry_after(answer, now))


def content(message: Message) -> dict[str, object]:
    """The body: what happened, when, and about what."""
    return {
        "type": f"notification.{message.kind}",
        "timestamp": message.created_at,
        "data": {
            "delivery_id": message.delivery_id,
            "severity": message.severity,
            "title": message.title,
            "body": message.body,
            "url": message.url,
            "collapse": message.collapse,
            "expires_at": message.expires_at,
        },
    }


def signature(secret: str, delivery_id: str, body: bytes, now: datetime) -> dict[str, str]:
    """The three headers of an attempt. Raises Refused for a secret that is none."""
    try:
        key = secret_bytes(secret)
    except ValueError as error:
        raise Refused(f"the webhook's secret cannot be used: {error}") from error
    timestamp = str(int(now.timestamp()))
    signed = b".".join((delivery_id.encode(), timestamp.encode(), body))
    digest = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return {
        "webhook-id": delivery_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{digest}",
    }

"""Sends to an Android app: Firebase Cloud Messaging, HTTP v1."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from beatline.notifications.channels import FcmTarget, Message, Refused, Unavailable, Unregistered
from beatline.outgoing_http import SECONDS, Answer, Client, trusted_client
from beatline.settings import Settings
from workers.channels.answers import (
    collapse_id,
    fitting,
    json_object,
    post,
    reason,
    retry_after,
    seconds_left,
)
from workers.channels.fcm.access import Access, access_of

MOST_BYTES = 4_096
QUOTA_WAIT = 60.0  # what Google asks for when QUOTA_EXCEEDED comes without Retry-After
FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"
BAD_TOKEN = "The registration token is not a valid FCM registration token"  # noqa: S105 - Google's words


def send(
    target: FcmTarget,
    message: Message,
    settings: Settings,
    *,
    now: datetime | None = None,
    seconds: float = SECONDS,
) -> str | None:
    """Send a message; returns its name at Google. seconds: for each call.

    A token that Google does not take is replaced by a new one, once.
    """
    now = now or datetime.now(UTC)
    if settings.fcm_service_account is None:
        raise Refused("FCM is not set up: BEATLINE_FCM_SERVICE_ACCOUNT is not set")
    access = access_of(settings.fcm_service_account)
    client = trusted_client()
    body = fitting(message, lambda shorter: content(target, shorter, now), MOST_BYTES)
    answer = call(client, access, settings, body, seconds)
    if answer.status == 401 and error_code(answer) != "THIRD_PARTY_AUTH_ERROR":
        access.forget_token()
        answer = call(client, access, settings, body, seconds)
    return outcome(answer, now)


def call(client: Client, access: Access, settings: Settings, body: bytes, seconds: float) -> Answer:
    """Google's answer to a message."""
    url = f"{settings.fcm_url.rstrip('/')}/v1/projects/{access.project_id}/messages:send"
    headers = {"Authorization": f"Bearer {access.token(client, seconds)}", "Content-Type": "application/json"}
    return post(client, url, headers, body, seconds)


def content(target: FcmTarget, message: Message, now: datetime) -> bytes:
    """The message as HTTP v1 wants it: data has texts only."""
    collapse = collapse_id(message.collapse)
    data = {
        "delivery_id": str(message.delivery_id),
        "kind": message.kind,
        "severity": message.severity,
        "created_at": message.created_at.isoformat(),
    }
    return msgspec.json.encode(
        {
            "message": {
                "token": target.token,
                "notification": {"title": message.title, "body": message.body},
                "data": data | ({"url": message.url} if message.url else {}),
                "android": {
                    "collapse_key": collapse,
                    "priority": "NORMAL" if message.severity == "info" else "HIGH",
                    "ttl": f"{seconds_left(message, now)}s",
                    "notification": {"tag": collapse},
                },
            }
        }
    )


def outcome(answer: Answer, now: datetime) -> str:
    """The message's name, or the error that an answer means.

    A device is forgotten only when Google says so of its token: an error of the project or the account, which
    all devices share, must not cost one.
    """
    if answer.status == 200:
        return name_of(answer)
    code = error_code(answer)
    if code == "UNREGISTERED" or (answer.status == 400 and is_bad_token(answer)):
        raise Unregistered(reason(answer))
    if code == "QUOTA_EXCEEDED" or answer.status == 429:
        raise Unavailable(reason(answer), retry_after(answer, now) or QUOTA_WAIT)
    if code in ("UNAVAILABLE", "INTERNAL") or answer.status >= 500 or answer.status == 408:
        raise Unavailable(reason(answer), retry_after(answer, now))
    raise Refused(reason(answer))


def name_of(answer: Answer) -> str:
    """The name of a message that was taken. Raises Unavailable for an answer that cannot be Google's."""
    name = json_object(answer.body).get("name")
    if not isinstance(name, str):
        raise Unavailable(reason(answer), unknown=True)
    return name


def error_code(answer: Answer) -> str | None:
    """FCM's own code of an error, else Google's general one (NOT_FOUND, UNAUTHENTICATED, ...)."""
    error = error_of(answer)
    own = [detail.get("errorCode") for detail in details(error) if detail.get("@type") == FCM_ERROR]
    return next((code for code in (*own, error.get("status")) if isinstance(code, str)), None)


def is_bad_token(answer: Answer) -> bool:
    """Whether the token is what an INVALID_ARGUMENT is about."""
    error = error_of(answer)
    violations = [
        violation
        for detail in details(error)
        if detail.get("@type") == BAD_REQUEST and isinstance(detail.get("fieldViolations"), list)
        for violation in detail["fieldViolations"]
    ]
    fields = [violation.get("field") for violation in violations if isinstance(violation, dict)]
    return "message.token" in fields or str(error.get("message")).startswith(BAD_TOKEN)


def error_of(answer: Answer) -> dict[str, Any]:
    """The error of an answer; an empty one where there is none."""
    error = json_object(answer.body).get("error")
    return error if isinstance(error, dict) else {}


def details(error: dict[str, Any]) -> list[dict[str, Any]]:
    """The details of an error, each of a type of its own."""
    found = error.get("details")
    return [detail for detail in found if isinstance(detail, dict)] if isinstance(found, list) else []

"""What the channels share: errors of the network, Retry-After, and messages that must fit."""

from __future__ import annotations

import base64
import bisect
import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from beatline.notifications.channels import Message, Refused, Unavailable
from beatline.outgoing_http import Answer, Client
from beatline.outgoing_urls import NoAnswer, UrlRefused

LONGEST_WAIT = 24 * 3600.0


def post(client: Client, url: str, headers: dict[str, str], content: bytes, seconds: float) -> Answer:
    """The provider's answer. Raises Refused for a URL that is not sent to, Unavailable without an answer."""
    try:
        return client.post(url, headers, content, seconds)
    except UrlRefused as error:
        raise Refused(str(error)) from error
    except NoAnswer as error:
        raise Unavailable(str(error), unknown=error.sent) from error


def retry_after(answer: Answer, now: datetime) -> float | None:
    """Seconds that a provider asks to wait (RFC 9110, 10.2.3: seconds or a date), a day at most."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    seconds = (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds()
    return min(max(seconds, 0.0), LONGEST_WAIT)


def reason(answer: Answer) -> str:
    """Status and the beginning of the body, to be read by whoever looks after it."""
    text = answer.body[:300].decode("utf-8", "replace")
    printable = "".join(character if character.isprintable() else " " for character in text)
    return f"{answer.status} {printable}".strip()


def json_object(body: bytes) -> dict[str, Any]:
    """The JSON object of a body; an empty one for anything else."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def fitting(message: Message, encode: Callable[[Message], bytes], limit: int) -> bytes:
    """An encoded message of at most limit bytes: its body is shortened, and then its title.

    Raises Refused when even that does not help.
    """
    encoded = encode(message)
    for field in ("body", "title"):
        if len(encoded) <= limit:
            break
        message = shortened(message, field, lambda shorter: len(encode(shorter)), limit)
        encoded = encode(message)
    if len(encoded) > limit:
        raise Refused(f"the message has {len(encoded)} bytes, {limit} are allowed")
    return encoded


def shortened(message: Message, field: str, size: Callable[[Message], int], limit: int) -> Message:
    """A message with as much of one text as fits."""
    text = getattr(message, field)

    def cut(length: int) -> Message:
        return replace(message, **{field: text[:length].rstrip() + "…"})

    fits = bisect.bisect_right(range(len(text)), limit, key=lambda length: size(cut(length)))
    return cut(max(fits - 1, 0))


def collapse_id(collapse: str) -> str:
    """32 characters of base64url for a text of any length, as all providers take them."""
    return base64.urlsafe_b64encode(hashlib.sha256(collapse.encode()).digest())[:32].decode()


def seconds_left(message: Message, now: datetime) -> int:
    """How long a provider keeps a message for a device that is away, four weeks at most."""
    return min(max(int((message.expires_at - now).total_seconds()), 0), 28 * 86_400)

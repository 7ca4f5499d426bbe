"""Messages to send."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from beatline.notifications.channels import Message

NOW = datetime.now(UTC).replace(microsecond=0)
MESSAGE = Message(
    delivery_id=UUID("01a203d7-6426-7799-8e1d-a86421fdc728"),
    kind="watch",
    severity="critical",
    title="Checkouts have stopped",
    body='No "purchase" for 10 minutes — Käufe fehlen 🔔',
    url="https://beatline.example.org/alerts/17",
    collapse="watch:17",
    created_at=NOW - timedelta(seconds=2),
    expires_at=NOW + timedelta(hours=1),
)


def message(**changes: Any) -> Message:
    """The message, changed."""
    return replace(MESSAGE, **changes)

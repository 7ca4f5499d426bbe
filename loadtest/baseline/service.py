"""What both services do with an event: check it as far as such services do, and one INSERT."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from psycopg.types.json import Jsonb

INSERT = Path(__file__).with_name("insert.sql").read_text()
TEXTS = ("user_id", "session_id", "page_url")


def row_of(event: dict[str, Any]) -> dict[str, Any] | None:
    """The parameters of INSERT; None for an event that is none."""
    event_type, properties = event.get("event_type"), event.get("properties") or {}
    if not isinstance(event_type, str) or not isinstance(properties, dict):
        return None
    row = {name: event.get(name) for name in TEXTS}
    return row | {"event_type": event_type, "properties": Jsonb(properties)}

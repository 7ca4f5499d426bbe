"""Sources of webhooks: whoever sends to POST /webhooks/in/<source>, with a secret of its own."""

from __future__ import annotations

import msgspec
from psycopg import Connection

from beatline.storage.queries import query


class Source(msgspec.Struct, frozen=True):
    """What ingestion needs to know of a source; mapping is JSON text, None for that of the kind."""

    source: str
    project_id: int
    kind: str
    secret: str
    mapping: str | None
    paused: bool


def read_sources(connection: Connection) -> dict[str, Source]:
    """Every source by its name."""
    rows = connection.execute(query("webhook_source_directory")).fetchall()
    return {row[0]: Source(*row) for row in rows}

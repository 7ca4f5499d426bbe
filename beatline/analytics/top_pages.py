"""Which pages are viewed most, and how often are pages viewed at all, in the last 15 minutes?"""

from __future__ import annotations

from datetime import datetime

from psycopg import Connection

from beatline.analytics.windows import PAGES, minutes_of
from beatline.storage.queries import query, read_count


def top_pages(connection: Connection, project_id: int, now: datetime, limit: int) -> list[tuple[str, int]]:
    """(URL, views) of the most viewed pages, most viewed first; equal ones by URL."""
    parameters = {"project_id": project_id, "limit": limit, **minutes_of(now, PAGES)}
    return connection.execute(query("top_pages"), parameters).fetchall()


def page_views(connection: Connection, project_id: int, now: datetime) -> int:
    """Views of all pages."""
    parameters = {"project_id": project_id, **minutes_of(now, PAGES)}
    return read_count(connection, "page_views", parameters)

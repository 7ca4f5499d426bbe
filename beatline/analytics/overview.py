"""The numbers of the live page, all of the same moment."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection

from beatline.analytics.active_sessions import active_sessions
from beatline.analytics.active_users import active_users
from beatline.analytics.throughput import throughput
from beatline.analytics.top_pages import page_views, top_pages
from beatline.analytics.windows import ACTIVE, PAGES

RECENT = timedelta(seconds=10)  # what events_per_second is averaged over


def overview(
    connection: Connection, project_id: int, now: datetime, limit: int, user_id: str | None
) -> dict[str, Any]:
    """Active users, active sessions (of one user or all), top pages, page views and events per second."""
    recent = throughput(connection, project_id, now, RECENT, RECENT)
    pages = top_pages(connection, project_id, now, limit)
    return {
        "as_of": now,
        "active_users": active_users(connection, project_id, now),
        "active_sessions": active_sessions(connection, project_id, now, user_id),
        "page_views": page_views(connection, project_id, now),
        "events_per_second": sum(events for _, events in recent) / RECENT.total_seconds(),
        "top_pages": [{"page_url": url, "views": views} for url, views in pages],
        "windows": {
            "active_users": int(ACTIVE.total_seconds()),
            "active_sessions": int(ACTIVE.total_seconds()),
            "top_pages": int(PAGES.total_seconds()),
        },
    }

"""The counts that watches rest on, put together so that one statement answers all of them.

A count is of a window. All windows of an evaluation end or begin at few edges, since their widths are few;
the statement counts what lies between neighbouring edges, and a window is the sum of some of these segments
(sql/migrations/0018_watches/20_events_between.sql).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec
from psycopg import Connection

from beatline.storage.queries import query

MICROSECOND = timedelta(microseconds=1)


class Source(StrEnum):
    """What is counted: events of a type, of all types, views of a page; users and sessions that were there;
    rejected events."""

    TYPE = "type"
    ALL = "all"
    PAGE = "page"
    USERS = "users"
    SESSIONS = "sessions"
    REJECTED = "rejected"


class Count(NamedTuple):
    """A number to count: of a project in (since, until]; key is the type or the page, else empty.

    Users and sessions are known of windows only that end now.
    """

    source: Source
    project_id: int
    key: str
    since: datetime
    until: datetime


SCOPES = {
    "type": (Source.TYPE, Source.ALL),
    "page": (Source.PAGE,),
    "users": (Source.USERS,),
    "sessions": (Source.SESSIONS,),
    "rejected": (Source.REJECTED,),
}


def read_counts(
    connection: Connection, name: str, parameters: dict[str, Any], counts: Sequence[Count]
) -> dict[Count, int]:
    """The answer of a statement that gives (place in counts, counted). It is planned for its very bounds, so
    that partitions and chunks are left out."""
    rows = connection.execute(query(name), parameters, prepare=False).fetchall()
    return {counts[number]: counted for number, counted in rows}


def parameters_of(counts: Sequence[Count]) -> dict[str, Any]:
    """The parameters of a statement that answers counts of one stretch of time."""
    edges = edges_of(counts)
    return {
        "wanted": wanted(counts, edges),
        "edges": edges,
        "last": len(edges) - 1,
        **stretch(counts),
    }


def edges_of(counts: Collection[Count]) -> list[datetime]:
    """Every time at which a window begins or ends, ascending, as edges of [edge, next edge)."""
    times = {count.since for count in counts} | {count.until for count in counts}
    return sorted(at + MICROSECOND for at in times)


def wanted(counts: Sequence[Count], edges: list[datetime]) -> str:
    """The counts as JSON rows: each with its place, and the segments [first, stop) that it is the sum of."""
    segment = {edge: number for number, edge in enumerate(edges, 1)}
    rows = [
        {
            "number": number,
            "source": count.source,
            "project_id": count.project_id,
            "key": count.key,
            "first": segment[count.since + MICROSECOND],
            "stop": segment[count.until + MICROSECOND],
        }
        for number, count in enumerate(counts)
    ]
    return msgspec.json.encode(rows).decode()


def stretch(counts: Collection[Count], prefix: str = "") -> dict[str, Any]:
    """From when until when is counted; for each scope its projects, each from its first window on."""
    edges = edges_of(counts)
    found: dict[str, Any] = {
        f"{prefix}since": edges[0] if edges else None,
        f"{prefix}until": edges[-1] if edges else None,
    }
    for scope, sources in SCOPES.items():
        starts: dict[int, datetime] = {}
        for count in counts:
            if count.source in sources:
                start = count.since + MICROSECOND
                starts[count.project_id] = min(start, starts.get(count.project_id, start))
        found[f"{prefix}{scope}_projects"] = list(starts)
        found[f"{prefix}{scope}_starts"] = list(starts.values())
    return found

"""Sessions that a client begins and ends itself (REQUIREMENTS A8). Others are made by events that name them,
and closed by the workers once nobody was seen in them for 30 minutes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal

import msgspec
from psycopg.rows import class_row

from beatline.errors import StorageError
from beatline.events import uuid7
from beatline.ingest.pipeline import Protocol
from beatline.ingest.wire import ID_LENGTH, SessionEndSchema, SessionStartSchema, TrackedEvent
from beatline.projects import Project
from beatline.storage.queries import query
from collector.answers import Answer, json_answer
from collector.ingest.beatline import json_body
from collector.ingest.collect import Collector
from collector.ingest.request import Refused, Request
from collector.ingest.routes import Route

LOOK_BACK = timedelta(days=1)  # a session that was not seen for longer cannot be ended


class StartBody(TrackedEvent, gc=False, kw_only=True):
    """An event that begins a session."""

    event_type: Literal["session_start"] = "session_start"


class EndBody(TrackedEvent, gc=False, kw_only=True):
    """An event that ends one."""

    event_type: Literal["session_end"] = "session_end"


@dataclass(frozen=True)
class Known:
    """A session of a user; known: it is a user and not an anonymous id."""

    user_id: str
    started_at: datetime
    last_seen_at: datetime
    ended_at: datetime | None
    known: bool


starting = msgspec.json.Decoder(StartBody).decode
ending = msgspec.json.Decoder(EndBody).decode


def decode_start(raw: bytes | msgspec.Raw) -> StartBody:
    """The event that begins a session, which gets an id unless the client has one."""
    body = starting(raw)
    body.session_id = body.session_id or str(uuid7())
    return body


def start(collector: Collector, request: Request) -> Answer:
    """Begin a session."""
    body = json_body(collector, request) or b"{}"
    event = collector.one(request, Protocol("session_start", decode_start, SessionStartSchema), body)
    content = {"session_id": event.session_id, "event_id": event.event_id, "started_at": event.ts}
    return json_answer(200, content)


def end(collector: Collector, request: Request) -> Answer:
    """End a session. Ending it again changes nothing."""
    body = json_body(collector, request) or b"{}"
    project = collector.authenticate(request)
    session_id = session_of(request)
    sessions = find(collector, project, session_id, named_user(body), request.received_at - LOOK_BACK)
    if not sessions:
        raise Refused(404, "not_found", "No such session was seen in the last day.")
    times = (sessions[0].started_at, sessions[0].ended_at)
    if any(session.ended_at is None for session in sessions):
        decode = partial(decode_end, session_id, sessions[0])
        event = collector.one(request, Protocol("session_end", decode, SessionEndSchema), body)
        times = close(collector, project, session_id, sessions, event.ts)
    return json_answer(200, {"session_id": session_id, "started_at": times[0], "ended_at": times[1]})


def session_of(request: Request) -> str:
    """The session's id in the path."""
    session_id = request.path.rstrip("/").rsplit("/", 2)[1]
    if len(session_id) > ID_LENGTH or "\0" in session_id:
        raise Refused(404, "not_found", "There is no such session.")
    return session_id


def named_user(body: bytes) -> str | None:
    """Whom the body names, if it can be read; what is wrong with it is said when it is stored."""
    try:
        wire = ending(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return wire.user_id or wire.distinct_id or wire.anonymous_id or None


def decode_end(session_id: str, session: Known, raw: bytes | msgspec.Raw) -> EndBody:
    """The event that ends a session, of whoever is in it."""
    body = ending(raw)
    body.session_id = session_id
    body.user_id, body.distinct_id, body.anonymous_id = None, None, session.user_id
    if session.known:
        body.user_id, body.anonymous_id = session.user_id, None
    return body


def find(
    collector: Collector, project: Project, session_id: str, user_id: str | None, since: datetime
) -> list[Known]:
    """A session, of each user in it. Raises Refused while the database is away."""
    parameters = {
        "project_id": project.project_id, "session_id": session_id, "user_id": user_id, "since": since
    }  # fmt: skip
    try:
        with collector.database() as connection, connection.cursor(row_factory=class_row(Known)) as rows:
            return rows.execute(query("session_known"), parameters, prepare=False).fetchall()
    except StorageError:
        raise unavailable() from None


def close(
    collector: Collector, project: Project, session_id: str, sessions: list[Known], at: datetime
) -> tuple[Any, ...]:
    """End a session; answers when it began and ended. Raises Refused while the database is away."""
    parameters = {
        "project_id": project.project_id, "session_id": session_id, "at": at,
        "user_ids": sorted(session.user_id for session in sessions),
    }  # fmt: skip
    try:
        with collector.database() as connection:
            return connection.execute(query("session_end"), parameters).fetchone() or (None, None)
    except StorageError:
        raise unavailable() from None


def unavailable() -> Refused:
    """The answer while the database is away."""
    return Refused(503, "unavailable", "Sessions cannot be looked up now; send again.", retry_after=5)


ROUTES: dict[str, Route] = {
    "/api/v1/analytics/session/start": Route("session_start", start),
    "/api/v1/analytics/session/{}/end": Route("session_end", end, ("PUT",)),
}

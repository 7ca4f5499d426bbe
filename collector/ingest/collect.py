"""From a request to the stored events: who sends, how much, pipeline, writer, wait for the commit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import msgspec
from psycopg import Connection

from beatline.errors import Overloaded, StorageError
from beatline.events import Event, Reason, RejectedEvent
from beatline.ingest.pipeline import STEPS, Draft, Protocol, Rejection, run
from beatline.projects import Project, Projects
from beatline.settings import Settings
from beatline.storage.writer import TOO_MANY, Outcome, Submission, Writer
from collector.ingest.limits import IngestLimits
from collector.ingest.request import Refused, Request
from collector.metrics import IngestMetrics

RAW_KEPT = 64 * 2**10
EVENT_OVERHEAD = 500  # bytes of an event in memory beside its properties, for the queue's bound

Raw = bytes | msgspec.Raw
Rejected = tuple[int, Raw, Rejection, Event | None]


@dataclass(slots=True)
class Collector:
    """What the protocols share."""

    settings: Settings
    writer: Writer
    metrics: IngestMetrics
    projects: Projects
    limits: IngestLimits
    database: Callable[[], AbstractContextManager[Connection]]

    def check_load(self) -> None:
        """Refuse, before its body is read, what the writer has no room for. Raises Refused: 503."""
        if self.writer.overloaded:
            raise overloaded(Overloaded(TOO_MANY))

    def authenticate(self, request: Request, *body_keys: str | None) -> Project:
        """The project of the request's write key; without one the default project, when ingestion is open.

        Keys are looked for in the order of CONTRACTS, section 2; a bearer token that is no write key does
        not count when the body has one (Segment's OAuth). Raises Refused: 401, 403 paused or not from this
        origin, 503.
        """
        if request.project is None:
            return self.admit(request, self.named_project(request, *body_keys) or self.open_project())
        return request.project

    def admit(self, request: Request, project: Project) -> Project:
        """Let a request in as one of a project. Raises Refused: 403 paused or not from this origin, 429."""
        if project.allowed_origins is not None:
            check_origin(request, project.allowed_origins)
        if project.paused:
            raise Refused(403, Reason.PAUSED, "The project is paused and takes no events.")
        self.limits.admit_key(request)
        request.project = project
        return project

    def named_project(self, request: Request, *body_keys: str | None) -> Project | None:
        """The project of the request's key; None when there is no key. Raises Refused when it is unknown."""
        bearer = request.bearer()
        keys = [key for key in (request.own_key(), *body_keys, request.query_key()) if key]
        if not keys and not bearer:
            return None
        for key in filter(None, (bearer, *keys[:1])):
            if project := self.find(key):
                request.write_key = key
                return project
        raise Refused(401, Reason.UNAUTHORIZED, "The write key is unknown.")

    def find(self, write_key: str) -> Project | None:
        """The project of a write key. Raises Refused while the database is away and the key is not known."""
        try:
            return self.projects.find(write_key)
        except StorageError:
            raise Refused(503, "unavailable", "Write keys cannot be checked now.", retry_after=5) from None

    def open_project(self) -> Project:
        """The project that events without a write key belong to."""
        if not self.settings.open_ingest:
            raise Refused(401, Reason.UNAUTHORIZED, "A write key is needed.")
        return self.projects.default()

    def one(self, request: Request, protocol: Protocol, body: bytes) -> Event:
        """Store one event. Raises Refused when it is rejected."""
        project = self.authenticate(request)
        seconds = [0.0] * len(STEPS)
        draft = Draft(body, protocol, project, request.received_at, self.settings.max_event_bytes)
        event = run(draft, seconds)
        self.metrics.piped(1, seconds)
        if isinstance(event, Rejection):
            self.metrics.hand_over()
            self.metrics.rejected.labels(protocol.source, event.reason).inc()
            raise Refused(400, event.reason, "The event was refused.", event.errors)
        if draft.flagged:
            self.metrics.flagged.labels(protocol.source).inc()
        self.store(protocol.source, [event], [])
        return event

    def many(self, request: Request, protocol: Protocol, raws: Sequence[Raw]) -> list[tuple[int, Rejection]]:
        """Store the good events of a request and keep the others as rejected; returns those, by index.

        The request must have been authenticated.
        """
        project = self.authenticate(request)
        if len(raws) > self.settings.max_batch_events:
            message = f"More than {self.settings.max_batch_events} events."
            raise Refused(413, Reason.TOO_LARGE, "The batch was refused.", {"events": [message]})
        self.limits.charge(request, len(raws))
        events: list[Event] = []
        rejected: list[Rejected] = []
        seconds = [0.0] * len(STEPS)
        flagged = 0
        for index, raw in enumerate(raws):
            draft = Draft(raw, protocol, project, request.received_at, self.settings.max_event_bytes)
            result = run(draft, seconds)
            if isinstance(result, Rejection):
                rejected.append((index, raw, result, draft.event if draft.understood else None))
            else:
                events.append(result)
                flagged += draft.flagged
        self.metrics.piped(len(raws), seconds)
        if flagged:
            self.metrics.flagged.labels(protocol.source).inc(flagged)
        for _, _, rejection, _ in rejected:
            self.metrics.rejected.labels(protocol.source, rejection.reason).inc()
        self.store(protocol.source, events, [kept(request, protocol.source, item) for item in rejected])
        return [(index, rejection) for index, _, rejection, _ in rejected]

    def store(self, source: str, events: list[Event], rejected: list[RejectedEvent]) -> None:
        """Hand events to the writer and wait; returns when they are safe, else raises Refused."""
        if not events and not rejected:
            return
        size = sum(len(bytes(event.properties)) + EVENT_OVERHEAD for event in events)
        size += sum(len(rejection.raw) + EVENT_OVERHEAD for rejection in rejected)
        size += sum(len(bytes(rejection.event.properties)) for rejection in rejected if rejection.event)
        submission = Submission(events, rejected, size)
        try:
            self.writer.submit(submission)
        except Overloaded as error:
            raise overloaded(error) from None
        if not submission.wait(self.settings.acknowledge_seconds):
            raise Refused(503, "timeout", "The events were not stored in time.", retry_after=5)
        if submission.outcome is Outcome.UNAVAILABLE:
            raise Refused(503, "unavailable", "Storage is away; send again.", retry_after=5)
        if submission.outcome is Outcome.REFUSED:
            self.metrics.rejected.labels(source, Reason.STORAGE).inc(len(submission.refused))
            raise Refused(500, Reason.STORAGE, "Storage refused the event for good.")
        self.metrics.accepted(source).inc(len(events))


def overloaded(error: Overloaded) -> Refused:
    """What a client is told when there is no room for its events."""
    return Refused(503, "overloaded", f"{error}.", retry_after=error.retry_after)


def check_origin(request: Request, allowed: frozenset[str]) -> None:
    """Refuse pages of other origins than the project allows and our own. What is no page names no origin.

    Raises Refused: 403.
    """
    request.allowed_origins = allowed
    origin = request.header("Origin")
    if origin is None or origin in allowed or origin.partition("://")[2] == request.header("Host"):
        return
    message = f"The project takes no events from pages of {origin[:200]}: it is not in its allowed_origins."
    raise Refused(403, "forbidden_origin", message)


def kept(request: Request, source: str, rejected: Rejected) -> RejectedEvent:
    """A refused event as it is kept: cut, and without what PostgreSQL's text cannot hold."""
    _, raw, rejection, event = rejected
    project_id = request.project.project_id if request.project else 0
    text = bytes(raw)[:RAW_KEPT].decode(errors="replace").replace("\0", "\\u0000")
    errors = msgspec.json.encode(rejection.errors).replace(b"\\u0000", b"")
    return RejectedEvent(
        project_id, request.received_at, source, rejection.reason, msgspec.Raw(errors), text, event
    )


def shown(rejections: list[tuple[int, Rejection]]) -> list[dict[str, Any]]:
    """Rejections as an answer shows them."""
    return [{"index": index, "errors": rejection.errors} for index, rejection in rejections]

"""From the body of a request to its answer: pipeline, writer, wait for the commit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from beatline.errors import Overloaded
from beatline.events import DEFAULT_PROJECT, Event, Reason, RejectedEvent, utc_now
from beatline.settings import Settings
from beatline.storage.writer import Outcome, Submission, Writer
from collector.answers import Answer, error_body, json_answer
from collector.ingest.batch import split_batch
from collector.ingest.pipeline import STEPS, Draft, Protocol, Rejection, run
from collector.ingest.protocols import BATCH
from collector.metrics import IngestMetrics

RAW_KEPT = 64 * 2**10
EVENT_OVERHEAD = 500  # bytes of an event in memory beside its properties, for the queue's bound


@dataclass
class Refused(Exception):  # noqa: N818 - an answer on its way out
    """The request as a whole is refused."""

    status: int
    code: str
    message: str
    errors: dict[str, Any] | None = None
    retry_after: int | None = None
    allow: str | None = None


@dataclass(slots=True)
class Collector:
    """What the ingest routes share. Each method takes a body and gives the answer for the client."""

    settings: Settings
    writer: Writer
    metrics: IngestMetrics

    def one(self, body: bytes, protocol: Protocol, success: int) -> Answer:
        """Store one event; answered with its id after the commit."""
        event, seconds = self.piped(body, protocol)
        self.metrics.piped(1, seconds)
        if isinstance(event, Rejection):
            self.metrics.hand_over()
            self.metrics.rejected.labels(protocol.source, event.reason).inc()
            raise Refused(400, event.reason, "The event was refused.", event.errors)
        self.store(protocol, [event], [])
        return Answer(success, b'{"event_id":"%s"}' % str(event.event_id).encode())

    def batch(self, body: bytes) -> Answer:
        """Store the good events of a batch; the others are named in the answer and kept as rejected."""
        parts = self.parts(body)
        events, rejections = [], []
        seconds = [0.0] * len(STEPS)
        received_at = utc_now()
        for index, raw in enumerate(parts):
            draft = Draft(raw, BATCH, self.project(), received_at, self.settings.max_event_bytes)
            result = run(draft, seconds)
            if isinstance(result, Rejection):
                rejections.append((index, raw, result))
            else:
                events.append(result)
        self.metrics.piped(len(parts), seconds)
        for _, _, rejection in rejections:
            self.metrics.rejected.labels(BATCH.source, rejection.reason).inc()
        kept = [kept_rejection(self.project(), received_at, *r[1:]) for r in rejections]
        self.store(BATCH, events, kept)
        refused = [{"index": index, "errors": r.errors} for index, _, r in rejections]
        return json_answer(200, {"accepted": len(events), "rejected": refused})

    def piped(self, body: bytes, protocol: Protocol) -> tuple[Event | Rejection, list[float]]:
        """One body through the pipeline, with the seconds of each step."""
        seconds = [0.0] * len(STEPS)
        draft = Draft(body, protocol, self.project(), utc_now(), self.settings.max_event_bytes)
        return run(draft, seconds), seconds

    def parts(self, body: bytes) -> Any:
        """The events of a batch body as JSON texts."""
        try:
            parts = split_batch(body)
        except msgspec.ValidationError as error:
            raise Refused(400, Reason.INVALID, "The batch was refused.", {"events": [str(error)]}) from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            message = f"Not valid JSON: {error}"
            raise Refused(400, Reason.MALFORMED, "The batch was refused.", {"body": [message]}) from None
        if not parts:
            raise Refused(400, Reason.INVALID, "The batch was refused.", {"events": ["No events."]})
        if len(parts) > self.settings.max_batch_events:
            message = f"More than {self.settings.max_batch_events} events."
            raise Refused(413, Reason.TOO_LARGE, "The batch was refused.", {"events": [message]})
        return parts

    def project(self) -> int:
        """The project that events without a write key belong to."""
        if not self.settings.open_ingest:
            raise Refused(401, Reason.UNAUTHORIZED, "A write key is needed.")
        return DEFAULT_PROJECT

    def store(self, protocol: Protocol, events: list[Event], rejected: list[RejectedEvent]) -> None:
        """Hand events to the writer and wait; returns when they are safe, else raises Refused."""
        size = sum(len(bytes(event.properties)) + EVENT_OVERHEAD for event in events)
        size += sum(len(rejection.raw) for rejection in rejected)
        submission = Submission(events, rejected, size)
        try:
            self.writer.submit(submission)
        except Overloaded as error:
            raise Refused(503, "overloaded", f"{error}.", retry_after=error.retry_after) from None
        if not submission.wait(self.settings.acknowledge_seconds):
            raise Refused(503, "timeout", "The events were not stored in time.", retry_after=5)
        if submission.outcome is Outcome.UNAVAILABLE:
            raise Refused(503, "unavailable", "Storage is away; send again.", retry_after=5)
        if submission.outcome is Outcome.REFUSED:
            self.metrics.rejected.labels(protocol.source, Reason.STORAGE).inc(len(submission.refused))
            raise Refused(500, Reason.STORAGE, "Storage refused the event for good.")
        self.metrics.accepted(protocol.source).inc(len(events))


def kept_rejection(
    project_id: int, received_at: Any, raw: bytes | msgspec.Raw, rejection: Rejection
) -> RejectedEvent:
    """A refused event of a batch, as it is kept: cut, and without what PostgreSQL's text cannot hold."""
    text = bytes(raw)[:RAW_KEPT].decode(errors="replace").replace("\0", "\\u0000")
    errors = msgspec.json.encode(rejection.errors).replace(b"\\u0000", b"")
    return RejectedEvent(project_id, received_at, BATCH.source, rejection.reason, msgspec.Raw(errors), text)


def refusal(refused: Refused, request_id: str) -> Answer:
    """The answer that tells a client why it was refused."""
    content = error_body(refused.code, refused.message, request_id, refused.errors)
    answer = json_answer(refused.status, content)
    if refused.retry_after:
        answer.headers["Retry-After"] = str(refused.retry_after)
    if refused.allow:
        answer.headers["Allow"] = refused.allow
    return answer

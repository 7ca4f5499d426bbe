"""Many events at once, from an iterable or a file: read, translated, sent in batches and accounted for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from time import monotonic
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from beatline_client.batches import MAX_BATCH_BYTES, Verdict
from beatline_client.errors import InvalidEventError, RejectedError, SourceError, UploadError
from beatline_client.events import FIELDS, encode, present
from beatline_client.files import Format, Source, open_rows
from beatline_client.rows import Row, Rows, Unreadable

NAMESPACE = UUID("0b5a6c1e-51c5-5d3c-8d43-6f2f6a1f9d0c")
MAX_REJECTIONS = 1000

Convert = Callable[[Any], Any]


@dataclass(frozen=True)
class Progress:
    """How far an upload is. rows: those accepted or rejected so far. bytes_read: of the file, as it lies on
    disk; 0 for an iterable. percent: None when nobody knows how much there is."""

    rows: int
    accepted: int
    rejected: int
    bytes_read: int
    percent: float | None
    seconds: float
    rows_per_second: float


class Rejection(NamedTuple):
    """A row that was not stored, and why: {field: [message]}. Rows count from 1; a CSV header is none."""

    row: int
    errors: dict[str, Any]


@dataclass(frozen=True)
class UploadSummary:
    """What became of an upload: rows read, accepted and rejected. rejections has the first 1,000 of the
    latter; the collector keeps those that it refused itself."""

    upload_id: str
    rows: int
    accepted: int
    rejected: int
    rejections: list[Rejection]
    seconds: float


class NumberedEvent(NamedTuple):
    """An event as JSON, and the row that it comes from."""

    row: int
    event: bytes


@dataclass
class Upload:
    """One upload while it runs."""

    upload_id: str
    mapping: Mapping[str, str | None]
    convert: Mapping[str, Convert]
    defaults: Mapping[str, Any]
    rows: int = 0
    accepted: int = 0
    rejected: int = 0
    rejections: list[Rejection] = field(default_factory=list)
    began: float = field(default_factory=monotonic)

    def __post_init__(self) -> None:
        self.namespace = uuid5(NAMESPACE, self.upload_id)

    def run(
        self,
        source: Source,
        send: Callable[[Sequence[bytes]], list[Verdict]],
        batch_size: int,
        progress: Callable[[Progress], None] | None,
        format: Format | None,
    ) -> UploadSummary:
        """Send everything; raises UploadError when a batch is given up or the file is damaged."""
        with open_rows(source, format, self.mapping, self.convert) as rows:
            try:
                for batch in self.batches(rows.rows, batch_size):
                    self.deliver(batch, send)
                    if progress:
                        progress(self.progress(rows))
            except SourceError as error:
                raise UploadError(str(error), self.summary()) from error
        return self.summary()

    def batches(self, rows: Iterable[Row], batch_size: int) -> Iterator[list[NumberedEvent]]:
        """Batches bounded in events and bytes; the last one may be empty."""
        batch: list[NumberedEvent] = []
        size = 0
        for row in rows:
            self.rows += 1
            event = self.event(row)
            if event is None:
                continue
            if len(batch) >= batch_size or (batch and size + len(event) > MAX_BATCH_BYTES):
                yield batch
                batch, size = [], 0
            batch.append(NumberedEvent(self.rows, event))
            size += len(event)
        yield batch

    def event(self, row: Row) -> bytes | None:
        """A row as an event; None when it is rejected already here."""
        try:
            return encode(self.translated(row))
        except RejectedError as error:
            self.reject(self.rows, error.errors)
        except InvalidEventError as error:
            self.reject(self.rows, {"row": [str(error)]})
        return None

    def translated(self, row: Row) -> dict[str, Any]:
        """The event that a row stands for; its id follows from upload_id and row, unless it has one."""
        if isinstance(row, Unreadable):
            raise RejectedError({"row": [row.reason]})
        if not isinstance(row, Mapping):
            raise RejectedError({"row": [f"Not a dict: {type(row).__name__}."]})
        event: dict[str, Any] = {"event_id": uuid5(self.namespace, str(self.rows))}
        properties: dict[str, Any] = {}
        values = {name: converted(name, value, self.convert) for name, value in row.items()}
        for name, value in chain(self.defaults.items(), values.items()):
            if name not in FIELDS:
                properties[name] = value
            elif value is not None and value != "":
                event[name] = value
        more = as_object(properties.pop("properties", None))
        return present(event) | {"properties": {**more, **properties}}

    def deliver(self, batch: list[NumberedEvent], send: Callable[[Sequence[bytes]], list[Verdict]]) -> None:
        """Send a batch and count what became of it."""
        failure = None
        verdicts = send([event for _, event in batch]) if batch else []
        for (row, _), verdict in zip(batch, verdicts, strict=True):
            if verdict is None:
                self.accepted += 1
            elif isinstance(verdict, RejectedError):
                self.reject(row, verdict.errors)
            else:
                failure = verdict
        if failure:
            raise UploadError(f"the upload ended early: {failure}", self.summary()) from failure

    def reject(self, row: int, errors: dict[str, Any]) -> None:
        self.rejected += 1
        if len(self.rejections) < MAX_REJECTIONS:
            self.rejections.append(Rejection(row, errors))

    def progress(self, rows: Rows) -> Progress:
        done, seconds = self.accepted + self.rejected, monotonic() - self.began
        rate = done / seconds if seconds else 0.0
        counts = (done, self.accepted, self.rejected)
        return Progress(*counts, rows.bytes_read(), rows.percent(done), seconds, rate)

    def summary(self) -> UploadSummary:
        counts = (self.rows, self.accepted, self.rejected)
        return UploadSummary(self.upload_id, *counts, self.rejections, monotonic() - self.began)


def converted(name: str, value: Any, convert: Mapping[str, Convert]) -> Any:
    """The value, by the function that the caller gave for it; RejectedError when that fails."""
    if name not in convert:
        return value
    try:
        return convert[name](value)
    except Exception as error:
        raise RejectedError({name: [f"{type(error).__name__}: {error}"]}) from error


def as_object(value: Any) -> Mapping[str, Any]:
    """The properties of a row: an object, or in a CSV file its JSON."""
    with suppress(ValueError, RecursionError):
        value = json.loads(value) if isinstance(value, str) else value
    if value is None or value == "":
        return {}
    if not isinstance(value, Mapping):
        raise RejectedError({"properties": ["Not a JSON object."]})
    return value

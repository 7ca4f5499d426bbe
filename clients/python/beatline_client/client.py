"""The client: events in the background, uploads and feature flags in the foreground."""

from __future__ import annotations

import atexit
import json
import logging
import os
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Literal, Self
from uuid import UUID, uuid4
from weakref import WeakSet

from beatline_client.background import BackgroundSender, Limits
from beatline_client.batches import MAX_BATCH_EVENTS, Attempt, BatchSender, Retries
from beatline_client.errors import BeatlineClientError, InvalidEventError, QueueFullError
from beatline_client.events import encode, present, timestamp_of
from beatline_client.files import Format, Source
from beatline_client.flags import Flag, feature_flags
from beatline_client.transport import Transport
from beatline_client.upload import Convert, Progress, Upload, UploadSummary

log = logging.getLogger("beatline_client")

UserId = str | int | UUID
OnError = Callable[[BeatlineClientError, list[dict[str, Any]]], None]


class Client:
    """Sends events to the collector at `host`, http(s)://name[:port][/prefix], as the project of `write_key`.

    track, identify and group only put an event into a queue; a thread sends batches of them, and sends them
    again while the collector is away. Every event has an id of its own, so that what is sent twice is stored
    once. Thread-safe; after a fork the child begins with an empty queue.

    flush_interval: the most seconds that an event waits for others. flush_size: the most events of a batch;
    as many are sent at once. max_queue: the most events that wait, those on their way included. when_full:
    "raise" QueueFullError, or "drop" the event and tell on_error. timeout: seconds for an answer.
    max_retries: how often a batch is sent again before it is given up, None for ever; the waits double from
    backoff to max_backoff seconds and are never shorter than the collector's Retry-After. gzip: compress
    bodies over 1 KB. ssl_context: for https, instead of the system's.

    on_error(error, events): these events were not stored. error is a RejectedError (one event, refused by
    the collector), a DeliveryError (given up) or a QueueFullError. Without it they are logged.
    on_attempt(attempt): called after each request with events, for metrics. Both are called from the thread
    that sends, on_error for a dropped event from the one that tracked it.
    """

    def __init__(  # noqa: PLR0913 - one argument a setting, each with its default
        self,
        host: str,
        write_key: str | None = None,
        *,
        flush_interval: float = 0.5,
        flush_size: int = 500,
        max_queue: int = 10_000,
        when_full: Literal["raise", "drop"] = "raise",
        timeout: float = 20.0,
        max_retries: int | None = 10,
        backoff: float = 0.5,
        max_backoff: float = 30.0,
        gzip: bool = True,
        ssl_context: ssl.SSLContext | None = None,
        on_error: OnError | None = None,
        on_attempt: Callable[[Attempt], None] | None = None,
    ) -> None:
        if not 1 <= flush_size <= MAX_BATCH_EVENTS:
            raise ValueError(f"flush_size has to be between 1 and {MAX_BATCH_EVENTS}")
        if max_queue < 1 or when_full not in ("raise", "drop"):
            raise ValueError('max_queue has to be positive, when_full "raise" or "drop"')
        self._on_error = on_error or log_error
        self._drop = when_full == "drop"
        self._transport = Transport(host, write_key, timeout, ssl_context)
        retries = Retries(max_retries, backoff, max_backoff)
        self._batches = BatchSender(self._transport, retries, gzip, on_attempt)
        limits = Limits(flush_interval, flush_size, max_queue)
        self._background = BackgroundSender(self._batches, limits, self._report)
        CLIENTS.add(self)
        atexit.register(self.close)

    def track(  # noqa: PLR0913 - the fields of an event
        self,
        user_id: UserId | None,
        event_type: str,
        properties: Mapping[str, Any] | None = None,
        *,
        anonymous_id: str | None = None,
        timestamp: datetime | str | None = None,
        session_id: str | None = None,
        page_url: str | None = None,
        event_id: str | UUID | None = None,
        device_id: str | None = None,
        app_version: str | None = None,
        os_name: str | None = None,
        os_version: str | None = None,
    ) -> str:
        """Queue an event of a user, or of somebody known by anonymous_id only; returns its event_id.

        A timestamp without a zone is UTC, none means now. Raises InvalidEventError, QueueFullError and
        ClosedError.
        """
        event = present(
            {
                "event_id": event_id or uuid4(),
                "event_type": event_type,
                "timestamp": timestamp_of(timestamp),
                "user_id": user_id,
                "anonymous_id": anonymous_id,
                "session_id": session_id,
                "page_url": page_url,
                "device_id": device_id,
                "app_version": app_version,
                "os_name": os_name,
                "os_version": os_version,
                "properties": properties,
            }
        )
        if not event.get("event_type"):
            raise InvalidEventError("event_type is needed")
        if "user_id" not in event and "anonymous_id" not in event:
            raise InvalidEventError("user_id or anonymous_id is needed")
        self._put(encode(event))
        return str(event["event_id"])

    def identify(
        self,
        user_id: UserId,
        traits: Mapping[str, Any] | None = None,
        *,
        anonymous_id: str | None = None,
        timestamp: datetime | str | None = None,
    ) -> str:
        """Say what is known about a user, and who they were before: an event of type $identify."""
        return self.track(user_id, "$identify", traits or {}, anonymous_id=anonymous_id, timestamp=timestamp)

    def group(
        self,
        user_id: UserId,
        group_type: str,
        group_key: str,
        traits: Mapping[str, Any] | None = None,
        *,
        timestamp: datetime | str | None = None,
    ) -> str:
        """Say that a user belongs to a group, say a company, and what is known about it: $group."""
        properties = {**(traits or {}), "group_type": group_type, "group_id": group_key}
        return self.track(user_id, "$group", properties, timestamp=timestamp)

    def upload(  # noqa: PLR0913 - one argument a setting, each with its default
        self,
        source: Source,
        *,
        mapping: Mapping[str, str | None] | None = None,
        convert: Mapping[str, Convert] | None = None,
        defaults: Mapping[str, Any] | None = None,
        upload_id: str | None = None,
        progress: Callable[[Progress], None] | None = None,
        batch_size: int = 1000,
        format: Format | None = None,
    ) -> UploadSummary:
        """Send many events and wait until they are stored; see docs/python-client.md.

        source: an iterable of dicts, or the path of a .csv or .ndjson file, gzipped or not. A row is an
        event as /track takes it; other columns become properties. mapping: {column: field}, None leaves a
        column out. convert: {field or property: function of its value}. defaults: fields and properties of
        every row that does not have them itself. upload_id: repeated with the same one and the same rows in
        the same order, an upload stores nothing twice, for at least a day. progress: called after each batch.

        Raises UploadError when it ends early, OSError when the file cannot be opened.
        """
        if not 1 <= batch_size <= MAX_BATCH_EVENTS:
            raise ValueError(f"batch_size has to be between 1 and {MAX_BATCH_EVENTS}")
        upload = Upload(
            upload_id or str(uuid4()), dict(mapping or {}), dict(convert or {}), dict(defaults or {})
        )
        send = lambda events: self._batches.send(events, wait=sleep, stamp=False)  # noqa: E731
        return upload.run(source, send, batch_size, progress, format)

    def get_feature_flags(self, distinct_id: UserId) -> dict[str, Flag]:
        """The flags of a user: {name: True, False or the name of a variant}. Asks the collector each time.

        Raises FeatureFlagsUnavailableError when there is no (usable) answer.
        """
        return feature_flags(self._transport, str(distinct_id))

    def flush(self, timeout: float | None = 30.0) -> bool:
        """Send what waits now. True: everything tracked since the last flush is stored. False: some of it was
        rejected or given up (on_error knows which), or `timeout` seconds were not enough; then the rest is
        still being sent."""
        return self._background.flush(timeout)

    def close(self, timeout: float | None = 10.0) -> bool:
        """Flush and take no more events; what is not stored in time goes to on_error. Called at exit too."""
        atexit.unregister(self.close)
        stored = self._background.close(timeout)
        self._transport.close()
        return stored

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def begin_in_child(self) -> None:
        """Called in a child after a fork."""
        self._transport.drop_idle()
        self._background.begin()

    def _put(self, event: bytes) -> None:
        try:
            self._background.put(event)
        except QueueFullError as error:
            if not self._drop:
                raise
            self._background.lose(error, [event])

    def _report(self, error: BeatlineClientError, events: list[bytes]) -> None:
        self._on_error(error, [json.loads(event) for event in events])


def log_error(error: BeatlineClientError, events: Iterable[dict[str, Any]]) -> None:
    """What on_error does unless told otherwise."""
    log.error("%d event(s) not stored: %s", len(list(events)), error)


def sleep(seconds: float) -> bool:
    """Wait between attempts of an upload."""
    time.sleep(seconds)
    return True


CLIENTS: WeakSet[Client] = WeakSet()


def begin_in_child() -> None:
    """Locks, threads and connections do not survive a fork."""
    for client in CLIENTS:
        client.begin_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=begin_in_child)

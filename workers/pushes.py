"""Sends deliveries: one call of a provider at a time for each device and subject.

Who works on a delivery holds a lock that ends with the connection, so one whose worker was killed is free at
once. Each attempt is committed before the call, its outcome after it. An attempt without outcome may have
reached the device: the delivery is sent again with the same id, by which providers and devices know it
(docs/notifications.md has what each of them guarantees).
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any
from uuid import UUID

import structlog
from psycopg import Connection
from psycopg.rows import class_row

from beatline.notifications.channels import Message, Refused, Unavailable, Unregistered
from beatline.notifications.devices import target_of
from beatline.settings import Settings
from beatline.storage.queries import query
from beatline.storage.store import connected
from workers.maintenance import try_lock

log = structlog.get_logger()

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=15), timedelta(hours=1)
HASTY_ATTEMPTS = 5
REASON_LENGTH = 500


@dataclass(frozen=True)
class Delivery:
    """A delivery that is about to be sent. why_not: a reason to drop it, None when there is none."""

    delivery_id: UUID
    device_id: UUID
    channel: str
    target: dict[str, Any]
    attempts: int
    next_attempt_at: datetime
    expires_at: datetime
    kind: str
    severity: str
    title: str
    body: str
    path: str | None
    collapse: str
    created_at: datetime
    why_not: str | None

    def message(self, settings: Settings) -> Message:
        """What the device is sent."""
        same = {field.name for field in fields(Message)} & set(vars(self))
        return Message(**{name: getattr(self, name) for name in same}, url=url_of(settings, self.path))


@dataclass(frozen=True)
class Outcome:
    """What became of an attempt. state: of the delivery then; pause: until the next attempt, if it waits."""

    name: str
    state: str
    message: str | None = None
    provider_id: str | None = None
    pause: timedelta | None = None


def url_of(settings: Settings, path: str | None) -> str | None:
    """The address of a page of the console, where that is known."""
    return f"{settings.console_url.rstrip('/')}{path}" if settings.console_url and path else None


def send_push(settings: Settings, delivery_id: str, now: datetime) -> None:
    """Make one attempt to send a delivery that is due, unless somebody else is at it."""
    with connected(settings.database_url) as connection:
        delivery = begin(connection, UUID(delivery_id), now)
        if delivery is None:
            return
        started = time.monotonic()
        outcome = attempt(settings, delivery)
        seconds = time.monotonic() - started
        end(connection, delivery, outcome, now + timedelta(seconds=seconds), seconds)


def begin(connection: Connection, delivery_id: UUID, now: datetime) -> Delivery | None:
    """Take the lock and record an attempt. None when there is nothing to send, or somebody else sends to the
    device about the same subject."""
    subject = connection.execute(query("delivery_subject"), {"delivery_id": delivery_id}).fetchone()
    if subject is None or not try_lock(connection, f"beatline push {subject[0]} {subject[1]}"):
        return None
    with connection.transaction():
        delivery = read_delivery(connection, delivery_id)
        if delivery is None or delivery.next_attempt_at > now:
            return None
        parameters = {"delivery_id": delivery_id, "attempt": delivery.attempts + 1, "now": now}
        why_not = delivery.why_not
        if why_not or delivery.expires_at <= now:
            dropped = {"state": "dropped" if why_not else "expired", "reason": why_not}
            connection.execute(query("delivery_drop"), parameters | dropped)
            return None
        again_at = now + pause_after_death(delivery.attempts)
        connection.execute(query("delivery_begin"), parameters | {"next_attempt_at": again_at})
        connection.execute(query("delivery_attempt_add"), parameters)
    return delivery


def pause_after_death(attempts_before: int) -> timedelta:
    """How long a delivery waits if its worker dies: not at all, unless worker after worker dies with it."""
    deaths = attempts_before - HASTY_ATTEMPTS
    return timedelta() if deaths < 0 else pause(deaths, None)


def read_delivery(connection: Connection, delivery_id: UUID) -> Delivery | None:
    """A delivery that has not ended, held until the transaction ends."""
    with connection.cursor(row_factory=class_row(Delivery)) as rows:
        return rows.execute(query("delivery_to_send"), {"delivery_id": delivery_id}).fetchone()


def attempt(settings: Settings, delivery: Delivery) -> Outcome:
    """Call the provider."""
    try:
        provider_id = sender(delivery.channel)(
            target_of(delivery.target), delivery.message(settings), settings
        )
    except Unregistered as error:
        return Outcome("unregistered", "failed", str(error))
    except Refused as error:
        return Outcome("refused", "failed", str(error))
    except Unavailable as error:
        name = "unknown" if error.unknown else "unavailable"
        return Outcome(name, "waiting", str(error), pause=pause(delivery.attempts, error.retry_after))
    except Exception as error:  # a fault of ours: nobody knows how far it came
        log.exception("push failed", channel=delivery.channel, delivery_id=str(delivery.delivery_id))
        words = f"{type(error).__name__}: {error}"
        return Outcome("unknown", "waiting", words, pause=pause(delivery.attempts, None))
    return Outcome("sent", "sent", provider_id=provider_id)


def sender(channel: str) -> Any:
    """The function of a channel that sends. Imported here: some bring large libraries, which only those who
    use the channel should pay for."""
    return import_module(f"workers.channels.{channel}.send").send


def pause(attempts_before: int, retry_after: float | None) -> timedelta:
    """How long to wait: doubled each time, and a random part of it left out, so that what failed together
    does not come again together; never less than the provider asked for."""
    longest = min(FIRST_PAUSE * (1 << min(attempts_before, 20)), LONGEST_PAUSE)
    jittered = longest * random.uniform(0.5, 1)  # noqa: S311 - no secret
    return max(jittered, timedelta(seconds=retry_after or 0))


def end(connection: Connection, delivery: Delivery, outcome: Outcome, now: datetime, seconds: float) -> None:
    """Record what became of an attempt."""
    next_attempt_at = now + (outcome.pause or timedelta())
    expired = outcome.state == "waiting" and next_attempt_at >= delivery.expires_at
    parameters = {
        "delivery_id": delivery.delivery_id,
        "device_id": delivery.device_id,
        "attempt": delivery.attempts + 1,
        "outcome": outcome.name,
        "state": "expired" if expired else outcome.state,
        "message": as_reason(outcome.message),
        "provider_id": as_reason(outcome.provider_id),
        "next_attempt_at": next_attempt_at,
        "seconds": seconds,
        "now": now,
    }
    with connection.transaction():
        connection.execute(query("delivery_end"), parameters)
        connection.execute(query("delivery_attempt_end"), parameters)
        if outcome.state != "waiting":
            connection.execute(query("device_result"), parameters)


def as_reason(text: str | None) -> str | None:
    """What a provider said, as the database takes it."""
    return text and text.replace("\0", "")[:REASON_LENGTH]

"""From the outbox to devices and the live stream (docs/notifications.md).

A new notification is spread over the devices of its recipients: its deliveries are made in the transaction
that notes it, so exactly once. workers/pushes.py sends them.
"""

from __future__ import annotations

from contextlib import closing
from datetime import datetime, timedelta

import msgspec
import redis
import structlog
from psycopg import Connection
from psycopg.rows import class_row

from beatline.events import uuid7
from beatline.notifications.inbox import STREAMS, Streamed
from beatline.notifications.preferences import read_quiet_hours, send_at
from beatline.settings import Settings
from beatline.storage.queries import query
from beatline.storage.store import connected

log = structlog.get_logger()

MOST_AT_ONCE = 200  # notifications of one run; the next one begins within a second
LIFETIME = timedelta(days=1)  # of a delivery, from when it may be sent
STREAMED_WITHIN = timedelta(minutes=10)  # older ones are found in the inbox
VALKEY_SECONDS = 2
TRIMMED_AT_ONCE = 5_000


def spread_notifications(settings: Settings, now: datetime) -> None:
    """Make the deliveries of new notifications, and publish them to who watches."""
    with connected(settings.database_url) as connection:
        for _ in range(MOST_AT_ONCE):
            if not spread_next(connection, now):
                break
        stream(settings, connection, now)


def spread_next(connection: Connection, now: datetime) -> bool:
    """Make the deliveries of one notification that nobody else works on; false when there is none."""
    with connection.transaction():
        found = connection.execute(query("notification_to_spread")).fetchone()
        if found is None:
            return False
        notification_id, severity = found
        parameters = {"notification_id": notification_id, "lifetime": LIFETIME, "now": now}
        wanted = connection.execute(query("notification_devices"), parameters).fetchall()
        quiet = read_quiet_hours(connection, [account_id for account_id, _ in wanted])
        parameters |= {
            "delivery_ids": [uuid7() for _ in wanted],
            "device_ids": [device_id for _, device_id in wanted],
            "times": [send_at(quiet.get(account_id), severity, now) for account_id, _ in wanted],
        }
        connection.execute(query("deliveries_add"), parameters)
        connection.execute(query("notification_spread"), parameters)
    return True


def stream(settings: Settings, connection: Connection, now: datetime) -> None:
    """Publish what was spread. While Valkey is away it waits."""
    client = redis.Redis.from_url(
        str(settings.redis_url),
        socket_connect_timeout=VALKEY_SECONDS,
        socket_timeout=VALKEY_SECONDS,
        retry=None,
    )
    with closing(client):
        try:
            for _ in range(MOST_AT_ONCE):
                if not stream_next(client, connection, now):
                    break
        except redis.RedisError as error:
            log.warning("notifications not streamed", error=str(error).strip())


def stream_next(client: redis.Redis, connection: Connection, now: datetime) -> bool:
    """Publish one notification and note it; false when there is none. Who is killed in between publishes it
    again, and readers know it by its id. Raises redis.RedisError."""
    with connection.transaction():
        with connection.cursor(row_factory=class_row(Streamed)) as rows:
            found = rows.execute(query("notification_to_stream")).fetchone()
        if found is None:
            return False
        if found.created_at > now - STREAMED_WITHIN:
            publish(client, connection, found, now)
        parameters = {"notification_id": found.notification_id, "now": now}
        connection.execute(query("notification_streamed"), parameters)
    return True


def publish(client: redis.Redis, connection: Connection, told: Streamed, now: datetime) -> None:
    """Publish a notification to each recipient who wants it live, and not in their quiet hours."""
    message = msgspec.json.encode(told)
    parameters = {"notification_id": told.notification_id}
    wanted = [row[0] for row in connection.execute(query("notification_readers"), parameters)]
    quiet = read_quiet_hours(connection, wanted)
    for account_id in wanted:
        if send_at(quiet.get(account_id), told.severity, now) == now:
            client.publish(f"{STREAMS}{account_id}", message)


def trim_notifications(settings: Settings, now: datetime) -> None:
    """Forget old notifications with their deliveries, and devices that were gone before."""
    with connected(settings.database_url) as connection:
        before = {"before": now - timedelta(days=settings.notification_days), "most": TRIMMED_AT_ONCE}
        while connection.execute(query("trim_notifications"), before).rowcount:
            pass
        connection.execute(query("trim_devices"), before)

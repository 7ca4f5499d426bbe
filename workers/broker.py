"""The broker that the settings name: Valkey or Redis, or RabbitMQ."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing, suppress
from typing import Any
from urllib.parse import urlsplit

import redis
from dramatiq import Broker, Middleware
from dramatiq.brokers.redis import RedisBroker

from beatline.errors import StartError
from beatline.settings import Settings

REDIS, RABBITMQ = ("redis", "rediss", "unix"), ("amqp", "amqps")
SILENT_MS = 10_000  # then a process is taken for dead, and its messages go to others
VALKEY_OPTIONS: dict[str, Any] = {"socket_connect_timeout": 1, "socket_timeout": 1, "retry": None}
BLOCKED_SECONDS = 10.0  # that sending waits for a RabbitMQ that is short of memory or disk


def broker_url(settings: Settings) -> str:
    """Where the broker is. Raises StartError when it is of no known kind."""
    url = str(settings.broker_url or settings.redis_url)
    if urlsplit(url).scheme not in REDIS + RABBITMQ:
        raise StartError("BEATLINE_BROKER_URL must begin with redis://, rediss://, amqp:// or amqps://.")
    return url


def is_rabbitmq(settings: Settings) -> bool:
    """Whether the broker is RabbitMQ."""
    return urlsplit(broker_url(settings)).scheme in RABBITMQ


def open_broker(settings: Settings, middleware: Sequence[Middleware]) -> Broker:
    """A broker of Dramatiq, which connects when it is needed. Raises StartError."""
    url = broker_url(settings)
    if is_rabbitmq(settings):
        from dramatiq.brokers.rabbitmq import RabbitmqBroker  # noqa: PLC0415 - pika, only where it is used

        # Confirmed: who sends knows that RabbitMQ has the message, and hears when a queue is gone.
        rabbitmq = RabbitmqBroker(url=url, confirm_delivery=True, middleware=list(middleware))
        rabbitmq.parameters.blocked_connection_timeout = BLOCKED_SECONDS  # type: ignore[attr-defined]
        return rabbitmq
    return RedisBroker(url=url, heartbeat_timeout=SILENT_MS, middleware=list(middleware))  # type: ignore[no-untyped-call]


def queue_length(broker: Broker, queue: str) -> int:
    """How many messages wait in a queue. On Valkey also those that are being worked on.

    Raises redis.RedisError or pika.exceptions.AMQPError when the broker is away.
    """
    if isinstance(broker, RedisBroker):
        return int(broker.do_qsize(queue))
    from pika.exceptions import AMQPError  # noqa: PLC0415 - only with RabbitMQ

    broker.declare_queue(queue, ensure=True)  # type: ignore[call-arg]
    try:
        return int(broker.channel.queue_declare(queue, passive=True).method.message_count)  # type: ignore[attr-defined]
    except AMQPError:
        del broker.connection  # type: ignore[attr-defined] # the next caller makes a new one
        raise


def read_queue_lengths(settings: Settings, queues: Sequence[str]) -> dict[str, int] | None:
    """The same of several queues, by a connection of its own that does not wait long; None when the broker is
    away."""
    read = read_from_rabbitmq if is_rabbitmq(settings) else read_from_valkey
    return read(broker_url(settings), queues)


def read_from_valkey(url: str, queues: Sequence[str]) -> dict[str, int] | None:
    """The lengths of queues of Valkey."""
    try:
        with closing(redis.Redis.from_url(url, **VALKEY_OPTIONS)) as client:
            asked = client.pipeline(transaction=False)
            for queue in queues:
                asked.hlen(f"dramatiq:{queue}.msgs")
            return dict(zip(queues, asked.execute(), strict=True))
    except redis.RedisError:
        return None


def read_from_rabbitmq(url: str, queues: Sequence[str]) -> dict[str, int] | None:
    """The lengths of queues of RabbitMQ; one that is not there yet is empty."""
    import pika  # noqa: PLC0415 - only where it is used
    from pika.exceptions import AMQPError, ChannelClosedByBroker  # noqa: PLC0415

    parameters = pika.URLParameters(url)
    parameters.socket_timeout = parameters.stack_timeout = parameters.blocked_connection_timeout = 2
    lengths = dict.fromkeys(queues, 0)
    try:
        with closing(pika.BlockingConnection(parameters)) as connection:
            for queue in queues:
                with suppress(ChannelClosedByBroker):
                    declared = connection.channel().queue_declare(queue, passive=True)
                    lengths[queue] = int(declared.method.message_count)
    except (AMQPError, OSError):
        return None
    return lengths

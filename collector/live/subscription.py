"""A subscription of Valkey that is there again after every interruption, and notices when nobody answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import redis.asyncio
import structlog

log = structlog.get_logger()

SILENCE_SECONDS = 5.0  # after which Valkey is asked whether it is still there
PAUSES = (0.1, 0.2, 0.5, 1.0, 2.0)  # seconds before connecting again


async def keep_receiving(
    receive: Callable[[], Awaitable[None]], ready: asyncio.Event, on_away: Callable[[], None], **logged: Any
) -> None:
    """Receive for ever; after an error once more, later and later until ready was set.

    on_away: is called when it was set, and is not any more. logged: tells in the log what was interrupted.
    """
    failures = 0
    while True:
        try:
            await receive()
        except (redis.RedisError, OSError) as error:
            log.warning("subscription interrupted", error=str(error), **logged)
        except Exception:  # what is published is none of ours, or a fault of ours
            log.exception("subscription interrupted", **logged)
        failures = 0 if ready.is_set() else failures + 1
        if ready.is_set():
            ready.clear()
            on_away()
        await asyncio.sleep(PAUSES[min(failures, len(PAUSES) - 1)])


async def messages(subscription: redis.asyncio.client.PubSub) -> AsyncIterator[dict[str, Any]]:
    """What comes, the answers to subscribing among it.

    Raises RedisError, also when Valkey stays silent though it was asked.
    """
    asked = False
    while True:
        message = await subscription.get_message(timeout=SILENCE_SECONDS)
        if message is not None:
            yield message
        elif asked:
            raise redis.ConnectionError("Valkey does not answer")
        else:
            await subscription.ping()
        asked = message is None

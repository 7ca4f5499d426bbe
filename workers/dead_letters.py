"""Messages that failed for good, of any broker, kept in the table dead_letters (docs/workers.md)."""

from __future__ import annotations

import traceback

import msgspec
import structlog
from dramatiq.broker import Broker, MessageProxy
from dramatiq.middleware import Middleware

from beatline.errors import BeatlineError
from beatline.events import utc_now
from beatline.settings import Settings
from beatline.storage.queries import query
from beatline.storage.store import connected
from workers.runs import describe

log = structlog.get_logger()

TRACEBACK_LENGTH = 4_000  # its end, where the error is


class DeadLetters(Middleware):
    """Notes a message before the broker drops it. While the database is away, the log and for a week the
    broker's own dead letters have it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def before_nack(self, broker: Broker, message: MessageProxy) -> None:
        """Note a message that failed for good."""
        error = message._exception
        letter = {
            "queue": message.queue_name.removesuffix(".DQ"),
            "actor": message.actor_name,
            "arguments": msgspec.json.encode(message.args).decode().replace("\\u0000", ""),
            "error": describe(error) if error else "Failed",
            "traceback": "".join(traceback.format_exception(error))[-TRACEBACK_LENGTH:].replace("\0", ""),
            "now": utc_now(),
        }
        try:
            with connected(self.settings.database_url) as connection:
                connection.execute(query("dead_letter_add"), letter)
        except BeatlineError as problem:
            log.error("dead letter not noted", **letter | {"problem": str(problem)})

"""The routes of ingestion: which protocol each speaks and what success looks like.

Both forms of a path, with and without a trailing slash, are routes: a POST is never redirected
(CONTRACTS, section 11, pitfall 7).
"""

from __future__ import annotations

import msgspec

from collector.ingest.pipeline import Protocol
from collector.ingest.wire import (
    SimpleEvent,
    SimpleEventSchema,
    TrackedEvent,
    TrackedEventSchema,
)

track = msgspec.json.Decoder(TrackedEvent).decode

EVENTS = Protocol("events", msgspec.json.Decoder(SimpleEvent).decode, SimpleEventSchema)
TRACK = Protocol("track", track, TrackedEventSchema)
CAPTURE = Protocol("capture", track, TrackedEventSchema)
BATCH = Protocol("batch", track, TrackedEventSchema)

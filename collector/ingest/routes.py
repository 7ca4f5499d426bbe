"""What a route of ingestion is; each protocol's file has its own under ROUTES."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from collector.answers import Answer
from collector.ingest.collect import Collector
from collector.ingest.request import Request

Handler = Callable[[Collector, Request], Answer]


class Route(NamedTuple):
    """One route: its protocol's name in metrics, what answers it, the methods it takes. The front door adds
    its path.

    busy is the status that asks a client to slow down (posthog-js drops events on 429), detail whether a
    refusal has its message under `detail` too, where PostHog's clients read it (CONTRACTS, section 2).
    credentials is whether browsers send with cookies, so that answers must name their origin: posthog-js up
    to 1.200 does. We read none.
    """

    source: str
    handle: Handler
    methods: tuple[str, ...] = ("POST",)
    busy: int = 429
    detail: bool = False
    credentials: bool = False
    path: str = ""

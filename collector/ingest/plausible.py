"""Plausible's event API (CONTRACTS, section 8). It names no visitor: who came is told by a hash that changes
every day and that nobody can turn back, and the address is not stored."""

from __future__ import annotations

from functools import partial
from hashlib import blake2b
from typing import Any
from uuid import UUID

import msgspec

from beatline.errors import StorageError
from beatline.ingest.pipeline import Protocol, holds_nul
from beatline.ingest.wire import TrackedEvent
from collector.answers import Answer
from collector.ingest.collect import Collector
from collector.ingest.envelope import json_text
from collector.ingest.request import Refused, Request, malformed
from collector.ingest.routes import Route
from collector.ingest.translate import (
    Fields,
    fits,
    invalid,
    object_or_empty,
    read_fields,
    text,
    tracked,
    without_nulls,
)  # fmt: skip
from collector.ingest.user_agent import operating_system

EVENT_TYPES = {"pageview": "page_view", "engagement": "$engagement"}  # others keep their name
NAME, URL, DOMAIN, PROPS = ("n", "name"), ("u", "url"), ("d", "domain"), ("p", "props", "m")
PROPERTIES = {
    "$referrer": ("r", "referrer"),
    "$screen_width": ("w", "screen_width"),
    "$revenue": ("$", "revenue"),
    "$engagement_ms": ("e",),
    "$scroll_depth": ("sd",),
    "$interactive": ("i", "interactive"),
}  # and the fields they come from


def receive(collector: Collector, request: Request) -> Answer:
    """Store one event."""
    body = json_text(collector, request)
    try:
        fields = read_fields(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise malformed(f"Not valid JSON: {error}") from None
    domain = (text(first(fields, DOMAIN)) or "").lower()
    collector.authenticate(request, key_of(collector, domain))
    user_agent = request.header("User-Agent") or ""
    visitor = visitor_of(collector, request, domain, user_agent)
    decode = partial(translate, visitor=visitor, user_agent=user_agent)
    collector.many(request, Protocol("plausible", decode), [body])
    return Answer(200, b"ok", {"Content-Type": "text/plain; charset=utf-8"})


def translate(raw: bytes | msgspec.Raw, visitor: str, user_agent: str) -> TrackedEvent:
    """An event as the canonical one. Raises msgspec.ValidationError when it has no name or no URL."""
    fields = read_fields(raw)
    name, url = text(first(fields, NAME)), text(first(fields, URL))
    if name is None:
        raise invalid("n", "Missing data for required field.")
    if url is None:
        raise invalid("u", "Missing data for required field.")
    os_name, os_version = operating_system(user_agent)
    properties = properties_of(fields)
    if not fits("page_url", url):
        properties["$url"] = url
    return tracked(
        event_type=EVENT_TYPES.get(name, name),
        anonymous_id=visitor,
        page_url=url if fits("page_url", url) else None,
        os_name=os_name,
        os_version=os_version,
        properties=properties,
    )


def first(fields: Fields, names: tuple[str, ...]) -> Any:
    """The value under the first name that has one: trackers write letters, servers words."""
    return next((fields[name] for name in names if fields.get(name) is not None), None)


def properties_of(fields: Fields) -> Fields:
    """The event's own properties, and what the tracker measured."""
    own = first(fields, PROPS)
    if isinstance(own, str):
        own = parsed(own)
    measured = {name: first(fields, names) for name, names in PROPERTIES.items()}
    return without_nulls(object_or_empty(own) | measured)


def parsed(props: str) -> Any:
    """Properties that came as JSON in a text. Raises msgspec.ValidationError when they cannot be stored."""
    try:
        own = msgspec.json.decode(props)
    except msgspec.MsgspecError as error:
        raise invalid("p", f"Not valid JSON: {error}") from None
    if holds_nul(own):
        raise invalid("p", "NUL characters cannot be stored.")
    return own


def key_of(collector: Collector, domain: str) -> str | None:
    """The domain, when it is a write key. Where every other one goes to the default project, no event waits
    for a query: a domain that became a key within the last second may be overlooked."""
    directory = collector.projects.directory
    if collector.settings.open_ingest and directory is not None:
        return domain if domain in directory.by_key else None
    return domain or None


def visitor_of(collector: Collector, request: Request, domain: str, user_agent: str) -> str:
    """Who came, for today. Raises Refused while the day's salt cannot be read."""
    try:
        salt = collector.projects.visitor_salt(request.received_at.date())
    except StorageError:
        raise Refused(503, "unavailable", "Visitors cannot be told apart now.", retry_after=5) from None
    return hashed(salt, request.address(collector.settings.trusted_proxies), user_agent, domain)


def hashed(salt: UUID, *parts: str) -> str:
    """A keyed hash of the parts."""
    content = "\0".join(parts).encode(errors="replace")
    return blake2b(content, key=salt.bytes, digest_size=16).hexdigest()


ROUTES: dict[str, Route] = {"/api/event": Route("plausible", receive, busy=503)}

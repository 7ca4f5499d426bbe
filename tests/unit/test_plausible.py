"""Plausible's events as canonical ones (CONTRACTS, sections 8 and 9), and who sent them."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import msgspec
import pytest

from beatline.ingest.wire import TrackedEvent
from collector.ingest.plausible import hashed, translate

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Mobile/15E148"
)
SALT = UUID(int=1)
PAGE = {"n": "pageview", "u": "https://shop.example/a", "d": "shop.example"}


def translated(fields: dict[str, Any], user_agent: str = "") -> TrackedEvent:
    """The event that a tracker's becomes."""
    return translate(json.dumps(fields).encode(), "visitor", user_agent)


EVENTS: dict[str, tuple[dict[str, Any], str, dict[str, Any]]] = {
    "page view": (PAGE | {"r": None, "h": 1, "v": 36}, "page_view", {}),
    "properties": (PAGE | {"n": "Signup", "p": {"plan": "pro", "x": None}}, "Signup", {"plan": "pro"}),
    "properties in a text": (PAGE | {"n": "Signup", "p": '{"plan":"pro"}'}, "Signup", {"plan": "pro"}),
    "properties that are none": (PAGE | {"p": "[1]"}, "page_view", {}),
    "engagement": (
        {"n": "engagement", "u": PAGE["u"], "d": "a", "e": 4_378, "sd": 100},
        "$engagement",
        {"$engagement_ms": 4_378, "$scroll_depth": 100},
    ),
    "everything": (
        PAGE | {"r": "https://a/", "w": 390, "i": False, "$": {"amount": "9.99", "currency": "EUR"}},
        "page_view",
        {
            "$referrer": "https://a/",
            "$screen_width": 390,
            "$interactive": False,
            "$revenue": {"amount": "9.99", "currency": "EUR"},
        },
    ),
    "long names": (
        {
            "name": "Signup",
            "url": PAGE["u"],
            "domain": "a",
            "props": {"plan": "pro"},
            "referrer": "https://a/",
        },
        "Signup",
        {"plan": "pro", "$referrer": "https://a/"},
    ),
}


@pytest.mark.parametrize(("fields", "event_type", "properties"), EVENTS.values(), ids=EVENTS)
def test_an_event_becomes_a_canonical_one(
    fields: dict[str, Any], event_type: str, properties: dict[str, Any]
) -> None:
    event = translated(fields, IPHONE)
    assert event == TrackedEvent(
        event_type,
        anonymous_id="visitor",
        page_url=PAGE["u"],
        os_name="iOS",
        os_version="18.1",
        properties=properties,
    )


def test_an_url_too_long_for_its_column_is_a_property() -> None:
    url = "https://shop.example/" + "x" * 3_000
    event = translated(PAGE | {"u": url})
    assert (event.page_url, event.properties) == (None, {"$url": url})


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no name": (PAGE | {"n": ""}, "n:"),
    "no URL": (PAGE | {"u": None}, "u:"),
    "properties that are no JSON": (PAGE | {"p": "{"}, "p:"),
    "properties with NUL, hidden twice": (PAGE | {"p": '{"a":"\\u0000"}'}, "p: NUL"),
    "a name too long": (PAGE | {"n": "x" * 129}, "event_type"),
}


@pytest.mark.parametrize(("fields", "named"), REFUSED.values(), ids=REFUSED)
def test_an_event_that_lacks_something_is_refused_by_its_name(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=named):
        translated(fields)


def test_a_visitor_is_known_by_salt_address_user_agent_and_site() -> None:
    visitor = hashed(SALT, "192.0.2.1", "UA", "shop.example")
    assert visitor == hashed(SALT, "192.0.2.1", "UA", "shop.example")
    others = {
        hashed(UUID(int=2), "192.0.2.1", "UA", "shop.example"),
        hashed(SALT, "192.0.2.2", "UA", "shop.example"),
        hashed(SALT, "192.0.2.1", "AU", "shop.example"),
        hashed(SALT, "192.0.2.1", "UA", "other.example"),
        hashed(SALT, "192.0.2.1U", "A", "shop.example"),
    }
    assert len(others | {visitor}) == 6
    assert "192" not in visitor

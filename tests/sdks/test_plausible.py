"""Plausible's trackers, unchanged: what each event is stored as (CONTRACTS, sections 8 and 9)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from psycopg import Connection

from tests.sdks.conftest import Send
from tests.sdks.releases import PLAUSIBLE, Release
from tests.sdks.stored import ABSENT, CLOCK, by_type, canonical, columns_of, read_rows

OLD = {
    "page_view": {"theme": "dark", "$screen_width": 1280},
    "Signup": {"plan": "pro", "$screen_width": 1280},
    "Outside Link": {"$referrer": "https://search.example/", "$screen_width": 390},
}
CURRENT = {
    "page_view": {},
    "Signup": {"plan": "pro"},
    "Purchase": {"$revenue": {"amount": "9.99", "currency": "EUR"}, "$interactive": False},
    "Outside Link": {},
    "$engagement": {"$scroll_depth": 100},
}


@pytest.mark.parametrize("release", PLAUSIBLE, ids=lambda release: release.name)
def test_given_every_event_then_each_is_stored_as_what_it_means(
    release: Release, send: Send, database: Connection
) -> None:
    run = send(release)
    rows = by_type(read_rows(database, run))
    engaged = rows.get("$engagement", {"properties": {}})["properties"].pop("$engagement_ms", 1)
    assert engaged > 0
    properties = OLD if release.name == "plausible-old" else CURRENT
    assert {kind: row["properties"] for kind, row in rows.items()} == properties
    (visitor,) = {row["anonymous_id"] for row in rows.values()}
    assert visitor
    for name, item in run.sent().items():
        row = rows[canonical(name)]
        page = {"page_url": item["u"], "os_name": "Linux", "anonymous_id": visitor}
        assert columns_of(row) == ABSENT | page, name
        assert timedelta(0) <= row["received_at"] - row["ts"] < CLOCK, name

"""Segment's and RudderStack's SDKs, unchanged: what each call is stored as (CONTRACTS, sections 3, 4, 5, 9
and 10)."""

from __future__ import annotations

import pytest
from psycopg import Connection

from tests.fixtures.rows import Row
from tests.sdks import wire
from tests.sdks.conftest import Send
from tests.sdks.releases import RUDDERSTACK, SEGMENT, Release
from tests.sdks.runs import Run
from tests.sdks.stored import (
    ABSENT,
    Columns,
    assert_identity_and_time,
    by_type,
    canonical,
    columns_of,
    read_aliases,
    read_groups,
    read_rows,
    read_users,
)

USER = {"user_id": "usr_1"}
VISITOR = {"anonymous_id": "anon_1"}
PHONE = {
    "device_id": "dev_1",
    "page_url": "https://shop.example/checkout",
    "app_version": "1.2.3",
    "os_name": "iOS",
    "os_version": "18.1",
}
ON_SERVERS: dict[str, Columns] = {
    "Product Viewed": VISITOR,
    "$identify": USER | VISITOR,
    "Order Completed": USER | VISITOR | PHONE,
    "page_view": USER | {"page_url": "https://shop.example/pricing"},
    "screen_view": USER | PHONE,
    "$group": USER,
    "$alias": USER | {"anonymous_id": "anon_0"},
    "Order Imported": USER,
}
IN_BROWSERS: dict[str, Columns] = {
    "Product Viewed": VISITOR,
    "$identify": USER | VISITOR,
    "Order Completed": USER | VISITOR,
    "page_view": VISITOR,
    "screen_view": USER | VISITOR,
    "$group": USER | VISITOR,
    "$alias": USER | {"anonymous_id": "anon_0"},
    "Order Imported": USER | VISITOR,
}
PROPERTIES = {
    "Product Viewed": {"sku": "A-1"},
    "$identify": {"email": "ada@example.com", "plan": "pro"},
    "Order Completed": {
        "total": 9.99,
        "currency": "EUR",
        "items": [{"sku": "A-1", "count": 2}],
        "$gift/card.no": "ü",
    },
    "page_view": {"name": "Pricing", "category": "Docs", "title": "Pricing"},
    "screen_view": {"name": "Settings", "category": "Account", "tab": "billing"},
    "$group": {"name": "Acme", "seats": 5},
    "Order Imported": {"total": 1},
}


TRAITS = {"email": "ada@example.com", "plan": "pro"}


@pytest.mark.parametrize("release", [*SEGMENT, *RUDDERSTACK], ids=lambda release: release.name)
def test_given_every_call_then_each_is_stored_as_what_it_means(
    release: Release, send: Send, database: Connection
) -> None:
    run = send(release)
    rows = by_type(read_rows(database, run))
    assert {kind: columns_of(row) for kind, row in rows.items()} == expected_columns(run)
    assert_identity_and_time(run, rows)
    for kind, row in rows.items():
        assert row["properties"].items() >= PROPERTIES.get(kind, {}).items(), kind
        assert "nothing" not in row["properties"]
    assert_context_kept(run, rows)
    assert read_users(database, run) == {"usr_1": TRAITS}
    assert read_aliases(database, run) == {("anon_0", "usr_1"), ("anon_1", "usr_1")}
    assert read_groups(database, run) == {("group", "grp_1"): {"name": "Acme", "seats": 5}}


def expected_columns(run: Run) -> dict[str, Columns]:
    """The columns of each event: the same constants for every release, and what the browser adds."""
    if not run.release.in_browser:
        return {kind: ABSENT | columns for kind, columns in ON_SERVERS.items()}
    return {
        canonical(name): ABSENT | IN_BROWSERS[canonical(name)] | browser_columns(item)
        for name, item in run.sent().items()
    }


def browser_columns(item: wire.Item) -> Columns:
    """The page, the system, and RudderStack's session."""
    context = item["context"]
    session = context.get("sessionId")
    return {
        "page_url": context["page"]["url"],
        "os_name": "Linux",
        "session_id": str(session) if session else None,
    }


def assert_context_kept(run: Run, rows: dict[str, Row]) -> None:
    """What has no column of its own is kept beside the properties."""
    for name, item in run.sent().items():
        kept = rows[canonical(name)]["properties"]["$context"]
        for part in ("library", "locale", "campaign", "userAgent", "timezone"):
            assert kept.get(part) == item["context"].get(part), name
